// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How the firmware writes a number of single precision: seven digits at most, no zeros at the end, an exponent where the
// number is 1e-5 or smaller, or 1e7 or larger.

/// Numbers as text.
enum FirmwareText {
  private static let digits = 6

  /// The text of a number.
  static func written(_ value: Float) -> String {
    if value.isNaN { return "NaN" }
    let sign = value < 0 ? "-" : ""
    if value.isInfinite { return sign + "Infinity" }
    var mantissa = value.magnitude
    var exponent = 0
    if mantissa >= 1e7 {
      while mantissa >= 10 {
        mantissa /= 10
        exponent += 1
      }
    } else if mantissa > 0, mantissa <= 1e-5 {
      while mantissa < 1 {
        mantissa *= 10
        exponent -= 1
      }
    }
    return sign + plain(mantissa, &exponent) + (exponent == 0 ? "" : "e\(exponent)")
  }

  private static func plain(_ value: Float, _ exponent: inout Int) -> String {
    var whole = UInt32(value)
    var places = digits
    var scale: UInt32 = 1_000_000
    var rest = whole
    while rest >= 10 {
      scale /= 10
      places -= 1
      rest /= 10
    }
    let scaled = (value - Float(whole)) * Float(scale)
    var decimals = UInt32(scaled)
    decimals += UInt32((scaled - Float(decimals)) * 2)
    if decimals >= scale {
      decimals = 0
      whole += 1
      if exponent != 0, whole >= 10 {
        exponent += 1
        whole = 1
      }
    }
    while places > 0, decimals % 10 == 0 {
      decimals /= 10
      places -= 1
    }
    guard places > 0 else { return String(whole) }
    let text = String(decimals)
    return "\(whole)." + String(repeating: "0", count: places - text.utf8.count) + text
  }
}
