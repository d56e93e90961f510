// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import Quantities

/// What a table does not say.
public struct AnalysisOptions: Sendable, Hashable {
  /// Where charge comes from.
  public enum ChargeSource: String, Sendable, Hashable, CaseIterable {
    /// The instrument's counter where the file's format has one, otherwise the samples.
    case automatic = "auto"
    /// The counter, copies of one included.
    case counter
    /// The samples.
    case samples
  }

  /// A test of plating that the table holds.
  public enum Test: Sendable, Hashable {
    /// A reservoir, of which a part is stripped and plated so many times, then all of it.
    case reservoir(cycles: Int)
    /// Whole cycles.
    case longCycling
  }

  /// What the cell is; nil when only the order is known.
  public var role: CellRole?
  /// Which half-cycle of a cycle comes first; nil for that of the role.
  public var first: Direction?
  /// Which columns are what.
  public var columns = ColumnMap()
  /// Whether the table writes discharging currents as positive and they have to be turned round. A table whose steps have
  /// words for their direction needs it not.
  public var invertsCurrent = false
  /// Where charge comes from.
  public var chargeSource = ChargeSource.automatic
  /// A longer interval between records is a gap, s; nil for twenty times the longest before it, at least ten minutes.
  public var gapLimit: Double?
  /// Plateau of the sodiation branch; nil for none.
  public var sodiationPlateauBelow: Voltage?
  /// Plateau of the desodiation branch; nil for none.
  public var desodiationPlateauBelow: Voltage?
  /// Whether a person has said the first of these, and it is not only what is usual for the role.
  public var hasStatedSodiationPlateau = false
  /// Whether a person has said the second.
  public var hasStatedDesodiationPlateau = false
  /// Whether a table of ours is read like anybody's.
  public var ignoresStamps = false
  /// How many of the first cycles are formation; nil when nobody has said.
  public var formationCycles: Int64?
  /// The cycle that retention refers to; nil for the first after formation.
  public var referenceCycle: Int64?
  /// The instrument's largest error of a current in proportion to it, in millionths; nil when nobody has said.
  public var currentGainPartsPerMillion: Int64?
  /// Its largest error apart from that, a magnitude; nil when nobody has said.
  public var currentOffset: Current?
  /// The retention below which a life is over, a fraction.
  public var retentionThreshold = RunSummary.usualThreshold
  /// Whether a person has said that, and it is not only what is usual.
  public var hasStatedRetentionThreshold = false
  /// The test that it is.
  public var test: Test?

  /// Nothing said.
  public init() {}

  /// The direction that comes first, or nil where nobody has said enough.
  public var firstDirection: Direction? { first ?? role?.firstDirection }

  /// The number of the cycle that retention refers to.
  public var reference: Int64 { referenceCycle ?? (formationCycles ?? 0) + 1 }

  /// A role with that order and, where it fits, the declared one: what is told of an efficiency follows from it.
  var countingRole: CellRole {
    if let role, role.firstDirection == firstDirection { return role }
    if role == .symmetric { return .symmetric }
    let hasPlateau = sodiationPlateauBelow != nil || desodiationPlateauBelow != nil
    return firstDirection == .charge ? .cathodeHalfCell : hasPlateau ? .anodeHalfCell : .platingStripping
  }
}
