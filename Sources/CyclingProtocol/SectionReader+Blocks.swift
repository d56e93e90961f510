// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Blocks: how often their steps are passed, and what ends them before.

import CyclerModel
import Quantities

extension SectionReader {
  mutating func readCycles(_ field: Field, role: CellRole?) -> WrittenStep? {
    let known = Vocabulary.cyclesKeys
    guard let fields = object(field, what: "a `cycles` block", known: known), let count = fields["cycles"] else {
      return nil
    }
    let passes = passes(count)
    let purpose = required("purpose", of: fields, paste: #""purpose": "life""#)
      .flatMap { word($0, as: CyclePurpose.self, what: "a purpose") }
    let named = required("label", of: fields, paste: #""label": "life""#)
    let label = named.flatMap { self.label($0) }
    let body = required("steps", of: fields, paste: #""steps": [ … ]"#).map { readSteps($0, role: role) }
    let until = fields["until"].map { readPassConditions($0) } ?? []
    guard let passes, let purpose, let body else { return nil }
    let block = WrittenBlock(
      purpose: purpose, passes: passes, steps: body.steps, until: until, isComplete: body.isComplete)
    return WrittenStep(site: fields.site, label: label, body: .block(block))
  }

  private mutating func passes(_ written: Field) -> Int64? {
    guard let field = substituted(written) else { return nil }
    return wholeNumber(field, in: 1...1_000_000)
  }

  mutating func readRepeat(_ field: Field, role: CellRole?) -> WrittenStep? {
    let known = Vocabulary.repeatKeys
    guard let fields = object(field, what: "a `repeat` block", known: known), let count = fields["repeat"] else {
      return nil
    }
    let passes = passes(count)
    let label = label(fields)
    let body = required("steps", of: fields, paste: #""steps": [ … ]"#).map { readSteps($0, role: role) }
    let until = fields["until"].map { readPassConditions($0) } ?? []
    guard let passes, let body else { return nil }
    let block = WrittenBlock(
      purpose: nil, passes: passes, steps: body.steps, until: until, isComplete: body.isComplete)
    return WrittenStep(site: fields.site, label: label, body: .block(block))
  }

  // MARK: - What ends a block

  private mutating func readPassConditions(_ field: Field) -> [WrittenPassCondition] {
    guard case .array(let nodes) = field.node.content, !nodes.isEmpty else {
      report(
        field, "must be a list of conditions", hint: #"write ["retention < 80 %"], or leave `until` out"#)
      return []
    }
    return nodes.enumerated().compactMap { index, node in
      readPassCondition(Field(node: node, path: "\(field.path)[\(index)]"))
    }
  }

  /// A comparison as a text, or an object that also says how often it must hold and where the run goes on.
  private mutating func readPassCondition(_ field: Field) -> WrittenPassCondition? {
    switch field.node.content {
    case .string(let text):
      return readPassCondition(text, field, cyclesInARow: 1, target: Sited(value: .next, site: site(field)))
    case .object:
      guard let fields = object(field, what: "a condition", known: Vocabulary.conditionKeys) else { return nil }
      let when = required("when", of: fields, paste: #""when": "retention < 80 %""#)
      let cycles = fields["for"].map { readCycleCount($0) } ?? 1
      let target = fields["go"].map { readTarget($0) } ?? Sited(value: .next, site: fields.site)
      guard let when, let cycles, let target, let text = text(when, longest: 200) else { return nil }
      return readPassCondition(text, when, cyclesInARow: cycles, target: target)
    case .null, .boolean, .number, .array:
      report(field, "a condition must be a text or an object", hint: #"write "retention < 80 %""#)
      return nil
    }
  }

  private mutating func readPassCondition(
    _ text: String, _ field: Field, cyclesInARow: Int32, target: Sited<WrittenTarget>
  ) -> WrittenPassCondition? {
    let terms = text.split(separator: " and ", omittingEmptySubsequences: false).map { term in
      readPassTerm(String(term), field, cyclesInARow: cyclesInARow, target: target)
    }
    let read = terms.compactMap { $0 }
    guard read.count == terms.count, var condition = read.first else { return nil }
    condition.also = Array(read.dropFirst())
    condition.text = read.map(\.text).joined(separator: " and ")
    if cyclesInARow > 1 { condition.text += " for \(cyclesInARow) cycles" }
    return condition
  }

  private mutating func readPassTerm(
    _ text: String, _ field: Field, cyclesInARow: Int32, target: Sited<WrittenTarget>
  ) -> WrittenPassCondition? {
    guard let parts = readComparison(text, field) else { return nil }
    let quantity = readPassQuantity(parts.quantity, field)
    guard let quantity, let comparison = parts.comparison, let operand = parts.operand,
      let value = readPassOperand(operand, of: quantity)
    else { return nil }
    return WrittenPassCondition(
      site: site(field), quantity: quantity, comparison: comparison, value: value, cyclesInARow: cyclesInARow,
      target: target, text: parts.text)
  }

  private mutating func readPassQuantity(_ name: String, _ field: Field) -> PassCondition.Quantity? {
    if let quantity = PassCondition.Quantity(rawValue: name) { return quantity }
    let known = PassCondition.Quantity.allCases.map(\.rawValue)
    if EndCondition.Quantity(rawValue: name) != nil {
      report(
        field, "a block is judged when a pass is over, and `\(name)` says nothing then",
        hint: "move it to a step, or use one of \(known.joined(separator: ", "))")
    } else if name == "plateau_ratio" || name == "plateau_charge" {
      report(
        field, "`\(name)` does not say which branch", hint: "write `sodiation_plateau_ratio` or another of the four")
    } else {
      report(field, "unknown quantity `\(name)`", hint: Vocabulary.hint(for: name, among: known))
    }
    return nil
  }

  private mutating func readPassOperand(
    _ field: Field, of quantity: PassCondition.Quantity
  ) -> WrittenPassCondition.Value? {
    switch quantity {
    case .meanChargeVoltage, .meanDischargeVoltage, .voltageHysteresis: voltage(field).map { .voltage($0.value) }
    case .coulombicEfficiency, .initialCoulombicEfficiency, .retention, .capacityChange, .energyEfficiency,
      .sodiationPlateauRatio, .desodiationPlateauRatio:
      positive(field, as: Share.self).map { .share($0.value) }
    case .chargeCapacity, .dischargeCapacity, .sodiationPlateauCapacity, .desodiationPlateauCapacity,
      .cumulativeIrreversibleCapacity:
      charge(field).map { .charge($0.value) }
    case .testTime: duration(field).map { .time($0.value) }
    case .cycleNumber: cycleNumber(field).map { .count($0) }
    }
  }

  /// `2 cycles`, or `1 cycle`.
  private mutating func readCycleCount(_ field: Field) -> Int32? {
    guard let text = text(field, longest: 64) else { return nil }
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    if parts.count == 2, let count = Int32(parts[0]), String(count) == parts[0], 1...Self.mostCyclesInARow ~= count,
      parts[1] == (count == 1 ? "cycle" : "cycles")
    {
      return count
    }
    report(
      field, "`\(text)` is not a number of cycles", hint: #"write "2 cycles"; at most \#(Self.mostCyclesInARow)"#)
    return nil
  }

  /// Where a condition leads: a word, or a label.
  mutating func readTarget(_ field: Field) -> Sited<WrittenTarget>? {
    guard let name = label(field) else { return nil }
    let target: WrittenTarget =
      switch name {
      case "next": .next
      case "end": .end
      case "hold": .hold
      default: .label(name)
      }
    return Sited(value: target, site: site(field))
  }
}
