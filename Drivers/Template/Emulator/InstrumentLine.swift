// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Lines as the instrument's firmware reads and writes them; the driver has its own. When copying, replace all of this file.

/// A line of the host whose checksum is right.
struct InstrumentLine: Sendable, Hashable {
  /// The two digits with which it begins, and the answer to it.
  let number: String
  let word: String
  /// What stands behind the word; nil where nothing does.
  let value: Int?

  /// Reads a line without its end; nil for what is none, which is not answered: nobody knows whose it was.
  init?(_ bytes: [UInt8]) {
    guard let star = bytes.lastIndex(of: UInt8(ascii: "*")),
      Self.bytes(String(decoding: bytes[..<star], as: UTF8.self)) == bytes + [0x0A]
    else { return nil }
    let words = String(decoding: bytes[..<star], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2 || words.count == 3, words[0].count == 2, Int(words[0]) != nil else { return nil }
    number = String(words[0])
    if words.count == 2 {
      word = String(words[1])
      value = nil
    } else if let value = Int(words[2]) {
      word = String(words[1])
      self.value = value
    } else {
      // A value that is no number belongs to no command that it knows.
      word = ""
      value = nil
    }
  }

  /// A whole line with its checksum and its end.
  static func bytes(_ text: String) -> [UInt8] {
    let digits = String(remainder(of: text), radix: 16, uppercase: true)
    return Array("\(text)*\(String(repeating: "0", count: 4 - digits.count))\(digits)\n".utf8)
  }

  /// A whole number, or `NAN`.
  static func integer(_ value: Double) -> String { value.isFinite ? String(Int(value.rounded())) : "NAN" }

  /// The remainder of a division by x^16 + x^12 + x^5 + 1, bit by bit, of a text in front of which stand sixteen ones.
  private static func remainder(of text: String) -> Int {
    var remainder = 0xFFFF
    for byte in text.utf8 {
      for bit in stride(from: 7, through: 0, by: -1) {
        let isOne = (remainder >> 15 & 1) != (Int(byte) >> bit & 1)
        remainder = remainder << 1 & 0xFFFF
        if isOne { remainder ^= 0x1021 }
      }
    }
    return remainder
  }
}
