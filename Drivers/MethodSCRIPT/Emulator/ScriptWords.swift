// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One word of a line and where it begins.
struct ScriptWord: Sendable {
  /// The word; a string literal with its quotes, an optional argument with its parentheses.
  var text: String
  /// Counted from 1.
  var column: Int
}

/// One line of a script taken apart into words, read from left to right.
struct ScriptLine: Sendable {
  /// Counted from 1.
  let number: Int
  private let words: [ScriptWord]
  private var next = 0
  private let length: Int

  /// Whether nothing but blanks and a comment stands there.
  var isEmpty: Bool { words.isEmpty }

  /// Takes a line apart. Throws for characters outside printable ASCII and for unclosed quotes and parentheses.
  init(_ bytes: [UInt8], number: Int) throws(ScriptRefusal) {
    self.number = number
    length = bytes.count
    var words: [ScriptWord] = []
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 0x20 || byte == 0x09 {
        position += 1
        continue
      }
      if byte == UInt8(ascii: "#") { break }
      let end = try Self.endOfWord(in: bytes, from: position, line: number)
      words.append(
        ScriptWord(text: String(decoding: bytes[position..<end], as: UTF8.self), column: position + 1))
      position = end
    }
    self.words = words
  }

  private static func endOfWord(in bytes: [UInt8], from start: Int, line: Int) throws(ScriptRefusal) -> Int {
    var position = start
    var isQuoted = false
    var depth = 0
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x09 || (0x20...0x7E).contains(byte) else {
        throw ScriptRefusal(code: .unexpectedCharacter, line: line, column: position + 1)
      }
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if !isQuoted {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth -= 1 }
        if depth < 0 { throw ScriptRefusal(code: .unexpectedCharacter, line: line, column: position + 1) }
        if depth == 0, byte == 0x20 || byte == 0x09 || byte == UInt8(ascii: "#") { return position }
      }
      position += 1
    }
    guard !isQuoted, depth == 0 else {
      throw ScriptRefusal(code: .unexpectedCharacter, line: line, column: bytes.count + 1)
    }
    return position
  }

  /// The next word, which must be there.
  mutating func word() throws(ScriptRefusal) -> ScriptWord {
    guard let word = optionalWord() else {
      throw ScriptRefusal(code: .unexpectedCharacter, line: number, column: length + 1)
    }
    return word
  }
  /// The next word, or nil at the end.
  mutating func optionalWord() -> ScriptWord? {
    guard next < words.count else { return nil }
    next += 1
    return words[next - 1]
  }
  /// Refuses what is left over.
  mutating func end() throws(ScriptRefusal) {
    if let word = optionalWord() { throw refusal(.extraArgument, at: word) }
  }
  /// A refusal that points at a word.
  func refusal(_ code: ErrorCode, at word: ScriptWord) -> ScriptRefusal {
    ScriptRefusal(code: code, line: number, column: word.column)
  }
}
