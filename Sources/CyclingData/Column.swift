// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a column holds, as far as an analysis uses it.
public enum Column: Sendable, Hashable {
  /// Time since the test began.
  case time
  /// Time of day as seconds since 1970; takes the place of `time` where that is missing.
  case unixTime
  /// Time since the step began.
  case stepTime
  /// Current, positive charging.
  case current
  /// Cell voltage.
  case voltage
  /// A number that changes when another step begins.
  case step
  /// A word that says what the step does.
  case stepType
  /// The instrument's counter of charge.
  case counter(ChargeCounter.Kind, ChargeCounter.Side, isPrimary: Bool)
}

/// What the numbers of a column are multiplied by to become seconds, amperes, volts or coulombs: a power of ten, which
/// goes into the number before it is rounded, and a factor.
public struct ColumnScale: Sendable, Hashable {
  /// Power of ten.
  public var exponent: Int
  /// Factor.
  public var factor: Double

  init(_ exponent: Int = 0, factor: Double = 1) {
    self.exponent = exponent
    self.factor = factor
  }
}
