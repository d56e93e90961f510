// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the instrument measures is the code of a converter, written as the number that the code stands for. So most
// numbers are none that it could have measured, and a line that lost a digit is found out: what is read is not the number
// but the code that it must have been.

/// The codes of one range: `count` of them above 0, from −`fullScale` to `fullScale`.
struct ConverterScale: Sendable, Hashable {
  /// A measured code.
  enum Measured: Sendable, Hashable {
    /// In the smallest units: nanovolts or picoamperes.
    case value(Int64)
    /// The converter is at one of its ends: the value is this or beyond it.
    case atEnd
  }

  /// In the smallest units: nanovolts or picoamperes.
  var fullScale: Int64
  /// The largest code: 4095 or 65535.
  var count: Int64
  /// Smallest units in one of the units that the line carries: 10^9 for volts, 10^6 for microamperes.
  var unit: Int64

  static func volts(_ fullScale: Int64, bits: Int) -> Self {
    Self(fullScale: fullScale, count: 1 << Int64(bits) - 1, unit: 1_000_000_000)
  }

  static func microamperes(_ fullScale: Int64, bits: Int) -> Self {
    Self(fullScale: fullScale, count: 1 << Int64(bits) - 1, unit: 1_000_000)
  }

  /// The difference between two codes, in the smallest units, rounded up.
  var step: Int64 { (2 * fullScale + count - 1) / count }

  /// What a written number was measured as; nil when it is none of the numbers that this range has.
  func measured(_ text: DecimalText) -> Measured? {
    let value = text.value * Double(unit)
    guard value.magnitude <= Double(fullScale) * 1.01 else { return nil }
    let code = ((value + Double(fullScale)) / Double(2 * fullScale) * Double(count)).rounded()
    let exact = Double(fullScale) * (2 * code - Double(count)) / Double(count)
    // The firmware computes in single precision, where the range's two halves are subtracted from each other.
    let digit = DecimalText.lastDigit(of: exact / Double(unit)) * Double(unit)
    guard (value - exact).magnitude <= digit + Double(fullScale) * 4e-7 else { return nil }
    if code <= 0 || code >= Double(count) { return .atEnd }
    return .value(Int64(exact.rounded()))
  }
}
