// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A number as a data file writes it: `-0.000302`, `8.87960047e-05`, `+.5`.
enum RecordedNumber {
  /// The number in units of 10^-`places`, rounded half away from zero; nil where the bytes are no number or it does
  /// not fit 64 bits. Of more than 18 digits the first 18 count.
  @inline(__always)
  static func count(_ text: UnsafeRawBufferPointer, _ range: Range<Int>, places: Int) -> Int64? {
    var place = range.lowerBound
    let end = range.upperBound
    guard place < end else { return nil }
    let isNegative = text[place] == UInt8(ascii: "-")
    if isNegative || text[place] == UInt8(ascii: "+") { place += 1 }
    var value: Int64 = 0
    var shift = places
    var hasDigits = false
    var isBehindPoint = false
    while place < end {
      let byte = text[place]
      if case let digit = byte &- UInt8(ascii: "0"), digit < 10 {
        hasDigits = true
        if value < 100_000_000_000_000_000 {
          value = value * 10 + Int64(digit)
          if isBehindPoint { shift -= 1 }
        } else if !isBehindPoint {
          shift += 1
        }
      } else if byte == UInt8(ascii: "."), !isBehindPoint {
        isBehindPoint = true
      } else {
        break
      }
      place += 1
    }
    guard hasDigits else { return nil }
    if place < end {
      guard text[place] | 0x20 == UInt8(ascii: "e"), let power = power(text, place + 1..<end) else { return nil }
      shift += power
    }
    guard let count = shifted(value, by: shift) else { return nil }
    return isNegative ? -count : count
  }

  private static func power(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    var place = range.lowerBound
    guard place < range.upperBound else { return nil }
    let isNegative = text[place] == UInt8(ascii: "-")
    if isNegative || text[place] == UInt8(ascii: "+") { place += 1 }
    guard (1...4).contains(range.upperBound - place) else { return nil }
    var value = 0
    for index in place..<range.upperBound {
      guard case let digit = text[index] &- UInt8(ascii: "0"), digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    return isNegative ? -value : value
  }

  private static func shifted(_ value: Int64, by shift: Int) -> Int64? {
    guard value != 0 else { return 0 }
    if shift >= 0 {
      var value = value
      for _ in 0..<shift {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        value = product
      }
      return value
    }
    guard shift > -19 else { return 0 }
    var divisor: Int64 = 1
    for _ in shift..<0 { divisor *= 10 }
    return (value + divisor / 2) / divisor
  }
}
