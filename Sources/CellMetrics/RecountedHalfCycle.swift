// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A half-cycle once more, from its records and from what was stamped on it when it ran. Sums and plateaus follow from the
// records and the parameters; what its steps were, how it began and where it left the run do not depend on parameters
// and stay as they were stamped.

public import CyclerModel
internal import Quantities

/// Sums up the records of a half-cycle that has run (docs/metrics.md, "Computing again").
public struct RecountedHalfCycle: Sendable, Hashable {
  /// What was stamped on it.
  public let stamped: HalfCycleRow
  /// What its records come to so far.
  public private(set) var accumulator: HalfCycleAccumulator
  // The resistance by which plateaus are corrected, until the record comes at which it was known.
  private var awaited: ClosingResistance?
  // Whether a step that closed the circuit has come.
  private var hasClosed = false

  /// A half-cycle of which no record has been read.
  public init(_ stamped: HalfCycleRow, parameters: MetricParameters, role: CellRole) {
    self.stamped = stamped
    accumulator = HalfCycleAccumulator(direction: stamped.direction, parameters: parameters, role: role)
    awaited = accumulator.correctionDelay.flatMap { stamped.detail.resistances[$0] }
  }

  /// Counts records of the present step, in order.
  public mutating func record(_ records: [RecordRow]) { for record in records { self.record(record) } }

  /// Counts a record.
  @inline(__always)
  public mutating func record(_ record: RecordRow) {
    // A set-point that began and never closed the circuit leaves a record of nothing, and a rest one without current: the
    // resistance was read in neither.
    let flows = record.charge != .zero || record.current.map { $0 != .zero } == true
    hasClosed = hasClosed || flows
    if let awaited, flows, record.stepTime >= awaited.delay {
      accumulator.know(awaited)
      self.awaited = nil
    }
    accumulator.record(record)
  }

  /// The step is over.
  public mutating func stepEnded() {
    accumulator.stepEnded()
    // It was read in the first step that closed the circuit, or never.
    if hasClosed { awaited = nil }
  }

  /// Its row, with the sums that its records come to.
  public var row: HalfCycleRow {
    var row = accumulator.fill(stamped)
    let plateau = row.detail.plateauIRCorrectedCharge
    row.detail = stamped.detail
    row.detail.plateauIRCorrectedCharge = plateau
    row.activeTime = stamped.activeTime
    row.endVoltage = stamped.endVoltage
    row.endNetCharge = stamped.endNetCharge
    return row
  }
}
