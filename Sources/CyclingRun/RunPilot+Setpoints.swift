// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a step of the program becomes a set-point with bounds that the instrument can hold by itself.

internal import CellMetrics
internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// A hold may begin at most this far from where the cell stands (hazard rule 2).
  static let holdReach = Voltage(millivolts: 20)
  /// A hold that is taken up again is approached at this part of the usual current at least.
  static let leastShareOfApproach: Int64 = 20
  /// So far on its way a sweep from where the cell stands begins, at most.
  static let sweepStart = Voltage(millivolts: 10)
  /// Sweeps are measured in steps of about so much, where the instrument is fast enough.
  static let sweepStep = Voltage(millivolts: 1)
  /// Added to every time bound, so that the step's own condition comes first.
  static let durationMargin = TimeSpan(seconds: 10)
  /// The longest set-point of all: no step of a real protocol lasts a year.
  static let longestDuration = TimeSpan(seconds: 366 * 86_400)

  /// Begins measuring the open circuit.
  mutating func beginCheck(_ purpose: SetpointPurpose, _ now: RunMoment, _ outputs: inout RunOutputs) {
    // Its circuit was opened within it, or it would not be open now.
    halfCycle?.row.flags.insert(.interrupted)
    drivenDirection = nil
    switch purpose {
    case .preflight, .personResume: forgetInterruption()
    case .resumeCheck, .step: break
    }
    let cutOff = CutOff(
      quantity: .time, comparison: .atLeast, threshold: settings.openCircuitCheck.microseconds, onlyInHold: false)
    let interval = min(settings.slowestReadings, settings.openCircuitCheck / 10)
    begin(
      Row(kind: .openCircuitCheck, programIndex: -1, path: "", direction: .none, rangeCurrent: nil),
      .open, cutOffs: [cutOff], cutOffEnds: [-1], interval: max(interval, settings.fastestReadings),
      duration: settings.openCircuitCheck + Self.durationMargin, now, &outputs)
    phase = .active(purpose)
    tell(purpose == .preflight ? .preflight : .interrupted, now, &outputs)
  }

  /// Begins the program's step with that index.
  mutating func enterStep(_ index: Int, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let step = machine.resolvedStep(index) else {
      hold(unknownCapacity(of: program.steps[index]), latches: false, now, &outputs)
      return
    }
    if let fault = unobserved(now) {
      hold(fault, latches: false, now, &outputs)
      return
    }
    if let fault = refusal(of: step) {
      hold(fault, latches: true, now, &outputs)
      return
    }
    openHalfCycle(for: step, &outputs)
    if step.hasShares, !carried.isResumed { tellShares(of: step, now, &outputs) }
    let (cutOffs, ends) = cutOffs(of: step)
    let drive = drive(of: step)
    let row = Row(
      kind: step.kind, programIndex: Int32(index), path: step.path, direction: step.direction,
      rangeCurrent: step.direction == .none && step.kind == .rest ? nil : step.rangeCurrent, settle: step.settle,
      isDiagnostic: step.isDiagnostic, record: step.record, limits: step.limits)
    begin(
      row, drive, cutOffs: cutOffs, cutOffEnds: ends,
      interval: readingInterval(of: step, at: drive.largestCurrent),
      duration: duration(of: step, drive), now, &outputs)
    let direction = step.kind == .rest ? nil : step.direction
    // Where the direction is not the program's to say, it may have changed.
    let isNew = direction != nil && (direction != drivenDirection || direction == Direction.none)
    if outputs.wantsCommit || isNew { awaitCommit(&outputs) } else { phase = .active(.step) }
    drivenDirection = direction
    resumptionReason = nil
    if state != .running { tell(.running, now, &outputs) }
  }

  /// Keeps the set-point back until the store holds its row and a checkpoint that names it: at the edges that close a
  /// half-cycle, whenever the current turns (hazard rule 13; a diagnostic pulse turns it within a half-cycle), and
  /// whenever current is to flow after an open circuit. A checkpoint that is found therefore never stands before
  /// current that it knows nothing of; only where current goes on in its direction may the instrument go first, and
  /// there the checkpoint's own step is a driven one already.
  private mutating func awaitCommit(_ outputs: inout RunOutputs) {
    guard case .begin(let prepared) = outputs.commands.popLast() else { return }
    awaitingCommit = prepared
    outputs.wantsCommit = true
    phase = .committing
  }

  /// What a step row says besides what the pilot counts.
  private struct Row {
    var kind: StepKind
    var programIndex: Int32
    var path: String
    var direction: Direction
    var rangeCurrent: Current?
    var settle = Setpoint.usualSettle
    var isDiagnostic = false
    var record: [RecordSegment] = []
    var limits: SafetyLimits?
  }

  private mutating func begin(
    _ row: Row, _ drive: StepDrive, cutOffs: [CutOff], cutOffEnds: [Int32], interval: TimeSpan,
    duration: TimeSpan, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    longestSilence = .zero
    machine.forgetHeldEnds()
    stepCount += 1
    let token = SetpointToken(run: identity.run, stepCount: stepCount)
    let stepID = RowIdentity.step(run: identity.run, count: stepCount)
    countTestTime(until: now.host)
    setpoint = ActiveSetpoint(
      token: token, stepID: stepID, kind: row.kind, isDiagnostic: row.isDiagnostic,
      commanded: drive.commanded(openOrIn: windowAtRest),
      readingInterval: interval,
      cutOffEnds: cutOffEnds, integrator: ChargeIntegrator(direction: row.direction),
      policy: RecordPolicy(
        segments: row.record, otherwise: program.record,
        readsResistance: row.kind != .rest && row.kind != .openCircuitCheck),
      edges: PlateauEdges(
        threshold: row.isDiagnostic ? nil : plateauThreshold(for: row.direction), direction: row.direction,
        resistance: halfCycle?.accumulator.correctionResistance),
      largestCurrent: drive.largestCurrent, lease: settings.lease, askedAt: now.host, heardAt: now.host)
    setpoint?.longestPoint = drive.longestPoint
    tellHalfCycle(of: row.kind, range: max(row.rangeCurrent ?? .zero, drive.largestCurrent))
    if row.kind == .rest || row.kind == .openCircuitCheck { setpoint?.zero = .zero }
    outputs.entries.append(
      .stepStarted(
        StepRow(
          stepID: stepID, run: identity.run, stepCount: stepCount, protocolRevision: identity.protocolRevision,
          programIndex: row.programIndex, programPath: row.path, kind: row.kind, direction: row.direction,
          halfCycleID: row.direction == .none || row.isDiagnostic ? nil : halfCycle?.row.halfCycleID,
          cycleNumber: machine.cycleNumber > 0 ? machine.cycleNumber : nil, startedAt: now.unix,
          startedTestTime: testTime, startCharge: runCharge, rangeCurrent: row.rangeCurrent)))
    let limits = row.limits ?? program.limits
    safety.judge(by: limits)
    safety.setpointBegan()
    let bounds = Bounds(
      lowerVoltage: Voltage(nanovolts: limits.lowerVoltage.hard),
      upperVoltage: Voltage(nanovolts: limits.upperVoltage.hard), currentMagnitude: drive.bound(limits),
      duration: duration)
    outputs.commands.append(
      .begin(
        Setpoint(
          token: token, mode: drive.mode, cutOffs: cutOffs, bounds: bounds, readingInterval: interval,
          rangeCurrent: max(row.rangeCurrent ?? .zero, drive.largestCurrent), lease: settings.lease, settle: row.settle)
      ))
  }

  /// Tells the half-cycle of the step that begins.
  private mutating func tellHalfCycle(of kind: StepKind, range: Current) {
    setpoint?.rest = restTrace
    guard setpoint?.countsForHalfCycle == true, halfCycle?.isTruncated != nil else { return }
    halfCycle?.accumulator.stepBegan(kind, accuracy: settings.currentAccuracy.holding(range))
    setpoint?.awaitsResistance =
      halfCycle?.accumulator.correctionDelay != nil && halfCycle?.accumulator.correctionResistance == nil
  }

  /// As dense as the protocol records, but never slower than supervision needs nor faster than the instrument can.
  var readingInterval: TimeSpan {
    let recorded = machine.step?.record.map(\.rule.every).min() ?? program.record.every
    return max(min(recorded, settings.slowestReadings), settings.fastestReadings)
  }

  /// What `limits.half_cycle_charge` allows takes at least so many readings: cut-offs and voltage limits are judged at
  /// readings, so at a high rate a second would be a lot of charge and, at the steep end of a curve, a lot of voltage.
  static let readingsAHalfCycle: Int128 = 5_000

  /// The interval for a step that drives at most `current`: the faster, the higher its rate is.
  func readingInterval(at current: Current) -> TimeSpan {
    guard current > .zero else { return readingInterval }
    let slowest = min(readingInterval, program.record.readEvery ?? settings.slowestDrivenReadings)
    // nC over pA is 1e9 µs.
    let shortest = Int128(program.limits.halfCycleCharge.nanocoulombs) * 1_000_000_000 / Int128(current.picoamperes)
    let wanted = TimeSpan(microseconds: Int64(clamping: shortest / Self.readingsAHalfCycle))
    return max(min(slowest, wanted), settings.fastestReadings)
  }

  /// A sweep is read at each millivolt at least.
  private func readingInterval(of step: ProgramStep, at current: Current) -> TimeSpan {
    let interval = readingInterval(at: current)
    if case .impedance = step.action { return max(min(interval, Self.betweenPoints), settings.fastestReadings) }
    guard case .sweep(let sweep) = step.action else { return interval }
    // nV over nV/h are hours.
    let microseconds = Int128(Self.sweepStep.nanovolts) * 3_600_000_000 / Int128(max(sweep.rate.count, 1))
    return max(min(interval, TimeSpan(microseconds: Int64(clamping: microseconds))), settings.fastestReadings)
  }

  /// What a step's shares come to, for whoever asks later which current was meant.
  private func tellShares(of step: ProgramStep, _ now: RunMoment, _ outputs: inout RunOutputs) {
    let words = step.shares.compactMap { share -> String? in
      guard let amount = machine.measured.amount(of: share) else { return nil }
      guard share == step.currentShare || step.ends.contains(where: { $0.share == share && $0.quantity == .current })
      else {
        return "`\(share.written)` is \(Charge(nanocoulombs: amount).shown())"
      }
      let current = Current(picoamperes: amount)
      let most = step.action.constantCurrent ?? current
      let isClipped = share == step.currentShare && most < current
      return "`\(share.written)` is \(current.shown())" + (isClipped ? ", of which \(most.shown()) may flow" : "")
    }
    note(.runShareResolved, .info, words.joined(separator: "; "), now, &outputs)
  }

  /// Why a step that needs what the cycles have shown cannot be begun.
  private func unknownCapacity(of step: ProgramStep) -> Fault {
    if let nothing = step.shares.first(where: { machine.measured.amount(of: $0) == 0 }) {
      return Fault(.runCapacityUnknown, "`\(nothing.written)` is less than a picoampere or a nanocoulomb")
    }
    let share = step.shares.first { machine.measured.amount(of: $0) == nil }
    let cycle = share?.cycle.map { "\($0.written) of the run has not" } ?? "no whole cycle of the run has"
    return Fault(.runCapacityUnknown, "`\(share?.written ?? "")` is not known: \(cycle) shown that capacity")
  }

  /// Why a step must not be begun, if so.
  private func refusal(of step: ProgramStep) -> Fault? {
    if let fault = refusalOfPassedLimit(step) ?? refusalOfPassedTarget(step) { return fault }
    if case .sweep(let sweep) = step.action { return refusal(of: sweep) }
    if case .impedance(let spectrum) = step.action { return refusal(of: spectrum, under: step.limits) }
    guard case .hold(let direction, let target, _) = step.action else { return nil }
    guard let standing = lastVoltage else {
      return Fault(.holdStartedFarAway, "the cell's voltage is not known, so nothing may be held")
    }
    if (standing - target).magnitude <= Self.holdReach { return nil }
    if carried.isResumed, approach(target, direction) != nil { return nil }
    return Fault(
      .holdStartedFarAway,
      "the cell stands at \(standing.shown()), too far from the \(target.shown()) to be held")
  }

  /// A sweep begins where the cell stands, or near enough to where it should; so a current from far away is not driven.
  private func refusal(of sweep: VoltageSweep) -> Fault? {
    guard let standing = lastVoltage else {
      return Fault(.holdStartedFarAway, "the cell's voltage is not known, so no sweep may begin")
    }
    guard let from = sweep.from, (standing - from).magnitude > Self.holdReach else { return nil }
    return Fault(
      .holdStartedFarAway,
      "the cell stands at \(standing.shown()), too far from the \(from.shown()) at which the sweep should begin; without `from` it begins where the cell stands"
    )
  }

  /// A cell that stands outside the limits, because it is fresh or a person allowed it, is not driven further out. Under
  /// a current of the other direction it stands farther out than it seems; under one of the same direction it may not
  /// stand out at all, and the limits judge it at each reading.
  private func refusalOfPassedLimit(_ step: ProgramStep) -> Fault? {
    guard drivenDirection != step.direction, let standing = lastVoltage else { return nil }
    let limits = program.limits
    switch step.direction {
    case .charge where standing.nanovolts > limits.upperVoltage.soft:
      return Fault(
        .limitVoltageHigh, "the cell stands at \(standing.shown()) above its limit, and the step would charge it")
    case .discharge where standing.nanovolts < limits.lowerVoltage.soft:
      return Fault(
        .limitVoltageLow, "the cell stands at \(standing.shown()) below its limit, and the step would discharge it")
    case .charge, .discharge, .none: return nil
    }
  }

  /// A constant current to a voltage that the cell has already passed would be a hold from far away at once, with the
  /// current the wrong way round (hazard rule 2).
  private func refusalOfPassedTarget(_ step: ProgramStep) -> Fault? {
    guard case .constantCurrentConstantVoltage(let direction, _, let target) = step.action, let standing = lastVoltage
    else { return nil }
    let passed = direction == .charge ? standing - target : target - standing
    guard passed > Self.holdReach else { return nil }
    return Fault(
      .holdStartedFarAway,
      "the cell stands at \(standing.shown()), already beyond the \(target.shown()) that the step goes to")
  }

  /// A hold that is taken up again after the cell relaxed is approached at a constant current in its direction.
  private func approach(_ target: Voltage, _ direction: Direction) -> Direction? {
    guard settings.setsCurrents, let standing = lastVoltage, (standing - target).magnitude > Self.holdReach else {
      return nil
    }
    let needed: Direction = target > standing ? .charge : .discharge
    return needed == direction ? needed : nil
  }

  /// A hold that is taken up again is approached at what flowed in it last: so much brings the cell back to where it was
  /// left. The whole current would carry a nearly full cell past the voltage within a reading, and what flows back then is a
  /// reversal, and on its way through zero an end by a small current. A share of the whole one at least, so that the voltage
  /// is reached and the current measured.
  private func approachCurrent(_ direction: Direction, atMost most: Current) -> Current {
    guard carried.isResumed, carried.holdTime > .zero else { return most }
    let held = carried.heldCurrent ?? .zero
    let isBackwards = (held > .zero) != (direction == .charge)
    return max(
      isBackwards ? .zero : min(held.magnitude, most), most / Self.leastShareOfApproach, Current(picoamperes: 1))
  }

  private func drive(of step: ProgramStep) -> StepDrive {
    switch step.action {
    case .rest: return .open
    case .constantCurrent(let direction, let current): return .current(direction, current)
    case .constantCurrentConstantVoltage(let direction, let current, let voltage):
      return .currentThenHold(direction, current, voltage, at: approachCurrent(direction, atMost: current))
    case .hold(let direction, let voltage, let atMost):
      guard carried.isResumed, let towards = approach(voltage, direction) else {
        return .hold(direction, voltage, atMost: atMost)
      }
      // Below what the hold allows, so that neither the converter's error nor the first moment of the hold trips its bound.
      let most = Current(picoamperes: max(atMost.picoamperes / 5 * 4, 1))
      return .approachedHold(towards, voltage, at: approachCurrent(towards, atMost: most), atMost: atMost)
    case .demand(let demand): return .demand(demand, from: first(of: demand))
    case .sweep(let sweep):
      let from = sweep.from ?? Self.begin(lastVoltage ?? .zero, towards: sweep.to.first ?? .zero)
      return .sweep(Setpoint.Sweep(from: from, to: sweep.to, rate: sweep.rate, ownEnd: 0), atMost: sweep.currentAtMost)
    case .profile(let profile): return .profile(profile)
    case .impedance(let spectrum):
      return .impedance(Setpoint.Impedance(spectrum, around: lastVoltage ?? .zero, ownEnd: 0))
    }
  }

  /// A current that follows the voltage begins with what the cell's last known voltage asks for, or with a little where
  /// none is known; the first sample corrects it.
  private func first(of demand: CurrentDemand) -> Current {
    lastVoltage.map { demand.current(at: $0) } ?? demand.currentAtMost / 100
  }

  /// A sweep from where the cell stands begins a little on its way: what is measured and what is applied differ by the
  /// errors of two converters, and a first current the wrong way round would drive a fresh cell further out.
  private static func begin(_ standing: Voltage, towards target: Voltage) -> Voltage {
    let distance = target - standing
    let step = min(distance.magnitude / 2, sweepStart)
    return distance < .zero ? standing - step : standing + step
  }

  /// The ends that an instrument can judge by itself, with what the step has behind it taken off.
  func cutOffs(of step: ProgramStep) -> ([CutOff], [Int32]) {
    var cutOffs: [CutOff] = []
    var ends: [Int32] = []
    for (index, end) in step.ends.enumerated() where end.isPlain {
      let quantity: CutOff.Quantity
      var threshold = end.threshold
      switch end.quantity {
      case .voltage: quantity = .voltage
      case .current: quantity = .currentMagnitude
      case .stepTime:
        quantity = .time
        threshold = max(0, threshold - carried.time.microseconds)
      case .holdTime:
        quantity = .holdTime
        threshold = max(0, threshold - carried.holdTime.microseconds)
      case .halfCycleTime, .cycleTime, .testTime, .stepCharge, .halfCycleCharge, .stepEnergy, .voltageDrift,
        .chargePerVolt, .cycleNumber, .temperature:
        continue
      }
      cutOffs.append(
        CutOff(
          quantity: quantity, comparison: end.comparison, threshold: threshold,
          onlyInHold: end.onlyInHold || end.quantity == .holdTime))
      ends.append(Int32(index))
    }
    return (cutOffs, ends)
  }

  /// The longest that a step can last if all is well: its own time, or the time in which its current would pass the
  /// half-cycle's charge limit, whichever is shorter.
  private func duration(of step: ProgramStep, _ drive: StepDrive) -> TimeSpan {
    var bound = Self.longestDuration
    for end in step.ends where end.quantity == .stepTime && end.isPlain {
      bound = min(bound, TimeSpan(microseconds: max(0, end.threshold - carried.time.microseconds)))
    }
    // One that is approached at a current first takes as long as that takes.
    if case .hold = drive {
      for end in step.ends where end.quantity == .holdTime && end.isPlain {
        bound = min(bound, TimeSpan(microseconds: max(0, end.threshold - carried.holdTime.microseconds)))
      }
    }
    if case .impedance(let spectrum) = step.action { bound = min(bound, duration(of: spectrum)) }
    if case .constantCurrent(_, let current) = step.action, current > .zero {
      // nC · 1e9 / pA = µs; a tenth more than the limit itself needs.
      let microseconds =
        Int128(program.limits.halfCycleCharge.nanocoulombs) * 1_100_000_000 / Int128(current.picoamperes)
      bound = min(bound, TimeSpan(microseconds: Int64(clamping: microseconds)))
    }
    return min(bound, Self.longestDuration) + Self.durationMargin
  }

  /// The plateau threshold of a branch, by the role's meaning of the direction.
  func plateauThreshold(for direction: Direction) -> Voltage? {
    program.metrics.plateauThreshold(direction: direction, role: program.role)
  }
}
