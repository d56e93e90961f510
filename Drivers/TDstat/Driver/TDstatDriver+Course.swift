// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The course of a set-point: it is armed with the cell disconnected, the cell is connected, conversions are judged and become
// readings, a current becomes a hold, the cell is disconnected.

import CyclerModel
import InstrumentKit
import Quantities

extension TDstatDriver {
  // MARK: - Beginning

  /// Range, code and mode are set, and nothing flows.
  mutating func armed(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course else { return }
    guard course.plan.isRest else {
      guard looked.voltage != nil else {
        let words = "before the cell is connected its voltage is beyond \(model.fullScale.written): is a lead off?"
        return fail(Fault(.instrumentNoReading, words), now, &outputs)
      }
      course.idleCurrent = looked.current ?? .zero
      self.course = course
      return begin([.ask(.cellOn)], for: .closing, now, &outputs)
    }
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    startReadings(now, discarding: 0)
  }

  /// The cell is about to be connected: from now on a current may flow.
  mutating func noteClosing(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course else { return }
    let isFirst = !course.hasBegun
    if isFirst {
      course.beganAt = now
      outputs.events.append(.began(channel: 0, course.token))
    }
    let time = course.time(now)
    course.isClosed = true
    course.openedAt = nil
    course.momentIsLost = false
    course.deviationsInARow = 0
    outputs.events.append(.circuitClosed(channel: 0, at: time))
    outputs.events.append(.circuit(channel: 0, .closed))
    if isFirst {
      course.hosted.closed(at: time)
    } else {
      course.hosted.held(at: time)
      outputs.events.append(.holdBegan(channel: 0, at: time))
    }
    self.course = course
  }

  /// From now on conversions are readings.
  mutating func startReadings(_ now: HostInstant, discarding: Int) {
    purpose = .running
    steps = []
    place = 0
    discard = discarding
    waitsSince = now
    let loopIsSettled = discarding > 0 ? now + Self.loopTime : now
    pausedUntil = max(loopIsSettled, conversionBeganAt.map { $0 + Self.conversionTime } ?? now)
  }

  // MARK: - Readings

  /// A conversion of a set-point that runs. Its time is that at which it came.
  mutating func read(_ measured: Measured, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course else { return }
    let time = course.time(now)
    var reading = Reading(
      time: time, voltage: measured.voltage, current: course.plan.isRest ? .zero : measured.current,
      range: course.plan.isRest ? 0 : UInt16(course.plan.range.number))
    if reading.voltage == nil || reading.current == nil { reading.quality.insert(.overload) }
    if course.isClosed, let current = measured.current { course.lastCurrent = current }
    let verdict = verdict(reading, &course)
    if time >= course.nextReading || verdict != .goOn {
      let next = course.nextReading + course.plan.setpoint.readingInterval
      course.nextReading = next > time ? next : time + course.plan.setpoint.readingInterval
      outputs.events.append(.reading(channel: 0, reading))
    }
    self.course = course
    switch verdict {
    case .goOn: pausedUntil = now + Self.conversionTime
    case .hold(let voltage):
      self.course?.nextTarget = .voltage(voltage)
      begin(Step.disconnect, for: .handingOver, now, &outputs)
    case .end(let end): begin(Step.disconnect, for: .ending(end), now, &outputs)
    }
  }

  private func verdict(_ reading: Reading, _ course: inout SetpointCourse) -> HostedSetpoint.Verdict {
    let verdict = course.hosted.judge(reading)
    guard verdict == .goOn, course.isClosed else { return verdict }
    guard reading.quality.contains(.overload) else { return course.follow(reading) }
    // Whatever is beyond a range that ends at the bound, or behind it, is beyond the bound.
    let fullScale = course.plan.range.fullScale
    let bound = course.plan.setpoint.bounds.currentMagnitude
    if reading.current == nil, fullScale >= bound {
      let words =
        "the circuit was opened: the current is beyond its range of \(fullScale.written), and so more than "
        + bound.written
      return .end(.bound(Fault(.instrumentBoundReached, words)))
    }
    let words =
      reading.current == nil
      ? "the current is beyond its range of \(fullScale.written)"
      : "the voltage is beyond \(model.fullScale.written): is a lead off?"
    return .end(.failed(Fault(.instrumentOverload, words)))
  }

  // MARK: - From current to voltage

  /// The cell is disconnected, and that was measured; now the mode can be changed without the cell seeing a code that was
  /// meant for the other one.
  mutating func handOver(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course, let target = course.nextTarget else { return }
    let openedAt = course.openedAt ?? course.time(now)
    course.target = target
    course.nextTarget = nil
    course.isClosed = false
    let range = course.plan.range
    if course.momentIsLost { outputs.events.append(.circuitMarkLost(channel: 0, at: openedAt)) }
    outputs.events.append(.circuitOpened(channel: 0, at: openedAt))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    self.course = course
    begin(
      SetpointPlan.regulate(target, scale, range) + [.pause(Self.settleTime), .ask(.cellOn)], for: .closing, now,
      &outputs)
  }

  // MARK: - The end

  /// `CELL OFF` was acknowledged: the circuit is open, or a rest begins.
  mutating func noteOpened(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    if course.isClosed, course.openedAt == nil { self.course?.openedAt = course.time(now) }
    guard purpose == .arming, course.plan.isRest, !course.hasBegun else { return }
    self.course?.beganAt = now
    outputs.events.append(.began(channel: 0, course.token))
  }

  /// The set-point is over.
  mutating func ended(_ end: SetpointEnd, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    self.course = nil
    if course.isClosed {
      let at = course.openedAt ?? .zero
      if course.momentIsLost { outputs.events.append(.circuitMarkLost(channel: 0, at: at)) }
      outputs.events.append(.circuitOpened(channel: 0, at: at))
    }
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    outputs.events.append(.ended(channel: 0, course.token, end))
  }

  /// The set-point was not taken.
  mutating func notTaken(_ fault: Fault, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    self.course = nil
    purpose = .none
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    outputs.events.append(.refused(channel: 0, course.token, fault))
  }
}
