// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The metrics of a run once more, from what it has left: its records, and what was stamped when they were taken. It
// calls the accumulators as the live run does (RunPilot+Edges), so the same parameters give the same numbers to the last
// digit. What cannot follow from records stays as it was stamped: the direction, the place, why a half-cycle ended, what
// its gaps can have hidden, and that it was cut short.

public import CyclerModel
internal import Quantities

/// Computes the half-cycles and cycles of a run again, with parameters of choice (docs/metrics.md, "Computing again").
///
/// Give it each closed half-cycle in the order of their numbers: `open`, the records of its steps with `stepEnded` after
/// each, `closeHalfCycle`; and after the last one `finish`.
public struct RunRecount: Sendable {
  /// The role of the cell.
  public let role: CellRole
  /// What plateaus and retention are told by.
  public let parameters: MetricParameters

  /// The run's cycles that are over, and how many of them are closed here.
  private let cycleNumbers: [Int64]
  private var closedCycles = 0
  private var cycles: CycleAccumulator
  private var halfCycle: RecountedHalfCycle?

  /// A recount in which nothing has been read.
  ///
  /// - Parameters:
  ///   - earlierCellCycles: Cycles that the cell had before the run.
  ///   - cycleNumbers: The numbers of the cycles that the run has closed, in order. Which these are only the run knew:
  ///     one that a person skipped as a whole is over too, and one that the run left by its end is not.
  public init(
    role: CellRole, parameters: MetricParameters, earlierCellCycles: Int64, closed cycleNumbers: [Int64]
  ) {
    self.role = role
    self.parameters = parameters
    self.cycleNumbers = cycleNumbers
    cycles = CycleAccumulator(
      role: role, earlierCellCycles: earlierCellCycles, retentionReference: parameters.retentionReference,
      retentionThreshold: parameters.retentionThreshold)
  }

  /// Begins a half-cycle with what was stamped on it.
  /// - Returns: The cycles that were over before it began.
  public mutating func open(_ row: HalfCycleRow) -> [CycleSummary] {
    halfCycle = RecountedHalfCycle(row, parameters: parameters, role: role)
    return row.cycleNumber.map { closeCycles(below: $0) } ?? []
  }

  /// Counts records of the half-cycle, in order.
  public mutating func record(_ records: [RecordRow]) { halfCycle?.record(records) }

  /// The step of the half-cycle is over.
  public mutating func stepEnded() { halfCycle?.stepEnded() }

  /// Ends the half-cycle.
  /// - Returns: Its row, with the sums that its records come to; nil when none was begun.
  public mutating func closeHalfCycle() -> HalfCycleRow? {
    guard let row = halfCycle?.row else { return nil }
    halfCycle = nil
    cycles.add(row)
    return row
  }

  /// Says that the last half-cycle has come.
  /// - Returns: The cycles that are left.
  public mutating func finish() -> [CycleSummary] { closeCycles(below: .max) }

  /// What all cycles come to that are closed; nil before the first.
  public var runSummary: RunSummary? { closedCycles > 0 ? cycles.runSummary : nil }

  private mutating func closeCycles(below number: Int64) -> [CycleSummary] {
    var summaries: [CycleSummary] = []
    while closedCycles < cycleNumbers.count, cycleNumbers[closedCycles] < number {
      if let summary = cycles.close(cycleNumber: cycleNumbers[closedCycles]) { summaries.append(summary) }
      closedCycles += 1
    }
    return summaries
  }
}
