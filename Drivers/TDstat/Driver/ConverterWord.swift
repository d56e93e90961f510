// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Three bytes of an MCP3550: two flags and 22 bits. Of the eight beginnings that the flags and the sign can have, four mean
// something: the converter goes on counting beyond its ends, so each flag comes with one sign only. The others are no
// conversion, among them the first letters of `WAIT` and `OK`.

/// What a converter found.
struct ConverterWord: Sendable, Hashable {
  /// Counts; 2^21 are full scale. Beyond them where `isOverload`.
  let counts: Int64
  /// Whether the input is beyond full scale.
  let isOverload: Bool

  /// The word of three bytes, the highest first; nil where no converter gives it.
  init?(_ first: UInt8, _ second: UInt8, _ third: UInt8) {
    guard Self.begins(with: first) else { return nil }
    let bits = Int64(first & 0x3F) << 16 | Int64(second) << 8 | Int64(third)
    let isHigh = first & 0x40 != 0
    let isLow = first & 0x80 != 0
    counts = isLow || (!isHigh && first & 0x20 != 0) ? bits - (1 << 22) : bits
    isOverload = isHigh || isLow
  }

  /// Whether a word can begin with this byte.
  static func begins(with byte: UInt8) -> Bool {
    switch byte >> 5 {
    case 0b000, 0b001, 0b011, 0b100: true
    default: false
    }
  }
}

/// Both converters of a moment: they are started together.
struct Conversion: Sendable, Hashable {
  /// Of the cell's voltage.
  let voltage: ConverterWord
  /// Of the current.
  let current: ConverterWord
}
