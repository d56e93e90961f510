// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What follows from a cycle's charges and energies alone. One definition for the conditions of blocks, which have whole
// nanocoulombs and nanojoules, and for stored cycles, which have ampere-hours and watt-hours: the units cancel.

internal import Quantities

/// Means of a cycle over its charge; docs/metrics.md defines them.
public struct CycleMeans: Sendable, Hashable {
  /// Energy over charge of the charging half-cycle, in volts; nil when either is unknown or no charge was moved.
  public let chargeVoltage: Double?
  /// The same of the discharging half-cycle.
  public let dischargeVoltage: Double?
  /// Energy of the discharging over that of the charging half-cycle, as a fraction, in every role; never clamped. nil where
  /// either is not above nothing: a discharge below 0 V, as plating is, takes energy up.
  public let energyEfficiency: Double?

  /// The mean voltage of charging less that of discharging, in volts.
  public var hysteresis: Double? {
    guard let chargeVoltage, let dischargeVoltage else { return nil }
    return chargeVoltage - dischargeVoltage
  }

  /// - Parameters:
  ///   - charged, discharged: Charges in the direction of their half-cycle, nil where they are not known; in units that go
  ///     together with those of the energies, such as ampere-hours and watt-hours.
  ///   - chargeEnergy, dischargeEnergy: What the cell took up and gave off.
  ///   - flags: Those of the cycle; of one that was cut short or of unknown charge nothing is told, as with its efficiency.
  public init(charged: Double?, chargeEnergy: Double?, discharged: Double?, dischargeEnergy: Double?, flags: DataFlags)
  {
    let isComplete = flags.isDisjoint(with: [.truncated, .partialStart, .chargeUnknown])
    chargeVoltage = isComplete ? Self.ratio(chargeEnergy, charged) : nil
    dischargeVoltage = isComplete ? Self.ratio(dischargeEnergy, discharged) : nil
    let isGivenBack = dischargeEnergy.map { $0 > 0 } ?? false
    energyEfficiency = isComplete && isGivenBack ? Self.ratio(dischargeEnergy, chargeEnergy) : nil
  }

  private static func ratio(_ above: Double?, _ below: Double?) -> Double? {
    guard let above, let below, below > 0 else { return nil }
    let ratio = above / below
    return ratio.isFinite ? ratio : nil
  }
}

extension CycleSummary {
  /// Its means.
  public var means: CycleMeans {
    CycleMeans(
      charged: chargeCapacity.map { Double($0.count) }, chargeEnergy: chargeEnergy.map { Double($0.count) },
      discharged: dischargeCapacity.map { Double($0.count) }, dischargeEnergy: dischargeEnergy.map { Double($0.count) },
      flags: flags)
  }
}
