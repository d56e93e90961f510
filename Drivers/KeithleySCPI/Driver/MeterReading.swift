// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What one reading of a 2400 says, found in its bytes without making strings of them.

internal import CyclerModel
internal import Quantities

/// The answer to `:READ?` with the elements VOLT, CURR, TIME, STAT.
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

  /// Reads four numbers with commas between them, from `start` to the end of the line; nil unless the form is exact.
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

  /// What the instrument said of its trustworthiness; the compliance is judged where it is known what it means.
  var quality: ReadingQuality {
    let isClipped = !status.isDisjoint(with: [.overflow, .rangeCompliance]) || voltage == nil || current == nil
    return isClipped ? .overload : []
  }
}
