// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Other programs' files write numbers with exponents, as texts and as fractions (`5E-2`, `"3600"`, `C/3`), and read them
// into binary floating point. Here they stay exact until they are written as a quantity.

import Quantities

/// An exact rational number in lowest terms; the denominator is positive.
struct Fraction: Sendable, Hashable {
  let numerator: Int128
  let denominator: Int128

  /// A whole number.
  init(_ whole: Int64) {
    numerator = Int128(whole)
    denominator = 1
  }

  /// nil when the denominator is nothing.
  init?(_ numerator: Int128, over denominator: Int128) {
    guard denominator != 0 else { return nil }
    var (a, b) = (numerator.magnitude, denominator.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    let divisor = a == 0 ? 1 : Int128(a)
    let sign: Int128 = denominator < 0 ? -1 : 1
    self.numerator = numerator / divisor * sign
    self.denominator = denominator / divisor * sign
  }

  /// Reads a decimal number as programs write it, with sign, point and exponent where there are; nil when the text is
  /// none, or has more than 18 digits that count or lies outside of 1e-18 to 1e18.
  init?(_ text: some StringProtocol) {
    var (mantissa, exponent) = (Substring(text), 0)
    if let mark = mantissa.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      guard let power = Int(mantissa[mantissa.index(after: mark)...]), (-36...36).contains(power) else { return nil }
      exponent = power
      mantissa = mantissa[..<mark]
    }
    let isNegative = mantissa.hasPrefix("-")
    if isNegative || mantissa.hasPrefix("+") { mantissa = mantissa.dropFirst() }
    var digits: Int128 = 0
    var (hasDigits, hasPoint) = (false, false)
    for byte in mantissa.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        hasDigits = true
        digits = digits * 10 + Int128(byte - UInt8(ascii: "0"))
        if hasPoint { exponent -= 1 }
        guard digits < Self.largest * 10 else { return nil }
      case UInt8(ascii: ".") where !hasPoint: hasPoint = true
      default: return nil
      }
    }
    guard hasDigits else { return nil }
    if digits == 0 { exponent = 0 }
    while digits != 0, digits % 10 == 0, exponent < 0 {
      digits /= 10
      exponent += 1
    }
    guard (-18...18).contains(exponent), digits <= Self.largest else { return nil }
    let power = Self.powerOfTen(abs(exponent))
    let (product, overflow) = digits.multipliedReportingOverflow(by: exponent > 0 ? power : 1)
    guard !overflow else { return nil }
    self.init(isNegative ? -product : product, over: exponent < 0 ? power : 1)
  }

  private static let largest: Int128 = 1_000_000_000_000_000_000

  static func powerOfTen(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  var isZero: Bool { numerator == 0 }
  var isNegative: Bool { numerator < 0 }
  var magnitude: Fraction { isNegative ? negated : self }
  var negated: Fraction { Fraction(-numerator, over: denominator) ?? self }
  /// nil for nothing.
  var inverse: Fraction? { Fraction(denominator, over: numerator) }

  /// nil when the product does not fit.
  func times(_ other: Fraction) -> Fraction? {
    let (above, overflow) = numerator.multipliedReportingOverflow(by: other.numerator)
    let (below, underflow) = denominator.multipliedReportingOverflow(by: other.denominator)
    return overflow || underflow ? nil : Fraction(above, over: below)
  }

  /// The nearest count of units of which so many are one; nil when it does not fit 64 bits.
  func count(unitsInOne units: Int64) -> Int64? {
    guard let product = times(Fraction(units)) else { return nil }
    let (quotient, remainder) = product.numerator.quotientAndRemainder(dividingBy: product.denominator)
    let isUp = remainder.magnitude >= product.denominator.magnitude - remainder.magnitude
    return Int64(exactly: isUp ? quotient + (product.numerator < 0 ? -1 : 1) : quotient)
  }

  /// In digits with a point; nil when it has more than twelve decimals or no end.
  var decimal: String? {
    for places in 0...12 {
      let (above, overflow) = numerator.multipliedReportingOverflow(by: Self.powerOfTen(places))
      guard !overflow else { return nil }
      guard above % denominator == 0 else { continue }
      let digits = String((above / denominator).magnitude)
      let sign = numerator < 0 ? "-" : ""
      guard places > 0 else { return sign + digits }
      let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
      return sign + padded.dropLast(places) + "." + padded.suffix(places)
    }
    return nil
  }

  static func < (left: Fraction, right: Fraction) -> Bool {
    let (a, overflow) = left.numerator.multipliedReportingOverflow(by: right.denominator)
    let (b, underflow) = right.numerator.multipliedReportingOverflow(by: left.denominator)
    guard !overflow, !underflow else {
      return Double(left.numerator) / Double(left.denominator) < Double(right.numerator) / Double(right.denominator)
    }
    return a < b
  }
}
