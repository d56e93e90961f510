// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ControlAPI

/// What a self-test found, to be read and to be sent to the project.
struct SelfTestReport: Codable {
  /// What was measured in one step: from its second half on, when everything has settled, or in the whole of a sweep.
  struct Step: Codable {
    var step: String
    var set_current_A, set_voltage_V: Double
    var readings: Int
    @OrNull var mean_current_A: Double?
    @OrNull var mean_voltage_V: Double?
    /// How far a sweep went; null of other steps, whose means are null of a sweep.
    @OrNull var lowest_voltage_V: Double?
    @OrNull var highest_voltage_V: Double?
    /// Of a sweep, that of the straight line through 0 which fits best.
    @OrNull var resistance_ohm: Double?
    @OrNull var longest_gap_s: Double?
    /// What is wrong with it; empty when nothing is.
    var failures: [String]
  }

  var nacycler_version = NaCyclerVersion.text
  var instrument_family, instrument_model, instrument_serial: String
  @OrNull var instrument_firmware: String?
  var driver_maturity, channel: String
  var run: Int64
  var run_state: String
  var resistance_ohm, tolerance_percent: Double
  var steps: [Step] = []
  /// Counted while the test ran; null where the line was opened anew meanwhile.
  @OrNull var damaged_messages: Int64?
  @OrNull var losses: Int64?
  /// What is wrong with the whole; empty when nothing is.
  var failures: [String] = []

  /// Whether everything was as it should be.
  var passed: Bool {
    // Nothing that drove nothing has passed.
    failures.isEmpty && steps.allSatisfy(\.failures.isEmpty) && steps.contains { $0.set_current_A != 0 }
  }

  /// Judges what was recorded. The resistor's own tolerance is part of `tolerance_percent`; `reasons` say why a run ended that
  /// was not completed.
  mutating func judge(_ plan: SelfTestPlan, _ records: [RecordFrame], endedBy reasons: [String]) {
    steps = plan.steps.map { planned in
      let own = records.filter { $0.step_label == planned.label }
      if planned.rate_V_s != nil {
        return Step(sweep: planned, own, plan, tolerance: tolerance_percent / 100)
      }
      let half = (own.map(\.step_time_s).max() ?? 0) / 2
      return Step(planned, own.filter { $0.step_time_s >= half }, plan, tolerance: tolerance_percent / 100)
    }
    if run_state != "completed" {
      failures.append("the run was not completed but is \(run_state)")
      failures += reasons
    }
    if let damaged_messages, damaged_messages > 0 { failures.append("\(damaged_messages) damaged messages") }
    if let losses, losses > 0 { failures.append("the line was lost \(losses) times") }
  }
}

extension SelfTestReport.Step {
  /// A few readings are needed to say anything.
  private static let fewest = 3

  /// What was set, and how often it was read.
  init(_ planned: SelfTestPlan.Step, _ records: [RecordFrame]) {
    step = planned.label
    set_current_A = planned.current_A
    set_voltage_V = planned.voltage_V
    readings = records.count
    let times = records.map(\.step_time_s)
    longest_gap_s = zip(times, times.dropFirst()).map { $1 - $0 }.max()
    failures = []
    (mean_current_A, mean_voltage_V, resistance_ohm) = (nil, nil, nil)
    (lowest_voltage_V, highest_voltage_V) = (nil, nil)
  }

  fileprivate init(_ planned: SelfTestPlan.Step, _ records: [RecordFrame], _ plan: SelfTestPlan, tolerance: Double) {
    self.init(planned, records)
    mean_current_A = Self.mean(records.compactMap(\.current_A))
    mean_voltage_V = Self.mean(records.compactMap(\.voltage_V))
    if planned.current_A != 0, let mean_current_A, let mean_voltage_V, mean_current_A != 0 {
      resistance_ohm = mean_voltage_V / mean_current_A
    }
    guard !records.isEmpty else {
      failures.append("was not reached")
      return
    }
    guard records.count >= Self.fewest else {
      failures.append("\(records.count) readings only")
      return
    }
    expect(mean_current_A, near: planned.current_A, within: tolerance * plan.current_A, "A", "current")
    expect(
      mean_voltage_V, near: planned.voltage_V, within: tolerance * plan.current_A * plan.resistance_ohm, "V", "voltage")
  }

  private mutating func expect(
    _ measured: Double?, near expected: Double, within: Double, _ unit: String, _ what: String
  ) {
    guard let measured else {
      // A rest on an instrument that disconnects the cell measures no current, or no voltage.
      if step != "rest" { failures.append("no \(what) was measured") }
      return
    }
    guard abs(measured - expected) > within else { return }
    failures.append("\(what) \(Numbers.scaled(measured, unit)) instead of \(Numbers.scaled(expected, unit))")
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}

extension SelfTestReport {
  private static func voltage(of step: Step) -> String? {
    if let low = step.lowest_voltage_V, let high = step.highest_voltage_V {
      return "\(Numbers.fixed(low, 4)) … \(Numbers.fixed(high, 4)) V"
    }
    return step.mean_voltage_V.map { Numbers.fixed($0, 5) + " V" }
  }

  /// For people.
  var text: String {
    let columns: [Table<Step>.Column] = [
      .init("STEP", "step") { $0.step },
      .init("CURRENT", "mean_current_A", number: true) { $0.mean_current_A.map { Numbers.scaled($0, "A") } },
      .init("VOLTAGE", "mean_voltage_V", number: true) { Self.voltage(of: $0) },
      .init("RESISTANCE", "resistance_ohm", number: true) { $0.resistance_ohm.map { Numbers.scaled($0, "ohm") } },
      .init("READINGS", "readings", number: true) { "\($0.readings)" },
      .init("LONGEST GAP", "longest_gap_s", number: true) { $0.longest_gap_s.map { Numbers.fixed($0, 3) + " s" } },
      .init("FAILURE", "failures") { $0.failures.isEmpty ? nil : $0.failures.joined(separator: "; ") },
    ]
    let who = "\(instrument_model) \(instrument_serial), firmware \(instrument_firmware ?? Numbers.unknown)"
    let whole = failures.map { $0 + "\n" }.joined()
    return """
      \(who), at \(channel)
      driver \(instrument_family) (\(driver_maturity)), nacycler \(nacycler_version), run \(run)
      resistor \(Numbers.scaled(resistance_ohm, "ohm")), everything within \(Numbers.fixed(tolerance_percent, 2)) %

      """ + Table(columns: columns).text(steps) + whole + (passed ? "passed\n" : "failed\n")
  }
}
