// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The course of a set-point: it is prepared with the circuit open, begun, measured and judged, renewed while all is well, and
// over when it was measured that no current flows. When copying, keep the order, and replace the questions of `preparation` and
// what proves that a circuit is open.

import CyclerModel
import InstrumentKit
import Quantities

/// A set-point under way. The instrument tells no time: all times are the host's, from the moment at which the circuit was closed
/// or a rest began.
struct TemplateCourse: Sendable, Hashable {
  /// Judges cut-offs and bounds, and says when a current becomes a hold.
  var hosted: HostedSetpoint
  /// What is regulated at first; nil in a rest.
  let target: TemplateQuestion?
  /// 1 or 2; the same for all of the set-point.
  let range: Int
  /// The host's time at its zero; nil before.
  var beganAt: HostInstant?
  /// When the circuit was opened, once that was answered.
  var openedAt: HostInstant?
  /// Whether that moment was lost on the line.
  var hasLostMark = false
  var nextReading = TimeSpan.zero
  var leaseAskedAt = HostInstant(microseconds: 0)

  var setpoint: Setpoint { hosted.setpoint }
  var isRest: Bool { target == nil }
  /// The lease in tenths of a second, within what the instrument takes.
  var lease: Int64 { min(max(setpoint.lease.microseconds / 100_000, 20), 6_000) }
  /// Three renewals may be lost before it ends.
  var leaseDueAt: HostInstant { leaseAskedAt + TimeSpan(milliseconds: lease * 25) }

  func time(_ now: HostInstant) -> TimeSpan { beganAt.map { now - $0 } ?? .zero }

  /// What the instrument cannot do is found here, before anything is sent.
  init(_ setpoint: Setpoint) throws(Fault) {
    hosted = HostedSetpoint(setpoint)
    var isWithin = true
    switch setpoint.mode {
    case .openCircuit: target = nil
    case .constantCurrent(let current):
      target = .current(current)
      isWithin = current.magnitude >= TemplateDriver.smallestCurrent
    case .constantCurrentThenVoltage(let current, let voltage):
      target = .current(current)
      isWithin = current.magnitude >= TemplateDriver.smallestCurrent && TemplateDriver.window.contains(voltage)
    case .constantVoltage(let voltage):
      target = .voltage(voltage)
      isWithin = TemplateDriver.window.contains(voltage)
    case .demand, .sweep, .profile, .impedance:
      throw Fault(.instrumentRefused, "it keeps a constant current or a constant voltage, and nothing else")
    }
    guard isWithin else {
      throw Fault(.instrumentRefused, "it takes currents of 1 nA and more, and voltages of -10 V to 10 V")
    }
    var needed = target == nil ? .zero : setpoint.rangeCurrent.magnitude
    if case .current(let current)? = target { needed = max(needed, current.magnitude) }
    guard let index = TemplateDriver.ranges.firstIndex(where: { $0 >= needed }) else {
      let most = TemplateDriver.capabilities.maximumCurrent.written
      throw Fault(.instrumentRefused, "no range holds \(needed.written); the largest reaches \(most)")
    }
    range = index + 1
  }

  /// All that is asked before it runs. The circuit is closed last, and only after it was measured to be open.
  var preparation: [TemplateQuestion] {
    guard let target else { return TemplateDriver.stop }
    return TemplateDriver.stop + [.range(range), target, .lease(lease), .on]
  }
}

extension TemplateDriver {
  // MARK: - Commands

  mutating func obey(
    _ command: ChannelCommand, channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch command {
    case .openCircuit:
      guard channel == 0 else { return outputs.events.append(.circuit(channel: channel, .unknown)) }
      switch purpose {
      case .nothing: outputs.events.append(.circuit(channel: 0, .unknown))
      // They are on their way, and say so.
      case .opening, .stopping: return
      case .idle: work(on: Self.stop, for: .stopping(nil), now, &outputs)
      case .starting, .running: end(.requested, now, &outputs)
      }
    case .begin(let setpoint):
      do throws(Fault) {
        guard channel == 0 else { throw Fault(.instrumentRefused, "it has one channel, with the number 0") }
        guard purpose == .idle else { throw Fault(.instrumentRefused, "the instrument is not ready") }
        let course = try TemplateCourse(setpoint)
        self.course = course
        work(on: course.preparation, for: .starting, now, &outputs)
      } catch {
        outputs.events.append(.refused(channel: channel, setpoint.token, error))
      }
    }
  }

  /// From now on only the stop counts.
  mutating func end(_ end: SetpointEnd, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    work(on: Self.stop, for: .stopping(end), now, &outputs)
  }

  // MARK: - From one question to the next

  /// `ON` is about to be sent: from now on a current may flow.
  mutating func noteClosing(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let token = course?.setpoint.token else { return }
    course?.beganAt = now
    course?.hosted.closed(at: .zero)
    outputs.events.append(.began(channel: 0, token))
    outputs.events.append(.circuitClosed(channel: 0, at: .zero))
    outputs.events.append(.circuit(channel: 0, .closed))
  }

  /// The instrument says that it did what it was told.
  mutating func done(_ question: TemplateQuestion, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if question == .off { course?.openedAt = now }
    if case .voltage = question, purpose == .running, let time = course?.time(now) {
      course?.hosted.held(at: time)
      outputs.events.append(.holdBegan(channel: 0, at: time))
    }
    place += 1
    goOn(now, &outputs)
  }

  /// It measured: the proof of an open circuit, or a reading.
  mutating func measured(_ measurement: TemplateMeasurement, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if purpose == .running { return read(measurement, now, &outputs) }
    // Nothing is off because it was told so: the output says that it is, and what flows is less than a thousandth of a range.
    let floor = Self.ranges[(course?.range ?? Self.ranges.count) - 1] / 1_000
    guard !measurement.isOn, let current = measurement.current, current.magnitude <= floor else {
      let flows = measurement.current?.written ?? "an unknown current"
      return stuck("its output is \(measurement.isOn ? "on" : "off") and \(flows) flows after `OFF`", now, &outputs)
    }
    hasToldStuck = false
    place += 1
    goOn(now, &outputs)
  }

  /// All questions of a list are answered.
  mutating func finished(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    switch purpose {
    case .nothing, .opening, .idle: return
    case .starting:
      purpose = .running
      if course?.isRest == true, let token = course?.setpoint.token {
        course?.beganAt = now
        outputs.events.append(.began(channel: 0, token))
        outputs.events.append(.circuit(channel: 0, .openConfirmed))
      }
      poll(now, &outputs)
    case .running: pausedUntil = now + Self.pollInterval
    case .stopping(let end): settle(end, now, &outputs)
    }
  }

  /// It does not stop. It is told again and again, and nobody is told that the circuit is open.
  mutating func stuck(_ words: String, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    let fault = Fault(.instrumentSetpointNotFollowed, words)
    if !hasToldStuck {
      hasToldStuck = true
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: 0, fault))
    }
    course?.hasLostMark = true
    if purpose == .starting {
      steps = Self.stop
      purpose = .stopping(.failed(fault))
    }
    place = 0
    pausedUntil = now + Self.retryInterval
  }

  // MARK: - Readings

  /// Measures again, unless the longest time is over.
  mutating func poll(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let course, case .end(let end) = course.hosted.judge(at: course.time(now)) {
      return self.end(end, now, &outputs)
    }
    ask(.measure, now, &outputs)
  }

  /// Each measurement is judged; one in each interval is told, and whatever is not well.
  private mutating func read(
    _ measurement: TemplateMeasurement, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let course else { return }
    let time = course.time(now)
    guard measurement.isOn != course.isRest else { return changedAlone(measurement, now, &outputs) }
    let reading = Reading(
      time: time, voltage: measurement.voltage, current: course.isRest ? .zero : measurement.current,
      range: course.isRest ? 0 : UInt16(course.range), quality: measurement.isBeyondRange ? .overload : [])
    let isWhole = reading.voltage != nil && reading.current != nil
    let verdict = self.course?.hosted.judge(reading) ?? .goOn
    if !isWhole || verdict != .goOn || time >= course.nextReading {
      let next = course.nextReading + course.setpoint.readingInterval
      self.course?.nextReading = next > time ? next : time + course.setpoint.readingInterval
      outputs.events.append(.reading(channel: 0, reading))
    }
    switch verdict {
    // Only while all is well: a cell that nobody sees is left alone when its lease ends.
    case .goOn where isWhole && !course.isRest && now >= course.leaseDueAt: ask(.lease(course.lease), now, &outputs)
    case .goOn: pausedUntil = now + Self.pollInterval
    case .hold(let voltage): ask(.voltage(voltage), now, &outputs)
    case .end(let end): self.end(end, now, &outputs)
    }
  }

  /// Its output is on in a rest, or off without the host: when that happened is not known.
  private mutating func changedAlone(
    _ measurement: TemplateMeasurement, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    course?.hasLostMark = true
    if measurement.hasLeaseEnded { return end(.leaseExpired, now, &outputs) }
    let words = "its output is \(measurement.isOn ? "on in a rest" : "off"), which nobody asked for"
    end(.failed(Fault(.instrumentSetpointNotFollowed, words)), now, &outputs)
  }

  // MARK: - The end

  /// It was measured that no current flows.
  private mutating func settle(_ end: SetpointEnd?, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    let course = course
    self.course = nil
    purpose = .idle
    if let course, course.hosted.closedAt != nil {
      let openedAt = course.time(course.openedAt ?? now)
      if course.hasLostMark { outputs.events.append(.circuitMarkLost(channel: 0, at: openedAt)) }
      outputs.events.append(.circuitOpened(channel: 0, at: openedAt))
    }
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    guard let course else { return }
    // One that never began was not taken.
    if course.beganAt == nil, case .failed(let fault)? = end {
      outputs.events.append(.refused(channel: 0, course.setpoint.token, fault))
    } else {
      outputs.events.append(.ended(channel: 0, course.setpoint.token, end ?? .requested))
    }
  }
}
