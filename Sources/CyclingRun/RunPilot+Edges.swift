// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The edges of rows, steps, half-cycles and cycles.

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// The set-point is over and the circuit is open.
  mutating func ended(_ token: SetpointToken, _ end: SetpointEnd, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint, active.token == token else { return }
    switch phase {
    case .active(let purpose):
      if purpose == .step {
        stepEnded(by: end, active, now, &outputs)
      } else {
        closeRow(reason: "done", now, &outputs)
        judgeCheck(purpose, active, end, now, &outputs)
      }
    case .closing(let purpose, let asked):
      // Without the moment of opening nobody knows how long the last current flowed.
      if active.isClosed { missCharge(bound: nil, active) }
      let cause = settled(asked, by: end, now, &outputs)
      if purpose == .step, case .cutOff(let index) = end, !cause.isFault {
        // The step met its own end before the instrument heard the host: it is done, whatever was wished meanwhile.
        let reason = endReason(active, cutOff: index)
        stepEnding = .condition(reason)
        if case .skip(let actor) = cause {
          let detail = "the step had met its own end before it could be skipped: \(reason)"
          note(.runStepSkipped, .info, actor: actor, detail, now, &outputs)
        }
      }
      if purpose == .step, case .fault(let fault, _) = cause { noteEnd(behind: fault) }
      closeRow(reason: stepEnding?.text ?? cause.text, now, &outputs)
      settle(cause, now, &outputs)
    case .ready, .committing, .paused, .held, .suspended, .away, .over:
      closeRow(reason: "ended", now, &outputs)
    }
  }

  /// Whoever passed a limit of the voltage has passed the step's own end on the way, where that is a voltage: the step is
  /// over, and a person who resumes the run goes on with the next one. To drive it again would drive the cell further out.
  mutating func noteEnd(behind fault: Fault) {
    guard let active = setpoint, active.standing(after: machine.settle).hasSettled else { return }
    noteEnd(behind: fault, at: active.lastReading?.voltage)
  }

  /// The same with what is known of the last reading, once the circuit has settled.
  mutating func noteEnd(behind fault: Fault, at voltage: Voltage?) {
    switch fault.code {
    case .limitVoltageHigh, .limitVoltageLow, .instrumentBoundReached: break
    default: return
    }
    guard stepEnding == nil, let voltage = voltage?.nanovolts, let end = machine.voltageEndPassed(at: voltage)
    else { return }
    stepEnding = .condition(end)
  }

  /// What was meant, or the fault that the instrument met while it was being asked. A stop stays a stop, with a latch.
  mutating func settled(
    _ cause: ClosingCause, by end: SetpointEnd, _ now: RunMoment, _ outputs: inout RunOutputs
  ) -> ClosingCause {
    let met: Fault
    switch end {
    case .bound(let fault), .failed(let fault): met = fault
    case .cutOff, .leaseExpired, .requested: return cause
    }
    switch cause {
    case .fault: return cause
    case .stop:
      note(met.code, .alarm, met.detail, now, &outputs)
      latch(met, now, &outputs)
      return cause
    case .condition, .pause, .skip, .suspend: return .fault(met, latches: true)
    }
  }

  private mutating func stepEnded(
    by end: SetpointEnd, _ active: ActiveSetpoint, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    switch end {
    case .cutOff(let index):
      let reason = endReason(active, cutOff: index)
      if let fault = doubt(of: index, active, reason) {
        closeRow(reason: fault.code.rawValue, now, &outputs)
        return settle(.fault(fault, latches: true), now, &outputs)
      }
      stepEnding = .condition(reason)
      closeRow(reason: reason, now, &outputs)
      settle(.condition(reason), now, &outputs)
    case .bound(let fault):
      noteEnd(behind: fault)
      closeRow(reason: stepEnding?.text ?? fault.code.rawValue, now, &outputs)
      settle(.fault(fault, latches: true), now, &outputs)
    case .leaseExpired:
      closeRow(reason: FaultCode.instrumentLeaseExpired.rawValue, now, &outputs)
      interruptedHere(
        Fault(
          .instrumentLeaseExpired, "the instrument heard nothing from the host for its lease and opened the circuit"),
        now, &outputs)
    case .requested:
      closeRow(reason: "ended without being asked", now, &outputs)
      settle(.fault(Fault(.instrumentError, "the instrument ended the step unasked"), latches: true), now, &outputs)
    case .failed(let fault):
      // Nobody knows when the current stopped, unless the script still said so.
      if active.isDriven, active.openedAt == nil { missCharge(bound: nil, active) }
      closeRow(reason: fault.code.rawValue, now, &outputs)
      settle(.fault(fault, latches: true), now, &outputs)
    }
  }

  func endReason(_ active: ActiveSetpoint, cutOff index: Int) -> String {
    stepEnd(active, cutOff: index)?.text ?? "cut-off"
  }

  /// The step's end that a cut-off stands for.
  private func stepEnd(_ active: ActiveSetpoint, cutOff index: Int) -> EndCondition? {
    guard case .step(let step) = machine.place, active.cutOffEnds.indices.contains(index) else { return nil }
    let end = Int(active.cutOffEnds[index])
    guard program.steps[step].ends.indices.contains(end) else { return nil }
    return program.steps[step].ends[end]
  }

  /// Why an end that the instrument has judged by itself is none: its last reading shows a cell that nobody drove as it was to
  /// be driven, and what ends no step when the host sees it ends none here.
  private func doubt(of index: Int, _ active: ActiveSetpoint, _ reason: String) -> Fault? {
    guard let last = active.lastReading, let closedAt = active.closedAt, last.time - closedAt >= machine.settle
    else { return nil }
    let quantity = stepEnd(active, cutOff: index)?.quantity
    let isDoubtful =
      (quantity == .voltage && !active.commanded.vouches(for: last.voltage, with: last.current))
      || (quantity == .current && !active.commanded.vouches(for: last.current, at: last.voltage))
    guard isDoubtful else { return nil }
    let (voltage, current) = (last.voltage?.written ?? "no voltage", last.current?.written ?? "no current")
    return Fault(
      .instrumentSetpointNotFollowed,
      "the instrument ended the step by \(reason), with \(voltage) and \(current), which is not what it was told to drive"
    )
  }

  mutating func refused(_ token: SetpointToken, _ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard setpoint?.token == token else { return }
    closeRow(reason: fault.code.rawValue, now, &outputs)
    if case .closing(_, let cause) = phase {
      settle(cause, now, &outputs)
    } else {
      settle(.fault(fault, latches: true), now, &outputs)
    }
  }

  // MARK: - Rows

  /// Writes the row's last record and what later rows must know of it.
  mutating func closeRow(reason: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let active = setpoint else { return }
    if active.integrator.backwardsCount > 0 {
      let detail = "\(active.integrator.backwardsCount) times in the step; what came too early was not integrated"
      note(.instrumentTimeBackwards, .warning, actor: "instrument", detail, now, &outputs)
    }
    let zero = active.zero ?? .zero
    let lastTime = active.lastReading?.time ?? zero
    let endTime = max(max(active.openedAt ?? lastTime, lastTime) - zero, .zero)
    // A last reading that is a record already, at the moment at which the step ends, is not stored twice.
    if active.hasBegun || active.lastReading != nil, active.kind != .rest || active.policy.lastRecordedAt != endTime {
      record(active.lastReading?.voltage, active.lastReading?.current, at: endTime, .stepEnd, &outputs)
    }
    let charge = active.integrator.charge
    if active.hasTimeZero {
      testTime += endTime
      testTimeAt = now.host
    } else {
      // It never began; what was waited for it is the test's time all the same.
      countTestTime(until: now.host)
    }
    runCharge += charge
    if active.kind != .openCircuitCheck {
      // After a blind rest nobody knows where the cell stands (hazard rules 2 and 6).
      if active.kind == .rest, let last = active.lastReading, last.voltage == nil { lastVoltage = nil }
      carried.time += endTime
      if let holdBegan = active.holdBeganAt {
        carried.holdTime += max(endTime + zero - holdBegan, .zero)
        carried.heldCurrent = active.lastReading?.current ?? carried.heldCurrent
      }
      carried.charge += charge
      carried.energy += active.integrator.energy
      carried.isResumed = true
      cycleTimeBeforeStep += endTime
      // Half a voltammogram or profile is none, and half a spectrum is of another hour: what was cut off is not taken up
      // again.
      let isWhole = [.voltageSweep, .currentProfile, .impedanceSpectrum].contains(active.kind)
      if isWhole, active.hasTimeZero, stepEnding == nil { stepEnding = .condition(EndCondition.cutOff) }
    }
    if active.countsForHalfCycle {
      halfCycle?.chargeBeforeStep += charge
      halfCycle?.timeBeforeStep += endTime
      halfCycle?.accumulator.stepEnded(isDriven: active.isDriven)
    }
    restTrace = setpoint?.rest ?? restTrace
    if active.isDriven, active.hasTimeZero { restTrace.drivenStepEnded(at: testTime) }
    noteOvershoot(active, reason: reason, now, &outputs)
    if active.integrator.hasUnknown { missCharge(bound: nil, active) }
    if active.kind == .impedanceSpectrum, active.hasTimeZero { noteSpectrum(active, now, &outputs) }
    outputs.entries.append(.stepEnded(stepID: active.stepID, endedTestTime: testTime, reason: reason))
    setpoint = nil
  }

  /// Charge flowed that no reading tells; at most `bound`, nil when there is no bound.
  mutating func missCharge(bound: Charge?, _ active: ActiveSetpoint) {
    guard active.isDriven else { return }
    guard active.countsForHalfCycle, halfCycle != nil else {
      cycle.chargeWasMissed()
      return
    }
    halfCycle?.row.flags.formUnion([.gap, .chargeUnknown])
    noteGap(bound)
  }

  /// Adds to what the half-cycle's charge can be wrong by.
  mutating func noteGap(_ bound: Charge?) {
    guard let known = halfCycle?.gapCharge else { return }
    halfCycle?.gapCharge = bound.map { known + $0 }
  }

  // MARK: - Half-cycles and cycles

  mutating func openHalfCycle(for step: ProgramStep, _ outputs: inout RunOutputs) {
    guard let place = step.halfCycle, halfCycle == nil else { return }
    halfCycleNumber += 1
    let row = HalfCycleRow(
      halfCycleID: RowIdentity.halfCycle(run: identity.run, number: halfCycleNumber), run: identity.run,
      number: halfCycleNumber, cycleNumber: place.isCounted ? machine.cycleNumber : nil, direction: step.direction,
      purpose: step.purpose, label: step.label, charge: .zero, reverseCharge: .zero, energy: .zero,
      constantVoltageCharge: .zero, plateauCharge: nil, gapCharge: .zero, endReason: nil,
      flags: beginsPartially(step, place) ? .partialStart : [])
    halfCycle = OpenHalfCycle(
      row: row,
      accumulator: HalfCycleAccumulator(
        direction: step.direction, plateauThreshold: plateauThreshold(for: step.direction),
        correctionDelay: program.metrics.plateauIRCorrection))
    outputs.entries.append(.halfCycleOpened(row))
  }

  /// Whether the cell does not stand where such a half-cycle begins: the one before was cut short, or what would have to
  /// come between two of the same direction was skipped before it had moved anything.
  private func beginsPartially(_ step: ProgramStep, _ place: ProgramStep.HalfCyclePlace) -> Bool {
    guard let earlier else { return false }
    return !earlier.isWhole || place.isCounted && earlier.direction == step.direction
  }

  /// Closes what the present step closes.
  mutating func closeEdges(reason: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard case .step(let index) = machine.place, let place = program.steps[index].halfCycle else { return }
    if place.closes { closeHalfCycle(reason: reason, isTruncated: false, now, &outputs) }
    if place.closesCycle { closeCycle(now, &outputs) }
  }

  /// Stores what the half-cycle has come to so far, for whoever looks at a run that waits.
  func showHalfCycle(_ outputs: inout RunOutputs) {
    guard let open = halfCycle else { return }
    var row = open.accumulator.fill(open.row)
    row.gapCharge = open.gapCharge
    outputs.entries.append(.halfCycleUpdated(row))
  }

  mutating func closeHalfCycle(reason: String, isTruncated: Bool, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let open = halfCycle else { return }
    var row = open.accumulator.fill(open.row)
    row.gapCharge = open.gapCharge
    row.endNetCharge = cycle.hasMissedCharge ? nil : runCharge
    row.endReason = reason
    if isTruncated || open.isTruncated { row.flags.insert(.truncated) }
    let isEmpty = row.charge.magnitude < program.limits.emptyHalfCycleBelow
    if isEmpty { row.flags.insert(.empty) }
    // What a person cut short says nothing of the cell when it is empty.
    if !isEmpty { emptyInARow = 0 } else if !row.flags.contains(.truncated) { emptyInARow += 1 }
    outputs.entries.append(.halfCycleUpdated(row))
    cycle.add(row)
    let endedAtVoltage = endsAtVoltage(row.endReason)
    if let place = machine.step?.test { addToTest(row, place, endedAtVoltage: endedAtVoltage, now, &outputs) }
    earlier =
      EarlierHalfCycle(direction: row.direction, flags: row.flags, endedAtVoltage: endedAtVoltage) ?? earlier
    if let lastVoltage, isInsideLimits(lastVoltage) { isFresh = false }
    halfCycle = nil
    outputs.wantsCommit = true
  }

  /// What the half-cycle says of the test of plating that it is part of.
  private mutating func addToTest(
    _ row: HalfCycleRow, _ place: EfficiencyTestPlace, endedAtVoltage: Bool, _ now: RunMoment,
    _ outputs: inout RunOutputs
  ) {
    guard let plating = program.role.firstDirection, program.tests.indices.contains(place.test) else { return }
    let number = Int32(place.test) + 1
    if efficiencyTest?.row.number != number {
      efficiencyTest = EfficiencyTestAccumulator(
        run: identity.run, number: number, test: program.tests[place.test], platingDirection: plating, after: earlier)
    }
    efficiencyTest?.add(row, part: place.part, endedAtVoltage: endedAtVoltage)
    guard let told = efficiencyTest?.row else { return }
    outputs.entries.append(.testUpdated(told))
    guard place.part == .finalStrip else { return }
    let result =
      told.coulombicEfficiency.map { "coulombic efficiency \($0)" }
        ?? """
        no efficiency: a charge is not known, a step was cut short, the final strip moved nothing or did not end at its \
        voltage, or the cell held sodium before the test
        """
    note(.runTestDone, .info, "\(told.label): \(result), \(told.cycles) cycles", now, &outputs)
  }

  /// Whether the present step ended at its voltage or in a hold at it, so that nothing was left that it could move. A hold
  /// begins where the step before it ended.
  private func endsAtVoltage(_ reason: String?) -> Bool {
    switch machine.step?.action {
    case .hold: return true
    // Its own end is its voltage.
    case .sweep: if machine.step?.ends.first?.text == reason { return true }
    // Its current says nothing of what is left.
    case .demand: return machine.step?.ends.contains { $0.text == reason && $0.quantity == .voltage } ?? false
    case .profile: return false
    case .rest, .constantCurrent, .constantCurrentConstantVoltage, .impedance, nil: break
    }
    guard let end = machine.step?.ends.first(where: { $0.text == reason }) else { return false }
    switch end.quantity {
    case .voltage, .current, .holdTime: return true
    case .stepTime, .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge, .stepEnergy, .voltageDrift,
      .chargePerVolt, .cycleNumber, .temperature:
      return false
    }
  }

  private mutating func closeCycle(_ now: RunMoment, _ outputs: inout RunOutputs) {
    let wasLost = cycle.isReferenceLost
    guard let summary = cycle.close(cycleNumber: machine.cycleNumber) else { return }
    outputs.entries.append(.cycleClosed(run: identity.run, summary))
    if let all = cycle.runSummary { outputs.entries.append(.summaryUpdated(run: identity.run, all)) }
    machine.cycleClosed(summary)
    if !wasLost, cycle.isReferenceLost, let reference = program.metrics.retentionReference {
      let detail = "\(reference.written) is incomplete: retention against it is not known, nor can it end a block"
      note(.runRetentionUnknown, .warning, detail, now, &outputs)
    }
  }
}
