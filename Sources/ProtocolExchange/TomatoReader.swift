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
      let values = json.members(sample, known: ["name", "capacity_mAh", "capacity"])
      plan.cellName = json.text(values["name"]).flatMap { $0.hasPrefix("$") ? nil : $0 }
      // `capacity` is in ampere-hours in 0.2.
      plan.nominalCapacity =
        json.milliampereHours(values["capacity_mAh"])
        ?? json.count(values["capacity"], unitsInOne: 3_600_000_000_000).map { Charge(nanocoulombs: $0) }
    }
    if fields["tomato"] != nil { plan.notes.append("tomato's own settings (`tomato`) have no meaning here.") }
    guard let method = fields["method"] else {
      json.report(whole, "the payload has no `method`", hint: "add its techniques")
      return plan
    }
    for (place, technique) in json.elements(method).enumerated() { readTechnique(technique, at: place) }
    plan.steps = loops.steps.joiningHolds()
    return plan
  }

  private static let known = [
    "device", "technique", "time", "current", "voltage", "limit_voltage_max", "limit_voltage_min", "limit_current_max",
    "limit_current_min", "exit_on_limit", "record_every_dt", "record_every_dE", "record_every_dI", "measure_every_dt",
    "measure_every_dE", "measure_every_dI", "I_range", "E_range", "is_delta", "goto", "n_gotos", "scan_rate",
  ]

  private mutating func readTechnique(_ field: ForeignField, at place: Int) {
    let fields = json.members(field, known: Self.known)
    guard let technique = json.text(fields["technique"]) else {
      if fields["technique"] == nil {
        json.report(field, "the entry says no `technique`", hint: "open_circuit_voltage, constant_current, …")
      }
      return
    }
    for key in ["exit_on_limit", "is_delta"] {
      if let flag = fields[key], case .boolean(true) = flag.node.content {
        json.report(flag, "`\(key)` cannot be said here", hint: "remove it, and check what the step then means")
      }
    }
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
    default:
      json.report(
        field, "there is no technique `\(technique)` here yet",
        hint: "open_circuit_voltage, constant_current, constant_voltage and loop are understood")
    }
  }

  /// Records are said for each technique; the densest is taken for all.
  private mutating func readRecord(_ fields: [String: ForeignField]) {
    guard let every = json.duration(fields["record_every_dt"] ?? fields["measure_every_dt"]) else { return }
    plan.record.every = min(plan.record.every, every)
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
    if let limit = fields["limit_current_max"] {
      json.report(limit, "a largest current of a hold cannot be said", hint: "leave it to the limits of the run")
    }
    let least = fields["limit_current_min"].flatMap { current($0) }?.magnitude
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
    var text = Substring(written.trimmed)
    let isMinus = text.hasPrefix("-")
    if isMinus { text = text.dropFirst() }
    let isDischarge = text.contains("D")
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let digits = parts[0].filter { $0 != "C" && $0 != "D" }
    let above = digits.isEmpty ? Fraction(1) : Fraction(digits)
    let below = parts.count == 2 ? Fraction(parts[1]) : Fraction(1)
    guard parts.count <= 2, let above, let inverse = below?.inverse, let rate = above.times(inverse), !rate.isZero
    else {
      json.report(field, "`\(written)` is not a current", hint: "write amperes, `0.1C` or `C/10`")
      return nil
    }
    return (isMinus != isDischarge, .rate(rate.magnitude))
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
