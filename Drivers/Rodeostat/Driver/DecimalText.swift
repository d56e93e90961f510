// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A number as the instrument writes it, kept as its digits: how exact a number is can be seen from them, and from a binary
// fraction it cannot.

/// A decimal number: `mantissa` times ten to −`places`.
struct DecimalText: Sendable, Hashable {
  /// All digits with the sign; 15 at most.
  var mantissa: Int64
  /// Digits behind the point less the exponent.
  var places: Int

  private static let mostDigits = 15
  private static let largestExponent = 20

  /// Reads a whole piece of text; nil unless it is a number in JSON's form and of no more digits than that.
  init?(_ text: UnsafeRawBufferPointer) {
    var rest = text[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    var value: Int64 = 0
    var digits = 0
    var behind = 0
    var hasPoint = false
    while let byte = rest.first, byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if byte == UInt8(ascii: ".") {
        guard !hasPoint, digits > 0 else { return nil }
        hasPoint = true
        continue
      }
      guard let digit = Self.digit(byte), digits < Self.mostDigits else { return nil }
      // JSON has no zero in front of other digits.
      if digits == 1, value == 0, !hasPoint { return nil }
      value = value * 10 + digit
      digits += 1
      if hasPoint { behind += 1 }
    }
    guard digits > 0, !hasPoint || behind > 0, let exponent = Self.exponent(rest) else { return nil }
    mantissa = isNegative ? -value : value
    places = behind - exponent
  }

  private static func exponent(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
    guard !text.isEmpty else { return 0 }
    var rest = text.dropFirst()
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    guard !rest.isEmpty, rest.count <= 2 else { return nil }
    var value = 0
    for byte in rest {
      guard let digit = digit(byte) else { return nil }
      value = value * 10 + Int(digit)
    }
    guard value <= largestExponent else { return nil }
    return isNegative ? -value : value
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  /// The number, to the exactness of double precision.
  var value: Double {
    var scale = 1.0
    for _ in 0..<places.magnitude { scale *= 10 }
    return places < 0 ? Double(mantissa) * scale : Double(mantissa) / scale
  }

  /// The number where it is a whole one that is written as such.
  var whole: Int64? { places == 0 ? mantissa : nil }

  /// What the last digit is worth with which the firmware writes a number: it writes seven, of which its single
  /// precision may spoil the last, and no more than six behind the point, but for small numbers with an exponent.
  static func lastDigit(of value: Double) -> Double {
    var size = value.magnitude
    var digit = 1e-6
    while size >= 10 {
      size /= 10
      digit *= 10
    }
    if size > 0, size <= 1e-5 {
      while size < 1 {
        size *= 10
        digit /= 10
      }
    }
    return digit
  }

  /// `picounits` with a point, as a command's argument: `0.5`, `-0.000278`, `0.0`.
  static func written(picounits: Int64) -> String {
    let digits = String(picounits.magnitude)
    let padded = String(repeating: "0", count: max(13 - digits.utf8.count, 0)) + digits
    var fraction = padded.suffix(12)
    while fraction.utf8.count > 1, fraction.last == "0" { fraction.removeLast() }
    return (picounits < 0 ? "-" : "") + padded.dropLast(12) + "." + fraction
  }
}
