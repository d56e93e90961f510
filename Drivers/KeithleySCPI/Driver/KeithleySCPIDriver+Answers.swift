// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an answer means. An answer that is not exactly what its question asks for changes nothing: the question stands
// until its deadline and is then asked again under another number.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleySCPIDriver {
  /// Takes a line for the answer to what is under way, if it is.
  mutating func take(_ line: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if pending?.question == .languageAlone { return takeLanguageAlone(line, now, &outputs) }
    guard let pending, Self.carries(pending.number, line) else {
      if !line.isEmpty, !Self.isNumbered(line) { damagedMessages += 1 }
      return
    }
    if case .measure(let restartsClock) = pending.question {
      takeMeasurement(line, restartsClock, now, &outputs)
      return
    }
    // Text to its last byte: a conversion of numbers would stop at a zero byte and call the rest of it right.
    guard line.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      damagedMessages += 1
      return
    }
    let answer = String(decoding: line.dropFirst(4), as: UTF8.self)
    let isUnderstood =
      switch pending.question {
      case .safe: takeSafe(answer, now, &outputs)
      case .identity(let before): takeIdentity(answer, before, now, &outputs)
      case .language: takeLanguage(answer, now, &outputs)
      case .setup: takeSetup(answer, now, &outputs)
      case .errors(let first, let isExplained): takeError(answer, first, isExplained, now, &outputs)
      case .close, .checkClosed: takeClosed(answer, pending, now, &outputs)
      case .languageAlone, .measure: false
      }
    if !isUnderstood { damagedMessages += 1 }
  }

  /// Whether a line answers some question of ours, be it late or left.
  private static func isNumbered(_ line: UnsafeRawBufferPointer) -> Bool {
    guard line.count >= 3 else { return false }
    let digits = line[..<3].map { Int($0) - Int(UInt8(ascii: "0")) }
    guard digits.allSatisfy((0...9).contains) else { return false }
    let number = digits.reduce(0) { $0 * 10 + $1 }
    return numbers.contains(number) && carries(number, line)
  }

  /// Whether a line begins with a question's number, and more or nothing follows.
  private static func carries(_ number: Int, _ line: UnsafeRawBufferPointer) -> Bool {
    guard line.count >= 3, line.count == 3 || line[3] == UInt8(ascii: ";") else { return false }
    let zero = Int(UInt8(ascii: "0"))
    return Int(line[0]) == zero + number / 100 && Int(line[1]) == zero + number / 10 % 10
      && Int(line[2]) == zero + number % 10
  }

  /// The question is answered; the next may be asked.
  private mutating func answered() {
    pending = nil
    misses = 0
  }

  // MARK: Disconnected

  private mutating func takeSafe(_ answer: String, _ now: HostInstant, _ outputs: inout DriverOutputs) -> Bool {
    let parts = answer.split(separator: ";", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return false }
    guard parts[1].uppercased().hasPrefix("HIMP"), parts[2] == "0" else {
      // Acknowledged and not carried out: it stays unanswered, and is asked again.
      return parts[2] == "0" || parts[2] == "1"
    }
    var time: TimeSpan?
    switch dialect {
    case .series2400:
      time = Self.seconds(parts[0])
      guard time != nil else { return false }
    case .interactive: guard parts[0].uppercased().hasPrefix("HIMP") else { return false }
    }
    answered()
    noteOpened(instrument: time, now, &outputs)
    afterDisconnection(now, &outputs)
    return true
  }

  /// The moment at which it was disconnected: the instrument's, where it tells one; otherwise that of its answer.
  private mutating func noteOpened(instrument: TimeSpan?, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var active, active.isClosed else { return }
    active.isClosed = false
    guard active.hasBegun else {
      self.active = active
      return
    }
    let said = instrument.flatMap { active.clockIsLost ? nil : active.plausible(active.offset + $0, now) }
    let at = max(active.lastTime, said ?? active.expectedTime(now))
    if active.momentIsLost || (said == nil && dialect == .series2400) {
      outputs.events.append(.circuitMarkLost(channel: 0, at: at))
    }
    outputs.events.append(.circuitOpened(channel: 0, at: at))
    active.momentIsLost = false
    active.lastTime = at
    active.lastHost = now
    self.active = active
  }

  private mutating func afterDisconnection(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    switch purpose {
    case .opening: setUp(.opening, now, &outputs)
    case .confirming: outputs.events.append(.circuit(channel: 0, .openConfirmed))
    case .watching: return
    case .arming: setUp(.driving, now, &outputs)
    case .handingOver(let target): setUp(.handingOver(target), now, &outputs)
    case .ending(let end):
      guard let active else { return }
      self.active = nil
      outputs.events.append(.circuit(channel: 0, .openConfirmed))
      outputs.events.append(.ended(channel: 0, active.token, end))
    case .refusing(let fault):
      guard let active else { return }
      self.active = nil
      outputs.events.append(.circuit(channel: 0, .openConfirmed))
      outputs.events.append(.refused(channel: 0, active.token, fault))
    }
  }

  /// Begins to send the lines of a phase.
  private mutating func setUp(_ phase: Phase, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    self.phase = phase
    setupRepeats = 0
    switch phase {
    case .opening: lines = SetupLine.opening(dialect)
    case .findingOpenVoltage:
      lines = armed
      active?.sourced = .current
    case .driving:
      lines = armed
      let sourced = active?.plan.sourced ?? .current
      active?.sourced = sourced
    case .handingOver(let target):
      lines = active?.plan.hold(target) ?? []
      active?.sourced = .voltage
    }
    ask(.setup, now, &outputs)
  }

  /// Begins to find the open-circuit voltage, or a rest.
  mutating func prepare(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let active else { return }
    armed = [SetupLine.isStillSetUp(dialect)] + SetupLine.zeroCurrent(of: active.plan.model)
    setUp(active.isRest ? .driving : .findingOpenVoltage, now, &outputs)
  }

  // MARK: Who it is

  private mutating func takeIdentity(
    _ answer: String, _ before: String?, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    let parts = answer.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
    guard parts.count == 4, answer.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }),
      parts[0].uppercased().hasPrefix("KEITHLEY"), !parts[2].isEmpty
    else { return false }
    answered()
    // Two answers that agree: a digit of the serial number that was lost would make another instrument of it.
    guard before == answer else {
      ask(.identity(answer), now, &outputs)
      return true
    }
    guard let model = KeithleyModel.allCases.first(where: { $0.identification == parts[1].uppercased() }) else {
      isUndrivable = true
      let known = KeithleyModel.allCases.map(\.rawValue).joined(separator: ", ")
      let fault = Fault(.linkIdentity, "the instrument says that it is `\(answer)`; the driver knows \(known)")
      outputs.events.append(.fault(channel: nil, fault))
      return true
    }
    self.model = model
    dialect = model.dialect
    identity = InstrumentIdentity(
      family: Self.descriptor.family, model: model.rawValue, serial: parts[2], firmware: parts[3],
      capabilities: model.capabilities)
    switch dialect {
    case .series2400: disconnect(.opening, now, &outputs)
    case .interactive: ask(.language, now, &outputs)
    }
    return true
  }

  private mutating func takeLanguage(_ answer: String, _ now: HostInstant, _ outputs: inout DriverOutputs) -> Bool {
    switch answer {
    case "SCPI":
      answered()
      disconnect(.opening, now, &outputs)
    case "SCPI2400":
      answered()
      // It understands a 2400's words for being disconnected.
      dialect = .series2400
      refuseLanguage(answer, &outputs)
      disconnect(.confirming, now, &outputs)
    case "TSP":
      answered()
      disconnectInTSP(&outputs)
    default: return false
    }
    return true
  }

  /// The answer to a question that has no number. Only the name of a command set is one.
  private mutating func takeLanguageAlone(
    _ line: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard line.elementsEqual("TSP".utf8) else {
      if !line.isEmpty { damagedMessages += 1 }
      return
    }
    answered()
    disconnectInTSP(&outputs)
  }

  /// Whether it carried this out cannot be asked.
  private mutating func disconnectInTSP(_ outputs: inout DriverOutputs) {
    speaksTSP = true
    outputs.writes.append(contentsOf: ScpiDialect.preludeInTSP.utf8)
    outputs.events.append(.circuit(channel: 0, .unknown))
    refuseLanguage("TSP", &outputs)
  }

  private mutating func refuseLanguage(_ language: String, _ outputs: inout DriverOutputs) {
    isUndrivable = true
    identity = nil
    let fault = Fault(
      .linkIdentity,
      "the instrument's command set is \(language), and the driver speaks SCPI: send it `*LANG SCPI`, or choose MENU, "
        + "Settings, Command Set, SCPI at its front; then switch it off and on, and open the port again")
    outputs.events.append(.fault(channel: nil, fault))
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  // MARK: Set up

  private mutating func takeSetup(_ answer: String, _ now: HostInstant, _ outputs: inout DriverOutputs) -> Bool {
    guard let line = lines.first else { return false }
    let parts = answer.split(separator: ";", maxSplits: line.expected.count, omittingEmptySubsequences: false)
    // A question that the instrument did not understand is missing in front of the error that says so.
    guard let error = parts.last.flatMap({ Self.error($0) }) else {
      // A 2450 leaves a line at the first command that it does not take: only the number came.
      guard answer.isEmpty, dialect == .interactive else { return false }
      answered()
      askWhySilent(now, &outputs)
      return true
    }
    if case .found(let fault) = error {
      answered()
      ask(.errors(fault, isExplained: true), now, &outputs)
      return true
    }
    guard parts.count == line.expected.count + 1 else { return false }
    let unmet = zip(line.expected, parts).first { !$0.0.isMet(by: $0.1) }
    if unmet != nil, line == SetupLine.isStillSetUp(dialect) {
      answered()
      lines.replaceSubrange(0..<1, with: SetupLine.opening(dialect))
      ask(.setup, now, &outputs)
      return true
    }
    if let unmet {
      // The line could have swallowed a digit: once more, and then it is believed.
      guard setupRepeats > 0 else {
        setupRepeats += 1
        ask(.setup, now, &outputs)
        return true
      }
      answered()
      let fault = Fault(.instrumentSetpointNotFollowed, "after `\(line.text)` the instrument says `\(unmet.1)`")
      refuse(fault, now, &outputs)
      return true
    }
    answered()
    setupRepeats = 0
    lines.removeFirst()
    if lines.isEmpty { isSetUp(now, &outputs) } else { ask(.setup, now, &outputs) }
    return true
  }

  private mutating func isSetUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard phase == .opening else {
      ask(.close, now, &outputs)
      return
    }
    guard let identity else { return }
    outputs.events.append(.identified(identity))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
  }

  private mutating func takeError(
    _ answer: String, _ first: Fault, _ isExplained: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard let error = Self.error(Substring(answer)) else { return false }
    answered()
    if case .found(let fault) = error {
      // The queue holds ten, or a thousand; each question takes one out.
      let told = isExplained ? first : Fault(first.code, "\(first.detail); \(fault.detail)")
      ask(.errors(told, isExplained: true), now, &outputs)
    } else {
      refuse(first, now, &outputs)
    }
    return true
  }

  /// The instrument cannot be brought to where it should be.
  private mutating func refuse(_ fault: Fault, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let active else {
      isUndrivable = true
      outputs.events.append(.fault(channel: nil, fault))
      return
    }
    disconnect(active.hasBegun ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
  }

  /// An entry of the error queue.
  private enum QueueEntry {
    case none
    case found(Fault)
  }

  /// `0,"No error"`, `-113,"Undefined header"`, `+803,"Not permitted with OUTPUT off"`, or of a 2450
  /// `-113,"Undefined header;1;2026/01/31 12:57:04.484"`; nil for what is none. Errors of asking (-410 interrupted,
  /// -420 unterminated, -430, -440) come of questions that were overtaken and not of anything that was set: they count
  /// as none.
  private static func error(_ answer: Substring) -> QueueEntry? {
    guard let comma = answer.firstIndex(of: ","), let number = Int(answer[..<comma]), answer.last == "\"",
      answer[answer.index(after: comma)...].first == "\"", answer.utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
    else { return nil }
    let isOfAsking = (-440 ... -410).contains(number)
    return number == 0 || isOfAsking
      ? QueueEntry.none : .found(Fault(.instrumentError, "the instrument says \(answer)"))
  }

  // MARK: Switched on

  private mutating func takeClosed(
    _ answer: String, _ pending: Pending, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    // A 2450 tells no time.
    let first = dialect == .series2400 ? 1 : 0
    let parts = answer.split(separator: ";", maxSplits: first + 1, omittingEmptySubsequences: false)
    guard parts.count == first + 2, parts[first] == "0" || parts[first] == "1", let error = Self.error(parts[first + 1])
    else {
      // A 2450 leaves a line whose command it refuses: why, is asked at once.
      guard answer.isEmpty, dialect == .interactive, pending.question == .close else { return false }
      answered()
      ask(.checkClosed, now, &outputs)
      return true
    }
    let time = first == 0 ? nil : Self.seconds(parts[0])
    guard first == 0 || time != nil else { return false }
    answered()
    if case .found(let fault) = error {
      ask(.errors(fault, isExplained: true), now, &outputs)
    } else if parts[first] == "0" {
      if pending.question == .checkClosed, !closeWasRepeated {
        // The line that switches on was lost, not its answer.
        closeWasRepeated = true
        ask(.close, now, &outputs)
      } else {
        refuse(Fault(.instrumentSetpointNotFollowed, "it does not switch its output on"), now, &outputs)
      }
    } else {
      isClosed(instrument: time, isExact: pending.question == .close, sentAt: pending.sentAt, now, &outputs)
    }
    return true
  }

  private mutating func isClosed(
    instrument time: TimeSpan?, isExact: Bool, sentAt: HostInstant, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard var active else { return }
    active.isClosed = true
    active.momentIsLost = false
    active.nextMeasurement = now
    switch phase {
    case .opening: return
    case .findingOpenVoltage:
      active.lastHost = now
      self.active = active
      ask(.measure(restartsClock: false), now, &outputs)
      return
    case .driving: begin(&active, instrument: time, isExact: isExact, sentAt: sentAt, now, &outputs)
    case .handingOver:
      active.lastHost = now
      let said = time.flatMap { active.plausible(active.offset + $0, now) }
      let at = max(active.lastTime, said ?? active.expectedTime(now))
      active.lastTime = at
      active.hosted.held(at: at)
      if !isExact || (said == nil && dialect == .series2400) {
        outputs.events.append(.circuitMarkLost(channel: 0, at: at))
      }
      outputs.events.append(.circuitClosed(channel: 0, at: at))
      outputs.events.append(.holdBegan(channel: 0, at: at))
      phase = .driving
    }
    outputs.events.append(.circuit(channel: 0, .closed))
    self.active = active
    measure(now, &outputs)
  }

  /// A set-point's first closed circuit.
  private func begin(
    _ active: inout Active, instrument time: TimeSpan?, isExact: Bool, sentAt: HostInstant, _ now: HostInstant,
    _ outputs: inout DriverOutputs
  ) {
    active.hasBegun = true
    var at = TimeSpan.zero
    if let time {
      // Its clock began with the line that switched it on. As at the end, the moment is the one that it says right
      // after it switched; where that answer was lost, the beginning of the clock, milliseconds before.
      if isExact, time <= now - sentAt { at = time }
      // One that did not set its clock to zero is read all the same.
      active.offset = time <= now - sentAt + Self.patience * Int64(Self.tolerableMisses) ? .zero : .zero - time
      active.lastHost = HostInstant(microseconds: now.microseconds - (active.offset + time - at).microseconds)
    } else {
      // The host's clock counts until the first reading, and begins with the answer, as the end does: what a line takes
      // is in both and falls out of their difference. The instrument's clock joins with the first reading.
      active.lastHost = now
      active.clockIsLost = true
    }
    active.lastTime = at
    if !active.isRest { active.hosted.closed(at: at) }
    outputs.events.append(.began(channel: 0, active.token))
    if time == nil, !isExact { outputs.events.append(.circuitMarkLost(channel: 0, at: at)) }
    outputs.events.append(.circuitClosed(channel: 0, at: at))
  }

  /// A time as the instrument says it. With an exponent it must have the form of a measurement, so that a lost byte is
  /// seen; any other number is taken, because the form is not verified.
  private static func seconds(_ text: Substring) -> TimeSpan? {
    if text.contains("E") {
      guard text.utf8.count == ScpiNumber.length else { return nil }
      let count = Array(text.utf8).withUnsafeBytes { ScpiNumber($0, at: 0)?.count(decimals: 6) }
      return count.flatMap { $0 < 0 ? nil : TimeSpan(microseconds: $0) }
    }
    guard let seconds = Double(text), seconds >= 0, seconds < 1e9 else { return nil }
    return TimeSpan(microseconds: Int64((seconds * 1e6).rounded()))
  }
}
