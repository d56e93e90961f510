// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// aurora-unicycler 0.4 as its own validator takes it: currents in milliamperes, positive charging; tags and loops.

import CyclerModel
import Quantities

/// Writes aurora-unicycler's JSON.
enum UnicyclerWriter {
  static func write(
    _ program: Program, _ steps: [PlanStep], name: String?, capacity: Charge?, _ export: inout ProgramExport
  ) -> String {
    var method: [String] = []
    var tags: Set<String> = []
    write(steps, into: &method, tags: &tags, &export)
    let limits = program.limits
    if limits.emptyHalfCycleBelow > .zero { export.leaveOut("limits that act at once, and empty half-cycles") }
    if program.record.onCurrentChangePartsPerMillion != nil || program.record.onChargeChange != nil {
      export.leaveOut("records at a change of current or charge")
    }
    let sample = object([
      ("name", ProtocolText.quoted(name ?? "$NAME")),
      ("capacity_mAh", capacity.map { number($0.count, 3_600_000_000) }),
    ])
    let record = object([
      ("time_s", number(program.record.every.count, 1_000_000)),
      ("voltage_V", program.record.onVoltageChange.map { number($0.count, 1_000_000_000) }),
    ])
    let safety = object([
      ("max_voltage_V", number(limits.upperVoltage.soft, 1_000_000_000)),
      ("min_voltage_V", number(limits.lowerVoltage.soft, 1_000_000_000)),
      ("max_current_mA", number(limits.chargeCurrent.soft, 1_000_000_000)),
      ("min_current_mA", number(-limits.dischargeCurrent.soft, 1_000_000_000)),
      ("max_capacity_mAh", number(limits.halfCycleCharge.count, 3_600_000_000)),
      ("delay_s", number(limits.upperVoltage.tolerance.count, 1_000_000)),
    ])
    return """
      {
        "unicycler": {"version": "0.4.6"},
        "sample": \(sample),
        "record": \(record),
        "safety": \(safety),
        "method": [
      \(method.map { "    " + $0 }.joined(separator: ",\n"))
        ]
      }

      """
  }

  private static func write(
    _ steps: [PlanStep], into method: inout [String], tags: inout Set<String>,
    _ export: inout ProgramExport
  ) {
    for step in steps {
      switch step {
      case .rest(let time, let every):
        tell(every, &export)
        method.append(object([("step", "\"open_circuit_voltage\""), ("until_time_s", seconds(time))]))
      case .drive(let drive): write(drive, into: &method, &export)
      case .hold(let hold): write(hold, into: &method, &export)
      // Refused when the steps were made.
      case .demand: break
      case .sweep(let sweep):
        method.append(
          object([
            ("step", "\"voltage_scan\""), ("start_voltage_V", number(sweep.from.count, 1_000_000_000)),
            ("end_voltage_V", number(sweep.to.count, 1_000_000_000)),
            ("scan_rate_mV_per_s", number(sweep.rate.count, VoltageRate.perMillivoltASecond)),
          ]))
      case .loop(let loop):
        let tag = ProtocolText.quoted(tags.insertUnused(loop.label ?? "loop"))
        method.append(object([("step", "\"tag\""), ("tag", tag)]))
        write(loop.body, into: &method, tags: &tags, &export)
        method.append(object([("step", "\"loop\""), ("loop_to", tag), ("cycle_count", "\(loop.passes)")]))
      }
    }
  }

  private static func write(_ drive: PlanDrive, into method: inout [String], _ export: inout ProgramExport) {
    tell(drive.every, &export)
    guard case .amperes(let current) = drive.current else { return }
    let signed = drive.direction == .charge ? current.count : -current.count
    if drive.voltage == .zero { export.refuseZero() }
    method.append(
      object([
        ("step", "\"constant_current\""), ("current_mA", number(signed, 1_000_000_000)),
        ("until_time_s", drive.time.map { seconds($0) }),
        ("until_voltage_V", drive.voltage.map { number($0.count, 1_000_000_000) }),
      ]))
    if let hold = drive.hold { write(hold, into: &method, &export) }
  }

  private static func write(_ hold: PlanHold, into method: inout [String], _ export: inout ProgramExport) {
    tell(hold.every, &export)
    var least: String?
    if case .amperes(let current)? = hold.current { least = number(current.count, 1_000_000_000) }
    method.append(
      object([
        ("step", "\"constant_voltage\""), ("voltage_V", number(hold.voltage.count, 1_000_000_000)),
        ("until_time_s", hold.time.map { seconds($0) }), ("until_current_mA", least),
      ]))
  }

  private static func tell(_ every: TimeSpan?, _ export: inout ProgramExport) {
    if every != nil { export.leaveOut("a step's own interval of records") }
  }

  private static func seconds(_ time: TimeSpan) -> String { number(time.count, 1_000_000) }

  private static func number(_ count: Int64, _ unitsInOne: Int64) -> String {
    let value = Fraction(Int128(count), over: Int128(unitsInOne)) ?? Fraction(0)
    // Hours and seconds make thirds of milliampere-hours; the nearest double is what a reader would make of it too.
    return value.decimal ?? "\(Double(count) / Double(unitsInOne))"
  }

  private static func object(_ members: [(String, String?)]) -> String {
    "{" + members.compactMap { key, value in value.map { "\"\(key)\": \($0)" } }.joined(separator: ", ") + "}"
  }
}

extension ProgramExport {
  /// There, an end at 0 V is no end.
  mutating func refuseZero() {
    refuse(
      "a step ends at 0 V, which aurora-unicycler reads as no voltage", hint: "write 1 mV, or leave the file as it is")
  }
}
