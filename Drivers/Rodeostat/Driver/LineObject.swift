// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// An object in a line of JSON, read where it lies.
struct LineObject {
  private let bytes: UnsafeRawBufferPointer
  private let part: Range<Int>
  /// How many members it has.
  let count: Int

  /// The object that a whole line is; nil when it is none, or more than one.
  init?(line: UnsafeRawBufferPointer) {
    var scanner = LineScanner(line, in: 0..<line.count)
    guard let part = scanner.value(), scanner.isAtEnd else { return nil }
    self.init(line, part)
  }

  private init?(_ bytes: UnsafeRawBufferPointer, _ part: Range<Int>) {
    guard bytes[part.lowerBound] == UInt8(ascii: "{") else { return nil }
    self.bytes = bytes
    self.part = part
    var count = 0
    Self.walk(bytes, part) { _, _ in count += 1 }
    self.count = count
  }

  /// What was found to be sound before is walked through once more.
  private static func walk(
    _ bytes: UnsafeRawBufferPointer, _ part: Range<Int>, _ visit: (Range<Int>, Range<Int>) -> Void
  ) {
    var scanner = LineScanner(bytes, in: part)
    guard scanner.take(UInt8(ascii: "{")), !scanner.take(UInt8(ascii: "}")) else { return }
    repeat {
      guard let key = scanner.string(), scanner.take(UInt8(ascii: ":")), let value = scanner.value() else { return }
      visit(key, value)
    } while scanner.take(UInt8(ascii: ","))
  }

  /// Where the value of a key is; nil when the key is not there, or twice.
  private func value(of key: String) -> Range<Int>? {
    var found: Range<Int>?
    var times = 0
    Self.walk(bytes, part) { name, value in
      if UnsafeRawBufferPointer(rebasing: bytes[name]).elementsEqual(key.utf8) {
        found = value
        times += 1
      }
    }
    return times == 1 ? found : nil
  }

  private func text(_ part: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[part]) }

  /// Whether a key is there.
  func has(_ key: String) -> Bool { value(of: key) != nil }

  /// A number.
  func number(_ key: String) -> DecimalText? { value(of: key).flatMap { DecimalText(text($0)) } }

  /// True or false.
  func truth(_ key: String) -> Bool? {
    guard let word = value(of: key).map({ text($0) }) else { return nil }
    if word.elementsEqual("true".utf8) { return true }
    return word.elementsEqual("false".utf8) ? false : nil
  }

  /// Whether the value of a key is exactly this string.
  func says(_ wanted: String, for key: String) -> Bool {
    guard let part = value(of: key), part.count == wanted.utf8.count + 2, bytes[part.lowerBound] == UInt8(ascii: "\"")
    else { return false }
    return text(part.lowerBound + 1..<part.upperBound - 1).elementsEqual(wanted.utf8)
  }

  /// A string; its escapes, of which the firmware's answers have none, stay as they are.
  func string(_ key: String) -> String? {
    guard let part = value(of: key), bytes[part.lowerBound] == UInt8(ascii: "\"") else { return nil }
    return String(decoding: text(part.lowerBound + 1..<part.upperBound - 1), as: UTF8.self)
  }

  /// An object within.
  func object(_ key: String) -> LineObject? { value(of: key).flatMap { LineObject(bytes, $0) } }
}
