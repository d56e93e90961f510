// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Text to words of the language (Lua 5.0, of which the instrument's is a subset).

/// One word.
enum LuaToken: Sendable, Hashable {
  case name(String)
  /// A word that cannot be a name: `if`, `end`…
  case keyword(String)
  case number(Double)
  case text(String)
  /// `+`, `==`, `..`, `(`…
  case mark(String)
  case end
}

/// Why a chunk cannot be understood.
struct LuaSyntaxError: Error, Hashable {
  /// In words, for the error queue.
  var words: String
}

/// Cuts a chunk into words.
struct LuaLexer {
  private static let keywords: Set<String> = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
    "repeat", "return", "then", "true", "until", "while",
  ]
  private static let longMarks = ["...", "..", "==", "~=", "<=", ">="]

  private let bytes: [UInt8]
  private var place = 0

  private init(_ text: String) { bytes = Array(text.utf8) }

  /// All words, and `end` behind them.
  static func words(of text: String) throws(LuaSyntaxError) -> [LuaToken] {
    var lexer = LuaLexer(text)
    var words: [LuaToken] = []
    repeat { words.append(try lexer.next()) } while words.last != .end
    return words
  }

  private func byte(_ offset: Int = 0) -> UInt8? { place + offset < bytes.count ? bytes[place + offset] : nil }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
  }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private func text(from start: Int) -> String { String(decoding: bytes[start..<place], as: UTF8.self) }

  private mutating func next() throws(LuaSyntaxError) -> LuaToken {
    skipSpace()
    guard let first = byte() else { return .end }
    if Self.isLetter(first) { return word() }
    if Self.isDigit(first) || (first == 0x2E && byte(1).map(Self.isDigit) == true) { return try number() }
    if first == 0x22 || first == 0x27 { return try quoted(first) }
    if first == 0x5B, byte(1) == 0x5B { return try longText() }
    for mark in Self.longMarks where bytes[place...].starts(with: mark.utf8) {
      place += mark.utf8.count
      return .mark(mark)
    }
    guard "+-*/^=<>(){}[];:,.".utf8.contains(first) else {
      throw LuaSyntaxError(words: "unexpected symbol near `\(Character(Unicode.Scalar(first)))'")
    }
    place += 1
    return .mark(String(Character(Unicode.Scalar(first))))
  }

  private mutating func skipSpace() {
    while let next = byte() {
      if next <= 0x20 {
        place += 1
      } else if next == 0x2D, byte(1) == 0x2D {
        while let comment = byte(), comment != 0x0A { place += 1 }
      } else {
        return
      }
    }
  }

  private mutating func word() -> LuaToken {
    let start = place
    while let next = byte(), Self.isLetter(next) || Self.isDigit(next) { place += 1 }
    let word = text(from: start)
    return Self.keywords.contains(word) ? .keyword(word) : .name(word)
  }

  private mutating func number() throws(LuaSyntaxError) -> LuaToken {
    let start = place
    while let next = byte() {
      let isSign = (next == 0x2B || next == 0x2D) && (bytes[place - 1] | 0x20) == 0x65 && place > start
      guard Self.isDigit(next) || Self.isLetter(next) || next == 0x2E || isSign else { break }
      place += 1
    }
    guard let value = luaNumber(text(from: start)) else {
      throw LuaSyntaxError(words: "malformed number near `\(text(from: start))'")
    }
    return .number(value)
  }

  private mutating func quoted(_ quote: UInt8) throws(LuaSyntaxError) -> LuaToken {
    place += 1
    var content: [UInt8] = []
    while let next = byte() {
      place += 1
      if next == quote { return .text(String(decoding: content, as: UTF8.self)) }
      guard next == 0x5C, let escaped = byte() else {
        content.append(next)
        continue
      }
      place += 1
      switch escaped {
      case UInt8(ascii: "n"): content.append(0x0A)
      case UInt8(ascii: "t"): content.append(0x09)
      case UInt8(ascii: "r"): content.append(0x0D)
      default: content.append(escaped)
      }
    }
    throw LuaSyntaxError(words: "unfinished string")
  }

  private mutating func longText() throws(LuaSyntaxError) -> LuaToken {
    place += 2
    let start = place
    while place < bytes.count {
      if byte() == 0x5D, byte(1) == 0x5D {
        let content = text(from: start)
        place += 2
        return .text(content)
      }
      place += 1
    }
    throw LuaSyntaxError(words: "unfinished long string")
  }
}
