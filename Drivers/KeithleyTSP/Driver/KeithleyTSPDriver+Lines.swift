// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the program says, and what follows from it. The hot path: a reading is passed on without an allocation.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleyTSPDriver {
  /// Takes a line of the program.
  mutating func take(
    _ said: ProgramLine, _ line: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    let isOurs =
      switch said {
      case .alive: true
      case .reading(let origin, let time, let voltage, let current, let flags):
        takeReading(origin, time, voltage, current, flags, now, &outputs)
      case .closed(let origin, let time): takeClosed(origin, time, now, &outputs)
      case .held(let origin, let time): takeHeld(origin, time, &outputs)
      case .opened(let origin, let time, let reason): takeOpened(origin, time, reason, now, &outputs)
      case .error(let origin): takeError(origin, line)
      }
    if isOurs {
      unheardRenewals = 0
      isProgramInDoubt = false
    }
  }

  /// Whether a line belongs to the last call of its channel.
  private func isPresent(_ origin: ProgramLine.Origin) -> Bool {
    channels[origin.channel].number == origin.number && channels[origin.channel].phase != .idle
  }

  // MARK: Output on

  private mutating func takeClosed(
    _ origin: ProgramLine.Origin, _ time: TimeSpan, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard isPresent(origin), channels[origin.channel].phase == .starting else { return false }
    isClosed(origin.channel, at: time, isExact: true, now, &outputs)
    return true
  }

  private mutating func isClosed(
    _ channel: Int, at time: TimeSpan, isExact: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let call = channels[channel].call else { return }
    channels[channel].phase = .running
    channels[channel].isClosed = true
    channels[channel].lastTime = time
    channels[channel].lastHost = now
    channels[channel].renewedTime = time
    channels[channel].deadline = now + channels[channel].patience
    if !channels[channel].hasBegun {
      channels[channel].hasBegun = true
      outputs.events.append(.began(channel: channel, call.setpoint.token))
    }
    if !isExact { outputs.events.append(.circuitMarkLost(channel: channel, at: time)) }
    outputs.events.append(.circuitClosed(channel: channel, at: time))
    if case .voltage(_, goesOn: true) = call.drive {
      channels[channel].isHeld = true
      outputs.events.append(.holdBegan(channel: channel, at: time))
    }
    outputs.events.append(.circuit(channel: channel, .closed))
    scheduleRenewal(now)
  }

  private mutating func takeReading(
    _ origin: ProgramLine.Origin, _ time: TimeSpan, _ voltage: Voltage?, _ current: Current?,
    _ flags: ProgramLine.Flags, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard isPresent(origin), let call = channels[origin.channel].call else { return false }
    let channel = origin.channel
    if channels[channel].phase == .starting {
      // The line that told of the output was lost; what flowed before is not known.
      isClosed(channel, at: max(.zero, channels[channel].lastTime), isExact: false, now, &outputs)
    }
    // The same line twice says nothing new.
    guard channels[channel].isReading, time > channels[channel].lastTime else { return false }
    channels[channel].lastTime = time
    channels[channel].lastHost = now
    channels[channel].deadline = now + channels[channel].patience
    var quality: ReadingQuality = voltage == nil || current == nil ? .overload : []
    if call.isRest, flags.contains(.compliance) { quality.insert(.overload) }
    outputs.events.append(
      .reading(
        channel: channel,
        Reading(
          time: time, voltage: voltage, current: current, range: call.isRest ? 1 : UInt16(call.rangeIndex + 1),
          quality: quality)))
    if flags.contains(.hold), isHoldNews(channel) { beginHold(channel, time, &outputs) }
    renewIfDue(channel, time, now, &outputs)
    return true
  }

  /// Whether a hold is something that the host has to be told: not where all of the set-point is one.
  private func isHoldNews(_ channel: Int) -> Bool {
    channels[channel].call?.target != nil && !channels[channel].isHeld
  }

  private mutating func takeHeld(
    _ origin: ProgramLine.Origin, _ time: TimeSpan, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard isPresent(origin), channels[origin.channel].isReading else { return false }
    if isHoldNews(origin.channel) { beginHold(origin.channel, time, &outputs) }
    return true
  }

  private mutating func beginHold(_ channel: Int, _ time: TimeSpan, _ outputs: inout DriverOutputs) {
    channels[channel].isHeld = true
    outputs.events.append(.holdBegan(channel: channel, at: time))
  }

  // MARK: Output off

  private mutating func takeError(_ origin: ProgramLine.Origin, _ line: UnsafeRawBufferPointer) -> Bool {
    guard isPresent(origin), line.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return false }
    channels[origin.channel].words = String(decoding: line.dropFirst(7), as: UTF8.self)
    return true
  }

  private mutating func takeOpened(
    _ origin: ProgramLine.Origin, _ time: TimeSpan, _ reason: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard isPresent(origin) else { return false }
    let channel = origin.channel
    let wasAsked = channels[channel].phase == .stopping || channels[channel].phase == .waitingToStop
    if channels[channel].isClosed {
      let at = max(channels[channel].lastTime, time)
      outputs.events.append(.circuitOpened(channel: channel, at: at))
      channels[channel].isClosed = false
      channels[channel].lastTime = at
      channels[channel].lastHost = now
    }
    scheduleRenewal(now)
    guard let call = channels[channel].call else {
      outputs.events.append(.circuit(channel: channel, .openConfirmed))
      channels[channel].settle()
      return true
    }
    if reason == Reason.target, !wasAsked, let target = call.target {
      // It disconnected the cell where the current had brought it, and now sources the voltage.
      channels[channel].call = call.holding(target)
      channels[channel].phase = .waitingToStart
      return true
    }
    outputs.events.append(.circuit(channel: channel, .openConfirmed))
    finish(channel, call, reason, &outputs)
    return true
  }

  private mutating func finish(
    _ channel: Int, _ call: SetpointCall, _ reason: Int, _ outputs: inout DriverOutputs
  ) {
    let end = end(of: channel, call, reason)
    if case .failed(let fault) = end, !channels[channel].hasBegun {
      outputs.events.append(.refused(channel: channel, call.setpoint.token, fault))
    } else {
      outputs.events.append(.ended(channel: channel, call.setpoint.token, end))
    }
    channels[channel].settle()
  }

  /// The numbers in which the program says why it disconnected a cell.
  private enum Reason {
    static let asked = 0
    static let lease = 2
    static let upperVoltage = 3
    static let lowerVoltage = 4
    static let current = 5
    static let duration = 6
    static let noNumbers = 7
    static let limited = 8
    static let target = 9
    /// The first of the set-point's cut-offs; the others follow.
    static let firstCutOff = 101
    static let noOpenVoltage = 20
    static let error = 22
    static let notFollowed = 23
  }

  private func end(of channel: Int, _ call: SetpointCall, _ reason: Int) -> SetpointEnd {
    let bounds = call.setpoint.bounds
    switch reason {
    case Reason.asked, Reason.target: return channels[channel].end ?? .requested
    case Reason.lease: return .leaseExpired
    case Reason.upperVoltage: return Self.bound("above \(bounds.upperVoltage.written) while charging")
    case Reason.lowerVoltage: return Self.bound("below \(bounds.lowerVoltage.written) while discharging")
    case Reason.current: return Self.bound("more than \(bounds.currentMagnitude.written)")
    case Reason.duration: return Self.bound("longer than \(bounds.duration.written)")
    case Reason.limited: return Self.bound("the instrument's limit of the voltage acts")
    case Reason.noNumbers:
      return .failed(Fault(.instrumentNoReading, "eight measurements in a row were beyond the range or no numbers"))
    case Reason.noOpenVoltage:
      let words = "the open-circuit voltage cannot be measured, or is beyond 6 V: is a cell connected, with four leads?"
      return .failed(Fault(.instrumentNoReading, words))
    case Reason.error:
      return .failed(Fault(.instrumentError, "the instrument says `\(channels[channel].words ?? "an error")`"))
    case Reason.notFollowed:
      let words = "what was set reads back otherwise: level, limit, range, four wires, or the output itself"
      return .failed(Fault(.instrumentSetpointNotFollowed, words))
    default:
      let index = reason - Reason.firstCutOff
      if call.setpoint.cutOffs.indices.contains(index) { return .cutOff(index) }
      return .failed(Fault(.instrumentError, "the instrument disconnected the cell for a reason \(reason)"))
    }
  }

  private static func bound(_ words: String) -> SetpointEnd {
    .bound(Fault(.instrumentBoundReached, "the instrument opened the circuit: \(words)"))
  }
}
