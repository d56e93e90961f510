// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What reading other programs' JSON has in common: an unknown key is a problem and not skipped, a number may be a text,
// an empty text and null are no value.

import CyclingProtocol
import Quantities

/// A value with its place in a file.
struct ForeignField: Sendable {
  var node: JSONNode
  var path: String
}

/// Reads values and collects what is wrong with them.
struct ForeignJSON {
  let lines: LineIndex
  private(set) var root: JSONNode?
  private(set) var problems: [ProtocolProblem] = []

  init(_ bytes: [UInt8]) {
    lines = LineIndex(bytes)
    let (root, faults) = JSONReader.read(bytes)
    self.root = root
    for fault in faults {
      problems.append(lines.site(fault.offset, path: fault.path).problem(fault.message, hint: fault.hint))
    }
  }

  mutating func report(_ field: ForeignField, _ message: String, hint: String) {
    problems.append(lines.site(field.node.offset, path: field.path).problem(message, hint: hint))
  }

  /// The members of an object by key, without those that are null.
  mutating func members(_ field: ForeignField, known: [String]) -> [String: ForeignField] {
    guard case .object(let members) = field.node.content else {
      report(field, "must be an object, not \(field.node.noun)", hint: "compare it with the format's own documentation")
      return [:]
    }
    var found: [String: ForeignField] = [:]
    for member in members {
      let path = field.path.isEmpty ? member.key : "\(field.path).\(member.key)"
      let entry = ForeignField(node: member.value, path: path)
      guard known.contains(member.key) else {
        report(entry, "`\(member.key)` is not understood here", hint: "known are \(known.joined(separator: ", "))")
        continue
      }
      if case .null = member.value.content { continue }
      found[member.key] = entry
    }
    return found
  }

  /// The elements of a list.
  mutating func elements(_ field: ForeignField) -> [ForeignField] {
    guard case .array(let nodes) = field.node.content else {
      report(field, "must be a list, not \(field.node.noun)", hint: "write [ … ]")
      return []
    }
    return nodes.enumerated().map { ForeignField(node: $1, path: "\(field.path)[\($0)]") }
  }

  mutating func text(_ field: ForeignField?) -> String? {
    guard let field else { return nil }
    if case .string(let text) = field.node.content { return text }
    report(field, "must be a text, not \(field.node.noun)", hint: "write it in double quotes")
    return nil
  }

  /// A number, also one that is written as a text; nil for an empty text.
  mutating func number(_ field: ForeignField?) -> Fraction? {
    guard let field else { return nil }
    switch field.node.content {
    case .number(let text):
      if let number = Fraction(text) { return number }
      report(field, "\(text) has too many digits", hint: "18 digits between 1e-18 and 1e18 are read")
    case .string(let text):
      let trimmed = text.trimmed
      if trimmed.isEmpty { return nil }
      if let number = Fraction(trimmed) { return number }
      report(field, "`\(text)` is not a number", hint: "write digits")
    case .null: return nil
    case .boolean, .array, .object:
      report(field, "must be a number, not \(field.node.noun)", hint: "write digits")
    }
    return nil
  }

  /// A number of units, rounded to the nearest.
  mutating func count(_ field: ForeignField?, unitsInOne units: Int64) -> Int64? {
    guard let field, let number = number(field) else { return nil }
    if let count = number.count(unitsInOne: units) { return count }
    report(field, "the number is too large", hint: "check the units")
    return nil
  }

  /// A time in seconds, more than nothing; 0 is no value where `zeroIsNone`.
  mutating func duration(_ field: ForeignField?, zeroIsNone: Bool = true) -> TimeSpan? {
    guard let field, let number = number(field), let count = count(field, unitsInOne: 1_000_000) else { return nil }
    if number.isZero, zeroIsNone { return nil }
    guard count > 0, count <= PlanBounds.longestTime.count else {
      report(
        field, count > 0 ? "no step lasts longer than 366 d" : "a time must be more than nothing", hint: "write seconds"
      )
      return nil
    }
    return TimeSpan(count: count)
  }

  mutating func voltage(_ field: ForeignField?) -> Voltage? {
    guard let field, let count = count(field, unitsInOne: 1_000_000_000) else { return nil }
    if count.magnitude <= PlanBounds.largestVoltage.count.magnitude { return Voltage(nanovolts: count) }
    report(field, "no cell has such a voltage", hint: "write volts")
    return nil
  }

  /// In milliamperes, with its sign.
  mutating func milliamperes(_ field: ForeignField?) -> Current? { current(field, unitsInOne: 1_000_000_000) }

  /// In amperes, with its sign.
  mutating func amperes(_ field: ForeignField?) -> Current? { current(field, unitsInOne: 1_000_000_000_000) }

  private mutating func current(_ field: ForeignField?, unitsInOne units: Int64) -> Current? {
    guard let field, let number = number(field), let count = count(field, unitsInOne: units) else { return nil }
    if count == 0, !number.isZero {
      report(field, "less than a picoampere", hint: "check the unit")
      return nil
    }
    if count.magnitude <= PlanBounds.largestCurrent.count.magnitude { return Current(picoamperes: count) }
    report(field, "no instrument has such a current", hint: "check the unit")
    return nil
  }

  /// In milliampere-hours.
  mutating func milliampereHours(_ field: ForeignField?) -> Charge? {
    count(field, unitsInOne: 3_600_000_000).map { Charge(nanocoulombs: $0) }
  }

  mutating func whole(_ field: ForeignField?) -> Int64? {
    guard let field, let number = number(field) else { return nil }
    if number.denominator == 1, let whole = Int64(exactly: number.numerator) { return whole }
    report(field, "must be a whole number", hint: "write it without a point")
    return nil
  }
}

extension StringProtocol {
  /// Without space around it.
  var trimmed: String {
    var text = Substring(self)
    while let first = text.first, first.isWhitespace { text = text.dropFirst() }
    while let last = text.last, last.isWhitespace { text = text.dropLast() }
    return String(text)
  }
}
