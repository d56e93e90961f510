// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The course of a set-point, from its begin to its end.

import CyclerModel
import InstrumentKit
import Quantities

extension ReplayDriver {
  mutating func begin(stretch: Int64, isHold: Bool, passed: Int64, into outputs: inout DriverOutputs) {
    guard let token = active?.token, let mode = active?.setpoint.mode else { return }
    stage = .playing
    deadline = now + Self.tolerableSilence
    hasAskedWhetherThere = false
    misses = 0
    active?.stretch = stretch
    active?.hasBegun = true
    outputs.events.append(.began(channel: 0, token))
    if passed > 0 {
      let detail = "\(passed) recorded readings before stretch \(stretch) were passed over for the set-point"
      outputs.events.append(.fault(channel: 0, Fault(.runGap, detail)))
    }
    guard mode != .openCircuit else { return }
    active?.isClosed = true
    active?.hosted.closed(at: .zero)
    outputs.events.append(.circuitClosed(channel: 0, at: .zero))
    outputs.events.append(.circuit(channel: 0, .closed))
    if case .constantVoltage = mode {
      hold(at: .zero, into: &outputs)
    } else if isHold {
      hold(at: .zero, into: &outputs)
    }
  }

  private mutating func hold(at time: TimeSpan, into outputs: inout DriverOutputs) {
    guard active?.end.holdBeganAt == nil else { return }
    active?.end.holdBeganAt = time
    active?.hosted.held(at: time)
    outputs.events.append(.holdBegan(channel: 0, at: time))
  }

  @inline(__always)
  mutating func read(
    _ time: Int64, _ picoamperes: Int64, _ nanovolts: Int64, _ number: Int64, into outputs: inout DriverOutputs
  ) {
    guard let isDriven = active?.isDriven, let isLook = active?.isLook, let last = active?.lastTime,
      let hasGap = active?.hasGap
    else { return }
    if let index = active?.end.overdue, !isLook { return stop(.cutOff(index), into: &outputs) }
    guard time >= last.microseconds else {
      return noteGarbage("a reading came from before the one before it", lines: 1, into: &outputs)
    }
    // In a rest no current flows, whatever the recorded instrument's zero was. What is not measured now, or comes
    // after a gap, is late.
    let reading = Reading(
      time: TimeSpan(microseconds: time), voltage: Voltage(nanovolts: nanovolts),
      current: isDriven ? Current(picoamperes: picoamperes) : .zero, quality: hasGap || isLook ? .late : [])
    active?.hasGap = false
    taken = number
    outputs.events.append(.reading(channel: 0, reading))
    active?.end.take(reading)
    acknowledge(number, into: &outputs)
    guard isDriven, let verdict = active?.hosted.judge(reading) else { return }
    switch verdict {
    case .goOn: break
    case .hold: hold(at: reading.time, into: &outputs)
    case .end(let end): stop(end, into: &outputs)
    }
  }

  /// The recorded instrument went over to another of its steps. Each side of the border has a current of its own, so
  /// the circuit is told to have opened and closed at that moment.
  mutating func cross(_ time: TimeSpan, _ isHold: Bool, _ number: Int64, into outputs: inout DriverOutputs) {
    taken = number
    acknowledge(number, into: &outputs)
    guard active?.isClosed == true, let last = active?.lastTime, time >= last else { return }
    outputs.events.append(.circuitOpened(channel: 0, at: time))
    outputs.events.append(.circuitClosed(channel: 0, at: time))
    if isHold { hold(at: time, into: &outputs) }
  }

  // MARK: - Ending

  /// The stretch is over, and the player has opened the circuit.
  mutating func over(
    _ time: TimeSpan, _ fileLine: Int64, _ reason: PlayerLine.EndReason, into outputs: inout DriverOutputs
  ) {
    guard let active else { return }
    opened(at: time, into: &outputs)
    if reason == .damaged {
      let detail = "the player cannot read its recording any further, behind line \(fileLine) of the file"
      return finish(.failed(Fault(.instrumentError, detail)), into: &outputs)
    }
    if let index = active.end.cutOff(endedAt: time) {
      if let asked = active.end.missingRest(endedAt: time), !active.isLook {
        let detail = "the recorded rest lasted \(time.shown()) where \(asked.shown()) were asked for"
        outputs.events.append(.fault(channel: 0, Fault(.runGap, detail)))
      }
      return finish(.cutOff(index), into: &outputs)
    }
    stage = .awaitingHost(Fault(.instrumentError, unexpectedEnd(active, time, fileLine)))
    deadline = now + Self.hostPatience
  }

  private func unexpectedEnd(_ active: Active, _ time: TimeSpan, _ fileLine: Int64) -> String {
    var words = "stretch \(active.stretch) of the recording ended after \(time.shown())"
    if let voltage = active.end.last?.voltage { words += " at \(voltage.shown())" }
    if active.isDriven, let current = active.end.last?.current { words += " and \(current.shown())" }
    words += " (line \(fileLine) of the file)"
    guard !active.setpoint.cutOffs.isEmpty else {
      return words + ", and the set-point has no cut-off that this could be"
    }
    let asked = active.setpoint.cutOffs.map(Self.words).joined(separator: ", ")
    return words
      + ", where the set-point's \(asked) was not met: the recorded instrument stopped for another reason, or "
      + "the protocol is not the one that was recorded"
  }

  private static func words(_ cutOff: CutOff) -> String {
    let comparison = cutOff.comparison.rawValue
    let words =
      switch cutOff.quantity {
      case .voltage: "voltage \(comparison) \(Voltage(nanovolts: cutOff.threshold).shown())"
      case .currentMagnitude: "current \(comparison) \(Current(picoamperes: cutOff.threshold).shown())"
      case .time: "time \(comparison) \(TimeSpan(microseconds: cutOff.threshold).shown())"
      case .holdTime: "hold time \(comparison) \(TimeSpan(microseconds: cutOff.threshold).shown())"
      }
    return cutOff.onlyInHold && cutOff.quantity != .holdTime ? words + " in the hold" : words
  }

  private mutating func opened(at time: TimeSpan, into outputs: inout DriverOutputs) {
    if active?.isClosed == true, let last = active?.lastTime {
      active?.isClosed = false
      outputs.events.append(.circuitOpened(channel: 0, at: max(time, last)))
    }
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
  }

  /// The player says that the circuit is open.
  mutating func stopped(_ token: SetpointToken?, _ time: TimeSpan, into outputs: inout DriverOutputs) {
    switch stage {
    case .securing:
      orphan = token.map { ($0, time) }
      ask(.asking, into: &outputs)
    case .stopping(let end):
      guard let active else { return }
      // One that never heard of the set-point tells of the one before.
      if token != active.token, active.hasBegun { return }
      opened(at: token == active.token ? time : .zero, into: &outputs)
      finish(end, into: &outputs)
    case .closed, .asking, .idle, .undrivable, .starting, .playing, .awaitingHost: break
    }
  }

  /// The set-point is over.
  mutating func finish(_ end: SetpointEnd, into outputs: inout DriverOutputs) {
    guard let active else { return }
    self.active = nil
    stage = .idle
    deadline = nil
    misses = 0
    outputs.events.append(.ended(channel: 0, active.token, end))
  }
}
