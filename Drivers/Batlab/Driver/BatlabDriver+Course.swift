// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The course of a set-point: its registers are written and read back, it is polled, it is stopped.

import CyclerModel
import InstrumentKit
import Quantities

extension BatlabDriver {
  // MARK: - Beginning

  mutating func start(_ setpoint: Setpoint, channel: Int, _ now: HostInstant) {
    channels[channel].phase = .starting
    channels[channel].course = HostedSetpoint(setpoint)
    channels[channel].beganAt = nil
    channels[channel].end = nil
    guard case .constantCurrent(let current) = setpoint.mode else {
      let stopped = RegisterTask(register: .mode(channel), aim: .hold(BatlabMode.stopped), role: .mode)
      channels[channel].take([stopped], notBefore: now)
      return
    }
    lease.ticks = leaseTicks(with: setpoint)
    channels[channel].take(startTasks(setpoint, current, channel), notBefore: now)
  }

  /// The shortest of all leases under way.
  private func leaseTicks(with setpoint: Setpoint) -> UInt16 {
    var ticks = BatlabLease.ticks(for: setpoint.lease)
    for other in channels where other.isClosed {
      if let lease = other.course?.setpoint.lease { ticks = min(ticks, BatlabLease.ticks(for: lease)) }
    }
    return ticks
  }

  /// All that must be so before a current flows. The current is the last, so that until then none does.
  private func startTasks(_ setpoint: Setpoint, _ current: Current, _ cell: Int) -> [RegisterTask] {
    let isCharge = current > .zero
    let bounds = setpoint.bounds
    // The firmware judges both voltage limits in both directions; each counts only in its own (hazard rule 1).
    let upper = isCharge ? BatlabScale.upperLimit(bounds.upperVoltage) : BatlabScale.clipped
    let lower = isCharge ? UInt16(BatlabScale.noCell) : BatlabScale.lowerLimit(bounds.lowerVoltage)
    let most = BatlabScale.currentLimit(bounds.currentMagnitude)
    return [
      RegisterTask(register: .setpoint(cell), aim: .hold(0)),
      // Wound before it is switched on: at 0 it would end the currents of the others.
      RegisterTask(register: .watchdog, aim: .wind(lease.ticks), role: .watchdog),
      RegisterTask(register: .settings, aim: .ensure(Self.watchdogSetting)),
      RegisterTask(register: .zeroAmpereThreshold, aim: .ensure(BatlabScale.zeroAmpereThreshold)),
      RegisterTask(register: .reportInterval(cell), aim: .ensure(0)),
      RegisterTask(register: .upperVoltage(cell), aim: .hold(upper)),
      RegisterTask(register: .lowerVoltage(cell), aim: .hold(lower)),
      RegisterTask(register: .chargeCurrentLimit(cell), aim: .hold(most)),
      RegisterTask(register: .dischargeCurrentLimit(cell), aim: .hold(most)),
      RegisterTask(register: .chargeTemperatureLimit(cell), aim: .ensure(BatlabScale.chargeTemperature)),
      RegisterTask(register: .dischargeTemperatureLimit(cell), aim: .ensure(BatlabScale.dischargeTemperature)),
      RegisterTask(register: .mode(cell), aim: .decideIdle, role: .idleCheck),
      RegisterTask(
        register: .mode(cell), aim: .enter(isCharge ? BatlabMode.charge : BatlabMode.discharge), role: .mode),
      RegisterTask(register: .setpoint(cell), aim: .hold(BatlabScale.setpoint(current)), role: .drive),
    ]
  }

  /// The watchdog and nothing else: no safety disabled, no regulation by the firmware, which its maker's program avoids.
  private static let watchdogSetting: UInt16 = 0x0004

  // MARK: - Each register

  /// A question was sent.
  mutating func noteSent(
    channel: Int, _ packet: RegisterPacket, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    guard packet.written != nil, channels[channel].phase == .starting, channels[channel].task?.role == .drive,
      !channels[channel].isClosed, let began = channels[channel].beganAt
    else { return }
    channels[channel].course?.closed(at: now - began)
    channels[channel].freshAt = now + Self.freshAfter
    outputs.events.append(.circuitClosed(channel: channel, at: now - began))
    outputs.events.append(.circuit(channel: channel, .closed))
  }

  /// A register is as it should be, or was read.
  mutating func done(
    _ role: RegisterTask.Role, _ value: UInt16, channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    let writtenAt = channels[channel].progress.writtenAt
    channels[channel].place += 1
    channels[channel].progress = RegisterTask.Progress()
    switch role {
    case .idleCheck: if let fault = Self.refusal(ofMode: value) { stop(channel, .failed(fault), now) }
    case .mode: begin(channel, now, into: &outputs)
    case .stop: channels[channel].stopWrittenAt = writtenAt
    case .watchdog:
      if channels[channel].phase == .starting { lease.renewedAt = writtenAt ?? now }
      if channels[channel].phase == .stopping { channels[channel].watchdog = value }
    case .error: channels[channel].error = value
    case .voltage: channels[channel].voltage = value
    case .current: channels[channel].current = value
    case .modeCheck: channels[channel].mode = value
    case .setUp, .drive, .presence, .firmware, .serialLow, .serialHigh: break
    }
    if channels[channel].task == nil { finish(channel, now, into: &outputs) }
  }

  private static func refusal(ofMode mode: UInt16) -> Fault? {
    switch mode {
    case BatlabMode.noCell: Fault(.instrumentRefused, "the instrument sees no cell: none, or one below 1.8 V")
    case BatlabMode.backwards: Fault(.instrumentRefused, "the instrument sees a cell that is the wrong way round")
    default: nil
    }
  }

  private mutating func begin(_ channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs) {
    guard let token = channels[channel].course?.setpoint.token else { return }
    channels[channel].beganAt = now
    channels[channel].freshAt = now + Self.freshAfter
    outputs.events.append(.began(channel: channel, token))
  }

  /// All of a list is done.
  private mutating func finish(_ channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs) {
    switch channels[channel].phase {
    case .starting:
      channels[channel].phase = .running
      channels[channel].take(Self.pollTasks(channel, channels[channel]), notBefore: now)
      planPoll(channel, notBefore: channels[channel].freshAt)
    case .running: read(channel, now, into: &outputs)
    case .stopping: saySettled(channel, now, into: &outputs)
    case .idle: break
    }
  }

  /// A register cannot be had as it should be.
  mutating func failed(
    _ task: RegisterTask, _ value: UInt16, channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    switch channels[channel].phase {
    case .starting:
      if task.role == .mode, value == BatlabMode.stopped, channels[channel].drivenMode != nil {
        channels[channel].mode = value
        channels[channel].beginStop(cell: channel, end: nil, at: now, investigating: true)
        return
      }
      let name = "register \(task.register.number) of \(task.register.place)"
      let code: FaultCode = channels[channel].isClosed ? .instrumentSetpointNotFollowed : .instrumentRefused
      stop(channel, .failed(Fault(code, "\(name) still reads \(value) after \(RegisterTask.attempts) attempts")), now)
    case .running: skipPoll(channel, now)
    case .stopping: stopFailed(task, value, channel: channel, now, into: &outputs)
    case .idle: break
    }
  }

  private mutating func stopFailed(
    _ task: RegisterTask, _ value: UInt16, channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    guard task.role == .stop else {
      // Why it stopped stays unknown; that it did is known.
      channels[channel].place += 1
      channels[channel].progress = RegisterTask.Progress()
      if channels[channel].task == nil { saySettled(channel, now, into: &outputs) }
      return
    }
    if !channels[channel].hasToldStuck {
      channels[channel].hasToldStuck = true
      let detail = "it does not stop: its mode still reads \(value) after \(RegisterTask.attempts) attempts"
      outputs.events.append(.fault(channel: channel, Fault(.instrumentError, detail)))
      if identification.told != nil { outputs.events.append(.circuit(channel: channel, .unknown)) }
    }
    channels[channel].progress = RegisterTask.Progress()
    channels[channel].notBefore = now + TimeSpan(seconds: 1)
  }

  // MARK: - Polling

  private static func pollTasks(_ cell: Int, _ channel: BatlabChannel) -> [RegisterTask] {
    // The mode comes last: if it is still the one, so it was while voltage and current were read.
    [
      RegisterTask(register: .voltage(cell), aim: .read, role: .voltage),
      RegisterTask(register: .current(cell), aim: .read, role: .current),
      RegisterTask(register: .mode(cell), aim: .expect(channel.drivenMode ?? BatlabMode.stopped), role: .modeCheck),
    ]
  }

  /// Polls lie a whole number of intervals behind the set-point's zero, and one where a time ends it.
  private mutating func planPoll(_ channel: Int, notBefore earliest: HostInstant) {
    guard let course = channels[channel].course, let began = channels[channel].beganAt else { return }
    let zero = began + (course.closedAt ?? .zero)
    let interval = max(course.setpoint.readingInterval, Self.capabilities.shortestReadingInterval).microseconds
    let count = max(0, ((earliest - zero).microseconds + interval - 1) / interval)
    var next = zero + TimeSpan(microseconds: count * interval)
    for cutOff in course.setpoint.cutOffs where cutOff.quantity == .time {
      let moment = zero + TimeSpan(microseconds: min(max(cutOff.threshold, 0), Self.farthestCutOff))
      if moment >= earliest { next = min(next, moment) }
    }
    channels[channel].place = 0
    channels[channel].progress = RegisterTask.Progress()
    channels[channel].notBefore = next
  }

  /// Some thirty years in microseconds; a later end is none.
  private static let farthestCutOff: Int64 = 1_000_000_000_000_000

  /// The next poll.
  mutating func skipPoll(_ channel: Int, _ now: HostInstant) {
    planPoll(channel, notBefore: now + TimeSpan(microseconds: 1))
  }

  private mutating func read(_ channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs) {
    guard let began = channels[channel].beganAt else { return }
    skipPoll(channel, now)
    let mode = channels[channel].mode
    let driven = channels[channel].drivenMode
    if driven == nil ? BatlabMode.isDriven(mode) : mode != driven {
      channels[channel].beginStop(cell: channel, end: nil, at: now, investigating: true)
      return
    }
    let reading = Self.reading(of: channels[channel], at: now - began)
    outputs.events.append(.reading(channel: channel, reading))
    if case .end(let end)? = channels[channel].course?.judge(reading) { stop(channel, end, now) }
  }

  static func reading(of channel: BatlabChannel, at time: TimeSpan) -> Reading {
    var reading = Reading(time: time, voltage: BatlabScale.voltage(channel.voltage), current: .zero)
    if reading.voltage == nil { reading.quality.insert(.overload) }
    guard let driven = channel.drivenMode else { return reading }
    reading.current = BatlabScale.currentMagnitude(channel.current).map { driven == BatlabMode.charge ? $0 : -$0 }
    if reading.current == nil { reading.quality.insert(.overload) }
    if reading.current == .zero {
      // What the instrument calls 0 is anything below its threshold.
      reading.current = nil
      reading.quality.insert(.underload)
    }
    return reading
  }

  // MARK: - Ending

  /// Stops a channel; an answer that is still to come for it answers nothing any more.
  mutating func stop(_ channel: Int, _ end: SetpointEnd, _ now: HostInstant) {
    channels[channel].beginStop(cell: channel, end: end, at: now)
    if question?.owner == .channel(channel) { question?.owner = .nobody }
  }

  /// The stop is confirmed.
  private mutating func saySettled(_ channel: Int, _ now: HostInstant, into outputs: inout DriverOutputs) {
    let state = channels[channel]
    defer { channels[channel].settle() }
    if let began = state.beganAt, state.isClosed {
      // One that stopped by itself did so at some moment since the last reading.
      let opened = (state.stopWrittenAt ?? now) - began
      if state.investigates { outputs.events.append(.circuitMarkLost(channel: channel, at: opened)) }
      outputs.events.append(.circuitOpened(channel: channel, at: opened))
    }
    if identification.told != nil { outputs.events.append(.circuit(channel: channel, .openConfirmed)) }
    guard let token = state.course?.setpoint.token else { return }
    let end = Self.end(of: state)
    switch end {
    case .failed(let fault) where state.beganAt == nil, .bound(let fault) where state.beganAt == nil:
      outputs.events.append(.refused(channel: channel, token, fault))
    case .failed, .bound, .cutOff, .requested, .leaseExpired:
      outputs.events.append(.ended(channel: channel, token, end))
    }
  }

  /// Why a set-point is over.
  private static func end(of channel: BatlabChannel) -> SetpointEnd {
    if channel.investigates {
      if let found = BatlabErrors.end(channel.error ?? 0) { return found }
      if channel.watchdog == 0 { return .leaseExpired }
    }
    let fallback = Fault(.instrumentError, "it stopped by itself (mode \(channel.mode)) and does not say why")
    return channel.end ?? .failed(fallback)
  }
}
