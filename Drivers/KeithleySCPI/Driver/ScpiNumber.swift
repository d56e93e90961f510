// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Numbers as a SourceMeter writes and reads them. What it measures comes in one exact form, so a digit that the line
// swallowed is seen; where only a setting is read back, any form of a number is taken and compared with what was set.

/// A number of exactly thirteen bytes, `+3.700123E+00`, as the 2400 writes each element of a reading
/// (pymeasure's recorded answers of `:READ?`).
struct ScpiNumber: Sendable, Hashable {
  /// Seven digits and a sign: the value is this times ten to `exponent` − 6.
  let mantissa: Int64
  /// Of the digit before the point.
  let exponent: Int

  /// Bytes of one number.
  static let length = 13

  /// Reads the number that begins at `start`; nil unless its form is exact.
  init?(_ line: UnsafeRawBufferPointer, at start: Int) {
    guard start + Self.length <= line.count, let sign = Self.sign(line[start]), line[start + 2] == UInt8(ascii: "."),
      line[start + 9] == UInt8(ascii: "E"), let exponentSign = Self.sign(line[start + 10]),
      let tens = Self.digit(line[start + 11]), let ones = Self.digit(line[start + 12]),
      let first = Self.digit(line[start + 1])
    else { return nil }
    var value = first
    for place in start + 3..<start + 9 {
      guard let digit = Self.digit(line[place]) else { return nil }
      value = value * 10 + digit
    }
    mantissa = sign * value
    exponent = Int(exponentSign * (tens * 10 + ones))
  }

  /// The value in units of ten to −`decimals`, rounded half away from zero; nil where it is no measurement (9.91e37 is
  /// not a number, 9.9e37 an overflow) or too large.
  func count(decimals: Int) -> Int64? {
    guard exponent <= 8 else { return nil }
    var shift = exponent - 6 + decimals
    var value = mantissa
    while shift > 0 {
      let (product, overflows) = value.multipliedReportingOverflow(by: 10)
      if overflows { return nil }
      value = product
      shift -= 1
    }
    if shift < -18 { return 0 }
    var divisor: Int64 = 1
    while shift < 0 {
      divisor *= 10
      shift += 1
    }
    let half = divisor / 2
    return (value + (value < 0 ? -half : half)) / divisor
  }

  private static func sign(_ byte: UInt8) -> Int64? {
    switch byte {
    case UInt8(ascii: "+"): 1
    case UInt8(ascii: "-"): -1
    default: nil
    }
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  /// `count` units of ten to −`decimals` as a command's argument: one digit, up to eight more, an exponent.
  static func written(_ count: Int64, decimals: Int) -> String {
    guard count != 0 else { return "0" }
    let digits = Array(String(count.magnitude))
    let exponent = digits.count - 1 - decimals
    var fraction = digits.dropFirst().prefix(8)
    while fraction.last == "0" { fraction.removeLast() }
    let sign = count < 0 ? "-" : ""
    return sign + String(digits[0]) + (fraction.isEmpty ? "" : "." + String(fraction)) + "E\(exponent)"
  }
}
