// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Numbers as they stand in tables, read from bytes without making a String of each. The result is the Double nearest to
// the decimal number, for up to 19 digits and the powers of ten of SI prefixes without any detour; what is longer or has
// a larger exponent goes through the standard library.

/// What stands in a field.
enum FieldValue: Sendable, Hashable {
  /// A number.
  case number(Double)
  /// A time in hours, minutes and seconds, in s.
  case duration(Double)
  /// Nothing, or a word for it such as `NaN`.
  case unknown
  /// Something else.
  case malformed
}

/// Reads decimal numbers and durations.
enum DecimalText {
  /// Reads the field that begins at `cursor` and leaves `cursor` on the byte that ended it: `delimiter` or a line feed. The
  /// caller guarantees a line feed somewhere behind.
  /// - Parameters:
  ///   - decimalMark: The byte between whole and fraction.
  ///   - exponent: The power of ten by which the number is multiplied, before it is rounded.
  @inline(__always)
  static func read(
    _ cursor: inout UnsafePointer<UInt8>, delimiter: UInt8, decimalMark: UInt8, exponent: Int
  ) -> FieldValue {
    // The usual field: a sign perhaps, at most 18 digits with a mark among them, and its end.
    var place = cursor
    let isNegative = place.pointee == minus
    if isNegative { place += 1 }
    let begin = place
    var mantissa: UInt64 = 0
    var digit = place.pointee &- zero
    while digit < 10 {
      mantissa = mantissa &* 10 &+ UInt64(digit)
      place += 1
      digit = place.pointee &- zero
    }
    var count = place - begin
    var scale = exponent
    if place.pointee == decimalMark {
      place += 1
      let fraction = place
      digit = place.pointee &- zero
      while digit < 10 {
        mantissa = mantissa &* 10 &+ UInt64(digit)
        place += 1
        digit = place.pointee &- zero
      }
      count += place - fraction
      scale -= place - fraction
    }
    if place.pointee == carriageReturn, place[1] == lineFeed { place += 1 }
    if count > 0, count <= 18, place.pointee == delimiter || place.pointee == lineFeed {
      cursor = place
      let magnitude = value(mantissa, scale)
      return .number(isNegative ? -magnitude : magnitude)
    }
    return readCarefully(&cursor, delimiter: delimiter, decimalMark: decimalMark, exponent: exponent)
  }

  /// The same for every form of a field: spaces, quotes, exponents, leading zeros, words.
  @inline(never)
  private static func readCarefully(
    _ cursor: inout UnsafePointer<UInt8>, delimiter: UInt8, decimalMark: UInt8, exponent: Int
  ) -> FieldValue {
    let begin = cursor
    var place = cursor
    while place.pointee == space || (place.pointee == tab && delimiter != tab) { place += 1 }
    let isQuoted = place.pointee == quote
    if isQuoted { place += 1 }
    let numberBegin = place
    let isNegative = place.pointee == minus
    if isNegative || place.pointee == plus { place += 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var scale = exponent
    var isLong = false
    let wholeBegin = place
    var digit = place.pointee &- zero
    while digit < 10 {
      if digits < 18 {
        mantissa = mantissa &* 10 &+ UInt64(digit)
        if mantissa != 0 { digits += 1 }
      } else {
        isLong = true
      }
      place += 1
      digit = place.pointee &- zero
    }
    var hasDigits = place != wholeBegin
    if place.pointee == decimalMark {
      place += 1
      let fractionBegin = place
      digit = place.pointee &- zero
      while digit < 10 {
        if digits < 18 {
          mantissa = mantissa &* 10 &+ UInt64(digit)
          if mantissa != 0 { digits += 1 }
          scale -= 1
        } else {
          isLong = isLong || digit != 0
        }
        place += 1
        digit = place.pointee &- zero
      }
      hasDigits = hasDigits || place != fractionBegin
    }
    guard hasDigits else { return word(&cursor, from: begin, delimiter: delimiter) }
    if place.pointee | 0x20 == letterE {
      var after = place + 1
      let isDown = after.pointee == minus
      if isDown || after.pointee == plus { after += 1 }
      if after.pointee &- zero < 10 {
        var power = 0
        while after.pointee &- zero < 10 {
          if power < 10_000 { power = power * 10 + Int(after.pointee &- zero) }
          after += 1
        }
        scale += isDown ? -power : power
        place = after
      }
    }
    let numberEnd = place
    if isQuoted, place.pointee == quote { place += 1 }
    while place.pointee == space || place.pointee == carriageReturn { place += 1 }
    guard place.pointee == delimiter || place.pointee == lineFeed else {
      return word(&cursor, from: begin, delimiter: delimiter)
    }
    cursor = place
    if isLong {
      return long(UnsafeBufferPointer(start: numberBegin, count: numberEnd - numberBegin), decimalMark, exponent)
    }
    let magnitude = value(mantissa, scale)
    return .number(isNegative ? -magnitude : magnitude)
  }

  /// Leaves `cursor` on the delimiter or line feed that ends the field.
  @inline(__always)
  static func skip(_ cursor: inout UnsafePointer<UInt8>, delimiter: UInt8) {
    if cursor.pointee == quote {
      cursor += 1
      while cursor.pointee != quote, cursor.pointee != lineFeed { cursor += 1 }
    }
    while cursor.pointee != delimiter, cursor.pointee != lineFeed { cursor += 1 }
  }

  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let tab: UInt8 = 0x09
  static let quote: UInt8 = 0x22
  private static let space: UInt8 = 0x20
  private static let plus: UInt8 = 0x2B
  private static let minus: UInt8 = 0x2D
  private static let zero: UInt8 = 0x30
  private static let colon: UInt8 = 0x3A
  private static let letterD: UInt8 = 0x64
  private static let letterE: UInt8 = 0x65
}

// MARK: - The nearest Double

extension DecimalText {
  /// `mantissa` times ten to the `scale`, rounded once.
  @inline(__always)
  static func value(_ mantissa: UInt64, _ scale: Int) -> Double {
    // Both factors are exact and so is their one operation's rounding (Clinger, PLDI 1990).
    if mantissa <= 1 << 53, scale >= -22, scale <= 22 {
      return scale < 0 ? Double(mantissa) / power(-scale) : Double(mantissa) * power(scale)
    }
    return distant(mantissa, scale)
  }

  @inline(never)
  private static func distant(_ mantissa: UInt64, _ scale: Int) -> Double {
    if mantissa == 0 { return 0 }
    if scale < 0, scale >= -22 {
      // In two parts, quotient and remainder; sure when moving the small part by more than its error changes nothing.
      let high = Double(mantissa)
      let low = Double(Int64(truncatingIfNeeded: mantissa &- UInt64(high)))
      let divisor = power(-scale)
      let quotient = high / divisor
      let rest = (high.addingProduct(-quotient, divisor) + low) / divisor
      let (below, above) = (quotient + rest * (1 - 1e-13), quotient + rest * (1 + 1e-13))
      if below == above { return below }
    }
    return Double("\(mantissa)e\(scale)") ?? .infinity
  }

  /// A number of more than 18 digits, through the standard library.
  @inline(never)
  private static func long(_ bytes: UnsafeBufferPointer<UInt8>, _ decimalMark: UInt8, _ exponent: Int) -> FieldValue {
    var text = String(decoding: bytes.map { $0 == decimalMark ? 0x2E : $0 }, as: UTF8.self)
    if exponent != 0 {
      if let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) {
        guard let power = Int(text[text.index(after: mark)...]), power.magnitude < 10_000 else { return .malformed }
        text = text[..<mark] + "e\(power + exponent)"
      } else {
        text += "e\(exponent)"
      }
    }
    return Double(text).map(FieldValue.number) ?? .malformed
  }

  // A switch and not a table: a global would be asked at each use whether it is there yet.
  @inline(__always)
  private static func power(_ exponent: Int) -> Double {
    switch exponent {
    case 0: 1
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    case 7: 1e7
    case 8: 1e8
    case 9: 1e9
    case 10: 1e10
    case 11: 1e11
    case 12: 1e12
    case 13: 1e13
    case 14: 1e14
    case 15: 1e15
    case 16: 1e16
    case 17: 1e17
    case 18: 1e18
    case 19: 1e19
    case 20: 1e20
    case 21: 1e21
    default: 1e22
    }
  }
}

// MARK: - What is no plain number

extension DecimalText {
  /// A duration (`25:00:02.5` is 25 hours and 2.5 seconds), a word for nothing, or neither.
  @inline(never)
  private static func word(
    _ cursor: inout UnsafePointer<UInt8>, from begin: UnsafePointer<UInt8>, delimiter: UInt8
  ) -> FieldValue {
    cursor = begin
    skip(&cursor, delimiter: delimiter)
    var bytes = UnsafeBufferPointer(start: begin, count: cursor - begin)[...]
    func isPadding(_ byte: UInt8) -> Bool { byte <= space || byte == quote }
    while let first = bytes.first, isPadding(first) { bytes.removeFirst() }
    while let last = bytes.last, isPadding(last) { bytes.removeLast() }
    if bytes.isEmpty { return .unknown }
    if bytes.contains(colon) { return duration(bytes) }
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    return ["nan", "null", "none", "na", "n/a", "-", "--"].contains(text) ? .unknown : .malformed
  }

  /// Up to four parts, of which four begin with days; Maccor writes `2d 03:04:05.6`.
  private static func duration(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> FieldValue {
    var bytes = bytes
    var days = 0.0
    if let mark = bytes.firstIndex(where: { $0 | 0x20 == letterD }) {
      guard let whole = number(bytes[..<mark], isLast: false) else { return .malformed }
      days = whole
      bytes = bytes[bytes.index(after: mark)...]
      while bytes.first == space { bytes.removeFirst() }
    }
    let parts = bytes.split(separator: colon, omittingEmptySubsequences: false)
    guard (2...4).contains(parts.count) else { return .malformed }
    var seconds = 0.0
    for (index, part) in parts.enumerated() {
      guard let number = number(part, isLast: index == parts.count - 1),
        index == 0 || number < 60 || parts.count == 4
      else { return .malformed }
      // Four parts begin with days.
      seconds = seconds * (index == 1 && parts.count == 4 ? 24 : 60) + number
    }
    return .duration(days * 86_400 + seconds)
  }

  private static func number(_ part: Slice<UnsafeBufferPointer<UInt8>>, isLast: Bool) -> Double? {
    guard !part.isEmpty, part.count < 40,
      part.allSatisfy({ $0 &- zero < 10 || (isLast && ($0 == 0x2E || $0 == 0x2C)) })
    else { return nil }
    return Double(String(decoding: part.map { $0 == 0x2C ? 0x2E : $0 }, as: UTF8.self))
  }
}
