// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Steps, blocks and conditions.

import CyclerModel
import Quantities

extension SectionReader {
  /// Reads a list of steps. `isComplete` is false when one of them could not be read.
  mutating func readSteps(_ field: Field, role: CellRole?) -> (steps: [WrittenStep], isComplete: Bool) {
    guard case .array(let nodes) = field.node.content else {
      report(field, "must be a list of steps, not \(field.node.noun)", hint: "write [ … ]")
      return ([], false)
    }
    guard !nodes.isEmpty else {
      report(field, "a list of steps without a step", hint: #"add a step, like {"rest": "10 min"}"#)
      return ([], false)
    }
    var steps: [WrittenStep] = []
    var isComplete = true
    for (index, node) in nodes.enumerated() where stepCount <= Self.mostSteps {
      let before = problems.count
      let entry = Field(node: node, path: "\(field.path)[\(index)]")
      stepCount += 1
      if stepCount > Self.mostSteps {
        report(entry, "the file has more than \(Self.mostSteps) steps", hint: "`repeat` counts its steps once")
      } else {
        steps += readStep(entry, role: role)
      }
      if problems.count != before { isComplete = false }
    }
    return (steps, isComplete)
  }

  private mutating func readStep(_ field: Field, role: CellRole?) -> [WrittenStep] {
    guard case .object(let members) = field.node.content else {
      report(field, "a step must be an object, not \(field.node.noun)", hint: #"write {"rest": "10 min"}"#)
      return []
    }
    let verbs = members.map(\.key).filter { Vocabulary.verbs.contains($0) }
    guard verbs.count == 1, let verb = verbs.first else {
      reportVerbs(verbs, members.map(\.key), field)
      return []
    }
    let step: WrittenStep?
    switch verb {
    case "for_each": return readForEach(field, role: role)
    case "use": return readUse(field, role: role)
    case "rest": step = readRest(field)
    case "hold": step = readHold(field)
    case "sweep": step = readSweep(field)
    case "profile": step = readProfile(field, role: role)
    case "impedance": step = readImpedance(field)
    case "cycles": step = readCycles(field, role: role)
    case "repeat": step = readRepeat(field, role: role)
    case "test": step = readTest(field, role: role)
    default: step = readDrive(field, verb: verb, role: role)
    }
    return step.map { [$0] } ?? []
  }

  private mutating func reportVerbs(_ verbs: [String], _ keys: [String], _ field: Field) {
    if verbs.count > 1 {
      report(field, "a step does one thing, this one has \(list(verbs))", hint: "make it \(verbs.count) steps")
    } else if let key = keys.first(where: { Vocabulary.nearest(to: $0, among: Vocabulary.verbs) != nil }) {
      report(field, "unknown step `\(key)`", hint: Vocabulary.hint(for: key, among: Vocabulary.verbs))
    } else {
      report(field, "a step says what it does by one key", hint: "one of \(Vocabulary.verbs.joined(separator: ", "))")
    }
  }

  private func list(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: " and ") }

  mutating func label(_ fields: Fields) -> String? { fields["label"].flatMap { label($0) } }

  mutating func label(_ field: Field) -> String? {
    substitutedInside(field).flatMap { text($0, longest: 64) }
  }

  private mutating func readRest(_ field: Field) -> WrittenStep? {
    guard let fields = object(field, what: "a rest", known: Vocabulary.restKeys), let rest = fields["rest"] else {
      return nil
    }
    let label = label(fields)
    let until = fields["until"].map { readConditions($0) } ?? []
    let record = fields["record"].map { readSegments($0) } ?? []
    guard let duration = duration(rest) else { return nil }
    return WrittenStep(
      site: fields.site, label: label, body: .rest(WrittenRest(duration: duration, until: until)), record: record)
  }

  private mutating func readDrive(_ field: Field, verb: String, role: CellRole?) -> WrittenStep? {
    let known = [verb] + Vocabulary.driveOptions
    guard let fields = object(field, what: "a `\(verb)` step", known: known), let value = fields[verb] else {
      return nil
    }
    let direction = direction(of: verb, role: role, at: value)
    let level = readLevel(value, fields, verb: verb, direction)
    let to = fields["to"].flatMap { voltage($0) }
    let holdUntil = fields["hold_until"].map { readConditions($0) } ?? []
    if fields["to"] == nil, let extra = fields["hold_until"] {
      report(extra, "`hold_until` without a voltage to hold", hint: #"add "to": "4.25 V""#)
    }
    if let extra = fields["to"], fields["hold_until"] == nil {
      report(
        extra, "`to` without an end of the hold", hint: #"add "hold_until": ["current <= C/50", "hold_time >= 4 h"]"#)
    }
    let until = required("until", of: fields, paste: #""until": ["voltage <= 10 mV", "step_time >= 40 h"]"#)
      .map { readConditions($0) }
    let isDiagnostic = fields["diagnostic"].map { onlyTrue($0) } ?? false
    let settle = readSettle(fields)
    let label = label(fields)
    let part = fields["part"].flatMap { readPart($0) }
    let record = fields["record"].map { readSegments($0) } ?? []
    let limits = fields["limits"].flatMap { readStepLimits($0) }
    guard let direction, let level, let until else { return nil }
    let drive = WrittenDrive(
      direction: direction, current: level.current, share: level.share, law: level.law, to: to, holdUntil: holdUntil,
      until: until,
      isDiagnostic: isDiagnostic,
      settle: settle, part: part)
    return WrittenStep(site: fields.site, label: label, body: .drive(drive), record: record, limits: limits)
  }

  mutating func readStepLimits(_ field: Field) -> WrittenStepLimits? {
    guard let fields = object(field, what: "the limits of a step", known: Vocabulary.stepLimits) else { return nil }
    if fields.byKey.isEmpty {
      report(
        field, "limits that limit nothing",
        hint: #"write "charge_current": {"max": "0.1 A/g", "for": "1 s"}, or leave it out"#)
    }
    return WrittenStepLimits(
      voltage: fields["voltage"].flatMap { readVoltageLimits($0) },
      charge: fields["charge_current"].flatMap { readCurrentLimit($0) },
      discharge: fields["discharge_current"].flatMap { readCurrentLimit($0) })
  }

  private mutating func readSettle(_ fields: Fields) -> Sited<TimeSpan>? {
    fields["settle"].flatMap { duration($0, longest: TimeSpan(seconds: 60)) }
  }

  /// The direction of a verb; sodium's own verbs mean something for some roles only (hazard rule 9).
  mutating func direction(of verb: String, role: CellRole?, at field: Field) -> Direction? {
    switch verb {
    case "charge": return .charge
    case "discharge": return .discharge
    case "sodiate", "desodiate":
      guard let role else { return nil }
      if role == .anodeHalfCell { return verb == "sodiate" ? .discharge : .charge }
    case "plate", "strip":
      guard let role else { return nil }
      if role == .platingStripping { return verb == "plate" ? .discharge : .charge }
      if role == .anodeFree { return verb == "plate" ? .charge : .discharge }
    default: return nil
    }
    let name = role?.rawValue ?? ""
    report(field, "`\(verb)` has no meaning for role \(name)", hint: "write `charge` or `discharge`")
    return nil
  }

  private mutating func readHold(_ field: Field) -> WrittenStep? {
    guard let fields = object(field, what: "a hold", known: Vocabulary.holdKeys), let hold = fields["hold"] else {
      return nil
    }
    let voltage = voltage(hold)
    let atMost = required("current_at_most", of: fields, paste: #""current_at_most": "C/5""#).flatMap { current($0) }
    let until = required("until", of: fields, paste: #""until": ["current <= C/50", "step_time >= 4 h"]"#)
      .map { readConditions($0) }
    let isDiagnostic = fields["diagnostic"].map { onlyTrue($0) } ?? false
    let settle = readSettle(fields)
    let label = label(fields)
    let record = fields["record"].map { readSegments($0) } ?? []
    let limits = fields["limits"].flatMap { readStepLimits($0) }
    guard let voltage, let atMost, let until else { return nil }
    let body = WrittenHold(
      voltage: voltage, currentAtMost: atMost, until: until, isDiagnostic: isDiagnostic, settle: settle)
    return WrittenStep(site: fields.site, label: label, body: .hold(body), record: record, limits: limits)
  }

  private mutating func readSweep(_ field: Field) -> WrittenStep? {
    guard let fields = object(field, what: "a sweep", known: Vocabulary.sweepKeys), let sweep = fields["sweep"] else {
      return nil
    }
    let rate = positive(sweep, as: VoltageRate.self)
    let from = fields["from"].map { voltage($0) }
    let to = required("to", of: fields, paste: #""to": "4.5 V""#).flatMap { voltage($0) }
    let backTo = fields["back_to"].map { voltage($0) }
    let atMost = required("current_at_most", of: fields, paste: #""current_at_most": "1 mA""#).flatMap { current($0) }
    let until = fields["until"].map { readConditions($0) } ?? []
    let label = label(fields)
    let record = fields["record"].map { readSegments($0) } ?? []
    let limits = fields["limits"].flatMap { readStepLimits($0) }
    guard let rate, let to, let atMost, from.map({ $0 != nil }) ?? true, backTo.map({ $0 != nil }) ?? true else {
      return nil
    }
    let body = WrittenSweep(
      rate: rate, from: from ?? nil, to: to, backTo: backTo ?? nil, currentAtMost: atMost, until: until)
    return WrittenStep(site: fields.site, label: label, body: .sweep(body), record: record, limits: limits)
  }

  mutating func readConditions(_ field: Field) -> [WrittenCondition] {
    guard case .array(let nodes) = field.node.content else {
      report(field, "must be a list of conditions, not \(field.node.noun)", hint: #"write ["step_time >= 6 h"]"#)
      return []
    }
    guard !nodes.isEmpty else {
      report(field, "a list of conditions without a condition", hint: #"add one, like "step_time >= 6 h""#)
      return []
    }
    var conditions: [WrittenCondition] = []
    for (index, node) in nodes.enumerated() {
      let entry = Field(node: node, path: "\(field.path)[\(index)]")
      guard let condition = readCondition(entry) else { continue }
      let isTwice = conditions.contains { other in
        // Two voltages are two ends of a window.
        let isWindow = condition.quantity == .voltage && other.comparison.isUpper != condition.comparison.isUpper
        return other.text == condition.text
          || other.isPlain && condition.isPlain && other.quantity == condition.quantity && !isWindow
      }
      if isTwice {
        report(
          entry, "`\(condition.quantity.rawValue)` stands twice in the list", hint: "only one of them can ever act")
      }
      conditions.append(condition)
    }
    return conditions
  }

  /// A comparison as a text, or an object that also says where the run goes on.
  private mutating func readCondition(_ field: Field) -> WrittenCondition? {
    switch field.node.content {
    case .string(let text): return readCondition(text, field, target: Sited(value: .next, site: site(field)))
    case .object:
      guard let fields = object(field, what: "a condition", known: Vocabulary.conditionKeys) else { return nil }
      let lasting = fields["for"].map { duration($0, longest: TimeSpan(seconds: 86_400)) }
      let when = required("when", of: fields, paste: #""when": "voltage <= 10 mV""#)
      let target = fields["go"].map { readTarget($0) } ?? Sited(value: .next, site: fields.site)
      guard let when, let target, let text = text(when, longest: 200),
        var condition = readCondition(text, when, target: target)
      else { return nil }
      guard let lasting else { return condition }
      guard let lasting else { return nil }
      condition.lasting = lasting
      condition.text += " for \(lasting.value.written)"
      return condition
    case .null, .boolean, .number, .array:
      report(field, "a condition must be a text or an object", hint: #"write "voltage <= 10 mV""#)
      return nil
    }
  }

  /// Comparisons with `and` between them.
  private mutating func readCondition(_ text: String, _ field: Field, target: Sited<WrittenTarget>) -> WrittenCondition?
  {
    let terms = text.split(separator: " and ", omittingEmptySubsequences: false).map { term in
      readTerm(String(term), field, target: target)
    }
    let read = terms.compactMap { $0 }
    guard read.count == terms.count, var condition = read.first else { return nil }
    condition.also = Array(read.dropFirst())
    condition.text = read.map(\.text).joined(separator: " and ")
    return condition
  }

  private mutating func readTerm(_ text: String, _ field: Field, target: Sited<WrittenTarget>) -> WrittenCondition? {
    guard let parts = readComparison(text, field) else { return nil }
    let quantity = readQuantityName(parts.quantity, field)
    guard let quantity, let comparison = parts.comparison, let operand = parts.operand,
      let value = readOperand(operand, of: quantity)
    else { return nil }
    return WrittenCondition(
      site: site(field), quantity: quantity, comparison: comparison, value: value, text: parts.text, target: target)
  }

  private mutating func readQuantityName(_ name: String, _ field: Field) -> EndCondition.Quantity? {
    if let quantity = EndCondition.Quantity(rawValue: name) { return quantity }
    if PassCondition.Quantity(rawValue: name) != nil {
      report(
        field, "a step cannot end by `\(name)`: it is known once a cycle is over", hint: "move it to a block's `until`")
    } else if Vocabulary.laterQuantities.contains(name) {
      report(field, "a condition on `\(name)` is not yet supported", hint: "it belongs to a later part of the language")
    } else {
      let known = EndCondition.Quantity.allCases.map(\.rawValue)
      report(field, "unknown quantity `\(name)`", hint: Vocabulary.hint(for: name, among: known))
    }
    return nil
  }

  private mutating func readOperand(_ field: Field, of quantity: EndCondition.Quantity) -> WrittenCondition.Value? {
    if namesAShare(field) { return readShare(field, of: quantity).map { .share($0.value) } }
    return switch quantity {
    case .voltage: voltage(field).map { .voltage($0.value) }
    case .current: current(field).map { .current($0.value) }
    case .stepTime, .holdTime, .halfCycleTime, .cycleTime, .testTime: duration(field).map { .time($0.value) }
    case .stepCharge, .halfCycleCharge: charge(field).map { .charge($0.value) }
    case .voltageDrift: positive(field, as: VoltageRate.self).map { .rate($0.value) }
    case .stepEnergy: positive(field, as: Energy.self).map { .energy($0.value) }
    case .chargePerVolt: chargePerVolt(field).map { .chargePerVolt($0) }
    case .cycleNumber: cycleNumber(field).map { .count($0) }
    case .temperature: temperature(field).map { .temperature($0.value) }
    }
  }

  /// `2 mAh/V`, `50 mAh/g/V`: a charge for each volt.
  private mutating func chargePerVolt(_ field: Field) -> ChargeExpression? {
    guard let text = quantityText(field, example: "2 mAh/V") else { return nil }
    if text.hasSuffix("/V"), let charge = try? ChargeExpression(written: String(text.dropLast(2))), charge.signum == 1 {
      return charge
    }
    report(
      field, "`\(text)` is no charge for each volt",
      hint: "write `2 mAh/V`, or with the cell's mass or area `50 mAh/g/V` or `1 mAh/cm2/V`; dQ/dV is a magnitude")
    return nil
  }

  /// A cycle of the run, counted from 1, as it stands in a comparison.
  mutating func cycleNumber(_ field: Field) -> Int64? {
    var written = ""
    switch field.node.content {
    case .string(let text), .number(let text): written = text
    case .null, .boolean, .array, .object: break
    }
    if let number = Int64(written), 1...1_000_000_000 ~= number, String(number) == written { return number }
    report(field, "`\(written)` is no cycle's number", hint: "write a whole number from 1, like `cycle_number >= 50`")
    return nil
  }
}
