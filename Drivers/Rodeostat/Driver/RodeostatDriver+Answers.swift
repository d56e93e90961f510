// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an answer means. One that is not what its question asks for changes nothing: the question stands until its
// deadline.

import CyclerModel
import InstrumentKit
import Quantities

extension RodeostatDriver {
  /// Takes an object for the answer to what is under way; whether it was.
  mutating func takeAnswer(_ object: LineObject, _ now: HostInstant, _ outputs: inout DriverOutputs) -> Bool {
    guard let pending, let succeeded = object.truth("success"), let answer = object.object("response") else {
      return false
    }
    let isNamed = answer.says(pending.exchange.command, for: "command")
    guard succeeded else {
      // The name of a command that it does not know is in its words alone.
      guard let message = object.string("message"),
        isNamed || message == "command, \(pending.exchange.command), not found"
      else { return false }
      return takeFailure(message, pending, now, &outputs)
    }
    guard isNamed, object.count == 2 else { return false }
    if pending.isFence {
      guard meets(pending.exchange, answer) else { return false }
      synchronised(now, &outputs)
      return true
    }
    switch pending.exchange.expected {
    case .current(let scale): return takeMeasured(answer.number("i"), scale, \.currents, now, &outputs)
    case .voltage(let scale): return takeMeasured(answer.number("r"), scale, \.voltages, now, &outputs)
    case .anything:
      guard found.take(answer, to: pending.exchange.command) else { return false }
    case .doneOrAbsent where pending.exchange.command == "setMuxEnabled": found.hasMultiplexer = true
    case .done, .doneOrAbsent, .truth, .text, .whole, .parameters:
      guard meets(pending.exchange, answer) else { return false }
    }
    answered(pending.exchange, now, &outputs)
    return true
  }

  /// Whether an answer says what it should.
  private mutating func meets(_ exchange: Exchange, _ answer: LineObject) -> Bool {
    let isMet =
      switch exchange.expected {
      case .done, .doneOrAbsent, .anything, .current, .voltage: true
      case .truth(let key, let wanted): answer.truth(key) == wanted
      case .text(let key, let wanted): answer.says(wanted, for: key)
      case .whole(let key, let wanted): answer.number(key)?.whole == wanted
      case .parameters(let wanted): Self.meets(wanted, answer.object("param"))
      }
    if !isMet { unmet = exchange.command }
    return isMet
  }

  private static func meets(_ wanted: [Exchange.Parameter], _ answer: LineObject?) -> Bool {
    guard let answer, answer.count == wanted.count else { return false }
    return wanted.allSatisfy { parameter in answer.number(parameter.name).map { parameter.isMet(by: $0) } == true }
  }

  /// It says that it did not do it.
  private mutating func takeFailure(
    _ message: String, _ pending: Pending, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    switch pending.exchange.expected {
    case .doneOrAbsent:
      if pending.exchange.command == "setAllElectConnected" { found.hasSwitches = false }
      answered(pending.exchange, now, &outputs)
    case .truth where purpose == .opening && !found.hasSwitches:
      answered(pending.exchange, now, &outputs)
    default:
      let fault = Fault(.instrumentRefused, "to \(pending.exchange.command) the instrument says: \(message)")
      self.pending = nil
      misses = 0
      refuse(fault, now, &outputs)
    }
    return true
  }

  /// What was asked for cannot be had.
  mutating func refuse(_ fault: Fault, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else {
      isUndrivable = true
      purpose = .none
      exchanges = []
      outputs.events.append(.fault(channel: nil, fault))
      return
    }
    disconnect(course.hasBegun ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
  }

  // MARK: - The next step

  /// A question is answered as it should be.
  mutating func answered(_ exchange: Exchange, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    let askedAt = pending?.askedAt ?? now
    pending = nil
    place += 1
    if exchange.command == "stopTest" { noteStopped(now) }
    if exchange.command == "runTest" { testBegan(askedAt, now, &outputs) }
    if self.exchange == nil { isDone(now, &outputs) } else { askNext(now, &outputs) }
  }

  private mutating func isDone(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    let done = purpose
    purpose = .none
    misses = 0
    switch done {
    case .opening:
      ask(IdentityAnswers.questions, for: .identifying, now, &outputs)
    case .identifying: identified(&outputs)
    case .confirming: outputs.events.append(.circuit(channel: 0, .openConfirmed))
    case .arming: armed(now, &outputs)
    case .ranging: restRanged(now, &outputs)
    case .renewing: renewed(now)
    case .ending(let end): ended(end, &outputs)
    case .refusing(let fault):
      guard let course else { return }
      self.course = nil
      outputs.events.append(.circuit(channel: 0, .openConfirmed))
      outputs.events.append(.refused(channel: 0, course.token, fault))
    case .measuring(let moment): finish(moment, now, &outputs)
    case .resting(let since): finishRest(since, now, &outputs)
    case .none, .beginning, .looking: return
    }
  }

  private mutating func identified(_ outputs: inout DriverOutputs) {
    let variant = found.variant ?? ""
    guard found.hasSwitches, var model = RodeostatModel(named: variant) else {
      isUndrivable = true
      let fault = Fault(
        .linkIdentity,
        "the instrument says that it is `\(variant)`; without switches at its electrodes (hardware V0.2) no cell can be "
          + "disconnected")
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: nil, fault))
      return
    }
    model.bits = found.hasMultiplexer ? 16 : 12
    let identity = InstrumentIdentity(
      family: Self.descriptor.family, model: model.name, serial: found.serial ?? "", firmware: found.firmware ?? "",
      capabilities: model.capabilities)
    self.model = model
    self.identity = identity
    outputs.events.append(.identified(identity))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
  }

  // MARK: - The end

  /// What runs was stopped; with it the electrodes were disconnected.
  private mutating func noteStopped(_ now: HostInstant) {
    guard let course, course.isClosed, course.openedAt == nil else { return }
    self.course?.openedAt = max(course.expected(now), course.lastTime)
    self.course?.isRunning = false
  }

  /// The cell is confirmed to be disconnected.
  private mutating func ended(_ end: SetpointEnd, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    self.course = nil
    if course.isClosed {
      let at = course.openedAt ?? course.lastTime
      if course.momentIsLost { outputs.events.append(.circuitMarkLost(channel: 0, at: at)) }
      outputs.events.append(.circuitOpened(channel: 0, at: at))
    }
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    outputs.events.append(.ended(channel: 0, course.token, end))
  }
}
