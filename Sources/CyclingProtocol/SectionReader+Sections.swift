// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The sections around the steps: cell, limits, record, metrics, on_interruption.

import CyclerModel
import Quantities

extension SectionReader {
  /// Texts to paste where a section is missing.
  private enum Paste {
    static let cell =
      #""cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}}"#
    static let window = #""expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}"#
    static let limits =
      #""limits": {"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"}, "#
      + #""charge_current": {"max": "1.2 A/g", "for": "1 s"}, "discharge_current": {"max": "1.2 A/g", "for": "1 s"}, "#
      + #""half_cycle_charge": {"max": "700 mAh/g"}}"#
    static let voltage = #""voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"}"#
    static let record = #""record": {"every": "60 s", "on_voltage_change": "2 mV"}"#
    static let interruption = #""on_interruption": {"resume_within": "30 min", "otherwise": "hold"}"#
  }

  /// Supervision, limits and cut-offs need a reading at least so often.
  private static let slowestReadings = TimeSpan(seconds: 1)
  /// Limits tolerate a value for at most a minute: longer is no limit (hazard rule 20).
  private static let longestTolerance = TimeSpan(seconds: 60)
  /// A cell that stood longer than a day is not the cell that was interrupted (hazard rule 3).
  private static let longestInterruption = TimeSpan(seconds: 86_400)
  /// Soft voltage limits become hard so far beyond them (hazard rule 20).
  private static let hardVoltageMargin = Voltage(millivolts: 50)
  /// The threshold below which hard carbon's charge is plateau charge, unless the file says another.
  private static let plateauThreshold = Voltage(millivolts: 100)

  /// Reads the whole document; nil when something is missing, and then at least one problem was reported.
  mutating func readDocument(_ root: JSONNode, source: String) -> ProtocolDocument? {
    let whole = Field(node: root, path: "")
    guard let fields = object(whole, what: "a protocol", known: Vocabulary.topLevel) else { return nil }
    if let field = required("nacycler_protocol", of: fields, paste: #""nacycler_protocol": 1"#) {
      _ = wholeNumber(field, in: 1...1)
    }
    if let field = fields["$schema"] { _ = text(field, longest: 500) }
    if let field = fields["variables"] { readVariables(field) }
    if let field = fields["blocks"] { readBlocks(field) }
    let title = required("title", of: fields, paste: #""title": "…""#).flatMap { text($0, longest: 200) }
    let notes = fields["notes"].flatMap { text($0, longest: 4_000) }
    let cell = required("cell", of: fields, paste: Paste.cell).flatMap { readCell($0) }
    let limits = required("limits", of: fields, paste: Paste.limits).flatMap { readLimits($0) }
    let recordField = required("record", of: fields, paste: Paste.record)
    let record = recordField.flatMap { readRecord($0) }
    let metrics = readMetrics(fields["metrics"], role: cell?.role)
    let interruption = required("on_interruption", of: fields, paste: Paste.interruption)
      .flatMap { readInterruption($0) }
    let stepsField = required("steps", of: fields, paste: #""steps": [ … ]"#)
    let read = stepsField.map { readSteps($0, role: cell?.role) }
    judgeUse(of: variables.keys)
    judgeUseOfBlocks()

    var rules = DocumentRules(cell: cell, limits: limits?.voltage, metrics: metrics)
    if let read, let stepsField { rules.judge(read.steps, isComplete: read.isComplete, at: site(stepsField)) }
    if read?.isComplete == true, let field = fields["metrics"] { rules.judge(metrics, at: site(field)) }
    problems += rules.problems

    guard let title, let cell, let limits, let record, let recordField, let interruption, let read, let stepsField
    else { return nil }
    let values = CellValues(
      activeMass: cell.activeMass?.value, area: cell.area?.value, nominalCapacity: cell.nominalCapacity?.value)
    return ProtocolDocument(
      title: title, notes: notes, role: cell.role, cellName: cell.name, values: values,
      requires: cell.requires.map(\.value), needs: BasisCollector.needs(of: read.steps, limits), source: source,
      cell: cell, limits: limits, record: record, recordSite: site(recordField), metrics: metrics,
      onInterruption: interruption, steps: read.steps, stepsSite: site(stepsField))
  }

  private mutating func readCell(_ field: Field) -> WrittenCell? {
    guard let fields = object(field, what: "the cell", known: Vocabulary.cell) else { return nil }
    let role = required("role", of: fields, paste: #""role": "anode-half-cell""#)
      .flatMap { word($0, as: CellRole.self, what: "a role") }
    let window = required("expect_open_circuit", of: fields, paste: Paste.window).flatMap { readWindow($0) }
    let name = fields["name"].flatMap { text($0, longest: 64) }
    let requires = fields["requires"].map { readRequires($0) } ?? []
    let mass = fields["active_mass"].flatMap { positive($0, as: Mass.self) }
    let area = fields["area"].flatMap { positive($0, as: Area.self) }
    let nominal = fields["nominal_capacity"].flatMap { positive($0, as: Charge.self) }
    var allowPlating = false
    if let plating = fields["allow_plating"] {
      allowPlating = onlyTrue(plating)
      if let role, role != .anodeHalfCell {
        report(plating, "`allow_plating` has no meaning for role \(role.rawValue)", hint: "remove it")
      }
    }
    guard let role, let window else { return nil }
    return WrittenCell(
      site: fields.site, role: role, name: name, requires: requires, activeMass: mass, area: area,
      nominalCapacity: nominal, expectOpenCircuit: window, allowPlating: allowPlating)
  }

  private mutating func readRequires(_ field: Field) -> [Sited<CellBasis>] {
    guard case .array(let nodes) = field.node.content else {
      report(field, "must be a list, not \(field.node.noun)", hint: #"write ["active_mass"]"#)
      return []
    }
    var found: [Sited<CellBasis>] = []
    for (index, node) in nodes.enumerated() {
      let entry = Field(node: node, path: "\(field.path)[\(index)]")
      guard let basis = word(entry, as: CellBasis.self, what: "a value of a cell") else { continue }
      if found.contains(where: { $0.value == basis }) {
        report(entry, "`\(basis.rawValue)` stands twice in the list", hint: "remove one of them")
      }
      found.append(Sited(value: basis, site: site(entry)))
    }
    return found
  }

  private mutating func readWindow(_ field: Field) -> VoltageWindow? {
    guard let fields = object(field, what: "the open-circuit window", known: ["from", "to"]) else { return nil }
    let from = required("from", of: fields, paste: #""from": "1.2 V""#).flatMap { voltage($0) }
    let to = required("to", of: fields, paste: #""to": "3.3 V""#).flatMap { voltage($0) }
    guard let from, let to else { return nil }
    guard from.value < to.value else {
      report(
        field, "the window from \(from.value.written) to \(to.value.written) is empty",
        hint: "`from` is the lower voltage")
      return nil
    }
    return VoltageWindow(from: from.value, to: to.value)
  }

  private mutating func readLimits(_ field: Field) -> WrittenLimits? {
    guard let fields = object(field, what: "the limits", known: Vocabulary.limits) else { return nil }
    let voltage = required("voltage", of: fields, paste: Paste.voltage).flatMap { readVoltageLimits($0) }
    let pasteCurrent = #"{"max": "1.2 A/g", "for": "1 s"}"#
    let charge = required("charge_current", of: fields, paste: #""charge_current": "# + pasteCurrent)
      .flatMap { readCurrentLimit($0) }
    let discharge = required("discharge_current", of: fields, paste: #""discharge_current": "# + pasteCurrent)
      .flatMap { readCurrentLimit($0) }
    let halfCycle = required("half_cycle_charge", of: fields, paste: #""half_cycle_charge": {"max": "700 mAh/g"}"#)
      .flatMap { object($0, what: "the limit of a half-cycle's charge", known: ["max", "then"]) }
    let most = halfCycle.flatMap { required("max", of: $0, paste: #""max": "700 mAh/g""#) }
      .flatMap { self.charge($0) }
    let halfCycleAction = halfCycle.flatMap { readAction($0) }
    var emptyAction: LimitAction?
    var emptyBelow: Sited<ChargeExpression>?
    var emptyInARow: Int64? = 3
    if let empty = fields["empty_half_cycle"].flatMap({
      object($0, what: "the rule for empty half-cycles", known: ["below", "in_a_row", "then"])
    }) {
      emptyAction = readAction(empty)
      emptyBelow = required("below", of: empty, paste: #""below": "5 mAh/g""#).flatMap { self.charge($0) }
      emptyInARow = required("in_a_row", of: empty, paste: #""in_a_row": 3"#)
        .flatMap { wholeNumber($0, in: 1...1_000) }
    }
    let temperature = fields["temperature"].map { readTemperatureLimits($0) }
    guard let voltage, let charge, let discharge, let most, let emptyInARow, temperature.map({ $0 != nil }) ?? true
    else { return nil }
    return WrittenLimits(
      voltage: voltage, charge: charge, discharge: discharge, halfCycleCharge: most, emptyBelow: emptyBelow,
      emptyInARow: Int(emptyInARow), halfCycleAction: halfCycleAction, emptyAction: emptyAction,
      temperature: temperature ?? nil)
  }

  /// What becomes of the run once the limit was passed; nil where the file does not say.
  mutating func readAction(_ fields: Fields) -> LimitAction? {
    fields["then"].flatMap { word($0, as: LimitAction.self, what: "what becomes of a run") }
  }

  mutating func readTolerance(_ fields: Fields) -> TimeSpan? {
    guard let field = required("for", of: fields, paste: #""for": "2 s""#) else { return nil }
    guard let sited = quantity(field, as: TimeSpan.self) else { return nil }
    guard sited.value >= .zero, sited.value <= Self.longestTolerance else {
      report(
        field, "a limit cannot be passed for \(sited.value.written)",
        hint: "from 0 s to \(Self.longestTolerance.written)")
      return nil
    }
    return sited.value
  }

  mutating func readVoltageLimits(_ field: Field) -> WrittenLimits.VoltageLimits? {
    let known = ["min", "max", "for", "hard", "then"]
    guard let fields = object(field, what: "the voltage limits", known: known) else { return nil }
    let low = required("min", of: fields, paste: #""min": "-50 mV""#).flatMap { voltage($0) }
    let high = required("max", of: fields, paste: #""max": "2.3 V""#).flatMap { voltage($0) }
    let tolerance = readTolerance(fields)
    let action = readAction(fields)
    var hard: (low: Sited<Voltage>?, high: Sited<Voltage>?)?
    if let section = fields["hard"].flatMap({
      object($0, what: "the hard voltage limits", known: ["min", "max"])
    }) {
      hard = (
        required("min", of: section, paste: #""min": "-100 mV""#).flatMap { voltage($0) },
        required("max", of: section, paste: #""max": "2.35 V""#).flatMap { voltage($0) }
      )
    }
    guard let low, let high, let tolerance else { return nil }
    guard low.value < high.value else {
      report(low.site, "the lower voltage limit is not below the upper", hint: "exchange `min` and `max`")
      return nil
    }
    if let hardLow = hard?.low, hardLow.value > low.value {
      report(hardLow.site, "the hard lower limit is above the soft one", hint: "at most \(low.value.written)")
    }
    if let hardHigh = hard?.high, hardHigh.value < high.value {
      report(hardHigh.site, "the hard upper limit is below the soft one", hint: "at least \(high.value.written)")
    }
    return WrittenLimits.VoltageLimits(
      low: low, high: high,
      hardLow: hard?.low ?? Sited(value: low.value - Self.hardVoltageMargin, site: low.site),
      hardHigh: hard?.high ?? Sited(value: high.value + Self.hardVoltageMargin, site: high.site), tolerance: tolerance,
      action: action)
  }

  mutating func readCurrentLimit(_ field: Field) -> WrittenLimits.CurrentLimit? {
    guard let fields = object(field, what: "a current limit", known: ["max", "for", "hard", "then"]) else { return nil }
    let soft = required("max", of: fields, paste: #""max": "1.2 A/g""#).flatMap { current($0) }
    let tolerance = readTolerance(fields)
    let hard = fields["hard"].flatMap { current($0) }
    let action = readAction(fields)
    guard let soft, let tolerance else { return nil }
    return WrittenLimits.CurrentLimit(soft: soft, hard: hard, tolerance: tolerance, action: action)
  }

  private mutating func readRecord(_ field: Field) -> RecordRule? {
    guard let fields = object(field, what: "the record rule", known: Vocabulary.record) else { return nil }
    let every = required("every", of: fields, paste: #""every": "60 s""#)
      .flatMap { duration($0, longest: TimeSpan(seconds: 86_400)) }
    let changes = readChanges(fields)
    let readEvery = fields["read_every"].flatMap { duration($0, longest: Self.slowestReadings) }
    guard let every else { return nil }
    if let readEvery, readEvery.value > every.value {
      report(
        readEvery.site, "records every \(every.value.written) need readings as often",
        hint: "leave `read_every` out, or shorten it")
    }
    return rule(every: every.value, changes, readEvery: readEvery?.value)
  }

  private typealias RecordChanges = (voltage: Voltage?, share: Share?, charge: Charge?)

  private mutating func readChanges(_ fields: Fields) -> RecordChanges {
    (
      fields["on_voltage_change"].flatMap { positive($0, as: Voltage.self)?.value },
      fields["on_current_change"].flatMap { positive($0, as: Share.self)?.value },
      fields["on_charge_change"].flatMap { positive($0, as: Charge.self)?.value }
    )
  }

  private func rule(every: TimeSpan, _ changes: RecordChanges, readEvery: TimeSpan? = nil) -> RecordRule {
    RecordRule(
      every: every, onVoltageChange: changes.voltage,
      onCurrentChangePartsPerMillion: changes.share?.partsPerMillion, onChargeChange: changes.charge,
      readEvery: readEvery)
  }

  /// The most stretches of a step that may have rules of their own.
  static let mostSegments = 3

  /// A step's own rule for records: one object, or a list of segments of which each but the last says until when.
  mutating func readSegments(_ field: Field) -> [Sited<RecordSegment>] {
    guard case .array(let nodes) = field.node.content else {
      return readSegment(field, isLast: true).map { [$0] } ?? []
    }
    guard (1...Self.mostSegments).contains(nodes.count) else {
      report(
        field, "a step has 1 to \(Self.mostSegments) segments of records, not \(nodes.count)",
        hint: #"write [{"every": "1 s", "until": "10 min"}, {"every": "60 s"}]"#)
      return []
    }
    let entries = nodes.enumerated().map { Field(node: $1, path: "\(field.path)[\($0)]") }
    let read = entries.enumerated().compactMap { readSegment($1, isLast: $0 == entries.count - 1) }
    for (before, segment) in zip(read, read.dropFirst()) {
      guard let end = before.value.until, let next = segment.value.until, next <= end else { continue }
      report(segment.site, "the segment ends before it begins", hint: "`until` counts from the step's beginning")
    }
    return read
  }

  private mutating func readSegment(_ field: Field, isLast: Bool) -> Sited<RecordSegment>? {
    guard let fields = object(field, what: "a segment of records", known: Vocabulary.segment) else { return nil }
    let every = required("every", of: fields, paste: #""every": "60 s""#)
      .flatMap { duration($0, longest: TimeSpan(seconds: 86_400)) }
    let changes = readChanges(fields)
    var until: TimeSpan?
    if isLast {
      if let extra = fields["until"] {
        report(extra, "the last segment lasts to the end of the step", hint: "leave `until` out, or add a segment")
      }
    } else {
      guard let end = required("until", of: fields, paste: #""until": "10 min""#).flatMap({ duration($0) }) else {
        return nil
      }
      until = end.value
    }
    guard let every else { return nil }
    return Sited(value: RecordSegment(rule: rule(every: every.value, changes), until: until), site: fields.site)
  }

  private mutating func readMetrics(_ field: Field?, role: CellRole?) -> MetricParameters {
    let standard = role == .anodeHalfCell ? Self.plateauThreshold : nil
    var parameters = MetricParameters(
      sodiationPlateauBelow: standard, desodiationPlateauBelow: nil, retentionReference: nil)
    guard let field, let fields = object(field, what: "the metrics", known: Vocabulary.metrics) else {
      return parameters
    }
    for key in ["sodiation_plateau_below", "desodiation_plateau_below"] {
      guard let plateau = fields[key] else { continue }
      let threshold = voltage(plateau)?.value
      if let role, role != .anodeHalfCell {
        report(plateau, "`\(key)` has no meaning for role \(role.rawValue)", hint: "remove it")
      }
      if key == "sodiation_plateau_below" {
        parameters.sodiationPlateauBelow = threshold ?? standard
      } else {
        parameters.desodiationPlateauBelow = threshold
      }
    }
    if let correction = fields["plateau_ir_correction"] {
      parameters.plateauIRCorrection = word(correction, as: ResistanceDelay.self, what: "a delay of the resistance")
      if let role, role != .anodeHalfCell {
        report(correction, "`plateau_ir_correction` has no meaning for role \(role.rawValue)", hint: "remove it")
      }
    }
    parameters.retentionReference = fields["retention_reference"].flatMap { readCycle($0) }
    if let field = fields["retention_threshold"], let threshold = readThreshold(field) {
      parameters.retentionThreshold = threshold
      if let role, !role.isLimitedByInventory, fields["retention_reference"] == nil {
        report(
          field, "no retention is told without a reference", hint: #"add "retention_reference": "life cycle 1""#)
      }
    }
    return parameters
  }

  /// Below which share of its reference a capacity ends a life.
  private mutating func readThreshold(_ field: Field) -> Double? {
    guard let share = positive(field, as: Share.self) else { return nil }
    guard share.value.partsPerMillion < 1_000_000 else {
      report(field, "a life is not over at its reference", hint: "write less than 100 %, like `80 %`")
      return nil
    }
    return Double(share.value.partsPerMillion) / 1e6
  }

  private mutating func readCycle(_ field: Field) -> CycleReference? {
    guard let text = text(field, longest: 64) else { return nil }
    if let cycle = CycleReference(written: text) { return cycle }
    report(field, "`\(text)` is not a cycle", hint: "write it like `life cycle 1`")
    return nil
  }

  private mutating func readInterruption(_ field: Field) -> InterruptionPolicy? {
    let known = ["resume_within", "otherwise"]
    guard let fields = object(field, what: "the rule for interruptions", known: known) else { return nil }
    let within = required("resume_within", of: fields, paste: #""resume_within": "30 min""#)
      .flatMap { duration($0, longest: Self.longestInterruption) }
    let otherwise = required("otherwise", of: fields, paste: #""otherwise": "hold""#)
      .flatMap { word($0, as: InterruptionPolicy.Otherwise.self, what: "a way to go on") }
    guard let within, let otherwise else { return nil }
    return InterruptionPolicy(resumeWithin: within.value, otherwise: otherwise)
  }
}
