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
  private var accumulator: CycleAccumulator
  // Net charge at each half-cycle's end, positive charging; what flows besides half-cycles counts nothing.
  private var netCharges: [Charge] = []

  /// What the cycles come to.
  var runSummary: RunSummary { accumulator.runSummary ?? RunSummary(retentionThreshold: options.retentionThreshold) }

  init(_ halves: [DataHalfCycle], options: AnalysisOptions, first: Direction) {
    self.options = options
    self.first = first
    self.halves = halves
    accumulator = Self.accumulator(options)
    var net = Charge.zero
    for half in halves {
      net = half.direction == .charge ? net + half.charge : net - half.charge
      netCharges.append(net)
    }
    number()
    if case .reservoir(let count) = options.test { takeReservoir(cycles: count) }
    if inReservoir.isEmpty { HalfCycleReview.flagTruncated(&self.halves) }
    HalfCycleReview.flagPartialStart(&self.halves, first: self.halves.first?.direction == first ? 0 : 1)
    if options.test == .longCycling { takeLongCycling() }
    pair()
  }

  private static func accumulator(_ options: AnalysisOptions) -> CycleAccumulator {
    let formation = options.formationCycles ?? 0
    let reference = options.reference
    let named =
      reference <= formation
      ? CycleReference(purpose: .formation, number: reference)
      : CycleReference(purpose: .life, number: reference - formation)
    return CycleAccumulator(
      role: options.countingRole, earlierCellCycles: 0, retentionReference: named,
      retentionThreshold: options.retentionThreshold, isFormationDone: options.formationCycles == 0)
  }

  private mutating func number() {
    let offset = halves.first.map { $0.direction == first ? 0 : 1 } ?? 0
    for index in halves.indices { halves[index].cycle = Int64((index - offset + 2) / 2) }
    if offset == 1 { halves[0].cycle = 0 }
  }

  // MARK: Cycles

  private mutating func pair() {
    var group: Range<Int> = 0..<0
    while group.upperBound < halves.count {
      let number = halves[group.upperBound].cycle
      let begin = group.upperBound
      let end = halves[begin...].firstIndex { $0.cycle != number } ?? halves.count
      group = begin..<end
      for index in group { accumulator.add(row(index)) }
      let isPair = !group.contains(where: inReservoir.contains)
      let summary = number == 0 ? preCycle(group) : accumulator.close(cycleNumber: number, isPair: isPair)
      if let summary { cycles.append(cycle(summary, group)) }
    }
  }

  /// What went before the first cycle is in no sum over cycles, but goes before it.
  private func preCycle(_ group: Range<Int>) -> CycleSummary? {
    var alone = CycleAccumulator(role: options.countingRole, earlierCellCycles: 0)
    for index in group {
      var row = row(index)
      row.cycleNumber = 0
      alone.add(row)
    }
    return alone.close(cycleNumber: 0)
  }

  private func row(_ index: Int) -> HalfCycleRow {
    let half = halves[index]
    var flags: DataFlags = []
    if half.isTruncated { flags.insert(.truncated) }
    if half.gapCharge != nil { flags.insert(.gap) }
    if half.interruption != nil { flags.insert(.interrupted) }
    let isFormation = half.cycle <= options.formationCycles ?? 0
    var row = HalfCycleRow(
      halfCycleID: Int64(index + 1), run: 1, number: Int32(clamping: index + 1),
      cycleNumber: half.cycle > 0 ? half.cycle : nil,
      direction: half.direction, purpose: isFormation ? .formation : .life, label: nil, charge: half.charge,
      reverseCharge: .zero, energy: half.energy ?? .zero, constantVoltageCharge: .zero,
      plateauCharge: half.plateauCharge, gapCharge: half.gapCharge ?? .zero, endReason: nil, flags: flags)
    row.detail = detail(of: half)
    row.activeTime = TimeSpan(microseconds: HalfCycleDraft.nano(half.activeTime * 1e-3))
    row.endVoltage = half.lastVoltage.map { Voltage(nanovolts: HalfCycleDraft.nano($0)) }
    row.endNetCharge = netCharges[index]
    return row
  }

  /// What the instrument's stated error comes to. A file does not say its ranges and is taken for one of one range; what
  /// nobody has said of the error is taken for none, when the other part was said.
  private func detail(of half: DataHalfCycle) -> HalfCycleDetail {
    var detail = HalfCycleDetail()
    guard options.currentGainPartsPerMillion != nil || options.currentOffset != nil else { return detail }
    let gain = Int128(options.currentGainPartsPerMillion ?? 0) * Int128(half.charge.magnitude.nanocoulombs)
    detail.gainUncertainty = Charge(nanocoulombs: Int64(clamping: (gain + 999_999) / 1_000_000))
    // pA · s = 1e-3 nC.
    let offset = Double(options.currentOffset?.picoamperes ?? 0) * half.activeTime * 1e-3
    detail.offsetUncertainty = Charge(nanocoulombs: Int64(min(offset.rounded(.up), 4e18)))
    detail.rangeFullScale = Current(picoamperes: .max)
    return detail
  }

  private func cycle(_ summary: CycleSummary, _ group: Range<Int>) -> DataCycle {
    let charge = group.first { halves[$0].direction == .charge }
    let discharge = group.first { halves[$0].direction == .discharge }
    var summary = summary
    if let charge, halves[charge].energy == nil { summary.chargeEnergy = nil }
    if let discharge, halves[discharge].energy == nil { summary.dischargeEnergy = nil }
    // Nobody stamped where the first half-cycle began.
    let isComparable = summary.series.isComparable && !halves[group.lowerBound].isPartialStart
    var cycle = DataCycle(summary: summary, charge: charge, discharge: discharge, isComparable: isComparable)
    cycle.flags = flags(cycle)
    return cycle
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
