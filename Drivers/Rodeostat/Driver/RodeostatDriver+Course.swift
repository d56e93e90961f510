// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The course of a set-point: it is begun, leg by leg, its samples come, readings are made of them, its lease is renewed,
// its tests end.

import CyclerModel
import InstrumentKit
import Quantities

extension RodeostatDriver {
  // MARK: - Beginning

  /// Everything is set that is the same for all legs.
  mutating func armed(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    if course.plan.isRest {
      setRestRange(RodeostatModel.voltageRanges[3], now, &outputs)
    } else {
      beginLeg(now, &outputs)
    }
  }

  /// Begins the present leg's test.
  mutating func beginLeg(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    let deadline = deadline(of: course, at: .zero, legBegan: course.hasBegun ? course.expected(now) : .zero)
    self.course?.deadline = deadline
    ask(course.plan.begin(leg: course.leg, until: deadline), for: .beginning, now, &outputs)
  }

  /// Until when a test may go on alone: a lease from now, and no longer than the set-point may last.
  private func deadline(of course: SetpointCourse, at time: TimeSpan, legBegan: TimeSpan) -> Int64 {
    let lease = time.microseconds / 1_000 + course.plan.lease
    let zero = course.hosted.closedAt ?? .zero
    let most = (zero + course.plan.setpoint.bounds.duration - legBegan).microseconds / 1_000
    return max(min(lease, most), 1)
  }

  /// The answer to `runTest`: since some moment between the question and it the test's clock runs.
  mutating func testBegan(_ askedAt: HostInstant, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course else { return }
    let at = course.hasBegun ? max(course.expected(now), course.lastTime) : .zero
    course.legBeganAt = at
    course.legAskedHost = askedAt
    course.legBeganHost = now
    course.lastSample = 0
    course.moment = nil
    course.lastTime = at
    course.isRunning = true
    course.renewAt = now + TimeSpan(milliseconds: course.plan.lease / 4)
    if !course.hasBegun {
      course.hasBegun = true
      course.hosted.closed(at: at)
      outputs.events.append(.began(channel: 0, course.token))
    }
    course.isClosed = true
    course.openedAt = nil
    outputs.events.append(.circuitClosed(channel: 0, at: at))
    outputs.events.append(.circuit(channel: 0, .closed))
    self.course = course
  }

  // MARK: - Samples

  /// A test's sample came.
  mutating func take(_ sample: TestSample, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    // On its way while its test was ended.
    guard var course, course.isRunning else { return }
    // A line that came twice.
    if sample.milliseconds == course.lastSample, sample.milliseconds > 0 { return }
    guard course.isPlausible(sample, now) else {
      damagedMessages += 1
      return
    }
    course.lastSample = sample.milliseconds
    course.lastSampleHost = now
    let time = course.legBeganAt + TimeSpan(milliseconds: sample.milliseconds)
    if time >= course.nextMeasurement, course.moment == nil {
      course.nextMeasurement = SetpointCourse.next(after: course.nextMeasurement, course.measurementInterval, time)
      course.moment = SetpointCourse.Moment(sample: sample, cameAt: now, dueAt: now + course.delay)
    }
    self.course = course
    goOn(now, &outputs)
  }

  /// Does what is due while a test runs: the lease goes before a measurement.
  mutating func goOn(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard pending == nil, purpose == .none, let course, course.isRunning else { return }
    if let renewAt = course.renewAt, now >= renewAt { renew(now, &outputs) }
    guard pending == nil, var moment = course.moment, now >= moment.dueAt else { return }
    self.course?.moment = nil
    guard now - moment.dueAt <= course.tolerableDelay else { return }
    moment.dueAt = now
    measure(course.questions, for: .measuring(moment), now, &outputs)
  }

  /// Asks for everything twice.
  private mutating func measure(
    _ questions: [Exchange], for purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    currents = ConverterPair()
    voltages = ConverterPair()
    ask(questions, for: purpose, now, &outputs)
  }

  /// Takes the answer to `getCurr` or `getRefVolt`; when it does not agree with the one before it is asked once more.
  mutating func takeMeasured(
    _ text: DecimalText?, _ scale: ConverterScale, _ pair: WritableKeyPath<RodeostatDriver, ConverterPair>,
    _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    guard let text, let measured = scale.measured(text), let exchange else { return false }
    let agrees = self[keyPath: pair].take(measured, scale)
    let isDisputed = self[keyPath: pair].count >= 2 && !agrees
    if isDisputed, self[keyPath: pair].count < ConverterPair.attempts { exchanges.append(exchange) }
    answered(exchange, now, &outputs)
    return true
  }

  /// A reading is whole.
  mutating func finish(_ moment: SetpointCourse.Moment, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course, let range = course.plan.range, let current = currents.agreed, let voltage = voltages.agreed
    else { return }
    let sample = moment.sample
    let time = course.legBeganAt + TimeSpan(milliseconds: sample.milliseconds) + (moment.dueAt - moment.cameAt)
    var reading = Reading(time: time, voltage: nil, current: nil, range: UInt16(range + 1))
    if case .value(let nanovolts) = voltage { reading.voltage = Voltage(nanovolts: nanovolts) }
    if case .value(let picoamperes) = current, !sample.isAtEnd { reading.current = Current(picoamperes: picoamperes) }
    if reading.voltage == nil || reading.current == nil { reading.quality.insert(.overload) }
    course.lastTime = time
    let verdict = verdict(reading, sample, &course)
    if time >= course.nextReading || verdict != .goOn {
      course.nextReading = SetpointCourse.next(after: course.nextReading, course.plan.setpoint.readingInterval, time)
      outputs.events.append(.reading(channel: 0, reading))
    }
    self.course = course
    if case .end(let end) = verdict { disconnect(.ending(end), now, &outputs) }
  }

  private func verdict(
    _ reading: Reading, _ sample: TestSample, _ course: inout SetpointCourse
  ) -> HostedSetpoint.Verdict {
    let verdict = course.hosted.judge(reading)
    guard verdict == .goOn, let range = course.plan.range else { return verdict }
    // Beyond the end of a range that ends at the bound, or behind it, is beyond the bound.
    let fullScale = course.plan.model.currentRanges[range].fullScale
    let bound = course.plan.setpoint.bounds.currentMagnitude
    if reading.current == nil, fullScale >= bound {
      return .end(
        .bound(
          Fault(
            .instrumentBoundReached,
            "the circuit was opened: the current is beyond its range of \(fullScale.written), and so more than "
              + bound.written)))
    }
    return follows(reading, sample, &course) ?? .goOn
  }

  /// The voltage in a sample is the one that is asked for; whether the cell has it only a measurement says.
  private func follows(
    _ reading: Reading, _ sample: TestSample, _ course: inout SetpointCourse
  ) -> HostedSetpoint.Verdict? {
    let set = course.plan.voltage(leg: course.leg, at: sample.milliseconds)
    guard let voltage = reading.voltage, reading.quality.isEmpty else { return nil }
    let allowed = Self.tolerableDeviation + Voltage(nanovolts: course.plan.voltageScale.step * 4)
    guard (voltage - set).magnitude > allowed else {
      course.deviationsInARow = 0
      return nil
    }
    course.deviationsInARow += 1
    guard course.deviationsInARow > Self.tolerableDeviations else { return nil }
    return .end(
      .failed(Fault(.instrumentSetpointNotFollowed, "it measures \(voltage.written) and is to keep \(set.written)")))
  }

  // MARK: - The lease

  /// Lengthens the test, unless it already goes as far as it may.
  mutating func renew(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    let deadline = deadline(of: course, at: course.legTime(now), legBegan: course.legBeganAt)
    if course.plan.end(of: course.leg, until: course.deadline).isThere || deadline <= course.deadline {
      self.course?.renewAt = nil
      return
    }
    self.course?.askedDeadline = deadline
    ask([course.plan.extend(leg: course.leg, until: deadline)], for: .renewing, now, &outputs)
  }

  /// The longer test was acknowledged.
  mutating func renewed(_ now: HostInstant) {
    guard let course else { return }
    self.course?.deadline = course.askedDeadline
    self.course?.renewAt = now + TimeSpan(milliseconds: course.plan.lease / 4)
  }

  // MARK: - The end of a test

  /// `{}`: the test is over. It also follows each `stopTest`, and then says nothing new.
  mutating func testEnded(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course, course.isRunning else { return }
    course.isRunning = false
    let end = course.plan.end(of: course.leg, until: course.deadline)
    let passed = now - course.legAskedHost
    let early = TimeSpan(milliseconds: end.at - course.plan.period) - passed
    if early > TimeSpan(milliseconds: 200) + passed / 100 {
      course.openedAt = max(course.expected(now), course.lastTime)
      self.course = course
      let fault = Fault(.instrumentError, "the test ended before its time: somebody or something else stopped it")
      return disconnect(.ending(.failed(fault)), now, &outputs)
    }
    // Its end is known from its parameters, but for one step that single precision may have added.
    let period = TimeSpan(milliseconds: course.plan.period)
    let isLonger = passed - TimeSpan(milliseconds: end.at) > period / 2 && end.isThere
    let time = max(
      course.legBeganAt + TimeSpan(milliseconds: end.at) + (isLonger ? period : .zero), course.lastTime)
    course.openedAt = time
    self.course = course
    if end.isThere, course.leg + 1 < course.plan.legs.count {
      // Between two legs the firmware disconnects the cell for some milliseconds.
      self.course?.leg += 1
      self.course?.lastTime = time
      // Until the next test begins the host's clock counts.
      self.course?.legBeganAt = time
      self.course?.legBeganHost = now
      self.course?.lastSample = 0
      outputs.events.append(.circuitOpened(channel: 0, at: time))
      beginLeg(now, &outputs)
    } else {
      disconnect(.ending(reason(course, end.isThere, time)), now, &outputs)
    }
  }

  private func reason(_ course: SetpointCourse, _ isThere: Bool, _ time: TimeSpan) -> SetpointEnd {
    if isThere, case .sweep(let sweep) = course.plan.setpoint.mode { return .cutOff(sweep.ownEnd) }
    let zero = course.hosted.closedAt ?? .zero
    // The instrument counts its own milliseconds; a few of the host's may be missing.
    let counted = max(time, zero + course.plan.setpoint.bounds.duration)
    if time + TimeSpan(milliseconds: 200) >= counted, case .end(let end) = course.hosted.judge(at: counted) {
      return end
    }
    return .leaseExpired
  }

  // MARK: - Rest

  /// Measures the open circuit in a range.
  mutating func setRestRange(
    _ range: RodeostatModel.VoltageRange, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let plan = course?.plan else { return }
    self.course?.restRange = range
    let voltage = Exchange.voltage(plan.model.scale(of: range))
    self.course?.questions = [voltage, voltage]
    ask([.range("setRefElectVoltRange", "voltRange", range.name)], for: .ranging, now, &outputs)
  }

  private mutating func chooseRestRange(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard case .value(let nanovolts) = voltages.agreed else {
      let fault = Fault(.instrumentNoReading, "the open-circuit voltage is beyond 10 V: is a cell connected?")
      return refuse(fault, now, &outputs)
    }
    let voltage = Voltage(nanovolts: nanovolts)
    // A little more room than a held voltage has: the cell may move.
    let range = RodeostatModel.voltageRanges.first { voltage.magnitude < $0.fullScale / 10 * 9 }
    self.course?.hasRestRange = true
    guard let range, range != course?.restRange else { return restRanged(now, &outputs) }
    setRestRange(range, now, &outputs)
  }

  /// A range is set: the largest, to find another, or the one in which the rest begins or goes on.
  mutating func restRanged(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course, !course.hasBegun else { return }
    guard course.hasRestRange else { return measureRest(now, &outputs) }
    self.course?.hasBegun = true
    self.course?.legBeganHost = now
    outputs.events.append(.began(channel: 0, course.token))
  }

  /// A voltage of the open circuit is measured. The instrument has no clock without a test: the host's counts.
  mutating func finishRest(_ since: HostInstant, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard var course, let measured = voltages.agreed else { return }
    guard course.hasBegun else { return chooseRestRange(now, &outputs) }
    let time = since - course.legBeganHost
    var reading = Reading(time: time, voltage: nil, current: .zero)
    if case .value(let nanovolts) = measured {
      reading.voltage = Voltage(nanovolts: nanovolts)
    } else {
      reading.quality.insert(.overload)
    }
    course.lastTime = time
    course.nextMeasurement = SetpointCourse.next(
      after: course.nextMeasurement, course.plan.setpoint.readingInterval, time)
    let verdict = course.hosted.judge(reading)
    self.course = course
    outputs.events.append(.reading(channel: 0, reading))
    if case .end(let end) = verdict {
      disconnect(.ending(end), now, &outputs)
    } else if reading.voltage == nil,
      let larger = RodeostatModel.voltageRanges.first(where: { $0.fullScale > course.restRange.fullScale })
    {
      setRestRange(larger, now, &outputs)
    }
  }

  /// Asks for the voltage of the open circuit.
  mutating func measureRest(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    measure(course.questions, for: .resting(since: now), now, &outputs)
  }
}
