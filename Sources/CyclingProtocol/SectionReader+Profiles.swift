// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `{"profile": ["charge 1 mA for 10 s", "rest for 5 s", "discharge C/2 for 30 s"]}`: currents one after the other. A
// row of a profile is a sentence, so that a table stays readable; the rows of another file are put beside its name.

import CyclerModel
import Quantities

extension SectionReader {
  /// Rows that one profile may have.
  static let mostProfileRows = 10_000

  mutating func readProfile(_ field: Field, role: CellRole?) -> WrittenStep? {
    guard let fields = object(field, what: "a profile", known: Vocabulary.profileKeys), let profile = fields["profile"]
    else { return nil }
    let rows = rowsField(profile).map { readRows($0, role: role) } ?? nil
    let until = fields["until"].map { readConditions($0) } ?? []
    let label = label(fields)
    let record = fields["record"].map { readSegments($0) } ?? []
    let limits = fields["limits"].flatMap { readStepLimits($0) }
    guard let rows else { return nil }
    return WrittenStep(
      site: fields.site, label: label, body: .profile(WrittenProfile(rows: rows, until: until)), record: record,
      limits: limits)
  }

  /// The list of rows, its own or that of the file that is named.
  private mutating func rowsField(_ profile: Field) -> Field? {
    if case .array = profile.node.content { return profile }
    guard case .object = profile.node.content else {
      report(
        profile, "a profile is a list of rows, not \(profile.node.noun)",
        hint: #"write ["charge 1 mA for 10 s", "rest for 5 s"], or {"file": "profile.csv"}"#)
      return nil
    }
    guard let fields = object(profile, what: "the rows of a profile", known: Vocabulary.profileFileKeys) else {
      return nil
    }
    for key in ["file", "sha256"] { if let field = fields[key] { _ = text(field, longest: 1_000) } }
    if let rows = fields["rows"] { return rows }
    report(
      profile, "the rows of the profile are not here",
      hint: #"`nactl` puts those of a "file" in; whoever sends the protocol otherwise writes "rows" beside it"#)
    return nil
  }

  /// nil where a row could not be read; what is wrong with many of them is told of the first few.
  private mutating func readRows(_ field: Field, role: CellRole?) -> [WrittenProfile.Row]? {
    guard case .array(let nodes) = field.node.content, (1...Self.mostProfileRows).contains(nodes.count) else {
      report(field, "a profile has 1 to \(Self.mostProfileRows) rows", hint: #"write ["charge 1 mA for 10 s", …]"#)
      return nil
    }
    let before = problems.count
    var rows: [WrittenProfile.Row] = []
    for (index, node) in nodes.enumerated() where problems.count < before + 5 {
      if let row = readRow(Field(node: node, path: "\(field.path)[\(index)]"), role: role) { rows.append(row) }
    }
    return rows.count == nodes.count ? rows : nil
  }

  private mutating func readRow(_ field: Field, role: CellRole?) -> WrittenProfile.Row? {
    guard let text = text(field, longest: 200) else { return nil }
    let spelling = "write `charge 1 mA for 10 s`, `discharge C/2 for 10 s` or `rest for 10 s`"
    guard let gap = text.lastRange(of: " for ") else {
      report(field, "`\(text)` is no row of a profile", hint: spelling)
      return nil
    }
    let duration = duration(part(String(text[gap.upperBound...]), of: field))
    let drive = text[..<gap.lowerBound].split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard let verb = drive.first.map(String.init), Vocabulary.profileVerbs.contains(verb),
      (drive.count == 1) == (verb == "rest")
    else {
      report(field, "`\(text)` is no row of a profile", hint: spelling)
      return nil
    }
    guard drive.count == 2 else { return duration.map { WrittenProfile.Row(direction: .none, duration: $0) } }
    let direction = direction(of: verb, role: role, at: field)
    let current = current(part(String(drive[1]), of: field))
    guard let duration, let direction, let current else { return nil }
    return WrittenProfile.Row(direction: direction, current: current, duration: duration)
  }

  private func part(_ text: String, of field: Field) -> Field {
    Field(node: JSONNode(offset: field.node.offset, content: .string(text)), path: field.path)
  }
}

extension String {
  fileprivate func lastRange(of words: String) -> Range<String.Index>? {
    let (all, wanted) = (Array(utf8), Array(words.utf8))
    guard all.count >= wanted.count else { return nil }
    for start in stride(from: all.count - wanted.count, through: 0, by: -1)
    where all[start..<(start + wanted.count)].elementsEqual(wanted) {
      let begin = utf8.index(utf8.startIndex, offsetBy: start)
      return begin..<utf8.index(begin, offsetBy: wanted.count)
    }
    return nil
  }
}
