// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A part of a recording that is played by one set-point: what the recorded instrument did from one of its steps to the
/// next.
public struct Stretch: Sendable, Hashable {
  /// What flowed.
  public enum Sense: String, Sendable, Hashable, CaseIterable {
    /// Nothing, or less than the dead band.
    case rest
    /// Positive current.
    case charge
    /// Negative current.
    case discharge
  }
  /// What flowed.
  public internal(set) var sense: Sense
  /// Whether a voltage was held: it stayed within ten millivolts while the current fell by a fifth or more.
  public internal(set) var isHold: Bool
  /// The line of its first row in the file, from 1 with the heading.
  public internal(set) var firstLine: Int
  /// How many rows it has.
  public internal(set) var rows: Int
  /// When it begins on the file's clock, in microseconds: at its first row, or its step time before.
  public internal(set) var startMicroseconds: Int64
  /// When it ends: where the next begins, or with its last row.
  public internal(set) var endMicroseconds: Int64
  /// The mean of its rows, in amperes.
  public internal(set) var meanCurrent: Double
  /// The first row's, in volts.
  public internal(set) var firstVoltage: Double
  /// The last row's, in volts.
  public internal(set) var lastVoltage: Double
  /// Where its first row begins in the file, in bytes.
  var offset: Int
  /// What passed in it.
  var passed: PassedCharge

  /// Seconds from its begin to its end.
  public var seconds: Double { Double(endMicroseconds - startMicroseconds) / 1e6 }
}
