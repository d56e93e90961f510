// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Keeps what really passed through a cell's terminals, for comparison with what a host believes. Charges come from
// the cell's own counters at changes of sign, so nothing is summed up here that could drift.

import VirtualLab

/// The half-cycles of one cell as they happen.
struct TruthRecorder: Sendable {
  /// What the cell's counters and voltage said at one moment.
  struct Moment: Sendable {
    /// Nanoseconds since power-on.
    var time: Int64
    /// Net terminal charge in coulombs.
    var charge: Double
    /// Lost charge in coulombs.
    var lost: Double
    /// Terminal voltage in volts.
    var voltage: Double
  }
  /// Charge smaller than this in one stretch (a few thousand electrons) has no sign.
  private static let negligibleCharge = 1e-15

  private(set) var truth = CellTruth()
  private let threshold: Double?
  private var chargeAtStart = 0.0
  private var lostAtStart = 0.0

  /// A recorder that counts plateau charge below `plateauThreshold` volts, if told one.
  init(plateauThreshold: Double?) { threshold = plateauThreshold }

  /// Takes a stretch during which the drive did not change.
  mutating func record(from start: Moment, to end: Moment) {
    let passed = end.charge - start.charge
    guard passed.magnitude > Self.negligibleCharge else {
      truth.open?.lostCharge = end.lost - lostAtStart
      return
    }
    let direction = passed < 0 ? -1 : 1
    if truth.open?.direction != direction { begin(direction, at: start) }
    guard var halfCycle = truth.open else { return }
    halfCycle.terminalCharge = (end.charge - chargeAtStart).magnitude
    halfCycle.lostCharge = end.lost - lostAtStart
    halfCycle.terminalEnergy += 0.5 * (start.voltage + end.voltage) * passed.magnitude
    halfCycle.plateauCharge += passed.magnitude * shareBelowThreshold(from: start.voltage, to: end.voltage)
    halfCycle.endedAt = Double(end.time) / 1e9
    truth.open = halfCycle
  }

  private mutating func begin(_ direction: Int, at start: Moment) {
    if var halfCycle = truth.open {
      halfCycle.lostCharge = start.lost - lostAtStart
      halfCycle.terminalEnergy = halfCycle.terminalEnergy.magnitude
      truth.closed.append(halfCycle)
    }
    chargeAtStart = start.charge
    lostAtStart = start.lost
    truth.open = CellTruth.HalfCycle(
      direction: direction, terminalCharge: 0, lostCharge: 0, terminalEnergy: 0, plateauCharge: 0,
      startedAt: Double(start.time) / 1e9, endedAt: Double(start.time) / 1e9)
  }

  /// The share of a stretch that lies below the threshold when the voltage goes straight from one end to the other.
  private func shareBelowThreshold(from start: Double, to end: Double) -> Double {
    guard let threshold else { return 0 }
    let low = min(start, end)
    let high = max(start, end)
    if high < threshold { return 1 }
    if low >= threshold { return 0 }
    return (threshold - low) / (high - low)
  }
}
