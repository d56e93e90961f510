// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A protocol decides what happens to a cell, so its reader may not shrug: duplicate keys, trailing commas, comments,
// unpaired surrogates and invalid UTF-8 are refused with their place. RFC 8259 is the grammar, narrowed: no byte order
// mark, no key twice, bounded size and depth. It keeps numbers as text and does not judge what the keys mean.

/// Reads RFC 8259 strictly.
package struct JSONReader {
  /// The largest text that is read, in bytes.
  static let sizeLimit = 1 << 20
  /// The deepest nesting; protocols need fewer than ten levels, and the reader is recursive.
  static let depthLimit = 32

  /// What is wrong with the text.
  package struct Fault: Error {
    package var offset: Int
    package var path: String
    package var message: String
    package var hint: String
  }

  private let bytes: [UInt8]
  private var position = 0
  private var path = ""
  private var depth = 0
  private var duplicates: [Fault] = []

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The tree, when the grammar allows one, and everything that is wrong: at most one fault of grammar, since nothing
  /// after it can be trusted, and every duplicate key before it.
  package static func read(_ bytes: [UInt8]) -> (root: JSONNode?, faults: [Fault]) {
    guard bytes.count <= sizeLimit else {
      let fault = Fault(
        offset: 0, path: "", message: "the file is larger than 1 MiB", hint: "use `repeat` and `cycles`")
      return (nil, [fault])
    }
    if let offset = firstInvalidUTF8(bytes) {
      return (nil, [Fault(offset: offset, path: "", message: "invalid UTF-8", hint: "save the file as UTF-8")])
    }
    var reader = JSONReader(bytes)
    do {
      let root = try reader.readText()
      return (root, reader.duplicates)
    } catch {
      return (nil, reader.duplicates + [error])
    }
  }

  private func fault(_ message: String, _ hint: String, at offset: Int? = nil) -> Fault {
    Fault(offset: offset ?? position, path: path, message: message, hint: hint)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func readText() throws(Fault) -> JSONNode {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw fault("the file begins with a byte order mark", "save it as UTF-8 without one")
    }
    skipSpace()
    let root = try readValue()
    skipSpace()
    guard position == bytes.count else { throw fault("text after the end of the protocol", "remove it") }
    return root
  }

  private mutating func readValue() throws(Fault) -> JSONNode {
    let start = position
    guard let byte = next else { throw fault("the file ends too early", "a value is missing here") }
    switch byte {
    case UInt8(ascii: "{"): return JSONNode(offset: start, content: .object(try readMembers()))
    case UInt8(ascii: "["): return JSONNode(offset: start, content: .array(try readElements()))
    case UInt8(ascii: "\""): return JSONNode(offset: start, content: .string(try readString()))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return JSONNode(offset: start, content: .number(try readNumber()))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): return JSONNode(offset: start, content: try readWord())
    case UInt8(ascii: "/"): throw fault("JSON has no comments", "use the key `notes`")
    case UInt8(ascii: "'"): throw fault("texts stand in double quotes", "write \"…\"")
    default: throw fault("a value is missing here", "a text, a number, a list or an object")
    }
  }

  private mutating func readWord() throws(Fault) -> JSONNode.Content {
    let start = position
    while let byte = next, UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte { position += 1 }
    switch String(decoding: bytes[start..<position], as: UTF8.self) {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "null": return .null
    default: throw fault("a word without quotes", "texts stand in double quotes", at: start)
    }
  }

  private mutating func enter() throws(Fault) {
    depth += 1
    guard depth <= Self.depthLimit else {
      throw fault("nested deeper than \(Self.depthLimit) levels", "use fewer blocks inside each other")
    }
  }

  private mutating func readMembers() throws(Fault) -> [JSONMember] {
    try enter()
    let outer = path
    var members: [JSONMember] = []
    var seen: Set<String> = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "}")) {
      depth -= 1
      return members
    }
    while true {
      let keyOffset = position
      guard next == UInt8(ascii: "\"") else {
        throw fault("a key in double quotes is missing here", "remove a comma at the end of the object, or add a key")
      }
      let key = try readString()
      path = outer.isEmpty ? key : "\(outer).\(key)"
      if !seen.insert(key).inserted {
        duplicates.append(fault("the key `\(key)` stands twice in one object", "remove one of them", at: keyOffset))
      }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing after the key `\(key)`", "write `:`") }
      skipSpace()
      members.append(JSONMember(key: key, keyOffset: keyOffset, value: try readValue()))
      path = outer
      skipSpace()
      if take(UInt8(ascii: "}")) { break }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma or `}` is missing here", "write it") }
      skipSpace()
    }
    depth -= 1
    return members
  }

  private mutating func readElements() throws(Fault) -> [JSONNode] {
    try enter()
    let outer = path
    var elements: [JSONNode] = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "]")) {
      depth -= 1
      return elements
    }
    while true {
      path = "\(outer)[\(elements.count)]"
      if next == UInt8(ascii: "]") { throw fault("a comma at the end of a list", "remove it") }
      elements.append(try readValue())
      path = outer
      skipSpace()
      if take(UInt8(ascii: "]")) { break }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma or `]` is missing here", "write it") }
      skipSpace()
    }
    depth -= 1
    return elements
  }

  private mutating func readNumber() throws(Fault) -> String {
    let start = position
    let wrong = fault("a malformed number", "digits without a zero in front, then a point and digits where needed")
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if let byte = next, isDigit(byte) { throw wrong }
    } else if !takeDigits() {
      throw wrong
    }
    if take(UInt8(ascii: ".")), !takeDigits() { throw wrong }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if !takeDigits() { throw wrong }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  private mutating func takeDigits() -> Bool {
    let start = position
    while let byte = next, isDigit(byte) { position += 1 }
    return position > start
  }

  private mutating func readString() throws(Fault) -> String {
    let start = position
    var text: [UInt8] = []
    position += 1
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try readEscape(into: &text)
      case 0..<0x20:
        throw fault("a control character inside a text", "write a line end as \\n")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw fault("a text without its closing quote", "close it", at: start)
  }

  private mutating func readEscape(into text: inout [UInt8]) throws(Fault) {
    let start = position
    position += 1
    guard let byte = next else { throw fault("the file ends inside a text", "close it") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(try readUnicodeEscape(start)).utf8)
    default: throw fault("an unknown escape in a text", #"known are \" \\ \/ \b \f \n \r \t \u0000"#, at: start)
    }
  }

  private mutating func readUnicodeEscape(_ start: Int) throws(Fault) -> Unicode.Scalar {
    let first = try readFourHexDigits(start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    let lonely = fault("an unpaired surrogate in a text", "write the character itself", at: start)
    guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw lonely }
    let second = try readFourHexDigits(start)
    guard 0xDC00...0xDFFF ~= second,
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw lonely }
    return scalar
  }

  private mutating func readFourHexDigits(_ start: Int) throws(Fault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault("\\u needs four hexadecimal digits", "for instance \\u00b5", at: start)
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}

/// The offset of the first byte that belongs to no well-formed sequence (Unicode 15, table 3-7), or nil.
private func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
  var index = 0
  while index < bytes.count {
    let second: ClosedRange<UInt8>
    let length: Int
    switch bytes[index] {
    case 0x00...0x7F: (second, length) = (0...0, 1)
    case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
    case 0xE0: (second, length) = (0xA0...0xBF, 3)
    case 0xED: (second, length) = (0x80...0x9F, 3)
    case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
    case 0xF0: (second, length) = (0x90...0xBF, 4)
    case 0xF4: (second, length) = (0x80...0x8F, 4)
    case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
    default: return index
    }
    guard index + length <= bytes.count else { return index }
    if length > 1 {
      guard second ~= bytes[index + 1] else { return index }
      guard bytes[(index + 2)..<(index + length)].allSatisfy({ $0 & 0xC0 == 0x80 }) else { return index }
    }
    index += length
  }
  return nil
}
