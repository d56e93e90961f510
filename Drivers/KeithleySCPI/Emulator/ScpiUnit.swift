// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The words of SCPI: each may be written in its short or its long form, some may be left out, and nothing else is a
// word.

/// One command or question of a line, taken apart.
struct ScpiUnit: Sendable, Hashable {
  /// Upper-case keywords without the colons, such as `SOUR`, `CURR`, `RANG`.
  var keywords: [String]
  /// Whether it ends with a question mark.
  var isQuery: Bool
  /// What follows the header, without blanks at its ends.
  var argument: String

  /// Takes a unit apart; a header without a leading colon continues `path`. nil for an empty one.
  init?(_ text: Substring, path: inout [String]) {
    let trimmed = text.drop { $0 == " " }
    guard !trimmed.isEmpty else { return nil }
    let end = trimmed.firstIndex(of: " ") ?? trimmed.endIndex
    var header = trimmed[..<end]
    isQuery = header.last == "?"
    if isQuery { header = header.dropLast() }
    var rest = trimmed[end...].drop { $0 == " " }
    while rest.last == " " { rest.removeLast() }
    argument = String(rest)
    let isCommon = header.first == "*"
    let isAbsolute = header.first == ":"
    let words = header.split(separator: ":").map { $0.uppercased() }
    keywords = isCommon || isAbsolute ? words : path + words
    if !isCommon { path = Array(keywords.dropLast()) }
  }

  /// Whether it asks for a measurement, which takes its time.
  var isMeasurement: Bool {
    isQuery && (matches("READ") || matches("MEASure") || matches("MEASure:VOLTage") || matches("MEASure:CURRent"))
  }

  /// Whether it is the command of a pattern such as `SOURce:CURRent[:LEVel]`: upper case is the short form, brackets
  /// enclose what may be left out.
  func matches(_ pattern: String) -> Bool {
    // Most are none from their first letter on.
    if let first = pattern.utf8.first, first != UInt8(ascii: "["), keywords.first?.utf8.first != first { return false }
    var nodes: [(name: Substring, isOptional: Bool)] = []
    for piece in pattern.split(separator: ":") {
      // The bracket at the end opens the next piece.
      var name = piece.last == "[" ? piece.dropLast() : piece
      let isOptional = name.last == "]"
      if isOptional { name = name.dropLast() }
      nodes.append((name, isOptional))
    }
    var place = 0
    for node in nodes {
      if place < keywords.count, Self.isForm(keywords[place], of: node.name) {
        place += 1
      } else if !node.isOptional {
        return false
      }
    }
    return place == keywords.count
  }

  /// What stands below a keyword of this name, if it begins with it.
  func below(_ name: Substring) -> ScpiUnit? {
    guard let first = keywords.first, Self.isForm(first, of: name) else { return nil }
    var rest = self
    rest.keywords.removeFirst()
    return rest
  }

  /// The parameters: what commas separate outside quotes, without blanks and without the quotes around them.
  var parameters: [String] {
    var parts: [String] = []
    var part = ""
    var quote: Character?
    for character in argument {
      if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        quote = character
      } else if quote == nil, character == "," {
        parts.append(part)
        part = ""
      } else if quote != nil || character != " " {
        part.append(character)
      }
    }
    return argument.isEmpty ? [] : parts + [part]
  }

  /// Whether a word is the short or the long form of a name.
  static func isForm(_ word: String, of name: Substring) -> Bool {
    var bytes = word.utf8[...]
    if bytes.last == UInt8(ascii: "1") { bytes = bytes.dropLast() }
    let lowerCase = UInt8(ascii: "a")...UInt8(ascii: "z")
    return bytes.elementsEqual(name.utf8.lazy.filter { !lowerCase.contains($0) })
      || bytes.elementsEqual(name.utf8.lazy.map { lowerCase.contains($0) ? $0 - 0x20 : $0 })
  }
}
