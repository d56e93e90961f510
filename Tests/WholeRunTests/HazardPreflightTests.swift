// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Hazard rule 19: nothing is closed on a cell that is not the one that the protocol expects.
@Suite struct HazardPreflightTests {
  /// Expects 1.5 V to 3.3 V.
  static func bench(_ settings: RunSettings = RunSettings(), open: (String, String) = ("1.5 V", "3.3 V")) throws
    -> PilotBench
  {
    PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: HazardLimitTests.discharge, open: open)), settings: settings
    )
  }

  static let steady = Array(repeating: 1.0, count: 10)

  struct Refusal: Sendable, CustomTestStringConvertible {
    var what: String
    var voltages: [Double?]
    var code: FaultCode
    var word: String
    var testDescription: String { what }
  }

  @Test(arguments: [
    Refusal(
      what: "reversed", voltages: Array(repeating: -2.6, count: 10), code: .preflightOutsideWindow, word: "reversed"),
    Refusal(
      what: "exactly zero", voltages: Array(repeating: 0, count: 10), code: .preflightExactlyZero, word: "shorted"),
    Refusal(
      what: "soft short", voltages: Array(repeating: 0.2, count: 10), code: .preflightOutsideWindow, word: "short"),
    Refusal(
      what: "another cell", voltages: Array(repeating: 4.1, count: 10), code: .preflightOutsideWindow,
      word: "wrong cell"),
    Refusal(
      what: "drifting", voltages: (0..<10).map { 2.6 - 0.006 * Double($0) }, code: .preflightDrifting, word: "open"),
    Refusal(
      what: "an open lead", voltages: (0..<10).map { $0 % 2 == 0 ? 2.6 : 5.9 }, code: .preflightDrifting,
      word: "lead is open"),
    Refusal(what: "blind", voltages: Array(repeating: nil, count: 10), code: .preflightNoReading, word: "measured"),
  ])
  func hazard19PreflightRefuses(_ refusal: Refusal) throws {
    var bench = try Self.bench()
    bench.feed(.begin)
    bench.check(refusal.voltages)
    #expect(bench.pilot.isOver && bench.pilot.state == .ended)
    #expect(bench.begun == 1)
    #expect(bench.setpoint?.mode == .openCircuit)
    // Refused, not latched: nothing happened to the cell.
    #expect(bench.journal.latches.isEmpty)
    let event = try #require(bench.journal.events.last { $0.code == refusal.code })
    #expect(event.severity == .alarm)
    #expect(event.detail.contains(refusal.word), "\(event.detail)")
  }

  @Test func hazard19AnAllowedVoltageIsLogged() throws {
    var settings = RunSettings()
    settings.allowedVoltageReason = "measured by hand"
    var bench = try Self.bench(settings)
    bench.feed(.begin)
    bench.check(Array(repeating: 0.9, count: 10))
    #expect(bench.pilot.state == .running)
    let event = try #require(bench.journal.events.last { $0.code == .preflightAllowed })
    #expect(event.actor == "tester" && event.detail.contains("measured by hand"))
  }

  /// On a resistor exactly nothing is right, and nothing else is that a cell is not allowed.
  @Test(
    arguments: [
      (Array(repeating: 0.0, count: 10), nil), (Array(repeating: 0.9, count: 10), .preflightOutsideWindow),
      ((0..<10).map { -0.04 + 0.008 * Double($0) }, .preflightDrifting),
    ] as [([Double], FaultCode?)])
  func hazard19AResistorMayShowExactlyNothing(_ voltages: [Double], _ refusal: FaultCode?) throws {
    var settings = RunSettings()
    settings.isOnResistor = true
    var bench = try Self.bench(settings, open: ("-50 mV", "50 mV"))
    bench.feed(.begin)
    bench.check(voltages)
    guard let refusal else {
      #expect(bench.pilot.state == .running)
      let event = try #require(bench.journal.events.last { $0.code == .preflightAllowed })
      #expect(event.actor == "tester" && event.severity == .warning && event.detail.contains("resistor"))
      return
    }
    #expect(bench.pilot.state == .ended && bench.journal.events.contains { $0.code == refusal })
    #expect(!bench.journal.events.contains { $0.code == .preflightAllowed })
  }

  /// A cell that is connected after all is found at rest by the run's own limits.
  @Test func hazard19ARestOnAResistorKeepsTheLimits() throws {
    var settings = RunSettings()
    settings.isOnResistor = true
    let steps = #"{"rest": "1 min"}, {"charge": "100 uA", "until": ["voltage >= 2 V", "step_time >= 1 h"]}"#
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: steps, open: ("-50 mV", "50 mV"))), settings: settings)
    bench.feed(.begin)
    bench.check(Array(repeating: 0, count: 10))
    bench.accept()
    bench.read(3.0, 0)
    #expect(bench.wantsOpenCircuit || bench.pilot.state != .running)
  }

  @Test func hazard19AnAllowedVoltageIsAllowedAtRestToo() throws {
    var settings = RunSettings()
    settings.allowedVoltageReason = "stored deeply discharged"
    let steps = #"{"rest": "1 min"}, {"charge": "100 uA", "until": ["voltage >= 2 V", "step_time >= 1 h"]}"#
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: steps, open: ("1.5 V", "3.3 V"))), settings: settings)
    bench.feed(.begin)
    bench.check(Array(repeating: -0.3, count: 10))
    bench.accept()
    bench.read(-0.3, 0)
    #expect(bench.pilot.state == .running && !bench.wantsOpenCircuit)
  }

  @Test func hazard19TheStartVoltageIsRecordZero() throws {
    var bench = try Self.bench()
    bench.start(at: 2.6)
    let record = try #require(bench.journal.records.first)
    #expect(record.stepID == RowIdentity.step(run: 7, count: 1) && record.index == 0)
    #expect(record.voltage == Voltage(millivolts: 2_600) && record.current == .zero)
  }
}
