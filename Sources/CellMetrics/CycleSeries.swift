// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What follows from the sequence of cycles: groups of like ones, fade within them, slippage of the end-points, products
// and means of efficiencies (docs/metrics.md, "Cycles in a row"). One implementation for live runs, for computing again
// and for files. Its memory does not grow with the run.

internal import CyclerModel
internal import Quantities

/// The state that a run's next cycle is judged by.
struct CycleSeries: Sendable, Hashable {
  /// How the half-cycle before ended.
  struct Ended: Sendable, Hashable {
    var direction: Direction
    var isTruncated: Bool
    var conditions: HalfCycleConditions?
  }

  /// False when cycles went by that nobody noted.
  private(set) var isKnown = true
  private var slippage = EndPointSlippage()
  /// Charge flowed outside of half-cycles, since the last one, that nobody measured.
  private(set) var hasMissedCharge = false
  // Slippages of the present cycle's ends, and what went before it.
  private var chargeEnd: Charge?
  private var dischargeEnd: Charge?
  private var beforeCycle: Ended?
  private var newest: Ended?

  private var groups = RateGroups()
  private var trend = CapacityTrend()
  private var crossing = ThresholdCrossing()
  private var means = EfficiencyMeans()
  private var reference: Int64?
  private var referenceGroup: Int64?

  private var completeCycles: Int64 = 0
  private var initialEfficiency: Double?
  // Formation has been seen or was declared done; the cycle behind it has closed.
  private var knowsFormation: Bool
  private var isFormationOver = false
  private var afterFormation: Double?
  private var irreversible: Charge?
  // Of the last complete cycle, and of the last one of the reference's group.
  private var last = Kept()
  private var lastLike = Kept()

  /// What is left in a complete cycle.
  struct Kept: Sendable, Hashable {
    var cycle: Int64?
    var retention: Double?
    var decayIntervals: Int64?
    var slope: Double?
    var slopeCycles: Int64?

    var decay: DecayRate? {
      guard let retention, let decayIntervals else { return nil }
      return DecayRate(retention: retention, intervals: decayIntervals)
    }
  }

  init(isFormationDone: Bool = false) { knowsFormation = isFormationDone }

  /// A state in which cycles went by that nobody noted.
  static var unknown: CycleSeries {
    var series = CycleSeries()
    series.isKnown = false
    return series
  }

  // MARK: Half-cycles

  /// Takes the next half-cycle, whether it is in a cycle or not.
  mutating func take(_ row: HalfCycleRow, beginsCycle: Bool) {
    if beginsCycle { beforeCycle = newest }
    let isMissing = !row.flags.isDisjoint(with: [.gap, .chargeUnknown])
    hasMissedCharge = false
    let isTruncated = row.flags.contains(.truncated)
    let moved = slippage.take(row.direction, end: isMissing ? nil : row.endNetCharge, isEndPoint: !isTruncated)
    if row.cycleNumber != nil {
      switch row.direction {
      case .charge: chargeEnd = moved
      case .discharge: dischargeEnd = moved
      case .none: break
      }
    }
    newest = Ended(direction: row.direction, isTruncated: isTruncated, conditions: HalfCycleConditions(row))
  }

  /// What was noted of the present cycle is of no use.
  mutating func forgetCycle() {
    chargeEnd = nil
    dischargeEnd = nil
    beforeCycle = nil
  }

  mutating func chargeWasMissed() { hasMissedCharge = true }

  // MARK: Cycles

  /// Takes the next cycle and fills in what the ones before make of it.
  mutating func close(
    first: HalfCycleRow?, second: HalfCycleRow?, isLimitedByInventory: Bool, isReference: Bool, threshold: Double,
    into summary: inout CycleSummary
  ) {
    summary.series.chargeEndSlippage = chargeEnd
    summary.series.dischargeEndSlippage = dischargeEnd
    let isComplete = first?.isComplete == true && second?.isComplete == true
    summary.series.isComplete = isComplete
    guard isKnown else {
      summary.series.isComparable = isComparable(second, summary)
      return
    }
    summary.series.isComparable = isComparable(second, summary)
    if isReference { reference = summary.cycleNumber }
    noteFormation(summary)
    if isComplete, let first, let second {
      takeComplete(first, second, isLimitedByInventory: isLimitedByInventory, into: &summary)
      judgeThreshold(summary, threshold)
    }
    noteDecay(of: &summary)
    summary.series.efficiencyProduct = means.product
  }

  private func isComparable(_ second: HalfCycleRow?, _ summary: CycleSummary) -> Bool {
    guard summary.series.isComplete, summary.coulombicEfficiency != nil, !summary.flags.contains(.gap), let second,
      let own = HalfCycleConditions(second), let beforeCycle, !beforeCycle.isTruncated,
      beforeCycle.direction == second.direction, let before = beforeCycle.conditions
    else { return false }
    return before.isAlike(own)
  }

  private mutating func noteFormation(_ summary: CycleSummary) {
    if summary.cellCycleNumber == 1 { initialEfficiency = InitialEfficiency.value(of: summary) }
    // A cycle that a person skipped as a whole is neither.
    guard !isFormationOver, let purpose = summary.purpose else { return }
    if purpose == .formation {
      knowsFormation = true
    } else if knowsFormation {
      isFormationOver = true
      afterFormation = summary.coulombicEfficiency
    }
  }

  private mutating func takeComplete(
    _ first: HalfCycleRow, _ second: HalfCycleRow, isLimitedByInventory: Bool, into summary: inout CycleSummary
  ) {
    completeCycles += 1
    irreversible = summary.cumulativeIrreversibleCharge
    means.take(summary, isLimitedByInventory: isLimitedByInventory)
    last = Kept(cycle: summary.cycleNumber, retention: summary.retention)
    let charging = first.direction == .charge ? first : second
    let discharging = first.direction == .charge ? second : first
    // What moved nothing has no rate.
    guard charging.charge > .zero, discharging.charge > .zero, !summary.flags.contains(.empty),
      let charge = HalfCycleConditions(charging), let discharge = HalfCycleConditions(discharging),
      let group = groups.take(
        RateGroups.Group(
          charging: charge, discharging: discharge, reversible: second.charge,
          sodiationPlateau: summary.sodiationPlateauCharge, desodiationPlateau: summary.desodiationPlateauCharge))
    else { return }
    summary.series.group = group
    summary.series.groupRetention = Self.share(second.charge, of: groups.reversible(group))
    summary.series.sodiationPlateauRetention = Self.share(
      summary.sodiationPlateauCharge, of: groups.lowestSodiationPlateau)
    summary.series.desodiationPlateauRetention = Self.share(
      summary.desodiationPlateauCharge, of: groups.lowestDesodiationPlateau)
    let point = CapacityTrend.Point(cycle: summary.cycleNumber, group: group, capacity: second.charge)
    if let (slope, cycles) = trend.take(point) {
      summary.series.capacitySlope = slope
      summary.series.capacitySlopeCycles = cycles
      last.slope = slope
      last.slopeCycles = cycles
    }
  }

  /// Only cycles that ran as the reference did say whether a life is over.
  private mutating func judgeThreshold(_ summary: CycleSummary, _ threshold: Double) {
    guard let reference else { return }
    let number = summary.cycleNumber
    if number == reference {
      referenceGroup = summary.series.group
    } else if referenceGroup == nil || summary.series.group != referenceGroup {
      return
    }
    lastLike = Kept(
      cycle: number, retention: summary.retention, decayIntervals: number > reference ? number - reference : nil)
    if number > reference, let retention = summary.retention {
      crossing.take(number, isBelow: retention < threshold)
    }
  }

  private func noteDecay(of summary: inout CycleSummary) {
    guard summary.series.isComplete, let reference, summary.cycleNumber > reference, let retention = summary.retention
    else { return }
    let intervals = summary.cycleNumber - reference
    summary.series.decayIntervals = intervals
    let decay = DecayRate(retention: retention, intervals: intervals)
    summary.series.linearDecay = decay?.linear
    summary.series.geometricDecay = decay?.geometric
  }

  private static func share(_ part: Charge?, of whole: Charge?) -> Double? {
    guard let part, let whole, whole > .zero else { return nil }
    return Double(part.nanocoulombs) / Double(whole.nanocoulombs)
  }

  // MARK: All of them

  /// What all cycles come to; nil when some went unnoted.
  func summary(threshold: Double) -> RunSummary? {
    guard isKnown else { return nil }
    var summary = RunSummary(retentionThreshold: threshold)
    summary.completeCycles = completeCycles
    summary.initialEfficiency = initialEfficiency
    summary.firstEfficiencyAfterFormation = afterFormation
    summary.meanEfficiencyFromSecond = means.meanFromSecond
    summary.efficiencyProduct = means.product
    summary.geometricMeanEfficiency = means.geometricMean
    summary.geometricMeanCycles = means.geometricMean.map { _ in means.lifeCycles }
    summary.predictedCyclesToThreshold = means.predictedCycles(to: threshold)
    summary.cumulativeIrreversible = irreversible
    summary.referenceCycle = reference
    summary.retentionCycle = lastLike.cycle
    summary.retention = lastLike.retention
    summary.linearDecay = lastLike.decay?.linear
    summary.geometricDecay = lastLike.decay?.geometric
    summary.decayIntervals = lastLike.decayIntervals
    summary.lastRetention = last.retention
    if let reference, let cycle = crossing.cycle {
      summary.thresholdCycle = cycle
      summary.cyclesToThreshold = cycle - reference
      summary.isThresholdProvisional = crossing.isProvisional
    }
    summary.capacitySlope = last.slope
    summary.capacitySlopeCycles = last.slopeCycles
    summary.conditionsGroups = Int64(groups.groups.count)
    return summary
  }
}

// MARK: - Checkpoint

extension CycleSeries {
  func encode(into writer: inout ByteWriter) {
    writer.write(isKnown)
    slippage.encode(into: &writer)
    writer.write(hasMissedCharge)
    writer.write(chargeEnd?.nanocoulombs)
    writer.write(dischargeEnd?.nanocoulombs)
    writer.write(beforeCycle != nil)
    beforeCycle?.encode(into: &writer)
    writer.write(newest != nil)
    newest?.encode(into: &writer)
    groups.encode(into: &writer)
    trend.encode(into: &writer)
    crossing.encode(into: &writer)
    means.encode(into: &writer)
    writer.write(reference)
    writer.write(referenceGroup)
    writer.write(completeCycles)
    writer.write(bits: initialEfficiency)
    writer.write(knowsFormation)
    writer.write(isFormationOver)
    writer.write(bits: afterFormation)
    writer.write(irreversible?.nanocoulombs)
    last.encode(into: &writer)
    lastLike.encode(into: &writer)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    isKnown = try reader.readBool()
    slippage = try EndPointSlippage(from: &reader)
    hasMissedCharge = try reader.readBool()
    chargeEnd = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
    dischargeEnd = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
    beforeCycle = try reader.readBool() ? try Ended(from: &reader) : nil
    newest = try reader.readBool() ? try Ended(from: &reader) : nil
    groups = try RateGroups(from: &reader)
    trend = try CapacityTrend(from: &reader)
    crossing = try ThresholdCrossing(from: &reader)
    means = try EfficiencyMeans(from: &reader)
    reference = try reader.readOptional(Int64.self)
    referenceGroup = try reader.readOptional(Int64.self)
    completeCycles = try reader.read()
    initialEfficiency = try reader.readBits()
    knowsFormation = try reader.readBool()
    isFormationOver = try reader.readBool()
    afterFormation = try reader.readBits()
    irreversible = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
    last = try Kept(from: &reader)
    lastLike = try Kept(from: &reader)
  }
}

extension CycleSeries.Ended {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(direction.rawValue)
    writer.write(isTruncated)
    writer.write(conditions != nil)
    conditions?.encode(into: &writer)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    self.direction = direction
    isTruncated = try reader.readBool()
    conditions = try reader.readBool() ? try HalfCycleConditions(from: &reader) : nil
  }
}

extension CycleSeries.Kept {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(cycle)
    writer.write(bits: retention)
    writer.write(decayIntervals)
    writer.write(bits: slope)
    writer.write(slopeCycles)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    cycle = try reader.readOptional(Int64.self)
    retention = try reader.readBits()
    decayIntervals = try reader.readOptional(Int64.self)
    slope = try reader.readBits()
    slopeCycles = try reader.readOptional(Int64.self)
  }
}

extension ByteWriter {
  /// A presence byte, then the bit pattern.
  mutating func write(bits value: Double?) { write(value?.bitPattern) }
}

extension ByteReader {
  mutating func readBits() throws(Malformed) -> Double? { try readOptional(UInt64.self).map(Double.init(bitPattern:)) }
}
