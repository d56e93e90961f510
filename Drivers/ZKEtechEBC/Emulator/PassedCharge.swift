// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Keeps what really passed through a cell's terminals, from the cell's own counters, so that nothing drifts.

import VirtualLab

/// The half-cycles of one cell as they happen.
struct PassedCharge: Sendable {
  private(set) var truth = CellTruth()
  private let plateauThreshold: Double?

  init(plateauThreshold: Double?) { self.plateauThreshold = plateauThreshold }

  /// Takes a stretch of time: coulombs through the terminals and lost, mean volts, and when.
  mutating func enter(charge: Double, lost: Double, volts: Double, from start: Double, to end: Double) {
    guard charge != 0 else {
      truth.open?.lostCharge += lost
      return
    }
    let direction = charge > 0 ? 1 : -1
    if let open = truth.open, open.direction != direction {
      truth.closed.append(open)
      truth.open = nil
    }
    var half =
      truth.open
      ?? CellTruth.HalfCycle(
        direction: direction, terminalCharge: 0, lostCharge: 0, terminalEnergy: 0, plateauCharge: 0, startedAt: start,
        endedAt: start)
    half.terminalCharge += charge.magnitude
    half.lostCharge += lost
    half.terminalEnergy += charge.magnitude * volts
    if let plateauThreshold, volts < plateauThreshold { half.plateauCharge += charge.magnitude }
    half.endedAt = end
    truth.open = half
  }
}
