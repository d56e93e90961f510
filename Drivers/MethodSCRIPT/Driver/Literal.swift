// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Numbers as MethodSCRIPT writes them (a whole number and an SI prefix, no decimal point) and as people read them.

/// Writes quantities that are counted in a power of ten.
enum Literal {
  /// The literal of `count` units of ten to the `unitExponent` (-12, -9, -6, -3 or 0), with the largest prefix that
  /// keeps it exact: 134,300,000 pA is `134300n`.
  ///
  /// The instrument keeps the digits in 32 bits as far as we know. A count that needs more is rounded half away from
  /// zero to the next prefix, a relative change below 5e-7 and far below what a converter resolves.
  static func script(_ count: Int64, unitExponent: Int) -> String {
    if count == 0 { return "0" }
    var digits = count
    var exponent = unitExponent
    while exponent < 0, digits % 1_000 == 0 {
      digits /= 1_000
      exponent += 3
    }
    while digits.magnitude > Int32.max, exponent < 9 {
      let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 1_000)
      digits = remainder.magnitude >= 500 ? quotient + digits.signum() : quotient
      exponent += 3
    }
    return String(digits) + prefix(exponent)
  }

  /// A decimal number for a person: 4312300000 at -9 is `4.3123`.
  static func decimal(_ count: Int64, unitExponent: Int) -> String {
    let unit = UInt64(powerOfTen(-unitExponent))
    let (whole, fraction) = count.magnitude.quotientAndRemainder(dividingBy: unit)
    let sign = count < 0 ? "-" : ""
    if fraction == 0 { return sign + String(whole) }
    var digits = String(fraction)
    digits = String(repeating: "0", count: -unitExponent - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return sign + String(whole) + "." + digits
  }

  private static func prefix(_ exponent: Int) -> String {
    switch exponent {
    case -12: "p"
    case -9: "n"
    case -6: "u"
    case -3: "m"
    case 0: ""
    case 3: "k"
    case 6: "M"
    default: "G"
    }
  }
}
