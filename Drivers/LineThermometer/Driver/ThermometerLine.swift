// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One line of the thermometer's protocol (Drivers/LineThermometer/README.md), told from everything that is none. Each
// carries a checksum: a limit is judged by these numbers, and a digit that is lost on the way makes 60 degrees of 6.

public import Quantities

/// What a line says.
public enum ThermometerLine: Sendable, Hashable {
  /// Who the instrument is: the places of model, serial number and firmware in the line.
  case identity(model: Range<Int>, serial: Range<Int>, firmware: Range<Int>)
  /// How warm the sensor is, as far as it knows.
  case temperature(Temperature)
  /// The instrument knows that it does not know; the place of the reason in the line.
  case trouble(Range<Int>)

  /// Reads a line without its end; nil for what is no line of the protocol or has lost something.
  public init?(_ line: UnsafeRawBufferPointer) {
    guard let body = Self.body(of: line) else { return nil }
    if let temperature = Self.temperature(line, body) {
      self = .temperature(temperature)
    } else if let word = Self.trouble(line, body) {
      self = .trouble(word)
    } else if let identity = Self.identity(line, body) {
      self = identity
    } else {
      return nil
    }
  }

  /// The longest line, in bytes without its end.
  public static let maximumLength = 128
  /// The longest of the three names.
  static let longestName = 32

  // MARK: Checksum

  /// The line without its checksum, if that is right: `*` and the exclusive-or of all bytes before it as two upper-case
  /// hexadecimal digits, as in NMEA 0183.
  private static func body(of line: UnsafeRawBufferPointer) -> Range<Int>? {
    let end = line.count - 3
    guard end > 0, line[end] == UInt8(ascii: "*"), let high = nibble(line[end + 1]), let low = nibble(line[end + 2])
    else { return nil }
    var sum: UInt8 = 0
    for index in 0..<end { sum ^= line[index] }
    return sum == high << 4 | low ? 0..<end : nil
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  // MARK: Temperature

  /// `T -12.0625`: a sign where it is below zero, one to four digits, and after a point one to six; rounded to the
  /// thousandth, halves away from zero.
  private static func temperature(_ line: UnsafeRawBufferPointer, _ body: Range<Int>) -> Temperature? {
    guard body.count > 2, line[0] == UInt8(ascii: "T"), line[1] == UInt8(ascii: " ") else { return nil }
    var place = 2
    let isNegative = line[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    guard let whole = digits(line, body, &place, atMost: 4) else { return nil }
    var millidegrees = whole.value * 1_000
    if place < body.upperBound {
      guard line[place] == UInt8(ascii: ".") else { return nil }
      place += 1
      guard let fraction = digits(line, body, &place, atMost: 6), place == body.upperBound else { return nil }
      // In millionths.
      var scaled = fraction.value
      for _ in fraction.count..<6 { scaled *= 10 }
      millidegrees += (scaled + 500) / 1_000
    }
    return Temperature(millidegrees: isNegative ? -millidegrees : millidegrees)
  }

  private static func digits(
    _ line: UnsafeRawBufferPointer, _ body: Range<Int>, _ place: inout Int, atMost most: Int
  ) -> (value: Int64, count: Int)? {
    var value: Int64 = 0
    var count = 0
    while place < body.upperBound, case let digit = line[place] &- UInt8(ascii: "0"), digit < 10 {
      guard count < most else { return nil }
      value = value * 10 + Int64(digit)
      count += 1
      place += 1
    }
    return count > 0 ? (value, count) : nil
  }

  // MARK: Words

  /// `E disconnected`.
  private static func trouble(_ line: UnsafeRawBufferPointer, _ body: Range<Int>) -> Range<Int>? {
    guard body.count > 2, body.count <= 2 + longestName, line[0] == UInt8(ascii: "E"), line[1] == UInt8(ascii: " ")
    else { return nil }
    for index in 2..<body.upperBound where !isInName(line[index]) { return nil }
    return 2..<body.upperBound
  }

  /// `THERMOMETER,model,serial,firmware`.
  private static func identity(_ line: UnsafeRawBufferPointer, _ body: Range<Int>) -> ThermometerLine? {
    var fields: [Range<Int>] = []
    var start = 0
    for index in body {
      if line[index] == UInt8(ascii: ",") {
        fields.append(start..<index)
        start = index + 1
      } else if !isInName(line[index]) {
        return nil
      }
    }
    fields.append(start..<body.upperBound)
    guard fields.count == 4, line[fields[0]].elementsEqual("THERMOMETER".utf8),
      fields.dropFirst().allSatisfy({ !$0.isEmpty && $0.count <= longestName })
    else { return nil }
    return .identity(model: fields[1], serial: fields[2], firmware: fields[3])
  }

  /// Letters, digits, full stop, underscore, hyphen: what a person can type on a command line without quotes.
  private static func isInName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
