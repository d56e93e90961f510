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
    var nodes: [(name: Substring, isOptional: Bool)] = []
    for piece in pattern.split(separator: ":") {
      let isOptional = piece.last == "]"
      var name = isOptional ? piece.dropLast() : piece
      if name.last == "[" { name = name.dropLast() }
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

  private static func isForm(_ word: String, of name: Substring) -> Bool {
    let short = name.filter { $0.isUppercase || !$0.isLetter }
    var word = word
    if word.last == "1" { word.removeLast() }
    return word == short || word == name.uppercased()
  }
}
