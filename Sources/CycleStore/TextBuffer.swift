// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Writes stored integers as decimal text without passing through a binary fraction, so that an exported number is the
// stored one and reading it back gives the same integer.

import CyclerModel
import Quantities

/// A growing piece of text in UTF-8.
struct TextBuffer {
  private(set) var bytes: [UInt8] = []

  /// Forgets the text and keeps the memory.
  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
  /// Adds text as it is.
  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
  /// Adds one character.
  mutating func append(_ character: Unicode.Scalar) { bytes.append(UInt8(ascii: character)) }
  /// Adds a whole number.
  mutating func append(_ value: Int64) { append(scaled: Int128(value), decimals: 0) }

  /// Adds `value` · 10^-`decimals` with exactly so many decimals.
  mutating func append(_ value: Int64, decimals: Int) { append(scaled: Int128(value), decimals: decimals) }

  /// Adds a voltage in volts: nine decimals, exact.
  mutating func append(volts value: Voltage) { append(value.nanovolts, decimals: 9) }
  /// Adds a current in amperes: twelve decimals, exact.
  mutating func append(amperes value: Current) { append(value.picoamperes, decimals: 12) }
  /// Adds a temperature in degrees Celsius: three decimals, exact.
  mutating func append(degreesCelsius value: Temperature) { append(value.millidegrees, decimals: 3) }
  /// Adds microseconds in seconds: six decimals, exact.
  mutating func append(secondsOf microseconds: Int64) { append(microseconds, decimals: 6) }

  /// Adds nanocoulombs in ampere-hours (or nanojoules in watt-hours) with thirteen decimals, rounded half away from
  /// zero. One nanocoulomb is 2.8e-13 Ah, so every stored charge has a text of its own and can be read back exactly.
  mutating func append(hoursOf count: Int64) {
    // count / 3.6e12 · 1e13 = count · 25 / 9
    let scaled = Int128(count) * 25
    let rounded = (scaled.magnitude + 4) / 9
    append(scaled: scaled < 0 ? -Int128(rounded) : Int128(rounded), decimals: 13)
  }

  private mutating func append(scaled value: Int128, decimals: Int) {
    if value < 0 { append("-") }
    let start = bytes.count
    var rest = value.magnitude
    if let small = UInt64(exactly: rest) {
      appendReversed(small, decimals: decimals)
    } else {
      var place = 0
      while rest > 0 || place <= decimals {
        if place == decimals, decimals > 0 { append(".") }
        bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
        place += 1
      }
    }
    bytes[start...].reverse()
  }

  private mutating func appendReversed(_ value: UInt64, decimals: Int) {
    var rest = value
    var place = 0
    while rest > 0 || place <= decimals {
      if place == decimals, decimals > 0 { append(".") }
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
      place += 1
    }
  }

  /// Adds a field of CSV, in quotes.
  mutating func append(csv text: String) {
    append("\"")
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    append("\"")
  }

  /// Adds a JSON string with its quotes.
  mutating func append(json text: String) {
    append("\"")
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": append("\\\"")
      case "\\": append("\\\\")
      case "\n": append("\\n")
      case "\t": append("\\t")
      case "\r": append("\\r")
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
      default: append(String(scalar))
      }
    }
    append("\"")
  }
}
