// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The values of the instrument's language, and its tables, which live in one arena of the machine so that a copy of an
// instrument is a copy of everything.

/// A value of the language.
enum LuaValue: Sendable, Hashable {
  case none
  case boolean(Bool)
  case number(Double)
  case text(String)
  /// A table, by its place in the machine's arena.
  case table(Int)
  /// A function of a chunk, by its place in the machine's list.
  case function(Int)
  /// A function of the language's own library.
  case library(LuaLibrary)
  /// A part of the instrument that has attributes, of one of its channels where it is of a channel.
  case object(InstrumentObject, channel: Int)
  /// A function of the instrument.
  case command(InstrumentCommand, channel: Int)

  /// Everything but `nil` and `false` is true.
  var isTrue: Bool { self != .none && self != .boolean(false) }

  /// The number that it is; a text that reads as one is one.
  var number: Double? {
    switch self {
    case .number(let value): value
    case .text(let text): luaNumber(text)
    case .none, .boolean, .table, .function, .library, .object, .command: nil
    }
  }

  /// What `type` says of it.
  var typeName: String {
    switch self {
    case .none: "nil"
    case .boolean: "boolean"
    case .number: "number"
    case .text: "string"
    case .table, .object: "table"
    case .function, .library, .command: "function"
    }
  }
}

/// Reads a number as the language does: decimal, with an exponent or not; nil for anything else.
func luaNumber(_ text: String) -> Double? {
  var digits = text
  while digits.first == " " { digits.removeFirst() }
  while digits.last == " " { digits.removeLast() }
  guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || ".eE+-".utf8.contains($0) }) else { return nil }
  if digits.hasPrefix(".") { digits = "0" + digits }
  if digits.hasSuffix(".") { digits += "0" }
  return Double(digits)
}

/// A table: keys in the order in which they came.
struct LuaTable: Sendable, Hashable {
  private(set) var keys: [LuaValue] = []
  private(set) var values: [LuaValue] = []
  private var places: [LuaValue: Int] = [:]

  subscript(key: LuaValue) -> LuaValue {
    get { places[key].map { values[$0] } ?? .none }
    set {
      if let place = places[key] {
        values[place] = newValue
      } else if newValue != .none {
        places[key] = keys.count
        keys.append(key)
        values.append(newValue)
      }
    }
  }

  /// The place behind a key that holds something; from the beginning for `nil`.
  func next(after key: LuaValue) -> (key: LuaValue, value: LuaValue)? {
    var place = key == .none ? 0 : (places[key] ?? keys.count - 1) + 1
    while place < keys.count {
      if values[place] != .none { return (keys[place], values[place]) }
      place += 1
    }
    return nil
  }

  /// How many values lie at 1, 2, 3… without a gap.
  var length: Int {
    var count = 0
    while self[.number(Double(count + 1))] != .none { count += 1 }
    return count
  }
}
