// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads objects, texts and quantities of a JSON tree. Every method reports what is wrong and answers nil, so that the
// caller goes on and the next mistake is found too.

import CyclerModel
import Quantities

/// One value of an object that is being read.
struct Field {
  var node: JSONNode
  var path: String
}

/// An object whose keys have been checked.
struct Fields {
  var byKey: [String: Field]
  var site: Site
  subscript(_ key: String) -> Field? { byKey[key] }
}

/// Reads the sections of a protocol and collects what is wrong.
struct SectionReader {
  let lines: LineIndex
  var problems: [ProtocolProblem]
  /// What names stand for at the moment.
  var variables: [String: Variable] = [:]
  /// Steps that may be used by their names.
  var blocks: [String: NamedBlock] = [:]
  /// The blocks whose steps are being read, the outermost first.
  var openBlocks: [String] = []
  /// The most cycles in a row that a condition may ask for.
  static let mostCyclesInARow: Int32 = 10_000
  /// Steps read so far, with every pass of a `for_each`.
  var stepCount = 0

  mutating func report(_ site: Site, _ message: String, hint: String) {
    problems.append(site.problem(message, hint: hint))
  }

  func site(_ field: Field) -> Site { lines.site(field.node.offset, path: field.path) }

  mutating func report(_ field: Field, _ message: String, hint: String) {
    report(site(field), message, hint: hint)
  }

  static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// Reads an object that may have the keys of `known`; `what` names it in messages.
  mutating func object(_ field: Field, what: String, known: [String]) -> Fields? {
    guard case .object(let members) = field.node.content else {
      report(field, "\(what) must be an object, not \(field.node.noun)", hint: "write { … }")
      return nil
    }
    var byKey: [String: Field] = [:]
    for member in members where byKey[member.key] == nil {
      let path = Self.join(field.path, member.key)
      byKey[member.key] = Field(node: member.value, path: path)
      guard !known.contains(member.key) else { continue }
      let place = lines.site(member.keyOffset, path: path)
      let hint = Vocabulary.hint(for: member.key, among: known)
      report(place, "unknown key `\(member.key)` in \(what)", hint: hint)
    }
    return Fields(byKey: byKey, site: site(field))
  }

  /// The value of a key that must be there; `paste` is a text to paste when it is not.
  mutating func required(_ key: String, of fields: Fields, paste: String) -> Field? {
    if let field = fields[key] { return field }
    var place = fields.site
    place.path = Self.join(place.path, key)
    report(place, "`\(key)` is missing", hint: "add \(paste)")
    return nil
  }

  /// A text of one line.
  mutating func text(_ field: Field, longest: Int) -> String? {
    guard case .string(let text) = field.node.content else {
      report(field, "must be a text, not \(field.node.noun)", hint: "write it in double quotes")
      return nil
    }
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: false
      default: true
      }
    }
    guard isPlain else {
      report(field, "contains a control or invisible character", hint: "write plain text on one line")
      return nil
    }
    guard !text.isEmpty, text.first != " ", text.last != " " else {
      report(field, "is empty, or begins or ends with a space", hint: "write a name without spaces around it")
      return nil
    }
    guard text.unicodeScalars.count <= longest else {
      report(field, "is longer than \(longest) characters", hint: "shorten it")
      return nil
    }
    return text
  }

  /// The text of a quantity, still unread.
  mutating func quantityText(_ written: Field, example: String) -> String? {
    guard let field = substituted(written) else { return nil }
    switch field.node.content {
    case .string(let text):
      return text
    case .number(let digits):
      report(
        field, "`\(digits)` is a bare number", hint: "write it as a text with its unit, like \"\(example)\"")
      return nil
    case .null, .boolean, .array, .object:
      report(field, "must be a quantity, not \(field.node.noun)", hint: "write a text like \"\(example)\"")
      return nil
    }
  }

  /// A quantity with its unit.
  mutating func quantity<Quantity: WrittenQuantity>(_ field: Field, as type: Quantity.Type) -> Sited<Quantity>? {
    guard let text = quantityText(field, example: Quantity.example) else { return nil }
    do {
      return Sited(value: try Quantity(written: text), site: site(field))
    } catch {
      report(field, error.message, hint: error.hint)
      return nil
    }
  }

  /// A voltage that a cell can have; hundreds of volts are a slip of the unit.
  mutating func voltage(_ field: Field) -> Sited<Voltage>? {
    guard let sited = quantity(field, as: Voltage.self) else { return nil }
    let bound = Voltage(millivolts: 100_000)
    guard sited.value >= -bound, sited.value <= bound else {
      report(field, "no cell has \(sited.value.written)", hint: "check the unit; at most \(bound.written)")
      return nil
    }
    return sited
  }

  /// A quantity above nothing.
  mutating func positive<Quantity: WrittenQuantity>(_ field: Field, as type: Quantity.Type) -> Sited<Quantity>? {
    guard let sited = quantity(field, as: type) else { return nil }
    guard sited.value > .zero else {
      report(field, "must be more than nothing", hint: "write a positive value, like \"\(Quantity.example)\"")
      return nil
    }
    return sited
  }

  /// A time above nothing and not longer than `longest`.
  mutating func duration(_ field: Field, longest: TimeSpan = TimeSpan(seconds: 366 * 86_400)) -> Sited<TimeSpan>? {
    guard let sited = positive(field, as: TimeSpan.self) else { return nil }
    guard sited.value <= longest else {
      report(field, "\(sited.value.written) is too long", hint: "at most \(longest.written)")
      return nil
    }
    return sited
  }

  /// A current's magnitude.
  mutating func current(_ field: Field) -> Sited<CurrentExpression>? {
    guard let text = quantityText(field, example: "0.1 A/g") else { return nil }
    do {
      let current = try CurrentExpression(written: text)
      guard current.signum > 0 else {
        reportNotPositive(field, text, signum: current.signum)
        return nil
      }
      return Sited(value: current, site: site(field))
    } catch {
      report(field, error.message, hint: error.hint)
      return nil
    }
  }

  private mutating func reportNotPositive(_ field: Field, _ text: String, signum: Int64) {
    if signum < 0 {
      let hint = "the verb is the direction: write `discharge` (or `charge`) with `\(text.dropFirst())`"
      report(field, "`\(text)` has a sign; currents are magnitudes", hint: hint)
    } else {
      report(field, "`\(text)` is no current", hint: "write a positive value, or a `rest`")
    }
  }

  /// A charge above nothing.
  mutating func charge(_ field: Field) -> Sited<ChargeExpression>? {
    guard let text = quantityText(field, example: "300 mAh/g") else { return nil }
    do {
      let charge = try ChargeExpression(written: text)
      guard charge.signum > 0 else {
        report(field, "`\(text)` must be more than nothing", hint: "charges are positive magnitudes")
        return nil
      }
      return Sited(value: charge, site: site(field))
    } catch {
      report(field, error.message, hint: error.hint)
      return nil
    }
  }

  /// A whole number in a range.
  mutating func wholeNumber(_ field: Field, in range: ClosedRange<Int64>) -> Int64? {
    guard case .number(let digits) = field.node.content else {
      report(field, "must be a whole number, not \(field.node.noun)", hint: "write digits without quotes")
      return nil
    }
    guard let value = Int64(digits), range ~= value else {
      report(
        field, "`\(digits)` is not a whole number from \(range.lowerBound) to \(range.upperBound)",
        hint: "write digits only")
      return nil
    }
    return value
  }

  /// `true`, and nothing else: an option that is off is left out.
  mutating func onlyTrue(_ field: Field) -> Bool {
    if case .boolean(true) = field.node.content { return true }
    report(field, "can only be true", hint: "leave the key out otherwise")
    return false
  }

  /// One of a few words.
  mutating func word<Word: RawRepresentable & CaseIterable>(
    _ field: Field, as type: Word.Type, what: String
  ) -> Word? where Word.RawValue == String {
    guard let written = text(field, longest: 64) else { return nil }
    if let word = Word(rawValue: written) { return word }
    let known = Word.allCases.map(\.rawValue)
    report(field, "`\(written)` is not \(what)", hint: Vocabulary.hint(for: written, among: known))
    return nil
  }
}
