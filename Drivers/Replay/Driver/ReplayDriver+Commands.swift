// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, and what is written for it.

import CyclerModel
import InstrumentKit
import Quantities

extension ReplayDriver {
  /// At open circuit for no longer than this, and nothing else to wait for, is a check of the open circuit and no step.
  static let longestLook: Int64 = 10_000_000

  mutating func obey(_ command: ChannelCommand, channel: Int, into outputs: inout DriverOutputs) {
    switch command {
    case .begin(let setpoint):
      if let detail = obstacle(to: setpoint, channel: channel) {
        outputs.events.append(.refused(channel: channel, setpoint.token, Fault(.instrumentRefused, detail)))
      } else {
        start(setpoint, into: &outputs)
      }
    case .openCircuit: openCircuit(channel, into: &outputs)
    }
  }

  private func obstacle(to setpoint: Setpoint, channel: Int) -> String? {
    guard channel == 0 else { return "a player has one channel, with the number 0" }
    guard stage == .idle else {
      return "the player is not ready; wait until it is identified and its set-point has ended"
    }
    guard setpoint.token.run >= 0, setpoint.token.stepCount >= 0 else { return "the set-point has no name" }
    switch setpoint.mode {
    case .openCircuit, .constantVoltage: return nil
    case .constantCurrent(let current), .constantCurrentThenVoltage(let current, _):
      return current == .zero ? "a current of zero has no direction" : nil
    case .demand, .sweep, .profile, .impedance:
      return "a recording is played as rests, constant currents and held voltages, and as nothing else"
    }
  }

  private mutating func start(_ setpoint: Setpoint, into outputs: inout DriverOutputs) {
    var bounded = setpoint
    bounded.cutOffs = []
    active = Active(
      setpoint: setpoint, hosted: HostedSetpoint(bounded), end: RecordedEnd(setpoint), isLook: Self.isLook(setpoint))
    taken = lastNumber
    acknowledged = lastNumber
    ask(.starting, into: &outputs)
  }

  /// A check of the open circuit plays nothing: it is made before every start and after every pause, and a recorded
  /// rest must not be used up by it. A set-point does not say that it is one; but no step is so short and waits for
  /// time alone.
  private static func isLook(_ setpoint: Setpoint) -> Bool {
    guard setpoint.mode == .openCircuit, setpoint.cutOffs.count == 1 else { return false }
    return setpoint.cutOffs[0].quantity == .time && (0...longestLook).contains(setpoint.cutOffs[0].threshold)
  }

  private mutating func openCircuit(_ channel: Int, into outputs: inout DriverOutputs) {
    guard stage != .closed, channel == 0 else {
      outputs.events.append(.circuit(channel: channel, .unknown))
      return
    }
    switch stage {
    // Confirmed by the player's last word, and nothing was asked of it since.
    case .idle: outputs.events.append(.circuit(channel: 0, .openConfirmed))
    case .starting, .playing: stop(.requested, into: &outputs)
    case .awaitingHost: finish(.requested, into: &outputs)
    // Already on its way.
    case .closed, .securing, .asking, .undrivable, .stopping: break
    }
  }

  // MARK: - Writing

  /// Enters a stage whose question is to be answered.
  mutating func ask(_ next: Stage, into outputs: inout DriverOutputs) {
    stage = next
    misses = 0
    repeatQuestion(into: &outputs)
  }

  /// The question of the present stage.
  mutating func repeatQuestion(into outputs: inout DriverOutputs) {
    deadline = now + Self.patience
    switch stage {
    case .securing: HostLine("O", &outputs.writes).close(&outputs.writes)
    case .stopping:
      let line = HostLine("O", &outputs.writes)
      if taken >= 0 { line.add(taken, &outputs.writes) }
      line.close(&outputs.writes)
    case .asking: outputs.writes.append(contentsOf: "?\n".utf8)
    case .starting: writeRequest(into: &outputs)
    case .playing: HostLine("A", &outputs.writes).close(&outputs.writes)
    case .closed, .idle, .undrivable, .awaitingHost: break
    }
  }

  private func writeRequest(into outputs: inout DriverOutputs) {
    guard let active else { return }
    let line = HostLine("P", &outputs.writes)
    line.add(active.token.run, &outputs.writes)
    line.add(Int64(active.token.stepCount), &outputs.writes, separator: ".")
    switch active.setpoint.mode {
    case .constantVoltage: line.add("hold", &outputs.writes)
    case .constantCurrent(let current):
      line.add(current > .zero ? "charge" : "discharge", &outputs.writes)
      line.add("current", &outputs.writes)
      line.add(current.magnitude.picoamperes, &outputs.writes)
    case .constantCurrentThenVoltage(let current, _):
      line.add(current > .zero ? "charge" : "discharge", &outputs.writes)
      line.add("both", &outputs.writes)
    case .openCircuit, .demand, .sweep, .profile, .impedance:
      line.add(active.isLook ? "look" : "rest", &outputs.writes)
      guard active.isLook else { break }
      line.add(active.setpoint.cutOffs[0].threshold, &outputs.writes)
      line.add(max(active.setpoint.readingInterval.microseconds, 1_000), &outputs.writes)
    }
    line.close(&outputs.writes)
  }

  /// Says up to where the player was heard; not at each line.
  mutating func acknowledge(_ number: Int64, atOnce: Bool = false, into outputs: inout DriverOutputs) {
    guard atOnce || number - acknowledged >= Self.acknowledgedAtOnce else { return }
    acknowledged = number
    let line = HostLine("G", &outputs.writes)
    line.add(number, &outputs.writes)
    line.close(&outputs.writes)
  }

  /// Stops the player behind the last line that the set-point went along with.
  mutating func stop(_ end: SetpointEnd, into outputs: inout DriverOutputs) { ask(.stopping(end), into: &outputs) }

  // MARK: - Time

  /// What was waited for did not come.
  mutating func miss(into outputs: inout DriverOutputs) {
    switch stage {
    case .closed, .idle, .undrivable: deadline = nil
    case .awaitingHost(let fault): finish(.failed(fault), into: &outputs)
    case .playing where !hasAskedWhetherThere:
      hasAskedWhetherThere = true
      repeatQuestion(into: &outputs)
    case .securing, .asking, .starting, .playing, .stopping:
      misses += 1
      if misses >= Self.tolerableMisses { giveUp(into: &outputs) } else { repeatQuestion(into: &outputs) }
    }
  }

  /// Nobody answers. What can still be done is done: to open the circuit, again and again.
  private mutating func giveUp(into outputs: inout DriverOutputs) {
    let fault = Fault(
      .linkTimeout,
      "the player left \(Self.tolerableMisses) questions in a row unanswered, the last for \(Self.patience.written)")
    if serial != nil { outputs.events.append(.circuit(channel: 0, .unknown)) }
    outputs.events.append(.fault(channel: nil, fault))
    switch stage {
    case .starting, .playing: stop(.failed(fault), into: &outputs)
    case .closed, .securing, .asking, .idle, .undrivable, .stopping, .awaitingHost:
      misses = 0
      repeatQuestion(into: &outputs)
    }
  }
}
