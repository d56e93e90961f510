// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Bytes as text that survives editors and mail: printable ASCII stays as it is, everything else is an escape, and no line ends
// in a space. Two different rows of bytes never have the same text.

/// Bytes of a line as text and back.
enum TranscriptBytes {
  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// Appends the text of some bytes.
  static func append(_ bytes: some BidirectionalCollection<UInt8>, to text: inout [UInt8], isQuoted: Bool = false) {
    for (place, byte) in zip(bytes.indices, bytes) {
      switch byte {
      case UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\""): text += isQuoted ? [UInt8(ascii: "\\"), byte] : [byte]
      case 0x0A: text += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case 0x0D: text += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
      case 0x09: text += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
      case 0x20 where !isQuoted && bytes.index(after: place) == bytes.endIndex: append(escaped: byte, to: &text)
      case 0x20...0x7E: text.append(byte)
      default: append(escaped: byte, to: &text)
      }
    }
  }

  private static func append(escaped byte: UInt8, to text: inout [UInt8]) {
    text += [UInt8(ascii: "\\"), UInt8(ascii: "x"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
  }

  /// A word in double quotes.
  static func quoted(_ words: String) -> String {
    var text: [UInt8] = []
    append(Array(words.utf8), to: &text, isQuoted: true)
    return "\"\(String(decoding: text, as: UTF8.self))\""
  }

  /// Words on one line, of a header or a remark.
  static func line(_ words: String) -> String {
    var text: [UInt8] = []
    append(Array(words.utf8), to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of a text.
  /// - Throws: What is wrong with it, in words.
  static func read(_ text: ArraySlice<UInt8>) throws(TranscriptMistake) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var place = text.startIndex
    while place < text.endIndex {
      guard text[place] == UInt8(ascii: "\\") else {
        bytes.append(text[place])
        place += 1
        continue
      }
      guard place + 1 < text.endIndex else {
        throw TranscriptMistake("a backslash stands at the end; one is written \\\\")
      }
      let sign = text[place + 1]
      place += 2
      switch sign {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes.append(sign)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "x"):
        guard place + 1 < text.endIndex, let high = digit(text[place]), let low = digit(text[place + 1]) else {
          throw TranscriptMistake("\\x needs two hexadecimal digits, small letters")
        }
        bytes.append(high << 4 | low)
        place += 2
      default:
        throw TranscriptMistake("\\\(String(UnicodeScalar(sign))) is no escape; known are \\\\ \\\" \\n \\r \\t \\xHH")
      }
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? { hexadecimal.firstIndex(of: byte).map { UInt8($0) } }
}

/// What is wrong with a piece of a transcript, before it is known on which line it stands.
struct TranscriptMistake: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
