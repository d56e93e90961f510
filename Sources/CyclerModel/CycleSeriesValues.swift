// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a cycle is among the cycles before it: none of it follows from the cycle alone. docs/metrics.md, "Cycles in a
// row", defines each.

public import Quantities

/// What the row of cycles says of one of them; nil is not known or without meaning.
public struct CycleSeriesValues: Sendable, Hashable {
  /// Whether both half-cycles are there and complete.
  public var isComplete = false
  /// Whether its efficiency can be compared with others': complete, without a gap, and the half-cycle before it ended as
  /// its second one did.
  public var isComparable = false
  /// Cycles with the same number ran at the same mean currents to the same cut-offs, from 1.
  public var group: Int64?
  /// Reversible capacity over that of the group's first complete cycle, a fraction.
  public var groupRetention: Double?
  /// Loss since the reference cycle over the number of cycles, a fraction a cycle.
  public var linearDecay: Double?
  /// The share that each cycle since the reference lost, were it always the same.
  public var geometricDecay: Double?
  /// How many cycles it is from the reference.
  public var decayIntervals: Int64?
  /// Theil–Sen slope of the reversible capacity over the newest complete cycles of its group, Ah a cycle.
  public var capacitySlope: Double?
  /// Over how many cycles.
  public var capacitySlopeCycles: Int64?
  /// How far the end of charging moved since the one before, positive charging.
  public var chargeEndSlippage: Charge?
  /// How far the end of discharging moved.
  public var dischargeEndSlippage: Charge?
  /// Product of the complete cycles' efficiencies up to here.
  public var efficiencyProduct: Double?
  /// Sodiation's plateau charge over that of the group with the lowest discharge current so far, a fraction.
  public var sodiationPlateauRetention: Double?
  /// Desodiation's plateau charge over that of the group with the lowest charge current so far, a fraction.
  public var desodiationPlateauRetention: Double?

  /// Nothing known.
  public init() {}
}
