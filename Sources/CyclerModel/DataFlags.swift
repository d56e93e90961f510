// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a reader must know before trusting a record, a half-cycle or a cycle. Bits as stored in `flags` columns.
public struct DataFlags: OptionSet, Sendable, Hashable {
  /// Bits as stored.
  public var rawValue: Int64
  /// Bits as stored.
  public init(rawValue: Int64) { self.rawValue = rawValue }
  /// A reading was clipped by its range.
  public static let overload = DataFlags(rawValue: 1)
  /// A reading was too small for its range.
  public static let underload = DataFlags(rawValue: 2)
  /// The instrument missed its sampling time.
  public static let late = DataFlags(rawValue: 4)
  /// First record of a step.
  public static let stepStart = DataFlags(rawValue: 16)
  /// Last record of a step.
  public static let stepEnd = DataFlags(rawValue: 32)
  /// Recorded because it stands on one side of a plateau threshold's crossing.
  public static let plateauEdge = DataFlags(rawValue: 64)
  /// Current flowed that was not measured; `gap_charge_nc` bounds it.
  public static let gap = DataFlags(rawValue: 256)
  /// The circuit was opened within it and closed again.
  public static let interrupted = DataFlags(rawValue: 512)
  /// It did not end at a programmed condition.
  public static let truncated = DataFlags(rawValue: 1024)
  /// It moved less charge than the empty limit.
  public static let empty = DataFlags(rawValue: 2048)
  /// How much charge is missing is not known; the charge is null in results.
  public static let chargeUnknown = DataFlags(rawValue: 4096)
  /// The constant-voltage phase of a step.
  public static let constantVoltage = DataFlags(rawValue: 8192)
}
