// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A cycle is the pair of half-cycles of one pass of a `cycles` block, in the order that the cell's declared role gives.
// Which half-cycle belongs to which cycle was stamped when it ran; nothing is guessed here from signs or counts.

public import CyclerModel
internal import Quantities

/// Makes the summary of a cycle from its closed half-cycles (docs/metrics.md, "Cycle").
public struct CycleAccumulator: Sendable, Hashable {
  /// The cell's role, which says what its efficiency is.
  public let role: CellRole
  /// Cycles that the cell had before this run.
  public let earlierCellCycles: Int64
  /// The cycle whose reversible capacity is a retention of one; nil where nobody has named one.
  public let retentionReference: CycleReference?
  /// The retention below which a life is over, a fraction.
  public let retentionThreshold: Double

  private var charging: HalfCycleRow?
  private var discharging: HalfCycleRow?
  private var retention = RetentionState()
  private var balance = ReversibilityState()
  private var series: CycleSeries

  /// An accumulator at the beginning of a run on a cell that had `earlierCellCycles` before.
  /// - Parameters:
  ///   - retentionThreshold: The retention below which a life is over, a fraction.
  ///   - isFormationDone: Somebody has said that the cell is formed, so that its first cycle is the first after formation.
  public init(
    role: CellRole, earlierCellCycles: Int64, retentionReference: CycleReference? = nil,
    retentionThreshold: Double = RunSummary.usualThreshold, isFormationDone: Bool = false
  ) {
    self.role = role
    self.earlierCellCycles = earlierCellCycles
    self.retentionReference = retentionReference
    self.retentionThreshold = retentionThreshold
    series = CycleSeries(isFormationDone: isFormationDone)
  }

  /// Takes a closed half-cycle; every one of the run, in order. One outside `cycles` blocks is in no cycle but counts as
  /// what went before the next one; one without a direction or of a role that counts nothing is left out; one of another
  /// cycle begins that cycle and forgets what was there of the one before.
  public mutating func add(_ row: HalfCycleRow) {
    guard role.firstDirection != nil, row.direction != .none else { return }
    let isNew = row.cycleNumber != nil && (charging ?? discharging)?.cycleNumber != row.cycleNumber
    if isNew { clear() }
    series.take(row, beginsCycle: isNew)
    guard row.cycleNumber != nil else { return }
    switch row.direction {
    case .charge: charging = row
    case .discharge: discharging = row
    case .none: break
    }
  }

  /// The summary of the cycle with that number in the run, from the half-cycles that were added for it; a half that is
  /// missing leaves its values nil and the cycle flagged `truncated`. What was added is forgotten.
  /// - Parameter isPair: False where a pair of half-cycles says nothing, as within a reservoir test: it has no efficiency
  ///   and no retention.
  /// - Returns: nil when the role counts no cycles.
  public mutating func close(cycleNumber: Int64, isPair: Bool = true) -> CycleSummary? {
    guard let firstDirection = role.firstDirection else { return nil }
    if (charging ?? discharging)?.cycleNumber != cycleNumber { clear() }
    defer { clear() }
    let isChargeFirst = firstDirection == .charge
    let first = isChargeFirst ? charging : discharging
    let second = isChargeFirst ? discharging : charging
    var summary = CycleSummary(
      cycleNumber: cycleNumber, cellCycleNumber: earlierCellCycles + cycleNumber,
      purpose: first?.purpose ?? second?.purpose, label: first?.label ?? second?.label)
    summary.flags = first?.flags.union(second?.flags ?? []) ?? second?.flags ?? []
    if first == nil || second == nil { summary.flags.insert(.truncated) }
    if let charging, charging.isChargeKnown {
      summary.chargeCapacity = charging.charge
      summary.chargeEnergy = charging.energy
    }
    if let discharging, discharging.isChargeKnown {
      summary.dischargeCapacity = discharging.charge
      summary.dischargeEnergy = discharging.energy
    }
    if isPair, role.hasCoulombicEfficiency, let first, let second, first.isComplete, second.isComplete {
      summary.coulombicEfficiency = Self.ratio(second.charge, to: first.charge)
    }
    addPlateaus(to: &summary)
    summary.detail = CycleDetail(
      charging: charging, discharging: discharging, first: first, second: second,
      efficiency: summary.coulombicEfficiency, hasPlateaus: role == .anodeHalfCell)
    balance.take(first: first, second: second, hasEfficiency: role.hasCoulombicEfficiency, into: &summary)
    var isReference = false
    if let retentionReference {
      isReference = retention.isNext(purpose: summary.purpose, reference: retentionReference)
      let kept = retention.take(
        purpose: summary.purpose, reversible: second?.isComplete == true ? second?.charge : nil,
        reference: retentionReference)
      summary.retention = isPair ? kept : nil
    }
    series.close(
      first: first, second: second, isLimitedByInventory: role.isLimitedByInventory, isReference: isReference,
      threshold: retentionThreshold, into: &summary)
    return summary
  }

  /// Whether the reference cycle is over without a complete reversible capacity: no retention will ever be known.
  public var isReferenceLost: Bool { retentionReference.map { retention.isLost($0) } ?? false }

  /// What all cycles that were closed come to; nil when earlier ones went unnoted.
  public var runSummary: RunSummary? { series.summary(threshold: retentionThreshold) }

  /// Charge flowed outside of half-cycles that nobody measured: the net charge at the end of the next one is not known, so
  /// that where end-points stand is compared anew behind it.
  public mutating func chargeWasMissed() { series.chargeWasMissed() }
  /// Whether charge was missed since the last half-cycle.
  public var hasMissedCharge: Bool { series.hasMissedCharge }

  private mutating func clear() {
    charging = nil
    discharging = nil
    series.forgetCycle()
  }

  private func addPlateaus(to summary: inout CycleSummary) {
    guard role == .anodeHalfCell else { return }
    if let discharging, discharging.isChargeKnown, let plateau = discharging.plateauCharge {
      summary.sodiationPlateauCharge = plateau
      if discharging.isComplete { summary.sodiationPlateauRatio = Self.ratio(plateau, to: discharging.charge) }
    }
    if let charging, charging.isChargeKnown, let plateau = charging.plateauCharge {
      summary.desodiationPlateauCharge = plateau
      if charging.isComplete { summary.desodiationPlateauRatio = Self.ratio(plateau, to: charging.charge) }
    }
  }

  // nil where there is nothing to divide by: no charge, or charge in the wrong direction.
  private static func ratio(_ part: Charge, to whole: Charge) -> Double? {
    whole > .zero ? Double(part.nanocoulombs) / Double(whole.nanocoulombs) : nil
  }
}

extension HalfCycleRow {
  /// Whether its charge is a number to be told: all of it was measured, or what was not has a bound.
  public var isChargeKnown: Bool { !flags.contains(.chargeUnknown) && !(flags.contains(.gap) && gapCharge == nil) }

  /// Whether ratios of its charge mean anything: its charge is known, it ended at a programmed condition, and so did the
  /// half-cycle before.
  public var isComplete: Bool { isChargeKnown && flags.isDisjoint(with: [.truncated, .partialStart]) }
}

// MARK: - Checkpoint

extension CycleAccumulator {
  /// Appends the details of the half-cycles that wait for the end of their cycle.
  public mutating func encodeDetails(into writer: inout ByteWriter) {
    charging?.detail.encode(into: &writer)
    discharging?.detail.encode(into: &writer)
  }

  /// Reads what `encodeDetails(into:)` wrote, behind everything else.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public mutating func decodeDetails(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    if charging != nil { charging?.detail = try HalfCycleDetail(from: &reader) }
    if discharging != nil { discharging?.detail = try HalfCycleDetail(from: &reader) }
  }

  /// Appends the state to a checkpoint; role and earlier cycles are the run's and not written.
  ///
  /// Changes nothing; `mutating`, so that the rows are read where they stand and not copied for each checkpoint.
  public mutating func encode(into writer: inout ByteWriter) {
    // Asked of a field: whether the whole is there would be asked of a copy.
    writer.write(charging?.number != nil)
    charging?.encode(into: &writer)
    writer.write(discharging?.number != nil)
    discharging?.encode(into: &writer)
    if retentionReference != nil { retention.encode(into: &writer) }
  }

  /// Reads what `encode(into:)` wrote.
  /// - Parameter knowsRetention: false for bytes of the time before retention was counted; a reference that has passed
  ///   by then stays unknown.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(
    role: CellRole, earlierCellCycles: Int64, retentionReference: CycleReference? = nil,
    retentionThreshold: Double = RunSummary.usualThreshold, knowsRetention: Bool = true, from reader: inout ByteReader
  ) throws(ByteReader.Malformed) {
    self.init(
      role: role, earlierCellCycles: earlierCellCycles, retentionReference: retentionReference,
      retentionThreshold: retentionThreshold)
    if try reader.readBool() { charging = try HalfCycleRow(from: &reader) }
    if try reader.readBool() { discharging = try HalfCycleRow(from: &reader) }
    guard retentionReference != nil else { return }
    retention = knowsRetention ? try RetentionState(from: &reader) : .unknown
  }

  /// Appends what the cycles are compared with, which came later than the rest.
  public func encodeBalance(into writer: inout ByteWriter) { balance.encode(into: &writer) }

  /// Reads what `encodeBalance(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early.
  public mutating func decodeBalance(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    balance = try ReversibilityState(from: &reader)
  }

  /// Nobody knows what the cycles are compared with.
  public mutating func forgetBalance() { balance = .unknown }

  /// Appends what the row of cycles has come to, which came later than the balance.
  public mutating func encodeSeries(into writer: inout ByteWriter) {
    charging?.encodeConditions(into: &writer)
    discharging?.encodeConditions(into: &writer)
    series.encode(into: &writer)
  }

  /// Reads what `encodeSeries(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public mutating func decodeSeries(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    try charging?.decodeConditions(from: &reader)
    try discharging?.decodeConditions(from: &reader)
    series = try CycleSeries(from: &reader)
  }

  /// Nobody noted the row of cycles up to here.
  public mutating func forgetSeries() { series = .unknown }
}
