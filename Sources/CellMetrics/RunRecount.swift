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
/// Give it each closed half-cycle, counted, in the order of their numbers, and after the last one say `finish`. Half-cycles
/// do not depend on each other: they may be counted in any order and at the same time.
public struct RunRecount: Sendable {
  /// The role of the cell.
  public let role: CellRole
  /// What plateaus and retention are told by.
  public let parameters: MetricParameters

  /// The run's cycles that are over, and how many of them are closed here.
  private let cycleNumbers: [Int64]
  private var closedCycles = 0
  private var cycles: CycleAccumulator

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

  /// A half-cycle of which no record is counted, from what was stamped on it.
  public func halfCycle(_ stamped: HalfCycleRow) -> RecountedHalfCycle {
    RecountedHalfCycle(stamped, parameters: parameters, role: role)
  }

  /// Takes a half-cycle whose records are all counted.
  /// - Returns: The cycles that were over before it began.
  public mutating func add(_ halfCycle: HalfCycleRow) -> [CycleSummary] {
    let summaries = halfCycle.cycleNumber.map { closeCycles(below: $0) } ?? []
    cycles.add(halfCycle)
    return summaries
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
