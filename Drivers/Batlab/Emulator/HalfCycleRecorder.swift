// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What really passed through a cell's terminals, from the cell's own counters.

import VirtualLab

/// Keeps the half-cycles of one cell.
struct HalfCycleRecorder: Sendable {
  /// A moment of the cell.
  struct Moment: Sendable {
    /// Virtual seconds.
    var time: Double
    /// Coulombs through the terminals.
    var charge: Double
    /// Coulombs lost.
    var lost: Double
    /// Volts under the drive.
    var voltage: Double
  }

  private(set) var truth = CellTruth()
  private let threshold: Double?

  init(plateauThreshold: Double?) { threshold = plateauThreshold }

  /// Takes a stretch with one drive.
  mutating func add(from start: Moment, to end: Moment) {
    let charge = end.charge - start.charge
    guard charge != 0 else {
      truth.open?.lostCharge += end.lost - start.lost
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
        direction: direction, terminalCharge: 0, lostCharge: 0, terminalEnergy: 0, plateauCharge: 0,
        startedAt: start.time, endedAt: start.time)
    half.terminalCharge += charge.magnitude
    half.lostCharge += end.lost - start.lost
    half.terminalEnergy += charge.magnitude * (start.voltage + end.voltage) / 2
    if let threshold {
      half.plateauCharge += charge.magnitude * Self.share(below: threshold, start.voltage, end.voltage)
    }
    half.endedAt = end.time
    truth.open = half
  }

  /// How much of a straight line lies below.
  private static func share(below threshold: Double, _ first: Double, _ second: Double) -> Double {
    let (low, high) = (min(first, second), max(first, second))
    if high < threshold { return 1 }
    return low < threshold ? (threshold - low) / (high - low) : 0
  }
}
