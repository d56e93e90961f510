// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What is known of a cycle besides its capacities and efficiency: nil when it is not known.
public struct CycleDetail: Sendable, Hashable {
  /// By how much the charging half-cycle's charge can be wrong by the instrument's stated error, a magnitude.
  public var chargeCapacityUncertainty: Charge?
  /// The same of the discharging half-cycle.
  public var dischargeCapacityUncertainty: Charge?
  /// By how much the coulombic efficiency can be wrong by it, as a fraction.
  public var coulombicEfficiencyUncertainty: Double?
  /// Plateau charge of the sodiation branch, of the voltage less its ohmic part.
  public var sodiationPlateauIRCorrectedCharge: Charge?
  /// Its share of the branch's charge, as a fraction.
  public var sodiationPlateauIRCorrectedRatio: Double?
  /// Plateau charge of the desodiation branch, of the voltage less its ohmic part.
  public var desodiationPlateauIRCorrectedCharge: Charge?
  /// Its share of the branch's charge, as a fraction.
  public var desodiationPlateauIRCorrectedRatio: Double?
  /// Nothing known.
  public init() {}
}
