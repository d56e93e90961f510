// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// tomato's payloads of version 0.1 and 0.2 in JSON, as aurora-unicycler writes them: a flat list of techniques, `goto`
// counted from 0, `n_gotos` one less than the passes. A positive current charges; `0.1D` discharges.
//
// Read from the schemas and from aurora-unicycler's output; not tried on tomato with hardware.

import CyclerModel
import CyclingProtocol
import Quantities

/// Reads tomato's older payloads.
struct TomatoReader {
  private var json: ForeignJSON
  private var plan = ForeignPlan(format: .tomato)
  private var loops = LoopBuilder()
  private var hasRanges = false

  init(_ bytes: [UInt8]) { json = ForeignJSON(bytes) }

  var problems: [ProtocolProblem] { json.problems }

  mutating func read() -> ForeignPlan {
    guard let root = json.root else { return plan }
    let whole = ForeignField(node: root, path: "")
    let fields = json.members(whole, known: ["version", "sample", "method", "tomato"])
    plan.version = json.text(fields["version"])
    if let version = plan.version, !["0.1", "0.2"].contains(version), let field = fields["version"] {
      json.report(field, "payloads of version \(version) are not understood", hint: "0.1 and 0.2 are")
    }
    if let sample = fields["sample"] {
      let values = json.members(sample, known: ["name", "capacity_mAh"])
      plan.cellName = json.text(values["name"]).flatMap { $0.hasPrefix("$") ? nil : $0 }
      plan.nominalCapacity = json.milliampereHours(values["capacity_mAh"])
    }
    if fields["tomato"] != nil { plan.notes.append("tomato's own settings (`tomato`) have no meaning here.") }
    guard let method = fields["method"] else {
      json.report(whole, "the payload has no `method`", hint: "add its techniques")
      return plan
    }
    for (place, technique) in json.elements(method).enumerated() { readTechnique(technique, at: place) }
    if hasRanges { plan.notes.append("Ranges are not taken over: the instrument takes those that the currents need.") }
    plan.steps = loops.steps.joiningHolds()
    return plan
  }

  /// What each technique may say besides what all may.
  private static let keys: [String: [String]] = [
    "open_circuit_voltage": ["time"],
    "constant_current": ["time", "current", "limit_voltage_max", "limit_voltage_min"],
    "constant_voltage": ["time", "voltage", "limit_current_max", "limit_current_min"],
    "loop": ["goto", "n_gotos"],
  ]
  private static let common = [
    "device", "technique", "exit_on_limit", "is_delta", "record_every_dt", "record_every_dE", "record_every_dI",
    "measure_every_dt", "measure_every_dE", "measure_every_dI", "I_range", "E_range",
  ]

  private mutating func readTechnique(_ field: ForeignField, at place: Int) {
    guard case .object(let members) = field.node.content,
      case .string(let technique)? = members.first(where: { $0.key == "technique" })?.value.content
    else {
      return json.report(
        field, "the entry says no `technique`", hint: "open_circuit_voltage, constant_current, constant_voltage or loop"
      )
    }
    guard let known = Self.keys[technique] else {
      return json.report(
        field, "there is no technique `\(technique)` here yet",
        hint: "open_circuit_voltage, constant_current, constant_voltage and loop are understood")
    }
    let fields = json.members(field, known: Self.common + known)
    for key in ["exit_on_limit", "is_delta"] {
      guard let flag = fields[key] else { continue }
      if case .boolean(false) = flag.node.content { continue }
      json.report(flag, "`\(key)` cannot be said here", hint: "remove it, and check what the step then means")
    }
    if fields["I_range"] != nil || fields["E_range"] != nil { hasRanges = true }
    readRecord(fields)
    switch technique {
    case "open_circuit_voltage":
      guard let time = json.duration(fields["time"]) else {
        return json.report(field, "the rest has no `time`", hint: "write seconds")
      }
      loops.append(.rest(time, every: nil), at: place)
    case "constant_current": readCurrent(fields, field, place)
    case "constant_voltage": readVoltage(fields, field, place)
    case "loop": readLoop(fields, field, place)
    default: return
    }
  }

  /// Records are said for each technique; the densest is taken for all.
  private mutating func readRecord(_ fields: [String: ForeignField]) {
    if let every = json.duration(fields["record_every_dt"] ?? fields["measure_every_dt"]) {
      plan.record.every = plan.saysRecord ? min(plan.record.every, every) : every
      plan.saysRecord = true
    }
    if let voltage = json.voltage(fields["record_every_dE"] ?? fields["measure_every_dE"]) {
      plan.record.onVoltageChange = min(plan.record.onVoltageChange ?? voltage, voltage)
    }
    // In amperes here.
    let current = fields["record_every_dI"] ?? fields["measure_every_dI"]
    if let change = json.amperes(current) {
      plan.record.onCurrentChange = min(plan.record.onCurrentChange ?? change, change)
    }
  }

  private mutating func readCurrent(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    guard let field = fields["current"], let signed = current(field) else {
      if fields["current"] == nil { json.report(step, "the step has no `current`", hint: "write amperes or `0.1C`") }
      return
    }
    let direction: Direction = signed.isNegative ? .discharge : .charge
    let (end, other) =
      direction == .charge ? ("limit_voltage_max", "limit_voltage_min") : ("limit_voltage_min", "limit_voltage_max")
    if let limit = fields[other] {
      json.report(
        limit, "a limit on the other side of a \(direction) cannot be said", hint: "leave it to the limits of the run")
    }
    let drive = PlanDrive(
      direction: direction, current: signed.magnitude, time: json.duration(fields["time"]),
      voltage: json.voltage(fields[end]))
    if drive.time == nil, drive.voltage == nil {
      json.report(step, "the step never ends", hint: "add `time` or `\(end)`")
    }
    loops.append(.drive(drive), at: place)
  }

  private mutating func readVoltage(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    guard let voltage = json.voltage(fields["voltage"]) else {
      return json.report(step, "the step has no `voltage`", hint: "write volts")
    }
    var least = fields["limit_current_min"].flatMap { current($0) }?.magnitude
    if let limit = fields["limit_current_max"], let most = current(limit) {
      if most.isNegative, least == nil {
        // The current of a discharging hold rises to it.
        least = most.magnitude
      } else {
        json.report(
          limit, "a largest current of a hold cannot be said",
          hint: "if the hold ends by it, write `limit_current_min`; otherwise leave it to the limits of the run")
      }
    }
    let hold = PlanHold(voltage: voltage, time: json.duration(fields["time"]), current: least)
    if hold.time == nil, hold.current == nil {
      json.report(step, "the step never ends", hint: "add `time` or `limit_current_min`")
    }
    loops.append(.hold(hold), at: place)
  }

  /// Amperes as a number; `0.1C`, `0.1D`, `C/10` and `-C/10` as a text.
  private mutating func current(_ field: ForeignField) -> (isNegative: Bool, magnitude: PlanCurrent)? {
    guard case .string(let written) = field.node.content, written.contains(where: { $0 == "C" || $0 == "D" }) else {
      guard let current = json.amperes(field), current != .zero else { return nil }
      return (current < .zero, .amperes(current < .zero ? -current : current))
    }
    guard let rate = ForeignRate.read(written), !rate.isZero else {
      json.report(field, "`\(written)` is not a current", hint: "write amperes, `0.1C` or `C/10`")
      return nil
    }
    return (rate.isNegative, .rate(rate.magnitude))
  }

  private mutating func readLoop(_ fields: [String: ForeignField], _ step: ForeignField, _ place: Int) {
    guard let target = json.whole(fields["goto"]), let more = json.whole(fields["n_gotos"]), more >= 0, target >= 0,
      target < place
    else {
      return json.report(
        step, "a loop needs `goto`, a step before it counted from 0, and `n_gotos`",
        hint: "n_gotos is the passes less one")
    }
    do throws(LoopBuilder.Fault) {
      try loops.loop(from: Int(target), at: place, passes: more + 1, label: nil)
    } catch {
      json.report(step, "the loop cannot be a block", hint: "a loop holds all of another one or nothing of it")
    }
  }
}
