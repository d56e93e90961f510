// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What one measurement says, found in its bytes without making strings of them.

internal import CyclerModel
internal import Quantities

/// What was measured in one moment.
struct MeterReading: Sendable, Hashable {
  /// Across the sense terminals; nil for an overflow or no number.
  var voltage: Voltage?
  /// Through the output, positive out of it, which charges; nil for an overflow or no number.
  var current: Current?
  /// The instrument's time stamp.
  var time: TimeSpan
  /// The status word.
  var status: Status

  /// Bits of the status word (2400 Series User's Manual, SCPI reference, `:FORMat:ELEMents`; bit 22 read there, 3 and
  /// 16 from memory).
  struct Status: OptionSet, Sendable, Hashable {
    let rawValue: Int64
    /// The measurement was out of range.
    static let overflow = Status(rawValue: 1 << 0)
    /// The source is limited by its compliance.
    static let compliance = Status(rawValue: 1 << 3)
    /// The source is limited by the measurement's range.
    static let rangeCompliance = Status(rawValue: 1 << 16)
    /// The voltage is sensed with leads of its own.
    static let remoteSense = Status(rawValue: 1 << 22)
  }

  /// The answer of a 2400 to `:READ?` with the elements VOLT, CURR, TIME, STAT: four numbers with commas between them,
  /// from `start` to the end of the line; nil unless the form is exact.
  init?(_ line: UnsafeRawBufferPointer, from start: Int) {
    let step = ScpiNumber.length + 1
    guard line.count == start + 4 * step - 1 else { return nil }
    for comma in 1...3 where line[start + comma * step - 1] != UInt8(ascii: ",") { return nil }
    guard let volts = ScpiNumber(line, at: start), let amperes = ScpiNumber(line, at: start + step),
      let seconds = ScpiNumber(line, at: start + 2 * step)?.count(decimals: 6), seconds >= 0,
      let bits = ScpiNumber(line, at: start + 3 * step)?.count(decimals: 0), bits >= 0
    else { return nil }
    voltage = volts.count(decimals: 9).map { Voltage(nanovolts: $0) }
    current = amperes.count(decimals: 12).map { Current(picoamperes: $0) }
    time = TimeSpan(microseconds: seconds)
    status = Status(rawValue: bits)
  }

  /// The answer of a 2450 to its line of measurement, from `start` to the end: source, reading and relative time, the
  /// same again, whether the limit acts, and whether the output is on; nil unless both times say the same. That its
  /// output is off is no reading either.
  init?(interactive line: UnsafeRawBufferPointer, from start: Int, sourced: ScpiDialect.Sourced) {
    let end = line.count - 4
    guard end > start, Self.isOn(line) == true, let limit = Self.flag(line[end + 1]), line[end] == Self.semicolon,
      let numbers = Self.twice(line, start..<end), numbers.time >= 0
    else { return nil }
    switch sourced {
    case .current:
      current = numbers.source.count(decimals: 12).map { Current(picoamperes: $0) }
      voltage = numbers.reading.count(decimals: 9).map { Voltage(nanovolts: $0) }
    case .voltage:
      voltage = numbers.source.count(decimals: 9).map { Voltage(nanovolts: $0) }
      current = numbers.reading.count(decimals: 12).map { Current(picoamperes: $0) }
    }
    time = TimeSpan(microseconds: numbers.time)
    // The four wires were asked for in a line of their own, before this set-point.
    status = limit ? [.remoteSense, .compliance] : .remoteSense
  }

  /// What the last question of a 2450's line of measurement says of the output; nil where there is no such answer.
  static func isOn(_ line: UnsafeRawBufferPointer) -> Bool? {
    guard line.count > 4, line[line.count - 2] == semicolon else { return nil }
    return flag(line[line.count - 1])
  }

  private static let semicolon = UInt8(ascii: ";")

  private static func flag(_ byte: UInt8) -> Bool? {
    byte == UInt8(ascii: "1") ? true : byte == UInt8(ascii: "0") ? false : nil
  }

  /// Three numbers that come twice, with a comma, and perhaps a blank, between any two.
  private static func twice(
    _ line: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> (source: ScpiDecimal, reading: ScpiDecimal, time: Int64)? {
    var commas = (0, 0, 0)
    var count = 0
    for index in range where line[index] == UInt8(ascii: ",") {
      switch count {
      case 0: commas.0 = index
      case 1: commas.1 = index
      case 2: commas.2 = index
      default: break
      }
      count += 1
    }
    guard count == 5 else { return nil }
    let again = afterBlank(line, commas.2 + 1)
    guard
      UnsafeRawBufferPointer(rebasing: line[range.lowerBound..<commas.2]).elementsEqual(
        UnsafeRawBufferPointer(rebasing: line[min(again, range.upperBound)..<range.upperBound])),
      let source = number(line, range.lowerBound, commas.0),
      let reading = number(line, afterBlank(line, commas.0 + 1), commas.1),
      let time = number(line, afterBlank(line, commas.1 + 1), commas.2)?.count(decimals: 6)
    else { return nil }
    return (source, reading, time)
  }

  private static func afterBlank(_ line: UnsafeRawBufferPointer, _ index: Int) -> Int {
    index < line.count && line[index] == UInt8(ascii: " ") ? index + 1 : index
  }

  private static func number(_ line: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> ScpiDecimal? {
    start < end ? ScpiDecimal(UnsafeRawBufferPointer(rebasing: line[start..<end])) : nil
  }

  /// What the instrument said of its trustworthiness; the compliance is judged where it is known what it means.
  var quality: ReadingQuality {
    let isClipped = !status.isDisjoint(with: [.overflow, .rangeCompliance]) || voltage == nil || current == nil
    return isClipped ? .overload : []
  }
}
