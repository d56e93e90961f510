// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// aurora-unicycler 0.4: a flat list of steps with tags and loops. A positive current charges; `rate_C` goes before
// `current_mA`; the ends of a step are joined by "or"; a number may be a text and an empty text is no number.
//
// Other than there, `until_voltage_V: 0` ends at 0 V (there it is the same as no voltage).

import CyclerModel
import CyclingProtocol
import Quantities

/// Reads aurora-unicycler's JSON.
struct UnicyclerReader {
  private var json: ForeignJSON
  private var plan = ForeignPlan(format: .unicycler)
  private var loops = LoopBuilder()
  private var tags: [String: Int] = [:]

  init(_ bytes: [UInt8]) { json = ForeignJSON(bytes) }

  var problems: [ProtocolProblem] { json.problems }

  mutating func read() -> ForeignPlan {
    guard let root = json.root else { return plan }
    let known = ["unicycler", "sample", "record", "safety", "method"]
    let fields = json.members(ForeignField(node: root, path: ""), known: known)
    if let unicycler = fields["unicycler"] {
      plan.version = json.text(json.members(unicycler, known: ["version"])["version"])
    }
    if let sample = fields["sample"] { readSample(sample) }
    if let record = fields["record"] { readRecord(record) }
    if let safety = fields["safety"] { readSafety(safety) }
    guard let method = fields["method"] else {
      json.report(ForeignField(node: root, path: "method"), "the file has no `method`", hint: "add its steps")
      return plan
    }
    let steps = json.elements(method)
    if steps.isEmpty { json.report(method, "a method without a step", hint: "add its steps") }
    for (place, step) in steps.enumerated() { readStep(step, at: place) }
    plan.steps = loops.steps.joiningHolds()
    return plan
  }

  private mutating func readSample(_ field: ForeignField) {
    let fields = json.members(field, known: ["name", "capacity_mAh"])
    plan.cellName = json.text(fields["name"]).flatMap { $0.hasPrefix("$") ? nil : $0 }
    if let capacity = fields["capacity_mAh"] {
      plan.nominalCapacity = json.milliampereHours(capacity)
      if let found = plan.nominalCapacity, found.count <= 0 {
        json.report(capacity, "a capacity must be more than nothing", hint: "write milliampere-hours")
      }
    }
  }

  private mutating func readRecord(_ field: ForeignField) {
    let fields = json.members(field, known: ["time_s", "voltage_V", "current_mA"])
    if let every = json.duration(fields["time_s"], zeroIsNone: false) {
      plan.record.every = every
      plan.saysRecord = true
    } else if fields["time_s"] == nil {
      json.report(field, "`record` says no `time_s`", hint: "the format asks for it")
    }
    plan.record.onVoltageChange = json.voltage(fields["voltage_V"])
    plan.record.onCurrentChange = json.milliamperes(fields["current_mA"])
  }

  private mutating func readSafety(_ field: ForeignField) {
    let known = [
      "max_voltage_V", "min_voltage_V", "max_current_mA", "min_current_mA", "max_capacity_mAh", "delay_s",
    ]
    let fields = json.members(field, known: known)
    plan.safety.highestVoltage = json.voltage(fields["max_voltage_V"])
    plan.safety.lowestVoltage = json.voltage(fields["min_voltage_V"])
    plan.safety.chargeCurrent = json.milliamperes(fields["max_current_mA"])
    plan.safety.dischargeCurrent = json.milliamperes(fields["min_current_mA"]).map { -$0 }
    let bounds = [
      ("max_current_mA", plan.safety.chargeCurrent, "charge"),
      ("min_current_mA", plan.safety.dischargeCurrent, "discharge"),
    ]
    for case (let key, let bound?, let direction) in bounds where bound <= .zero {
      guard let field = fields[key] else { continue }
      json.report(
        field, "a limit that forbids to \(direction) cannot be said", hint: "leave it out, or allow some current")
    }
    plan.safety.charge = json.milliampereHours(fields["max_capacity_mAh"]).flatMap { $0.count == 0 ? nil : $0 }
    plan.safety.delay = json.count(fields["delay_s"], unitsInOne: 1_000_000).map { TimeSpan(count: $0) }
  }

  // MARK: Steps

  private static let keys: [String: [String]] = [
    "open_circuit_voltage": ["until_time_s"],
    "constant_current": ["rate_C", "current_mA", "until_time_s", "until_voltage_V"],
    "constant_voltage": ["voltage_V", "until_time_s", "until_rate_C", "until_current_mA"],
    "loop": ["loop_to", "cycle_count"],
    "tag": ["tag"],
    "voltage_scan": ["start_voltage_V", "end_voltage_V", "scan_rate_mV_per_s"],
    "impedance_spectroscopy": [
      "amplitude_V", "amplitude_mA", "start_frequency_Hz", "end_frequency_Hz", "points_per_decade",
      "measures_per_point", "drift_correction",
    ],
  ]

  private mutating func readStep(_ field: ForeignField, at place: Int) {
    guard case .object(let members) = field.node.content else {
      return json.report(field, "a step must be an object, not \(field.node.noun)", hint: "write { … }")
    }
    guard let name = members.first(where: { $0.key == "step" })?.value.content, case .string(let kind) = name,
      let known = Self.keys[kind]
    else {
      return json.report(
        field, "a step says by `step` what it is", hint: Self.keys.keys.sorted().joined(separator: ", "))
    }
    let fields = json.members(field, known: ["step", "id"] + known)
    switch kind {
    case "open_circuit_voltage":
      if let time = json.duration(required("until_time_s", fields, field), zeroIsNone: false) {
        loops.append(.rest(time, every: nil), at: place)
      }
    case "constant_current": readCurrent(fields, field, place)
    case "constant_voltage": readVoltage(fields, field, place)
    case "voltage_scan": readScan(fields, field, place)
    case "tag":
      guard let tag = json.text(required("tag", fields, field)) else { return }
      if tags.updateValue(place, forKey: tag) != nil {
        json.report(field, "the tag `\(tag)` stands twice", hint: "give each its own")
      }
    case "loop": readLoop(fields, field, place)
    case "impedance_spectroscopy":
      json.report(
        field, "the file does not say around which voltage the spectrum is measured, nor how much it may draw",
        hint: "remove the step, and put an `impedance` step behind a rest into the protocol that this becomes")
    default:
      let name = kind.split(separator: "_").joined(separator: " ")
      json.report(field, "there are no steps of \(name) yet", hint: "remove the step")
    }
  }

  private mutating func required(_ key: String, _ fields: [String: ForeignField], _ step: ForeignField) -> ForeignField?
  {
    if let field = fields[key] { return field }
    json.report(step, "the step says no `\(key)`", hint: "the format asks for it")
    return nil
  }

  private mutating func readCurrent(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    let time = json.duration(fields["until_time_s"])
    let voltage = json.voltage(fields["until_voltage_V"])
    if voltage == .zero { plan.notes.append("An end at 0 V is one here; aurora-unicycler takes it for none.") }
    if time == nil, voltage == nil {
      json.report(step, "the step never ends", hint: "add `until_time_s` or `until_voltage_V`")
    }
    guard let signed = current(fields["rate_C"], fields["current_mA"]) else {
      return json.report(step, "the step has no current", hint: "add `rate_C` or `current_mA`, not 0")
    }
    loops.append(
      .drive(
        PlanDrive(
          direction: signed.isNegative ? .discharge : .charge, current: signed.magnitude, time: time, voltage: voltage)),
      at: place)
  }

  private mutating func readVoltage(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    let time = json.duration(fields["until_time_s"])
    let current = current(fields["until_rate_C"], fields["until_current_mA"])?.magnitude
    if time == nil, current == nil {
      json.report(step, "the step never ends", hint: "add `until_time_s`, `until_rate_C` or `until_current_mA`")
    }
    guard let voltage = json.voltage(required("voltage_V", fields, step)) else { return }
    loops.append(.hold(PlanHold(voltage: voltage, time: time, current: current)), at: place)
  }

  private mutating func readScan(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    let start = json.voltage(required("start_voltage_V", fields, step))
    let end = json.voltage(required("end_voltage_V", fields, step))
    let rate = json.count(required("scan_rate_mV_per_s", fields, step), unitsInOne: VoltageRate.perMillivoltASecond)
    guard let start, let end, let rate else { return }
    guard rate > 0 else { return json.report(step, "the scan has no rate", hint: "write more than 0 mV/s") }
    guard start != end else { return json.report(step, "the scan ends where it starts", hint: "scan somewhere") }
    loops.append(.sweep(PlanSweep(from: start, to: end, rate: VoltageRate(count: rate))), at: place)
  }

  /// The rate goes first; what is 0 is not said.
  private mutating func current(
    _ rate: ForeignField?, _ milliamperes: ForeignField?
  ) -> (isNegative: Bool, magnitude: PlanCurrent)? {
    if let rate = readRate(rate), !rate.isZero { return (rate.isNegative, .rate(rate.magnitude)) }
    guard let current = json.milliamperes(milliamperes), current != .zero else { return nil }
    return (current < .zero, .amperes(current < .zero ? -current : current))
  }

  private mutating func readRate(_ field: ForeignField?) -> Fraction? {
    guard let field else { return nil }
    guard case .string(let text) = field.node.content, text.contains("/") else { return json.number(field) }
    if let rate = ForeignRate.read(text) { return rate }
    json.report(field, "`\(text)` is not a C-rate", hint: "write `C/10`, `D/10` or `1/5`")
    return nil
  }

  private mutating func readLoop(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    guard let passes = json.whole(required("cycle_count", fields, step)) else { return }
    guard passes > 0 else { return json.report(step, "`cycle_count` must be 1 or more", hint: "it counts all passes") }
    var target: Int?
    var label: String?
    switch fields["loop_to"]?.node.content {
    case .string(let tag):
      label = tag
      target = tags[tag]
      if target == nil {
        return json.report(step, "no tag `\(tag)` stands before the loop", hint: "loops go back to a tag or a step")
      }
    case nil: target = 0
    default:
      guard let number = json.whole(fields["loop_to"]) else { return }
      target = Int(exactly: number - 1)
    }
    guard let target, target >= 0, target < place else {
      return json.report(step, "a loop goes back to a step before it", hint: "`loop_to` counts from 1, tags included")
    }
    do throws(LoopBuilder.Fault) {
      try loops.loop(from: target, at: place, passes: passes, label: label)
    } catch {
      switch error {
      case .empty: json.report(step, "the loop has no steps", hint: "it goes back to where it stands")
      case .deep: json.report(step, "loops in loops in loops", hint: "nest at most ten")
      case .crossing:
        json.report(
          step, "the loop goes back into another loop", hint: "a loop holds all of another one or nothing of it")
      }
    }
  }
}

extension VoltageRate {
  /// Nanovolts an hour in a millivolt a second.
  static let perMillivoltASecond: Int64 = 3_600_000_000
}
