// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Walks through JSON without making anything of it: it says where a value is and lets others read it there. It never
// goes deeper than a line of the instrument does, never past the line's end, and allocates nothing.

/// A place in a line of JSON.
struct LineScanner {
  /// An answer's parameters are two levels deep, the steps of one of the tests four.
  private static let deepest = 6

  private let bytes: UnsafeRawBufferPointer
  private(set) var place: Int
  private let end: Int

  /// In front of the first byte of a part of the line.
  init(_ bytes: UnsafeRawBufferPointer, in part: Range<Int>) {
    self.bytes = bytes
    place = part.lowerBound
    end = part.upperBound
  }

  var isAtEnd: Bool { place == end }

  private var next: UInt8? { place < end ? bytes[place] : nil }

  /// Goes past one byte, if it is this.
  mutating func take(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard next == byte else { return false }
    place += 1
    return true
  }

  private mutating func skipBlanks() { while next == 0x20 || next == 0x09 { place += 1 } }

  /// Goes past a string; where its contents are. What is not printable ASCII is none.
  mutating func string() -> Range<Int>? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = place
    while let byte = next, (0x20..<0x7F).contains(byte) {
      place += 1
      if byte == UInt8(ascii: "\"") { return start..<place - 1 }
      if byte == UInt8(ascii: "\\") {
        guard next != nil else { return nil }
        place += 1
      }
    }
    return nil
  }

  /// Goes past a value of any kind; where it is. nil when it is none.
  mutating func value(depth: Int = 0) -> Range<Int>? {
    skipBlanks()
    let start = place
    let isSound: Bool
    switch next {
    case UInt8(ascii: "{"): isSound = skip(UInt8(ascii: "}"), isObject: true, depth: depth + 1)
    case UInt8(ascii: "["): isSound = skip(UInt8(ascii: "]"), isObject: false, depth: depth + 1)
    case UInt8(ascii: "\""): isSound = string() != nil
    default: isSound = skipWord()
    }
    return isSound ? start..<place : nil
  }

  private mutating func skip(_ close: UInt8, isObject: Bool, depth: Int) -> Bool {
    guard depth <= Self.deepest else { return false }
    place += 1
    if take(close) { return true }
    repeat {
      if isObject { guard string() != nil, take(UInt8(ascii: ":")) else { return false } }
      guard value(depth: depth) != nil else { return false }
    } while take(UInt8(ascii: ","))
    return take(close)
  }

  private mutating func skipWord() -> Bool {
    let start = place
    while let byte = next, Self.belongsToWord(byte) { place += 1 }
    let word = UnsafeRawBufferPointer(rebasing: bytes[start..<place])
    // The firmware divides by the number of its own samples, which can be none.
    return DecimalText(word) != nil || Self.words.contains { word.elementsEqual($0.utf8) }
  }

  private static let words = ["true", "false", "null", "NaN"]

  private static func belongsToWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
