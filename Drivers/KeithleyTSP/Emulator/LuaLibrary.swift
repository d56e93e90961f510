// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The functions of the language itself, those of which the instrument's manual tells.

internal import Glibc

/// A function of the language's library.
enum LuaLibrary: String, Sendable, Hashable, CaseIterable {
  case type, tostring, tonumber, next, pairs, ipairs
  case stringFormat = "string.format"
  case stringLength = "string.len"
  case stringSub = "string.sub"
  case stringUpper = "string.upper"
  case stringLower = "string.lower"
  case stringRepeat = "string.rep"
  case stringByte = "string.byte"
  case stringCharacter = "string.char"
  case absolute = "math.abs"
  case floor = "math.floor"
  case ceiling = "math.ceil"
  case largest = "math.max"
  case smallest = "math.min"
  case squareRoot = "math.sqrt"
  case logarithm = "math.log"
  case exponential = "math.exp"
  case tableLength = "table.getn"
  case tableInsert = "table.insert"
}

/// Why a chunk that was understood stopped.
struct LuaRuntimeError: Error, Hashable {
  /// In words, for the error queue.
  var words: String
}

/// Numbers as text.
enum LuaText {
  /// By one of C's formats for a floating-point number, such as `%.5e`.
  static func written(_ value: Double, _ format: String) -> String {
    withVaList([value]) { print($0, format) }
  }

  /// By one of C's formats for a whole number, such as `%03ld`.
  static func written(whole value: Int, _ format: String) -> String {
    withVaList([value]) { print($0, format) }
  }

  private static func print(_ list: CVaListPointer, _ format: String) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    let count = vsnprintf(&buffer, buffer.count, format, list)
    return String(decoding: buffer.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What `tostring` and `..` make of a number.
  static func plain(_ value: Double) -> String { written(value, "%.14g") }

  /// `string.format`: each of its formats takes the next argument.
  static func formatted(_ format: String, _ arguments: [LuaValue]) throws(LuaRuntimeError) -> String {
    var result: [UInt8] = []
    var bytes = Array(format.utf8)[...]
    var rest = arguments[...]
    while let byte = bytes.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        result.append(byte)
        continue
      }
      var specification: [UInt8] = [byte]
      while let next = bytes.first, "-+ #0123456789.".utf8.contains(next) { specification.append(bytes.removeFirst()) }
      guard let kind = bytes.popFirst() else { throw LuaRuntimeError(words: "invalid option in `format'") }
      if kind == UInt8(ascii: "%") {
        result.append(kind)
        continue
      }
      guard let argument = rest.popFirst() else {
        throw LuaRuntimeError(words: "bad argument #\(arguments.count + 2) to `format' (no value)")
      }
      result += try one(String(decoding: specification, as: UTF8.self), kind, argument).utf8
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func one(_ specification: String, _ kind: UInt8, _ argument: LuaValue) throws(LuaRuntimeError)
    -> String
  {
    let letter = String(Character(Unicode.Scalar(kind)))
    switch letter {
    case "d", "i", "u", "x", "X", "c":
      guard let value = argument.number, value.magnitude < 9e18 else { break }
      if letter == "c" { return String(decoding: [UInt8(clamping: Int(value))], as: UTF8.self) }
      return written(whole: Int(value), specification + "l" + letter)
    case "e", "E", "f", "g", "G":
      guard let value = argument.number else { break }
      return written(value, specification + letter)
    case "s", "q":
      guard case .text(let text) = argument else {
        guard case .number(let value) = argument else { break }
        return plain(value)
      }
      return text
    default: throw LuaRuntimeError(words: "invalid option in `format'")
    }
    throw LuaRuntimeError(words: "bad argument to `format' (number expected, got \(argument.typeName))")
  }
}

extension LuaMachine {
  /// Calls a function of the library.
  mutating func call(_ function: LuaLibrary, _ arguments: [LuaValue]) throws(LuaRuntimeError) -> [LuaValue] {
    let first = arguments.first ?? .none
    switch function {
    case .type: return [.text(first.typeName)]
    case .tostring: return [.text(text(of: first))]
    case .tonumber: return [first.number.map { .number($0) } ?? .none]
    case .next:
      guard case .table(let place) = first else { throw Self.bad(function, "table") }
      let found = tables[place].next(after: arguments.count > 1 ? arguments[1] : .none)
      return found.map { [$0.key, $0.value] } ?? [.none]
    case .pairs: return [.library(.next), first, .none]
    case .ipairs: throw LuaRuntimeError(words: "`ipairs' is not in the emulator")
    case .tableLength:
      guard case .table(let place) = first else { throw Self.bad(function, "table") }
      return [.number(Double(tables[place].length))]
    case .tableInsert:
      guard case .table(let place) = first, arguments.count == 2 else { throw Self.bad(function, "table and value") }
      tables[place][.number(Double(tables[place].length + 1))] = arguments[1]
      return []
    case .absolute, .floor, .ceiling, .largest, .smallest, .squareRoot, .logarithm, .exponential:
      return [.number(try Self.arithmetic(function, arguments))]
    case .stringFormat, .stringLength, .stringSub, .stringUpper, .stringLower, .stringRepeat, .stringByte,
      .stringCharacter:
      return [try Self.textual(function, arguments)]
    }
  }

  private static func bad(_ function: LuaLibrary, _ expected: String) -> LuaRuntimeError {
    LuaRuntimeError(words: "bad argument to `\(function.rawValue)' (\(expected) expected)")
  }

  private static func arithmetic(_ function: LuaLibrary, _ arguments: [LuaValue]) throws(LuaRuntimeError) -> Double {
    guard let first = arguments.first?.number else { throw bad(function, "number") }
    switch function {
    case .absolute: return first.magnitude
    case .floor: return first.rounded(.down)
    case .ceiling: return first.rounded(.up)
    case .squareRoot: return first.squareRoot()
    case .logarithm: return log(first)
    case .exponential: return exp(first)
    default:
      var result = first
      for argument in arguments.dropFirst() {
        guard let value = argument.number else { throw bad(function, "number") }
        if function == .largest ? value > result : value < result { result = value }
      }
      return result
    }
  }

  private static func textual(_ function: LuaLibrary, _ arguments: [LuaValue]) throws(LuaRuntimeError) -> LuaValue {
    let numbers = arguments.map(\.number)
    if function == .stringCharacter {
      return .text(String(decoding: numbers.map { UInt8(clamping: Int($0 ?? 0)) }, as: UTF8.self))
    }
    let text: String
    switch arguments.first {
    case .text(let given): text = given
    case .number(let value): text = LuaText.plain(value)
    default: throw bad(function, "string")
    }
    switch function {
    case .stringFormat: return .text(try LuaText.formatted(text, Array(arguments.dropFirst())))
    case .stringUpper: return .text(text.uppercased())
    case .stringLower: return .text(text.lowercased())
    case .stringRepeat:
      return .text(String(repeating: text, count: max(0, Int(numbers.count > 1 ? numbers[1] ?? 0 : 0))))
    case .stringSub, .stringByte:
      let bytes = Array(text.utf8)
      let start = Int(numbers.count > 1 ? numbers[1] ?? 1 : 1)
      let end = Int(numbers.count > 2 ? numbers[2] ?? -1 : function == .stringByte ? Double(start) : -1)
      let from = max(0, (start < 0 ? bytes.count + start : start - 1))
      let to = min(bytes.count, end < 0 ? bytes.count + end + 1 : end)
      if function == .stringByte { return from < to ? .number(Double(bytes[from])) : .none }
      return .text(from < to ? String(decoding: bytes[from..<to], as: UTF8.self) : "")
    default: return .number(Double(text.utf8.count))
    }
  }
}

/// One number to the power of another.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
