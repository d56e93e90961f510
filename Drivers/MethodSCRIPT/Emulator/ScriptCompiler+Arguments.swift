// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension ScriptCompiler {
  /// A slot for a literal.
  mutating func slot(for value: ScriptValue) -> Operand {
    script.initialValues.append(value)
    return Operand(slot: Int32(script.initialValues.count - 1))
  }

  /// A name that a declaration introduces.
  mutating func newName() throws(ScriptRefusal) -> String {
    let word = try line.word()
    let letters = Array(word.text.utf8)
    guard let first = letters.first, (0x61...0x7A).contains(first),
      letters.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
    else { throw line.refusal(.invalidName, at: word) }
    guard letters.count <= Self.longestName else { throw line.refusal(.nameTooLong, at: word) }
    guard names[word.text] == nil else { throw line.refusal(.duplicateVariable, at: word) }
    return word.text
  }

  /// A variable or array element that a command writes.
  mutating func destination() throws(ScriptRefusal) -> Operand {
    let word = try line.word()
    guard Self.beginsLikeName(word.text) else {
      _ = try literal(word)
      throw line.refusal(.literalNotAllowed, at: word)
    }
    return try named(word)
  }

  /// A variable, array element or literal that a command reads.
  mutating func source() throws(ScriptRefusal) -> Operand {
    let word = try line.word()
    return Self.beginsLikeName(word.text) ? try named(word) : slot(for: try literal(word))
  }

  /// Like `source`, for a number with a unit; literals that `check` names an error for are refused here already.
  mutating func number(
    check: (Double) -> ErrorCode? = { _ in nil }
  ) throws(ScriptRefusal) -> Operand {
    let word = try line.word()
    guard !Self.beginsLikeName(word.text) else { return try named(word) }
    let value = try literal(word)
    guard !value.isInteger else { throw line.refusal(.wrongDataType, at: word) }
    if let code = check(value.number) { throw line.refusal(code, at: word) }
    return slot(for: value)
  }

  /// A literal and nothing else.
  mutating func literalOnly() throws(ScriptRefusal) -> (ScriptValue, ScriptWord) {
    let word = try line.word()
    guard !Self.beginsLikeName(word.text) else {
      _ = try named(word)
      throw line.refusal(.variableNotAllowed, at: word)
    }
    return (try literal(word), word)
  }

  /// The name of an array.
  mutating func array() throws(ScriptRefusal) -> (slot: Int32, count: Int32) {
    let word = try line.word()
    guard Self.beginsLikeName(word.text) else { throw line.refusal(.literalNotAllowed, at: word) }
    switch names[word.text] {
    case nil: throw line.refusal(.undeclaredVariable, at: word)
    case .variable: throw line.refusal(.variableNotAllowed, at: word)
    case .array(let slot, let count): return (slot, count)
    }
  }

  /// A variable type that the language knows.
  mutating func variableType() throws(ScriptRefusal) -> (VariableType, ScriptWord) {
    let word = try line.word()
    guard let type = VariableType(word: word.text) else { throw line.refusal(.invalidVariableType, at: word) }
    return (type, word)
  }

  /// A variable type that has ranges.
  mutating func rangedQuantity() throws(ScriptRefusal) -> RangedQuantity {
    let (type, word) = try variableType()
    switch type {
    case .measuredPotential: return .measuredPotential
    case .measuredCurrent: return .measuredCurrent
    case .appliedPotential: return .appliedPotential
    case .appliedCurrent: return .appliedCurrent
    default: throw line.refusal(.noRanges, at: word)
    }
  }

  /// A variable type that can be measured here.
  mutating func measuredQuantity() throws(ScriptRefusal) -> RangedQuantity {
    let (type, word) = try variableType()
    switch type {
    case .measuredPotential: return .measuredPotential
    case .measuredCurrent: return .measuredCurrent
    default: throw line.refusal(.invalidVariableType, at: word)
    }
  }

  /// A relation.
  mutating func relation() throws(ScriptRefusal) -> Relation {
    let word = try line.word()
    guard let relation = Relation(word: word.text) else { throw line.refusal(.invalidComparison, at: word) }
    return relation
  }

  /// What a word that begins like a name stands for, as one value.
  mutating func named(_ word: ScriptWord) throws(ScriptRefusal) -> Operand {
    guard let bracket = word.text.firstIndex(of: "[") else {
      switch names[word.text] {
      case nil: throw line.refusal(.undeclaredVariable, at: word)
      case .array: throw line.refusal(.arrayNotAllowed, at: word)
      case .variable(let slot): return Operand(slot: slot)
      }
    }
    let inner = word.text[word.text.index(after: bracket)...]
    guard inner.last == "]", inner.count > 1 else { throw line.refusal(.malformedElement, at: word) }
    guard case .array(let slot, let count)? = names[String(word.text[..<bracket])] else {
      throw line.refusal(.undeclaredVariable, at: word)
    }
    return Operand(slot: slot, indexSlot: try index(String(inner.dropLast()), in: word, count: count), count: count)
  }

  /// The slot of an element's index: a variable, or a literal that must lie inside the array.
  private mutating func index(_ text: String, in word: ScriptWord, count: Int32) throws(ScriptRefusal) -> Int32 {
    guard !Self.beginsLikeName(text) else {
      guard case .variable(let slot)? = names[text] else { throw line.refusal(.undeclaredVariable, at: word) }
      return slot
    }
    let value = try literal(ScriptWord(text: text, column: word.column))
    guard value.isInteger else { throw line.refusal(.wrongDataType, at: word) }
    guard value.integer >= 0, value.integer < count else { throw line.refusal(.indexOutOfBounds, at: word) }
    return slot(for: value).slot
  }

  private func literal(_ word: ScriptWord) throws(ScriptRefusal) -> ScriptValue {
    do {
      return try ScriptValue(literal: word.text)
    } catch {
      throw line.refusal(error, at: word)
    }
  }

  private static func beginsLikeName(_ text: String) -> Bool {
    guard let first = text.utf8.first else { return false }
    return (0x61...0x7A).contains(first) || (0x41...0x5A).contains(first) || first == 0x5F
  }
}
