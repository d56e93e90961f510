// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Adds up what a driver counts as damaged, over any number of openings of its port, but for what was on the line before the
/// instrument was identified.
public struct DamageTally: Sendable, Hashable {
  /// Damaged messages of an identified instrument.
  public private(set) var count: Int64 = 0
  private var seen = 0

  /// Nothing damaged yet.
  public init() {}

  /// The port is opened anew, and its driver has counted nothing.
  public mutating func reopened() { seen = 0 }

  /// Takes what the driver has counted since the port was opened (`InstrumentDriver.damagedMessages`).
  public mutating func take(_ present: Int, isIdentified: Bool) {
    if isIdentified, present > seen { count += Int64(present - seen) }
    seen = present
  }
}
