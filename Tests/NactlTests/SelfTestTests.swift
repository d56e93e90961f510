// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Testing

@testable import nactl

/// What is asked of an instrument on a resistor, and how its answers are judged.
@Suite struct SelfTestTests {
  private static func abilities(_ kinds: [String], from: Double = -9, to: Double = 9) -> InstrumentAbilities {
    InstrumentAbilities(
      step_kinds: kinds, voltage_from_V: from, voltage_to_V: to, maximum_current_A: 0.01, current_ranges_A: [0.01],
      shortest_reading_interval_s: 0.05, holds_limits_itself: false, goes_safe_alone: true,
      open_circuit: "disconnected_and_measured", observes: [])
  }

  private static func plan(_ kinds: [String]) throws -> SelfTestPlan {
    try SelfTestPlan(resistance_ohm: 1_000, current_A: nil, abilities: abilities(kinds))
  }

  /// A sweep over a resistor of that many ohms, from 0 V up, down and back, up to `reach` of what was asked for.
  private static func records(
    _ label: String, ohms: Double = 1_000, offset: Double = 0, reach: Double = 0.5
  ) -> [RecordFrame] {
    let way = (0...20).map { Double($0) / 20 } + (0...40).map { 1 - Double($0) / 20 }
    return way.enumerated().map { index, share in
      let voltage = share * reach
      return RecordFrame(
        run: 1, cell: "c", channel: "ch1", step_count: 1, step_kind: "voltage_sweep", step_path: "steps[0]",
        step_label: label, direction: "none", step_record_index: index, test_time_s: Double(index) / 5,
        step_time_s: Double(index) / 5, unix_us: 0, voltage_V: voltage + offset, current_A: voltage / ohms,
        step_charge_Ah: 0, step_energy_Wh: 0, flags: [])
    }
  }

  private static func rest() -> [RecordFrame] {
    (0..<9).map { index in
      RecordFrame(
        run: 1, cell: "c", channel: "ch1", step_count: 1, step_kind: "rest", step_path: "steps[0]", step_label: "rest",
        direction: "none", step_record_index: index, test_time_s: 0, step_time_s: Double(index), unix_us: 0,
        voltage_V: 0, current_A: 0, step_charge_Ah: 0, step_energy_Wh: 0, flags: [])
    }
  }

  private static func report(
    _ plan: SelfTestPlan, _ records: [RecordFrame], state: String = "completed", reasons: [String] = []
  ) -> SelfTestReport {
    var report = SelfTestReport(
      instrument_family: "f", instrument_model: "m", instrument_serial: "s", driver_maturity: "emulated_only",
      channel: "ch1", run: 1, run_state: state, resistance_ohm: 1_000, tolerance_percent: 2)
    report.judge(plan, records, endedBy: reasons)
    return report
  }

  @Test func whatNeitherKeepsACurrentNorSweepsIsRefused() throws {
    for kinds in [[], ["rest"], ["rest", "constant_voltage"]] {
      let failure = try #require(throws: UsageFailure.self) { _ = try Self.plan(kinds) }
      #expect(failure.body.code == "selftest.kinds" && failure.body.message.contains("nothing would be tested"))
    }
    #expect(throws: UsageFailure.self) {
      _ = try SelfTestPlan(
        resistance_ohm: 1_000, current_A: nil,
        abilities: Self.abilities(["rest", "constant_current"], from: 0, to: 18))
    }
  }

  @Test func aSweepTakesTheRolesOfTheCurrents() throws {
    let currents = try Self.plan(["rest", "constant_current", "voltage_sweep", "constant_current_constant_voltage"])
    #expect(currents.steps.map(\.label) == ["rest", "charge", "discharge", "hold"])
    let sweeps = try Self.plan(["rest", "constant_voltage", "voltage_sweep"])
    #expect(sweeps.steps.map(\.label) == ["rest", "sweep-up", "sweep-down"])
    #expect(sweeps.protocolText.contains(#""to": "500000 uV", "back_to": "-500000 uV""#))
    #expect(sweeps.protocolText.contains(#""to": "-500000 uV", "back_to": "500000 uV""#))
  }

  @Test(
    arguments: [
      (1_000.0, 0.0, 0.5, nil), (1_015, 0, 0.5, nil), (1_000, 0.005, 0.5, nil), (1_000, 0, 0.49, nil),
      (1_200, 0, 0.5, "resistance 1.200 kohm instead of 1.000 kohm"),
      (833, 0, 0.5, "resistance 833.0 ohm instead of 1.000 kohm"), (-1_000, 0, 0.5, "instead of 1.000 kohm"),
      (1_000, 0.02, 0.5, "off the line"), (1_000, 0, 0.3, "swept to 300.0 mV instead of 500.0 mV"),
      (.infinity, 0, 0.5, "no current flowed"),
    ] as [(Double, Double, Double, String?)])
  func sweepsAreJudged(ohms: Double, offset: Double, reach: Double, expected: String?) throws {
    let plan = try Self.plan(["rest", "voltage_sweep"])
    let both = ["sweep-up", "sweep-down"].flatMap { Self.records($0, ohms: ohms, offset: offset, reach: reach) }
    let report = Self.report(plan, Self.rest() + both)
    #expect(report.passed == (expected == nil), "\(report.text)")
    if let expected { #expect(report.text.contains(expected), "\(report.text)") }
  }

  @Test func nothingPassesThatTestedNothing() throws {
    let plan = try Self.plan(["rest", "voltage_sweep"])
    let rest = Self.report(plan, Self.rest())
    #expect(!rest.passed && rest.text.contains("was not reached"))
    var empty = Self.report(plan, [])
    empty.steps = []
    empty.failures = []
    #expect(!empty.passed)
    let few = Self.rest() + Array(Self.records("sweep-up").prefix(5)) + Self.records("sweep-down")
    #expect(Self.report(plan, few).text.contains("5 readings of voltage and current only"))
  }

  @Test func whyARunEndedIsTold() throws {
    let plan = try Self.plan(["rest", "voltage_sweep"])
    let report = Self.report(plan, [], state: "ended", reasons: ["link.lost: hung up", "limit.time"])
    #expect(report.failures == ["the run was not completed but is ended", "link.lost: hung up", "limit.time"])
    #expect(report.text.contains("\nlink.lost: hung up\nlimit.time\nfailed\n"), "\(report.text)")
  }
}
