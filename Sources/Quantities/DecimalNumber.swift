// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person writes `0.1 A/g`, and 0.1 is no binary fraction. A number is therefore kept as its decimal digits until it
// has met everything that it is multiplied with; only then it is rounded, once, to the smallest unit.

/// A decimal number exactly as it was written: `mantissa` × 10^-`decimals`.
public struct DecimalNumber: Sendable, Hashable {
  /// All digits with the sign, without trailing zeros after the point; at most 18 digits.
  public let mantissa: Int64
  /// How many of the digits stand after the point, 0…18.
  public let decimals: Int

  /// Why a text is no number; the words for a person are made where the text is known.
  public enum Fault: Error, Sendable, Hashable {
    /// Something other than digits, one point and a leading minus.
    case malformed
    /// More than 18 digits.
    case tooManyDigits
  }

  /// A whole number.
  public init(_ whole: Int32) {
    mantissa = Int64(whole)
    decimals = 0
  }

  /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?`: no plus sign, no exponent, no superfluous zero in front, so that every
  /// value has few spellings and `010` cannot be taken for anything else than a mistake.
  public init(written text: Substring) throws(Fault) {
    var digits: [UInt8] = []
    var pointAt: Int?
    var negative = false
    for (place, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "-") where place == 0: negative = true
      case UInt8(ascii: ".") where pointAt == nil && !digits.isEmpty: pointAt = digits.count
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte - UInt8(ascii: "0"))
      default: throw .malformed
      }
    }
    let wholeDigits = pointAt ?? digits.count
    guard wholeDigits > 0, pointAt != digits.count else { throw .malformed }
    guard digits[0] != 0 || wholeDigits == 1 else { throw .malformed }
    guard digits.count <= 18 else { throw .tooManyDigits }
    var value: Int64 = 0
    for digit in digits { value = value * 10 + Int64(digit) }
    var places = digits.count - wholeDigits
    while places > 0, value % 10 == 0 {
      value /= 10
      places -= 1
    }
    mantissa = negative ? -value : value
    decimals = value == 0 ? 0 : places
  }

  /// The number in digits, for instance `0.05`; reading it gives the same number.
  public var written: String {
    let digits = String(mantissa.magnitude)
    let sign = mantissa < 0 ? "-" : ""
    guard decimals > 0 else { return sign + digits }
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
  }

  /// The digits of `self` × another number as it is written; nil where that is no number or the digits are too many.
  public func multiplied(_ text: Substring) -> String? {
    guard let other = try? DecimalNumber(written: text), decimals + other.decimals <= 18 else { return nil }
    let (product, overflow) = mantissa.multipliedReportingOverflow(by: other.mantissa)
    guard !overflow, product.magnitude < 1_000_000_000_000_000_000 else { return nil }
    return DecimalNumber(mantissa: product, decimals: decimals + other.decimals).written
  }

  /// So many times a written quantity, `NUMBER UNIT`, `C/NUMBER` or a share `of` something, exactly; nil where that cannot
  /// be written.
  public func multiple(of quantity: String) -> String? {
    if let of = quantity.firstRange(of: " of ") {
      return multiple(of: String(quantity[..<of.lowerBound])).map { $0 + quantity[of.lowerBound...] }
    }
    if quantity.hasPrefix("C/") {
      let hours = quantity.dropFirst(2)
      if let divisor = divisor(of: hours) { return "C/" + divisor }
      return (try? DecimalNumber(written: hours)).flatMap { quotient($0) }.map { $0.written + " C" }
    }
    guard let space = quantity.firstIndex(of: " "), let product = multiplied(quantity[..<space]) else { return nil }
    return product + quantity[space...]
  }

  /// C/n times m/10^k is C/(n·10^k/m), which is written only when it is exact.
  private func divisor(of text: Substring) -> String? {
    guard mantissa > 0, let hours = try? DecimalNumber(written: text), hours.decimals <= 9 else { return nil }
    let (numerator, overflow) = (Int128(hours.mantissa) * powerOfTen(decimals))
      .multipliedReportingOverflow(by: powerOfTen(9 - hours.decimals))
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: Int128(mantissa))
    guard !overflow, remainder == 0, let digits = Int64(exactly: quotient), digits < 1_000_000_000_000_000_000 else {
      return nil
    }
    return DecimalNumber(mantissa: digits, decimals: 9).written
  }

  /// Trailing zeros behind the point are left out.
  init(mantissa: Int64, decimals: Int) {
    var (value, places) = (mantissa, decimals)
    while places > 0, value % 10 == 0 { (value, places) = (value / 10, places - 1) }
    self.mantissa = value
    self.decimals = places
  }

  /// `self` × `numerator` / `denominator`, rounded half away from zero; nil when it does not fit 64 bits.
  /// `denominator` must be positive.
  func scaled(_ numerator: Int128, per denominator: Int128 = 1) -> Int64? {
    let (product, overflow) = Int128(mantissa).multipliedReportingOverflow(by: numerator)
    let (divisor, tooLong) = denominator.multipliedReportingOverflow(by: powerOfTen(decimals))
    guard !overflow, !tooLong else { return nil }
    return Int64(exactly: roundedQuotient(product, divisor))
  }
}

/// What is multiplied with a whole number and rounded once.
public struct ExactFraction: Sendable, Hashable {
  private let numerator: Int128
  private let denominator: Int128

  /// `numerator` / `denominator`, of which the second is above zero; both below 10^20.
  public init(_ numerator: Int128, _ denominator: Int128) {
    self.numerator = numerator
    self.denominator = denominator
  }

  /// So much of a number, rounded half away from zero; nil when it does not fit 64 bits.
  public func of(_ number: Int64) -> Int64? {
    let (product, overflow) = Int128(number).multipliedReportingOverflow(by: numerator)
    return overflow ? nil : Int64(exactly: roundedQuotient(product, denominator))
  }
}

/// 10 to the power of `exponent`, which is 0…36.
func powerOfTen(_ exponent: Int) -> Int128 {
  var power: Int128 = 1
  for _ in 0..<exponent { power *= 10 }
  return power
}

/// `numerator` / `denominator` to the nearest whole number, halves away from zero. `denominator` must be positive.
func roundedQuotient(_ numerator: Int128, _ denominator: Int128) -> Int128 {
  let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
  // Compared without doubling the remainder, which could overflow.
  guard remainder.magnitude >= denominator.magnitude - remainder.magnitude else { return quotient }
  return numerator < 0 ? quotient - 1 : quotient + 1
}
