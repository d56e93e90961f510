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
  /// Energy of the discharging over that of the charging half-cycle, as a fraction, in every role; never clamped.
  public let energyEfficiency: Double?

  /// The mean voltage of charging less that of discharging, in volts.
  public var hysteresis: Double? {
    guard let chargeVoltage, let dischargeVoltage else { return nil }
    return chargeVoltage - dischargeVoltage
  }

  /// Charges and energies are magnitudes in units that go together, such as ampere-hours and watt-hours; `energy` and
  /// `charge` of a side are nil when they are not known.
  public init(charged: Double?, chargeEnergy: Double?, discharged: Double?, dischargeEnergy: Double?) {
    chargeVoltage = Self.ratio(chargeEnergy, charged)
    dischargeVoltage = Self.ratio(dischargeEnergy, discharged)
    energyEfficiency = Self.ratio(dischargeEnergy, chargeEnergy)
  }

  private static func ratio(_ above: Double?, _ below: Double?) -> Double? {
    guard let above, let below, below != 0 else { return nil }
    return above / below
  }
}

extension CycleSummary {
  /// Its means.
  public var means: CycleMeans {
    CycleMeans(
      charged: chargeCapacity.map { Double($0.count) }, chargeEnergy: chargeEnergy.map { Double($0.count) },
      discharged: dischargeCapacity.map { Double($0.count) }, dischargeEnergy: dischargeEnergy.map { Double($0.count) })
  }
}
