// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `QUANTITY OPERATOR VALUE`, the form of every condition.

import CyclerModel

/// A comparison, taken apart.
struct ComparisonParts {
  var quantity: String
  /// nil when it was wrong, and then that was reported.
  var comparison: Comparison?
  /// What stands on the right, with the value of its variable; nil when it was wrong, and then that was reported.
  var operand: Field?
  /// The comparison with the value of its variable.
  var text: String
}

extension SectionReader {
  /// Takes a comparison apart; nil when it is none.
  mutating func readComparison(_ text: String, _ field: Field) -> ComparisonParts? {
    let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else {
      report(
        field, "`\(text)` is not a comparison", hint: "write QUANTITY OPERATOR VALUE with single spaces")
      return nil
    }
    for word in ["and", "or"] where parts[2].split(separator: " ").contains(Substring(word)) {
      let hint =
        word == "or" ? "the list itself means or: make it two entries" : "in a step's condition it is"
      report(field, "`\(word)` inside a condition is not yet supported", hint: hint)
      return nil
    }
    let comparison = readOperator(String(parts[1]), field)
    let written = Field(node: JSONNode(offset: field.node.offset, content: .string(String(parts[2]))), path: field.path)
    let operand = substituted(written)
    var said = text
    switch operand?.node.content {
    case .string(let value)?, .number(let value)?: said = "\(parts[0]) \(parts[1]) \(value)"
    case .null?, .boolean?, .array?, .object?, nil: break
    }
    return ComparisonParts(quantity: String(parts[0]), comparison: comparison, operand: operand, text: said)
  }

  private mutating func readOperator(_ symbol: String, _ field: Field) -> Comparison? {
    if let comparison = Comparison(rawValue: symbol) { return comparison }
    let meant = ["=<": "<=", "=>": ">=", "\u{2264}": "<=", "\u{2265}": ">="][symbol]
    let hint = meant.map { "write `\($0)`" } ?? "known are <=, >=, < and >; a measured value is never exactly equal"
    report(field, "unknown operator `\(symbol)`", hint: hint)
    return nil
  }
}
