// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads one line of the host. What stands behind the object is left aside, as the firmware's library does it.

/// Reads JSON from bytes.
struct FirmwareParser {
  /// The library's own limit of nesting.
  private static let deepest = 10
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  /// The object at the beginning of a line; nil when there is none.
  static func object(in line: ArraySlice<UInt8>) -> FirmwareObject? {
    var parser = FirmwareParser(bytes: line, place: line.startIndex)
    parser.skipBlanks()
    guard parser.next == UInt8(ascii: "{") else { return nil }
    return parser.object(depth: 0)
  }

  private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

  private mutating func take(_ byte: Character) -> Bool {
    guard let ascii = byte.asciiValue, next == ascii else { return false }
    place += 1
    return true
  }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D { place += 1 }
  }

  private mutating func value(depth: Int) -> FirmwareValue? {
    skipBlanks()
    switch next {
    case UInt8(ascii: "{"): return object(depth: depth + 1).map { .object($0) }
    case UInt8(ascii: "["): return list(depth: depth + 1).map { .list($0) }
    case UInt8(ascii: "\""): return string().map { .text($0) }
    default: return word()
    }
  }

  private mutating func object(depth: Int) -> FirmwareObject? {
    guard depth < Self.deepest, take("{") else { return nil }
    var object = FirmwareObject()
    skipBlanks()
    if take("}") { return object }
    repeat {
      skipBlanks()
      guard let key = string() else { return nil }
      skipBlanks()
      guard take(":"), let value = value(depth: depth) else { return nil }
      object[key] = value
      skipBlanks()
    } while take(",")
    return take("}") ? object : nil
  }

  private mutating func list(depth: Int) -> [FirmwareValue]? {
    guard depth < Self.deepest, take("[") else { return nil }
    var values: [FirmwareValue] = []
    skipBlanks()
    if take("]") { return values }
    repeat {
      guard let value = value(depth: depth) else { return nil }
      values.append(value)
      skipBlanks()
    } while take(",")
    return take("]") ? values : nil
  }

  private mutating func string() -> String? {
    guard take("\"") else { return nil }
    var text: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = next else { return nil }
        place += 1
        text.append(escaped)
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func word() -> FirmwareValue? {
    let start = place
    while let byte = next, !",]} \t\r".utf8.contains(byte) { place += 1 }
    let word = String(decoding: bytes[start..<place], as: UTF8.self)
    switch word {
    case "true": return .truth(true)
    case "false": return .truth(false)
    case "null": return .null
    default: break
    }
    guard let first = word.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return nil }
    if let whole = Int64(word) { return .integer(whole) }
    guard let number = Float(word), number.isFinite else { return nil }
    return .number(number)
  }
}
