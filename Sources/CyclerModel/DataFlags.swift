// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a reader must know before trusting a record, a half-cycle or a cycle. Bits as stored in `flags` columns.
///
/// The flags are computed: of a stored one Swift asks at every use whether it is initialised yet.
public struct DataFlags: OptionSet, Sendable, Hashable {
  /// Bits as stored.
  public var rawValue: Int64
  /// Bits as stored.
  @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
  /// A reading was clipped by its range.
  @inlinable public static var overload: DataFlags { DataFlags(rawValue: 1) }
  /// A reading was too small for its range.
  @inlinable public static var underload: DataFlags { DataFlags(rawValue: 2) }
  /// The instrument missed its sampling time.
  @inlinable public static var late: DataFlags { DataFlags(rawValue: 4) }
  /// First record of a step.
  @inlinable public static var stepStart: DataFlags { DataFlags(rawValue: 16) }
  /// Last record of a step.
  @inlinable public static var stepEnd: DataFlags { DataFlags(rawValue: 32) }
  /// Recorded because it stands on one side of a plateau threshold's crossing.
  @inlinable public static var plateauEdge: DataFlags { DataFlags(rawValue: 64) }
  /// Current flowed that was not measured; `gap_charge_nc` bounds it.
  @inlinable public static var gap: DataFlags { DataFlags(rawValue: 256) }
  /// The circuit was opened within it and closed again.
  @inlinable public static var interrupted: DataFlags { DataFlags(rawValue: 512) }
  /// It did not end at a programmed condition.
  @inlinable public static var truncated: DataFlags { DataFlags(rawValue: 1024) }
  /// It moved less charge than the empty limit.
  @inlinable public static var empty: DataFlags { DataFlags(rawValue: 2048) }
  /// How much charge is missing is not known; the charge is null in results.
  @inlinable public static var chargeUnknown: DataFlags { DataFlags(rawValue: 4096) }
  /// The constant-voltage phase of a step.
  @inlinable public static var constantVoltage: DataFlags { DataFlags(rawValue: 8192) }
  /// The half-cycle before was cut short or went the same way, so it began where none begins; a test of plating began
  /// with a cell that may have been plated.
  @inlinable public static var partialStart: DataFlags { DataFlags(rawValue: 16384) }
}

extension DataFlags {
  /// The names of the flags that are set, as people and programs are told them.
  public var names: [String] { isEmpty ? [] : Self.known.filter { contains($0.0) }.map(\.1) }

  private static let known: [(DataFlags, String)] = [
    (.overload, "overload"), (.underload, "underload"), (.late, "late"), (.stepStart, "step_start"),
    (.stepEnd, "step_end"), (.plateauEdge, "plateau_edge"), (.gap, "gap"), (.interrupted, "interrupted"),
    (.truncated, "truncated"), (.empty, "empty"), (.chargeUnknown, "charge_unknown"),
    (.constantVoltage, "constant_voltage"), (.partialStart, "partial_start"),
  ]
}
