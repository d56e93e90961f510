// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Names that stand for values: `variables` of the file, and `for_each`, which reads its steps once for each value. A
// name is replaced where a value is read, so a variable may be a quantity, the value of a condition, a part of a label
// or a number of passes, and what is wrong with it is told where it is used.

import CyclerModel
import Quantities

/// What a name stands for.
struct Variable {
  /// A text or a number, as it was written.
  var content: JSONNode.Content
  var site: Site
  var isUsed = false
  /// False when its value was wrong, and then that was reported.
  var hasValue = true
}

/// Steps with a name.
struct NamedBlock {
  /// nil where they are not in the file.
  var steps: Field?
  var site: Site
  var isUsed = false
}

extension SectionReader {
  /// Steps that one file may have once every `for_each` is written out.
  static let mostSteps = 5_000

  /// How deep blocks may use each other.
  static let deepestUse = 16

  /// Reads the `variables` of the file.
  mutating func readVariables(_ field: Field) {
    guard case .object(let members) = field.node.content else {
      report(field, "the variables must be an object, not \(field.node.noun)", hint: #"write {"rate": "0.1 A/g"}"#)
      return
    }
    for member in members {
      let entry = Field(node: member.value, path: Self.join(field.path, member.key))
      if isName(member.key, at: lines.site(member.keyOffset, path: entry.path)) { bind(member.key, to: entry) }
    }
  }

  private mutating func isName(_ name: String, at site: Site, what: String = "a variable") -> Bool {
    let isName =
      name.utf8.count <= 32 && name.utf8.first.map { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 } == true
      && name.utf8.allSatisfy(VariableExpression.isNameByte)
    if !isName {
      report(
        site, "`\(name)` is no name of \(what)",
        hint: "small letters, digits and underlines, a letter first, at most 32, like `rate`")
    }
    return isName
  }

  /// Lets a name stand for a value; a value is a text or a number, or follows from the names that are known before it.
  private mutating func bind(_ name: String, to field: Field) {
    var value: Field?
    switch field.node.content {
    case .string: value = substituted(field)
    case .number: value = field
    case .null, .boolean, .array, .object:
      report(field, "a variable is a text or a number, not \(field.node.noun)", hint: #"write "0.1 A/g" or 50"#)
    }
    // A name with a bad value is known all the same, so that its uses are not told as well.
    variables[name] = Variable(
      content: (value ?? field).node.content, site: site(field), hasValue: value != nil)
  }

  /// The field with the value of its variable; itself where it has none, nil where there is no such variable.
  mutating func substituted(_ field: Field) -> Field? {
    guard case .string(let text) = field.node.content, text.contains("$") else { return field }
    guard let expression = VariableExpression(text) else {
      for word in text.split(separator: " ") where word.first == "$" {
        variables[String(word.dropFirst())]?.isUsed = true
      }
      report(
        field, "`\(text)` mixes a variable with other text",
        hint: "write `$name` alone, or calculate with single spaces like `0.5 * $name` or `$name - 50 mV`")
      return nil
    }
    var values: [String: JSONNode.Content] = [:]
    for name in expression.names {
      guard let content = use(name, field) else { return nil }
      values[name] = content
    }
    var result = field
    do {
      result.node.content = try expression.value(values)
      return result
    } catch {
      report(field, "`\(text)`: \(error.message)", hint: error.hint)
      return nil
    }
  }

  /// The text of a field with the value of its variable in place. It reports nothing and counts as no use.
  func plainText(_ field: Field) -> String? {
    guard case .string(let text) = field.node.content else { return nil }
    guard text.contains("$") else { return text }
    guard let expression = VariableExpression(text),
      case .string(let value)? = try? expression.value(
        variables.mapValues(\.content))
    else { return nil }
    return value
  }

  /// A text for people with the values of its variables in place; nil where there is no such variable.
  mutating func substitutedInside(_ field: Field) -> Field? {
    guard case .string(let text) = field.node.content, text.contains("$") else { return field }
    var pieces = text.split(separator: "$", omittingEmptySubsequences: false)
    var replaced = String(pieces.removeFirst())
    for piece in pieces {
      let name = String(decoding: piece.utf8.prefix(while: VariableExpression.isNameByte), as: UTF8.self)
      guard let content = use(name, field), case .string(let value) = content.asText else { return nil }
      replaced += value + piece.dropFirst(name.count)
    }
    var result = field
    result.node.content = .string(replaced)
    return result
  }

  private mutating func use(_ name: String, _ field: Field) -> JSONNode.Content? {
    if let variable = variables[name] {
      variables[name]?.isUsed = true
      return variable.hasValue ? variable.content : nil
    }
    let known = variables.keys.sorted()
    if name.isEmpty {
      report(field, "a `$` without the name of a variable", hint: "write `$rate`, or leave the sign out")
    } else if known.isEmpty {
      report(
        field, "there is no variable `\(name)`",
        hint: #"add "variables": {"\#(name)": "…"} at the top, or write the value"#)
    } else {
      report(field, "there is no variable `\(name)`", hint: Vocabulary.hint(for: name, among: known))
    }
    return nil
  }

  /// A variable that nothing uses is a slip: somebody believes that it does something.
  mutating func judgeUse(of names: some Sequence<String>) {
    for name in names.sorted() {
      guard let variable = variables[name], !variable.isUsed else { continue }
      report(variable.site, "nothing uses the variable `\(name)`", hint: "write `$\(name)` where it belongs")
    }
  }

  // MARK: - Named blocks

  /// Reads what `blocks` names; the steps are read where they are used, with the variables that are known there.
  mutating func readBlocks(_ field: Field) {
    guard case .object(let members) = field.node.content else {
      report(field, "the blocks must be an object, not \(field.node.noun)", hint: #"write {"cycle": [ … ]}"#)
      return
    }
    for member in members {
      let entry = Field(node: member.value, path: Self.join(field.path, member.key))
      guard isName(member.key, at: lines.site(member.keyOffset, path: entry.path), what: "a block") else { continue }
      guard case .object = member.value.content else {
        blocks[member.key] = NamedBlock(steps: entry, site: site(entry))
        continue
      }
      readIncluded(entry, named: member.key)
    }
  }

  /// A block from another file: `nactl` has put its steps beside the file's name and digest.
  private mutating func readIncluded(_ entry: Field, named name: String) {
    guard let fields = object(entry, what: "a block", known: Vocabulary.includedKeys) else { return }
    for key in ["file", "sha256"] { if let field = fields[key] { _ = text(field, longest: 1_000) } }
    // It is known all the same, so that its uses are not told as well.
    blocks[name] = NamedBlock(steps: fields["steps"], site: site(entry))
    guard fields["steps"] == nil else { return }
    report(
      entry, "the steps of the block are not here",
      hint: #"`nactl` puts those of a "file" in; whoever sends the protocol otherwise writes "steps" beside it"#)
  }

  /// Reads the steps of a named block in the place where they are used.
  mutating func readUse(_ field: Field, role: CellRole?) -> [WrittenStep] {
    guard let fields = object(field, what: "a `use` step", known: Vocabulary.useKeys), let use = fields["use"],
      let name = text(use, longest: 64)
    else { return [] }
    let lists = fields["with"].map { readWith($0) } ?? []
    guard let block = blocks[name] else {
      let known = blocks.keys.sorted()
      report(
        use, "there is no block `\(name)`",
        hint: known.isEmpty
          ? #"add "blocks": {"\#(name)": [ … ]} at the top"# : Vocabulary.hint(for: name, among: known))
      return []
    }
    blocks[name]?.isUsed = true
    guard let lists, let steps = block.steps else { return [] }
    guard openBlocks.count < Self.deepestUse else {
      report(
        use, "blocks use each other more than \(Self.deepestUse) deep", hint: "write the steps where they are used")
      return []
    }
    guard !openBlocks.contains(name) else {
      report(use, "the block `\(name)` uses itself", hint: "`repeat` does things more than once")
      return []
    }
    openBlocks.append(name)
    for list in lists { bind(list.name, to: list.values[0]) }
    let read = readSteps(steps, role: role).steps
    judgeUse(of: lists.map(\.name))
    for list in lists { variables[list.name] = nil }
    openBlocks.removeLast()
    return read
  }

  /// The values that a use gives to names of its block; nil when one of them is no name or taken.
  private mutating func readWith(_ field: Field) -> [NamedList]? {
    guard case .object(let members) = field.node.content, !members.isEmpty else {
      report(field, "`with` gives values to names", hint: #"write {"rate": "0.1 A/g"}"#)
      return nil
    }
    var lists: [NamedList] = []
    for member in members {
      var entry = Field(node: member.value, path: Self.join(field.path, member.key))
      guard isName(member.key, at: lines.site(member.keyOffset, path: entry.path)) else { return nil }
      guard variables[member.key] == nil else {
        report(entry, "`\(member.key)` already stands for a value here", hint: "use another name")
        return nil
      }
      // A value of the place where the block is used may be handed on.
      guard let substituted = substituted(entry) else { return nil }
      entry.node.content = substituted.node.content
      lists.append(NamedList(name: member.key, values: [entry]))
    }
    return lists
  }

  /// A block that nothing uses is a slip, as a variable is.
  mutating func judgeUseOfBlocks() {
    for (name, block) in blocks.sorted(by: { $0.key < $1.key }) where !block.isUsed {
      report(block.site, "nothing uses the block `\(name)`", hint: #"write {"use": "\#(name)"} where it belongs"#)
    }
  }

  // MARK: - for_each

  /// Reads the steps of a `for_each` once for each value, one after the other.
  mutating func readForEach(_ field: Field, role: CellRole?) -> [WrittenStep] {
    guard let fields = object(field, what: "a `for_each` block", known: Vocabulary.forEachKeys),
      let each = fields["for_each"], let lists = readLists(each)
    else { return [] }
    let body = required("steps", of: fields, paste: #""steps": [ … ]"#)
    guard let body, let count = lists.first?.values.count else { return [] }
    var steps: [WrittenStep] = []
    var used: Set<String> = []
    for pass in 0..<count where stepCount <= Self.mostSteps {
      for list in lists { bind(list.name, to: list.values[pass]) }
      steps += readSteps(body, role: role).steps
      used.formUnion(lists.map(\.name).filter { variables[$0]?.isUsed == true })
    }
    judgeUse(of: lists.map(\.name).filter { !used.contains($0) })
    for list in lists { variables[list.name] = nil }
    return steps
  }

  private struct NamedList {
    var name: String
    var values: [Field]
  }

  /// The names of a `for_each` with their values; all lists have the same length and are gone through side by side.
  private mutating func readLists(_ field: Field) -> [NamedList]? {
    guard case .object(let members) = field.node.content, !members.isEmpty else {
      report(field, "`for_each` needs a name with its values", hint: #"write {"rate": ["0.1 A/g", "0.2 A/g"]}"#)
      return nil
    }
    var lists: [NamedList] = []
    for member in members {
      let entry = Field(node: member.value, path: Self.join(field.path, member.key))
      guard isName(member.key, at: lines.site(member.keyOffset, path: entry.path)) else { continue }
      guard variables[member.key] == nil else {
        report(entry, "`\(member.key)` already stands for a value here", hint: "use another name")
        continue
      }
      guard case .array(let nodes) = member.value.content, !nodes.isEmpty else {
        let found = if case .array = member.value.content { "an empty one" } else { member.value.noun }
        report(entry, "must be a list of values, not \(found)", hint: #"write ["0.1 A/g", "0.2 A/g"]"#)
        continue
      }
      let values = nodes.enumerated().map { Field(node: $1, path: "\(entry.path)[\($0)]") }
      lists.append(NamedList(name: member.key, values: values))
    }
    guard lists.count == members.count, let first = lists.first else { return nil }
    for list in lists where list.values.count != first.values.count {
      report(
        field, "`\(first.name)` has \(first.values.count) values and `\(list.name)` has \(list.values.count)",
        hint: "names of one `for_each` are gone through side by side: give them as many values")
      return nil
    }
    return lists
  }
}

extension JSONNode.Content {
  /// A number as the text of its digits.
  fileprivate var asText: JSONNode.Content { if case .number(let digits) = self { .string(digits) } else { self } }
}
