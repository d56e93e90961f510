// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The level rule (docs/metrics.md, "Plateau charge"): what flows while the voltage is below a threshold, with straight
// lines between the records. It is used for the voltage as it was measured and for the voltage less its ohmic part.

internal import CyclerModel
internal import Quantities

/// Charge below a threshold of the voltage, of one half-cycle; net, positive charging, in nC.
struct ThresholdCharge: Sendable, Hashable {
  // Up to `placedCharge` of the present step.
  private var below: Int64 = 0
  private var wasBelow = false
  // A step moved charge and nobody measured its voltage.
  private var hasUnplaced = false
  // The present step's last record with a voltage.
  private var placedCharge: Int64 = 0
  private var placedVoltage: Int64?

  /// The present step's charge at a record with that voltage, nV.
  @inline(__always)
  mutating func place(_ charge: Int64, _ voltage: Int64, threshold: Int64) {
    let increment = charge &- placedCharge
    let isBelow = voltage < threshold
    if let before = placedVoltage, (before < threshold) != isBelow {
      // The voltages stand on both sides: the share of the interval that the lower one's side takes, linearly.
      let lower = min(before, voltage)
      let span = UInt64(bitPattern: max(before, voltage) &- lower)
      below &+= Self.share(increment, UInt64(bitPattern: threshold &- lower), of: span)
    } else if isBelow {
      below &+= increment
    }
    wasBelow = wasBelow || isBelow
    placedCharge = charge
    placedVoltage = voltage
  }

  /// The step that has moved so much is over.
  mutating func stepEnded(at stepCharge: Int64, threshold: Int64?) {
    let rest = afterPlaced(stepCharge, threshold)
    below &+= rest.below
    hasUnplaced = hasUnplaced || rest.isUnplaced
    placedCharge = 0
    placedVoltage = nil
  }

  /// What has flowed below the threshold, the present step included; nil when no record lay below it, and when charge
  /// flowed in a step of which nobody measured a voltage.
  func value(at stepCharge: Int64, threshold: Int64) -> Int64? {
    let rest = afterPlaced(stepCharge, threshold)
    guard wasBelow, !hasUnplaced, !rest.isUnplaced else { return nil }
    return below &+ rest.below
  }

  /// amount · part / whole with 0 <= part <= whole, halves away from zero.
  static func share(_ amount: Int64, _ part: UInt64, of whole: UInt64) -> Int64 {
    // An odd whole has no half to round.
    let magnitude = (UInt128(amount.magnitude) * UInt128(part) + UInt128(whole / 2)) / UInt128(whole)
    return amount < 0 ? 0 &- Int64(truncatingIfNeeded: magnitude) : Int64(truncatingIfNeeded: magnitude)
  }

  // What flowed after the last record with a voltage takes that record's side.
  private func afterPlaced(_ stepCharge: Int64, _ threshold: Int64?) -> (below: Int64, isUnplaced: Bool) {
    guard let threshold, stepCharge != placedCharge else { return (0, false) }
    guard let placedVoltage else { return (0, true) }
    return (placedVoltage < threshold ? stepCharge &- placedCharge : 0, false)
  }
}

// MARK: - Checkpoint

extension ThresholdCharge {
  /// Appends the state to a checkpoint.
  func encode(into writer: inout ByteWriter) {
    writer.write(below)
    writer.write(placedCharge)
    writer.write(placedVoltage)
    writer.write(wasBelow)
    writer.write(hasUnplaced)
  }

  /// Reads what `encode(into:)` wrote.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    below = try reader.read()
    placedCharge = try reader.read()
    placedVoltage = try reader.readOptional(Int64.self)
    wasBelow = try reader.readBool()
    hasUnplaced = try reader.readBool()
  }
}
