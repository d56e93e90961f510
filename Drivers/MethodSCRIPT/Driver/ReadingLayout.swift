// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument that measures sends the same package again and again, with other digits. So the layout of the last one
// is kept, and a line that has it is compared eight bytes at a time and read where it stands. Whatever differs in
// anything but a digit is read in full.

import CyclerModel
import InstrumentKit
import Quantities

/// Where the digits are in the line of a reading, and what all the other bytes must be.
struct ReadingLayout: Sendable {
  /// In bytes, without the line's end; 0 before a layout is known.
  private var length = 0
  // The text without its digits, and which bits of it count; the last word ends where the line ends.
  private var words: InlineArray<8, UInt64> = .init(repeating: 0)
  private var masks: InlineArray<8, UInt64> = .init(repeating: 0)
  private var wordCount = 0
  private var time = Field()
  private var voltage = Field()
  private var current = Field()
  private var hasCurrent = false
  private var applied = Field()
  private var hasApplied = false
  private var range: UInt16 = 0

  /// Seven digits.
  private struct Field: Sendable {
    var offset = 0
    /// What one count is worth in microseconds, nanovolts or picoamperes.
    var factor: Int64 = 1

    init() {}

    /// nil when the variable has no value, a mark of quality, or a prefix that needs rounding.
    init?(_ cursor: inout PackageCursor, unitExponent: Int) {
      offset = cursor.digitsOffset
      guard cursor.advance(), cursor.variable.digits != nil, cursor.variable.status == 0 else { return nil }
      let shift = cursor.variable.exponent - unitExponent
      // Twenty-eight bits times ten to the tenth fit into 63.
      guard (0...10).contains(shift) else { return nil }
      factor = powerOfTen(shift)
    }
  }

  /// Forgets the layout.
  mutating func forget() { length = 0 }

  /// Learns from a line that was read in full and made a reading. One that is out of the ordinary teaches nothing.
  mutating func learn(_ line: UnsafeRawBufferPointer, hasCurrent: Bool, hasApplied: Bool = false) {
    length = 0
    guard (8...64).contains(line.count) else { return }
    var cursor = PackageCursor(line)
    guard let time = Field(&cursor, unitExponent: -6), let voltage = Field(&cursor, unitExponent: -9) else { return }
    self.time = time
    self.voltage = voltage
    self.hasCurrent = hasCurrent
    range = 0
    if hasCurrent {
      guard let current = Field(&cursor, unitExponent: -12) else { return }
      self.current = current
      range = cursor.variable.range
    }
    self.hasApplied = hasApplied
    if hasApplied {
      guard let applied = Field(&cursor, unitExponent: -9) else { return }
      self.applied = applied
    }
    guard cursor.isComplete else { return }
    keepText(of: line)
    length = line.count
  }

  private mutating func keepText(of line: UnsafeRawBufferPointer) {
    wordCount = (line.count + 7) / 8
    for word in 0..<wordCount {
      let start = min(word * 8, line.count - 8)
      words[word] = line.loadUnaligned(fromByteOffset: start, as: UInt64.self)
      var mask = UInt64.max.littleEndian
      withUnsafeMutableBytes(of: &mask) { bytes in
        for index in 0..<8 where isDigit(start + index) { bytes[index] = 0 }
      }
      masks[word] = mask
    }
  }

  private func isDigit(_ offset: Int) -> Bool {
    func lies(in field: Field) -> Bool { offset >= field.offset && offset < field.offset + 7 }
    return lies(in: time) || lies(in: voltage) || (hasCurrent && lies(in: current)) || (hasApplied && lies(in: applied))
  }

  /// Reads the line that begins at `offset`, with the nanovolts that are applied where they are sent, and moves `offset` behind
  /// its end; false, and nothing done, when it does not have the layout in every byte.
  @inline(__always)
  func read(_ reading: inout Reading, _ applied: inout Int64?, in bytes: UnsafeRawBufferPointer, at offset: inout Int)
    -> Bool
  {
    guard length > 0, bytes.count - offset > length, bytes[offset + length] == 0x0A else { return false }
    // By spans: an element of an array that lies in a structure is otherwise read from a copy of it.
    let (words, masks) = (words.span, masks.span)
    var start = offset
    let last = offset + length - 8
    for word in 0..<wordCount {
      let loaded = bytes.loadUnaligned(fromByteOffset: min(start, last), as: UInt64.self)
      guard (loaded ^ words[word]) & masks[word] == 0 else { return false }
      start += 8
    }
    guard let time = sevenDigits(in: bytes, at: offset + time.offset),
      let voltage = sevenDigits(in: bytes, at: offset + voltage.offset)
    else { return false }
    reading.time = TimeSpan(microseconds: (time - signOffset) &* self.time.factor)
    reading.voltage = Voltage(nanovolts: (voltage - signOffset) &* self.voltage.factor)
    if hasCurrent {
      guard let current = sevenDigits(in: bytes, at: offset + current.offset) else { return false }
      reading.current = Current(picoamperes: (current - signOffset) &* self.current.factor)
      reading.range = range
    }
    if hasApplied {
      guard let digits = sevenDigits(in: bytes, at: offset + self.applied.offset) else { return false }
      applied = (digits - signOffset) &* self.applied.factor
    }
    guard reading.time >= .zero else { return false }
    offset += length + 1
    return true
  }
}
