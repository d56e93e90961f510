// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Foundation's decoder takes unknown keys, duplicate keys and trailing commas without a word. A request that may set a
// cell in motion must not be read like that: a misspelt `allow_voltag` would be ignored. So a request's bytes are
// first scanned here, against the keys that its type knows, and only then decoded.

/// The keys that a JSON request may have.
public indirect enum RequestShape: Sendable, Hashable {
  /// A string, a number, a truth value, null, or a list of these.
  case value
  /// A list of such things.
  case list(RequestShape)
  /// An object with these keys and no others.
  case object([String: RequestShape])
}

/// A request body: decodable, with the keys that it may have.
public protocol StrictRequest: Codable, Sendable {
  /// The keys that a request may have.
  static var shape: RequestShape { get }
}

/// Reads JSON by the letter of RFC 8259 and refuses what the shape does not know.
struct StrictJSONScanner {
  /// Deeper nesting than any request needs; keeps the scanner's recursion bounded.
  static let deepest = 32

  private let bytes: [UInt8]
  private var position = 0

  /// A scanner over a whole body.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Scans one document; throws `RequestRefused` with line and column of the first mistake.
  mutating func scan(_ shape: RequestShape) throws {
    skipSpace()
    try scanValue(shape, path: "", depth: 0)
    skipSpace()
    guard position == bytes.count else { throw mistake("there is more after the end of the document") }
  }

  private mutating func scanValue(_ shape: RequestShape, path: String, depth: Int) throws {
    guard depth < Self.deepest else { throw mistake("lists and objects are nested deeper than \(Self.deepest)") }
    guard let first = peek() else { throw mistake("the document ends where a value is expected") }
    switch first {
    case UInt8(ascii: "{"): try scanObject(shape, path: path, depth: depth)
    case UInt8(ascii: "["): try scanList(shape, path: path, depth: depth)
    case UInt8(ascii: "\""): _ = try scanString()
    case UInt8(ascii: "t"): try scanWord("true")
    case UInt8(ascii: "f"): try scanWord("false")
    case UInt8(ascii: "n"): try scanWord("null")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber()
    default: throw mistake("a value is expected here")
    }
  }

  private mutating func scanObject(_ shape: RequestShape, path: String, depth: Int) throws {
    position += 1
    var seen: Set<String> = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return }
    repeat {
      skipSpace()
      guard peek() == UInt8(ascii: "\"") else { throw mistake("a key in double quotes is expected here") }
      let start = position
      let key = try scanString()
      let inner = try shapeOfKey(key, in: shape, path: path, at: start)
      guard seen.insert(key).inserted else { throw mistake("the key \"\(key)\" stands here twice", at: start) }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw mistake("a colon is expected after \"\(key)\"") }
      skipSpace()
      try scanValue(inner, path: path.isEmpty ? key : "\(path).\(key)", depth: depth + 1)
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw mistake("a comma or a closing brace is expected here") }
  }

  private mutating func scanList(_ shape: RequestShape, path: String, depth: Int) throws {
    position += 1
    skipSpace()
    if take(UInt8(ascii: "]")) { return }
    var element: RequestShape = .value
    if case .list(let inner) = shape { element = inner }
    var index = 0
    repeat {
      skipSpace()
      try scanValue(element, path: "\(path)[\(index)]", depth: depth + 1)
      index += 1
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw mistake("a comma or a closing bracket is expected here") }
  }

  private func shapeOfKey(_ key: String, in shape: RequestShape, path: String, at start: Int) throws -> RequestShape {
    guard case .object(let keys) = shape else {
      throw mistake("an object is not expected at \(path.isEmpty ? "the top" : path)", at: start)
    }
    if let inner = keys[key] { return inner }
    let place = path.isEmpty ? "" : " in \(path)"
    let nearest = NearestWord.to(key, among: keys.keys.sorted())
    throw mistake(
      "the key \"\(key)\" is unknown\(place)", at: start,
      hint: nearest.map { "perhaps \"\($0)\"" } ?? "known keys: \(keys.keys.sorted().joined(separator: ", "))",
      code: "request.unknown_key")
  }

  private mutating func scanString() throws -> String {
    let start = position
    position += 1
    var escaped = false
    while let byte = peek() {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        let raw = String(decoding: bytes[(start + 1)..<(position - 1)], as: UTF8.self)
        guard raw.utf8.elementsEqual(bytes[(start + 1)..<(position - 1)]) else {
          throw mistake("the string is not UTF-8", at: start)
        }
        return raw
      case UInt8(ascii: "\\"):
        escaped = true
        try scanEscape()
      case 0..<0x20: throw mistake("a control character stands bare in a string", at: position - 1)
      default: continue
      }
    }
    throw mistake("a string\(escaped ? " with escapes" : "") is not closed", at: start)
  }

  private mutating func scanEscape() throws {
    guard let byte = peek() else { throw mistake("a string is not closed") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return
    case UInt8(ascii: "u"):
      for _ in 0..<4 {
        guard let digit = peek(), Self.isHexadecimal(digit) else { throw mistake("\\u needs four hexadecimal digits") }
        position += 1
      }
    default: throw mistake("an unknown escape", at: position - 1)
    }
  }

  private mutating func scanNumber() throws {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if let next = peek(), Self.isDigit(next) { throw mistake("a number has a leading zero", at: start) }
    } else {
      try scanDigits()
    }
    if take(UInt8(ascii: ".")) { try scanDigits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try scanDigits()
    }
  }

  private mutating func scanDigits() throws {
    let start = position
    while let byte = peek(), Self.isDigit(byte) { position += 1 }
    guard position > start else { throw mistake("a digit is expected here") }
  }

  private mutating func scanWord(_ word: StaticString) throws {
    for index in 0..<word.utf8CodeUnitCount {
      guard peek() == word.utf8Start[index] else { throw mistake("a value is expected here") }
      position += 1
    }
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }

  private func mistake(
    _ message: String, at place: Int? = nil, hint: String? = nil, code: String = "request.not_json"
  ) -> RequestRefused {
    var line = 1
    var column = 1
    for byte in bytes[..<min(place ?? position, bytes.count)] {
      if byte == 0x0A {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return RequestRefused(
      .malformed, code: code, message: "line \(line), column \(column): \(message)",
      hint: hint ?? "the body is JSON as in RFC 8259; docs/control-api.md shows each request")
  }
}
