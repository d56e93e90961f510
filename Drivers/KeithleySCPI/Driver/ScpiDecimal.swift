// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Numbers of which the form is not known beforehand: a 2450 writes as many digits as it was told, with an exponent or
// without. Nothing is converted to a binary fraction on the way.

/// A decimal number of any usual form, `-1.234567890E-03`, `0.266978`, `4`.
struct ScpiDecimal: Sendable, Hashable {
  /// The digits, with their sign: eighteen at the most, those behind are left out.
  private(set) var mantissa: Int64 = 0
  /// The value is the mantissa times ten to this.
  private(set) var exponent = 0

  /// Reads the number that fills these bytes to the last; nil where they are none.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative || bytes.first == UInt8(ascii: "+") { index = 1 }
    guard readDigits(bytes, &index) else { return nil }
    if isNegative { mantissa = -mantissa }
    guard index < bytes.count else { return }
    guard bytes[index] | 0x20 == UInt8(ascii: "e") else { return nil }
    index += 1
    guard let power = Self.power(bytes, &index), index == bytes.count else { return nil }
    exponent += power
  }

  /// The digits with the point among them, if there is one; at least one digit.
  private mutating func readDigits(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Bool {
    var count = 0
    var hasPoint = false
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if let digit = Self.digit(byte) {
        count += 1
        if mantissa < 100_000_000_000_000_000 {
          mantissa = mantissa * 10 + digit
          if hasPoint { exponent -= 1 }
        } else if !hasPoint {
          exponent += 1
        }
      } else {
        break
      }
      index += 1
    }
    return count > 0
  }

  /// A power of ten: a sign, if there is one, and up to three digits.
  private static func power(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Int? {
    guard index < bytes.count else { return nil }
    let isNegative = bytes[index] == UInt8(ascii: "-")
    if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
    var value = 0
    let start = index
    while index < bytes.count, index - start < 3, let digit = digit(bytes[index]) {
      value = value * 10 + Int(digit)
      index += 1
    }
    return index > start ? (isNegative ? -value : value) : nil
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  /// The value in units of ten to −`decimals`, rounded half away from zero; nil where it is no measurement (9.9e37 is
  /// an overflow, 9.91e37 not a number) or too large.
  func count(decimals: Int) -> Int64? {
    guard mantissa != 0 else { return 0 }
    var shift = exponent + decimals
    var value = mantissa
    guard shift <= 18 else { return nil }
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
    let (raised, overflows) = value.addingReportingOverflow(value < 0 ? -half : half)
    return overflows ? value / divisor : raised / divisor
  }
}
