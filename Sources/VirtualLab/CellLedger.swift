// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Keeps what really passed through a cell's terminals. The charges are differences of the cell's own counters, taken
// where the current changes its sign, so that nothing is added up here that could drift.

/// The half-cycles of one cell as they happen.
public struct CellLedger: Sendable {
  /// What has passed so far.
  public private(set) var truth = CellTruth()
  private let plateauThreshold: Double?
  private var startCharge = 0.0
  private var startLoss = 0.0

  /// A ledger of a cell that was just mounted; charge below so many volts counts as plateau charge, nil counts none.
  public init(plateauThreshold: Double?) { self.plateauThreshold = plateauThreshold }

  /// Takes a stretch of time: the cell before and after it, and its terminal voltage at both ends.
  public mutating func enter(
    from before: any VirtualCell, _ voltsBefore: Double, at start: Double, to after: any VirtualCell,
    _ voltsAfter: Double, at end: Double
  ) {
    let passed = after.terminalCharge - before.terminalCharge
    // A few thousand electrons have no direction.
    guard passed.magnitude > 1e-15 else { return }
    let direction = passed > 0 ? 1 : -1
    if truth.open?.direction != direction {
      if let closed = truth.open { truth.closed.append(closed) }
      startCharge = before.terminalCharge
      startLoss = before.lostCharge
      truth.open = CellTruth.HalfCycle(
        direction: direction, terminalCharge: 0, lostCharge: 0, terminalEnergy: 0, plateauCharge: 0, startedAt: start,
        endedAt: start)
    }
    let mean = (voltsBefore + voltsAfter) / 2
    truth.open?.terminalCharge = (after.terminalCharge - startCharge).magnitude
    truth.open?.lostCharge = after.lostCharge - startLoss
    truth.open?.terminalEnergy += mean * passed.magnitude
    if let plateauThreshold, mean < plateauThreshold { truth.open?.plateauCharge += passed.magnitude }
    truth.open?.endedAt = end
  }
}
