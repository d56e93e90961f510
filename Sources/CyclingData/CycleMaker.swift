// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Cycles from half-cycles: pairs in the order of the cell's role, and what CellMetrics makes of them. A leading half-cycle
// of the wrong sense is cycle 0.

internal import CellMetrics
internal import CyclerModel
internal import Quantities

struct CycleMaker {
  let options: AnalysisOptions
  let first: Direction
  private(set) var halves: [DataHalfCycle]
  private(set) var cycles: [DataCycle] = []
  private(set) var tests: [EfficiencyTestRow] = []
  private(set) var notes: [String] = []
  // Half-cycles of a reservoir test, of which pairs say nothing.
  private var inReservoir: Range<Int> = 0..<0

  /// Currents and ends that differ by no more are the same.
  private static let sameCurrent = 0.1

  init(_ halves: [DataHalfCycle], options: AnalysisOptions, first: Direction) {
    self.options = options
    self.first = first
    self.halves = halves
    number()
    if case .reservoir(let count) = options.test { takeReservoir(cycles: count) }
    if inReservoir.isEmpty { HalfCycleReview.flagTruncated(&self.halves) }
    HalfCycleReview.flagPartialStart(&self.halves, first: self.halves.first?.direction == first ? 0 : 1)
    if options.test == .longCycling { takeLongCycling() }
    pair()
    compare()
  }

  /// Half-cycles and cycles that are known already: only which of them are alike is to be told.
  init(stamped halves: [DataHalfCycle], cycles: [DataCycle], options: AnalysisOptions, first: Direction) {
    self.options = options
    self.first = first
    self.halves = halves
    self.cycles = cycles
    compare()
  }

  private mutating func number() {
    let offset = halves.first.map { $0.direction == first ? 0 : 1 } ?? 0
    for index in halves.indices { halves[index].cycle = Int64((index - offset + 2) / 2) }
    if offset == 1 { halves[0].cycle = 0 }
  }

  // MARK: Cycles

  private mutating func pair() {
    let formation = options.formationCycles ?? 0
    let reference = options.referenceCycle ?? formation + 1
    let named =
      reference <= formation
      ? CycleReference(purpose: .formation, number: reference)
      : CycleReference(purpose: .life, number: reference - formation)
    var accumulator = CycleAccumulator(role: options.countingRole, earlierCellCycles: 0, retentionReference: named)
    var slippage = EndPointSlippage()
    var group: Range<Int> = 0..<0
    while group.upperBound < halves.count {
      let number = halves[group.upperBound].cycle
      let begin = group.upperBound
      let end = halves[begin...].firstIndex { $0.cycle != number } ?? halves.count
      group = begin..<end
      // What went before the first cycle is in no sum over cycles.
      var alone = CycleAccumulator(role: options.countingRole, earlierCellCycles: 0)
      var cycle: DataCycle?
      if number == 0 {
        for index in group { alone.add(row(index)) }
        cycle = alone.close(cycleNumber: 0).map { self.cycle($0, group) }
      } else {
        for index in group { accumulator.add(row(index)) }
        cycle = accumulator.close(cycleNumber: number).map { self.cycle($0, group) }
      }
      guard var cycle else { continue }
      for index in group {
        let half = halves[index]
        let moved = slippage.take(
          half.direction, charge: half.gapCharge == nil ? half.charge : nil, endsAtCutOff: !half.isTruncated)
        if half.direction == .charge { cycle.chargeEndSlippage = moved } else { cycle.dischargeEndSlippage = moved }
      }
      if let retention = cycle.summary.retention, number > reference {
        cycle.decayIntervals = number - reference
        cycle.decay = DecayRate(retention: retention, intervals: number - reference)
      }
      cycles.append(cycle)
    }
  }

  private func row(_ index: Int) -> HalfCycleRow {
    let half = halves[index]
    var flags: DataFlags = []
    if half.isTruncated { flags.insert(.truncated) }
    if half.gapCharge != nil { flags.insert(.gap) }
    if half.interruption != nil { flags.insert(.interrupted) }
    let isFormation = half.cycle <= options.formationCycles ?? 0
    return HalfCycleRow(
      halfCycleID: Int64(index + 1), run: 1, number: Int32(clamping: index + 1), cycleNumber: half.cycle,
      direction: half.direction, purpose: isFormation ? .formation : .life, label: nil, charge: half.charge,
      reverseCharge: .zero, energy: half.energy ?? .zero, constantVoltageCharge: .zero,
      plateauCharge: half.plateauCharge, gapCharge: half.gapCharge ?? .zero, endReason: nil, flags: flags)
  }

  private func cycle(_ summary: CycleSummary, _ group: Range<Int>) -> DataCycle {
    let charge = group.first { halves[$0].direction == .charge }
    let discharge = group.first { halves[$0].direction == .discharge }
    var summary = summary
    if let charge, halves[charge].energy == nil { summary.chargeEnergy = nil }
    if let discharge, halves[discharge].energy == nil { summary.dischargeEnergy = nil }
    if !inReservoir.isEmpty, group.contains(where: inReservoir.contains) {
      summary.coulombicEfficiency = nil
      summary.retention = nil
    }
    let isComplete = group.count == 2 && summary.cycleNumber > 0 && !summary.flags.contains(.truncated)
    return DataCycle(
      summary: summary, charge: charge, discharge: discharge, isComplete: isComplete, isComparable: false)
  }

  // MARK: What can be compared

  private mutating func compare() {
    var groups: [(charge: DataHalfCycle, discharge: DataHalfCycle)] = []
    for index in cycles.indices {
      let cycle = cycles[index]
      if cycle.isComplete, let charge = cycle.charge, let discharge = cycle.discharge {
        let pair = (charge: halves[charge], discharge: halves[discharge])
        let known = groups.firstIndex {
          Self.isAlike($0.charge, pair.charge) && Self.isAlike($0.discharge, pair.discharge)
        }
        if known == nil { groups.append(pair) }
        cycles[index].group = (known ?? groups.count - 1) + 1
        let begin = min(charge, discharge)
        let before = begin > 0 ? halves[begin - 1] : nil
        let isSame = before.map { !$0.isTruncated && Self.isAlike($0, halves[begin + 1]) } ?? false
        let isWhole = pair.charge.gapCharge == nil && pair.discharge.gapCharge == nil
        cycles[index].isComparable =
          isSame && isWhole && !halves[begin].isPartialStart && cycle.summary.coulombicEfficiency != nil
      }
      cycles[index].flags = flags(cycles[index])
    }
  }

  private static func isAlike(_ one: DataHalfCycle, _ other: DataHalfCycle) -> Bool {
    guard let first = one.meanCurrent, let second = other.meanCurrent, let end = one.lastVoltage,
      let otherEnd = other.lastVoltage
    else { return false }
    return (first - second).magnitude <= sameCurrent * max(first.magnitude, second.magnitude)
      && (end - otherEnd).magnitude <= HalfCycleReview.sameCutOff
  }

  private func flags(_ cycle: DataCycle) -> [String] {
    var flags: [String] = []
    let own = [cycle.charge, cycle.discharge].compactMap { $0.map { halves[$0] } }
    if cycle.summary.cycleNumber == 0 { flags.append("pre_cycle") }
    if cycle.isComplete { flags.append("complete") }
    if cycle.isComparable { flags.append("comparable") }
    // A pre-cycle lacks its other half by its nature.
    if own.contains(where: \.isTruncated) || (own.count < 2 && cycle.summary.cycleNumber > 0) {
      flags.append("truncated")
    }
    if own.contains(where: \.isPartialStart) { flags.append("partial_start") }
    if own.contains(where: { $0.gapCharge != nil }) { flags.append("gap") }
    if own.contains(where: { $0.interruption != nil }) { flags.append("interrupted") }
    if own.contains(where: { $0.spurious > 0 }) { flags.append("spurious_segments") }
    return flags
  }
}

// MARK: - Tests of plating

extension CycleMaker {
  /// Reservoir, so many strips and platings, final strip: the last 2n + 2 half-cycles, whatever conditions the collector
  /// before them.
  private mutating func takeReservoir(cycles count: Int) {
    let needed = 2 * count + 2
    let available = halves.filter { $0.cycle > 0 }.count
    guard available >= needed, halves[halves.count - needed].direction == first else {
      notes.append(
        "a reservoir test of \(count) cycles has \(needed) half-cycles beginning with a plating; there are "
          + "\(available), so its efficiency is not known yet")
      return
    }
    inReservoir = (halves.count - needed)..<halves.count
    if inReservoir.lowerBound > 2 {
      notes.append("the first \(inReservoir.lowerBound) half-cycles are taken for conditioning, not for the test")
    }
    var test = EfficiencyTestAccumulator(
      run: 1, number: 1, test: EfficiencyTest(kind: .reservoir, label: "reservoir"), platingDirection: first)
    for index in inReservoir {
      let part: EfficiencyTestPart =
        index == inReservoir.lowerBound ? .reservoir : index == inReservoir.upperBound - 1 ? .finalStrip : .cycled
      test.add(row(index), part: part, endedAtVoltage: part == .finalStrip && finalStripEnded())
    }
    if test.row.coulombicEfficiency == nil {
      notes.append(
        finalStripEnded()
          ? "more was stripped than plated in the test, or nothing; it has no efficiency"
          : "the last strip does not go beyond the voltage of those before it, so something may be left and the test has "
            + "no efficiency")
    }
    tests = [test.row]
  }

  /// A final strip ends well beyond the voltage at which a part of the reservoir was stripped.
  private func finalStripEnded() -> Bool {
    let strips = inReservoir.filter { halves[$0].direction != first }
    guard let final = strips.last, let end = halves[final].lastVoltage else { return false }
    let others = strips.dropLast().compactMap { halves[$0].lastVoltage }.sorted()
    guard !others.isEmpty else { return true }
    let beyond = (end - others[others.count / 2]) * (first == .discharge ? 1 : -1)
    return beyond > HalfCycleReview.sameCutOff
  }

  private mutating func takeLongCycling() {
    var test = EfficiencyTestAccumulator(
      run: 1, number: 1, test: EfficiencyTest(kind: .longCycling, label: "long cycling"), platingDirection: first)
    for index in halves.indices where halves[index].cycle > 0 {
      test.add(row(index), part: .cycled, endedAtVoltage: !halves[index].isTruncated)
    }
    tests = [test.row]
  }
}
