// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A number as a file writes it: `mantissa` × 10^`exponent`.
///
/// A sign, digits with at most one point among them, and `e` with a power of ten: `-0.000302`, `8.87960047e-05`,
/// `.5`, `+3`. No spaces, no separators of thousands, no `nan`. Of more than 18 digits the first 18 count.
struct DecimalField: Sendable, Hashable {
  private(set) var mantissa: Int64 = 0
  private(set) var exponent = 0

  /// The longest that is read, in bytes.
  static let longest = 40

  /// Reads all of `text`; nil where it is no such number.
  init?(_ text: ArraySlice<UInt8>) {
    guard text.count <= Self.longest else { return nil }
    var place = text.startIndex
    var isNegative = false
    if place < text.endIndex, text[place] == UInt8(ascii: "-") || text[place] == UInt8(ascii: "+") {
      isNegative = text[place] == UInt8(ascii: "-")
      place += 1
    }
    guard readDigits(text, &place) else { return nil }
    if place < text.endIndex {
      guard text[place] | 0x20 == UInt8(ascii: "e"), let power = Self.power(text[(place + 1)...]) else { return nil }
      exponent += power
    }
    if isNegative { mantissa = -mantissa }
  }

  private mutating func readDigits(_ text: ArraySlice<UInt8>, _ place: inout Int) -> Bool {
    var hasDigits = false
    var isBehindPoint = false
    while place < text.endIndex {
      let byte = text[place]
      if byte == UInt8(ascii: "."), !isBehindPoint {
        isBehindPoint = true
      } else if case let digit = byte &- UInt8(ascii: "0"), digit < 10 {
        hasDigits = true
        let isKept = mantissa < 100_000_000_000_000_000
        if isKept { mantissa = mantissa * 10 + Int64(digit) }
        exponent += (isKept ? 0 : 1) - (isBehindPoint ? 1 : 0)
      } else {
        break
      }
      place += 1
    }
    return hasDigits
  }

  private static func power(_ text: ArraySlice<UInt8>) -> Int? {
    var digits = text
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    guard (1...4).contains(digits.count) else { return nil }
    var value = 0
    for byte in digits {
      guard case let digit = byte &- UInt8(ascii: "0"), digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    return isNegative ? -value : value
  }

  /// In units of 10^-`places`, rounded half away from zero; nil where that is too large for 64 bits.
  func scaled(places: Int) -> Int64? {
    guard mantissa != 0 else { return 0 }
    var shift = exponent + places
    if shift >= 0 {
      var value = mantissa
      while shift > 0 {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        value = product
        shift -= 1
      }
      return value
    }
    guard shift > -19 else { return 0 }
    var divisor: Int64 = 1
    while shift < 0 {
      divisor *= 10
      shift += 1
    }
    let half = divisor / 2
    return (mantissa + (mantissa < 0 ? -half : half)) / divisor
  }

  /// As a binary fraction. The division by an exact power of ten leaves one rounding where the digits are few enough.
  var value: Double {
    let power = Self.powers[min(abs(exponent), Self.powers.count - 1)]
    return exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
  }

  /// Powers of ten that are binary fractions exactly up to the 22nd; beyond the 40th nothing here is a quantity of a
  /// cell.
  private static let powers: [Double] = {
    var powers = [1.0]
    for _ in 1...300 { powers.append((powers.last ?? 1) * 10) }
    return powers
  }()
}
