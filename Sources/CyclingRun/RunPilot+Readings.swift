// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What one reading does, in the order of the law. This is the hot path: nothing here allocates for a reading that is
// only integrated.

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// So many readings in a row may show an end that the instrument should have acted on; then the host acts.
  static let toleratedOverdueEnds: Int32 = 1

  mutating func setpointBegan(_ token: SetpointToken, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint, active.token == token else { return }
    setpoint?.heardAt = now.host
    if !active.isDriven, !active.hasBegun { stepTimeBegan(now, &outputs) }
    setpoint?.hasBegun = true
    // A step that drives current goes on once the circuit is closed.
    if phase == .active(.step), !active.isDriven { forgetInterruption() }
  }

  mutating func circuitClosed(_ at: TimeSpan, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint else { return }
    forgetInterruption()
    if active.zero == nil {
      setpoint?.zero = at
      stepTimeBegan(now, &outputs)
    }
    setpoint?.closedAt = at
    setpoint?.openedAt = nil
    setpoint?.readingsSinceClosed = 0
    setpoint?.integrator.circuitClosed(at: at)
  }

  /// Step time counts from here; until here the test's time went on by the host's clock, however long the commit before
  /// the step or the instrument took.
  private mutating func stepTimeBegan(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let stepID = setpoint?.stepID else { return }
    countTestTime(until: now.host)
    outputs.entries.append(.stepBegan(stepID: stepID, at: now.unix, testTime: testTime))
    tellClosing()
    keepTemperature(now, &outputs)
  }

  /// The present step's time zero, for what is told of rests: the end of one, or a beginning.
  private mutating func tellClosing() {
    guard let setpoint else { return }
    guard setpoint.isDriven else {
      self.setpoint?.rest.stepBegan(at: testTime)
      return
    }
    guard setpoint.countsForHalfCycle else { return }
    halfCycle?.accumulator.circuitClosed(from: setpoint.rest.last, after: setpoint.rest.before(closingAt: testTime))
  }

  /// Test time between steps.
  mutating func countTestTime(until host: HostInstant) {
    if let testTimeAt { testTime += host - testTimeAt }
    testTimeAt = host
  }

  /// The circuit closed or opened at a moment that the line swallowed: what flowed around it is not known.
  mutating func circuitMarkLost(_ at: TimeSpan, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint else { return }
    missCharge(bound: nil, active)
    setpoint?.flags.insert(.gap)
    let time = at - (active.zero ?? .zero)
    let detail =
      "the instrument's word of closing or opening the circuit was lost, at or before \(time.shown()) of the step; the half-cycle's charge is not known"
    note(.linkGarbage, .warning, actor: "instrument", detail, now, &outputs)
  }

  /// The current part is over and the voltage is held from here: a record at the border splits the charge of the two.
  mutating func holdBegan(_ at: TimeSpan, _ outputs: inout RunOutputs) {
    guard let zero = setpoint?.zero else { return }
    if let last = setpoint?.lastReading {
      record(last.voltage, last.current, at: max(at, last.time) - zero, [], &outputs)
    }
    setpoint?.holdBeganAt = at
    setpoint?.integrator.holdBegan(at: at)
    setpoint?.flags.insert(.constantVoltage)
    guard case .step(let index) = machine.place else { return }
    let step = program.steps[index]
    let bound = holdBound(of: step)
    setpoint?.commanded = .voltage(step.direction, atMost: bound, held: step.heldVoltage)
    safety.setpointBegan()
  }

  /// A hold that follows its constant current may draw what the run's limit allows; one of its own what it names.
  private func holdBound(of step: ProgramStep) -> Current {
    switch step.action {
    case .hold(_, _, let atMost): atMost
    case .sweep(let sweep): sweep.currentAtMost
    case .impedance(let spectrum): spectrum.currentAtMost
    case .rest, .constantCurrent, .constantCurrentConstantVoltage, .demand, .profile:
      Current(
        picoamperes: step.direction == .charge
          ? (step.limits ?? program.limits).chargeCurrent.hard : (step.limits ?? program.limits).dischargeCurrent.hard)
    }
  }

  mutating func handle(_ reading: Reading, _ now: RunMoment, _ outputs: inout RunOutputs) {
    if setpoint?.takeQuietly(reading, heardAt: now.host, into: &outputs.records, of: &halfCycle) == true {
      lastVoltage = reading.voltage
    } else {
      judge(reading, now, &outputs)
    }
  }

  /// Takes a reading of which nothing is known beforehand.
  private mutating func judge(_ reading: Reading, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let taken = setpoint?.take(reading, heardAt: now.host, settle: machine.settle) else { return }
    if let voltage = reading.voltage {
      lastVoltage = voltage
      if taken.isClosed, isInsideLimits(voltage) { leaveWindows(taken.candidate.charge) }
    }
    guard case .active(let purpose) = phase else {
      recordIfDue(taken.candidate, &outputs)
      return
    }
    let fault = purpose == .step ? safety.judge(reading, commanded: taken.commanded) : safety.judgeCheck(reading)
    if let fault, !(fault.code == .holdCurrentReversed && isOver(taken)) {
      append(taken.candidate, &outputs)
      if purpose == .step, taken.standing.hasSettled { noteEnd(behind: fault, at: reading.voltage) }
      close(because: .fault(fault, latches: true), now, &outputs)
      return
    }
    recordIfDue(taken.candidate, &outputs)
    guard purpose == .step else { return }
    var live = live(taken)
    if let fault = safety.judge(halfCycleCharge: live.halfCycleCharge) {
      // Whoever resumes the run has seen it; the half-cycle is left and not driven further.
      if stepEnding == nil { stepEnding = .skip(actor: "its limit") }
      close(because: .fault(fault, latches: true), now, &outputs)
      return
    }
    guard taken.standing.hasSettled else { return }
    let isEndMet = judgeEnds(&live, taken.overdueEnds, now, &outputs)
    if !isEndMet, taken.isClosed, !isFresh, allowedWindow == nil, machine.mayBeForeseen {
      foresee(reading, live, taken)
    }
  }

  /// Works out between what the next readings can be neither a fault nor an end.
  private mutating func foresee(_ reading: Reading, _ live: LiveQuantities, _ taken: ActiveSetpoint.Taken) {
    guard let zero = setpoint?.zero else { return }
    var ground = QuietGround(zero: zero, holdBeganAt: setpoint?.holdBeganAt)
    ground.carriedStep = carried.time
    ground.carriedHold = carried.holdTime
    if !taken.standing.isDiagnostic { ground.carriedHalfCycle = halfCycle?.timeBeforeStep }
    ground.carriedCycle = cycleTimeBeforeStep
    ground.carriedTest = testTime
    ground.stepCharge = live.stepCharge
    ground.halfCycleCharge = live.halfCycleCharge
    setpoint?.quiet = QuietBand(after: reading, commanded: taken.commanded, safety, machine, from: ground)
  }

  /// A current has brought the cell inside the limits. If it has moved more charge than an empty half-cycle would, the
  /// cell has to stay there; one that was hardly touched relaxes to where it came from.
  private mutating func leaveWindows(_ moved: Charge) {
    guard isFresh || allowedWindow != nil else { return }
    let enough = machine.program.limits.emptyHalfCycleBelow
    if (runCharge + moved).magnitude >= enough { isFresh = false }
    if moved.magnitude >= enough { allowedWindow = nil }
  }

  /// A fresh cell may stand outside the limits until a current has brought it inside.
  func isInsideLimits(_ voltage: Voltage) -> Bool {
    voltage.nanovolts >= machine.program.limits.lowerVoltage.soft
      && voltage.nanovolts <= machine.program.limits.upperVoltage.soft
  }

  /// The reading, as far as it shows a cell that is driven as it was told to be, with what the step and the half-cycle have
  /// behind them. Changes nothing; being `mutating` it works in place, where otherwise the compiler copies the whole pilot
  /// for it.
  @inline(__always)
  private mutating func live(_ taken: ActiveSetpoint.Taken) -> LiveQuantities {
    let candidate = taken.candidate
    var live = LiveQuantities()
    if taken.commanded.vouches(for: candidate.voltage, with: candidate.current) { live.voltage = candidate.voltage }
    if taken.commanded.vouches(for: candidate.current, at: candidate.voltage) { live.current = candidate.current }
    live.cycleNumber = machine.cycleNumber
    live.stepTime = carried.time + candidate.stepTime
    if let holdTime = taken.standing.holdTime { live.holdTime = carried.holdTime + holdTime }
    live.testTime = testTime + candidate.stepTime
    live.cycleTime = cycleTimeBeforeStep + candidate.stepTime
    live.stepCharge = carried.charge + candidate.charge
    if taken.standing.isDiagnostic {
      // It belongs to no half-cycle, but is held to the same limit.
      live.halfCycleCharge = live.stepCharge
    } else if let before = halfCycle?.beforeStep() {
      live.halfCycleTime = before.time + candidate.stepTime
      live.halfCycleCharge = before.charge + candidate.charge
    }
    if machine.fence.asksForTemperature { live.temperature = observing.temperature }
    if machine.fence.asksForEnergy { live.stepEnergy = carried.energy + candidate.energy }
    return live
  }

  /// Whether a condition of the step is met that a hold's current may meet by turning round: then the hold is over, and
  /// the cell is where it should be.
  private mutating func isOver(_ taken: ActiveSetpoint.Taken) -> Bool {
    taken.standing.hasSettled && machine.endReached(live(taken)) != nil
  }

  /// Closes the circuit's step when one of its ends is met, and says whether one is. Nearly always none can be, and the
  /// fence tells.
  @inline(__always)
  private mutating func judgeEnds(
    _ live: inout LiveQuantities, _ overdueEnds: Int32, _ now: RunMoment, _ outputs: inout RunOutputs
  ) -> Bool {
    if machine.fence.asksForCourse { machine.noteCourse(&live) }
    if machine.hasLastingEnds { machine.noteHeldEnds(live) }
    if machine.fence.mayBeMet(live), let end = machine.endReached(live) {
      endReached(end, now, &outputs)
      return true
    }
    if overdueEnds != 0 { setpoint?.overdueEnds = 0 }
    return false
  }

  private mutating func endReached(_ end: Int, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let step = machine.step else { return }
    if setpoint?.cutOffEnds.contains(Int32(end)) == true {
      // The instrument judges this one itself and is about to say so.
      setpoint?.overdueEnds += 1
      if (setpoint?.overdueEnds ?? 0) <= Self.toleratedOverdueEnds { return }
    }
    close(because: .condition(step.ends[end].text), now, &outputs)
  }

  // MARK: - Records

  private mutating func recordIfDue(_ candidate: RecordCandidate, _ outputs: inout RunOutputs) {
    setpoint?.recordIfDue(candidate, into: &outputs.records, of: &halfCycle)
  }

  /// Makes a record of what the integrator holds now.
  mutating func record(
    _ voltage: Voltage?, _ current: Current?, at stepTime: TimeSpan, _ flags: DataFlags, _ outputs: inout RunOutputs
  ) {
    guard let setpoint else { return }
    append(
      RecordCandidate(
        stepTime: stepTime, voltage: voltage, current: current, chargeSum: setpoint.integrator.chargeSum,
        energySum: setpoint.integrator.energySum, flags: setpoint.flags.union(flags)), &outputs)
  }

  private mutating func append(_ candidate: RecordCandidate, _ outputs: inout RunOutputs) {
    setpoint?.append(candidate, to: &outputs.records, of: &halfCycle)
  }
}
