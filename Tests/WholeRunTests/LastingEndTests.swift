// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Conditions that must hold for some time, and those that are joined by `and`.
@Suite struct LastingEndTests {
  private static let lasting =
    #"{"discharge": "100 uA", "until": [{"when": "voltage <= 1 V", "for": "10 s"}, "step_time >= 10 h"]}"#

  private func driven(_ steps: String) throws -> PilotBench {
    var bench = try HazardLimitTests.bench(steps)
    bench.start(at: 2.0)
    bench.accept()
    return bench
  }

  /// Why the closed step ended.
  private func reason(_ bench: PilotBench) -> String? {
    bench.journal.entries.compactMap { entry in
      if case .stepEnded(_, _, let reason) = entry { reason } else { nil }
    }.last
  }

  @Test func aVoltageMustHoldAtEveryReading() throws {
    var bench = try driven(Self.lasting)
    // The instrument must not end by itself what only the host can judge.
    #expect(bench.setpoint?.cutOffs.map(\.quantity) == [.time])
    for _ in 0..<10 { bench.read(0.99, -100e-6) }
    bench.read(1.01, -100e-6)
    for _ in 0..<10 { bench.read(0.99, -100e-6) }
    #expect(!bench.wantsOpenCircuit, "nine seconds, and before them nine that do not count")
    bench.read(0.99, -100e-6)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(reason(bench) == "voltage <= 1 V for 10 s")
    #expect(bench.journal.latches.isEmpty)
  }

  @Test func aReadingWithoutAVoltageBreaksTheRow() throws {
    var bench = try driven(Self.lasting)
    for _ in 0..<10 { bench.read(0.99, -100e-6) }
    bench.read(nil, -100e-6)
    for _ in 0..<10 { bench.read(0.99, -100e-6) }
    #expect(!bench.wantsOpenCircuit)
  }

  @Test func afterAPauseTheTimeBeginsAnew() throws {
    var bench = try driven(Self.lasting)
    for _ in 0..<9 { bench.read(0.99, -100e-6) }
    bench.feed(.person(.pause, actor: "ada"))
    bench.end(.requested)
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 0.99, count: 10))
    bench.accept()
    // The first reading with the circuit closed is not judged yet; ten seconds begin with the second.
    for _ in 0..<11 { bench.read(0.99, -100e-6) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.99, -100e-6)
    #expect(bench.wantsOpenCircuit)
  }

  @Test func littleChargeAfterALongTimeAsksForAPerson() throws {
    // 100 µA for 60 s are 6 mC, 1.67 µAh.
    let dead = #"{"when": "step_charge <= 2 uAh and step_time >= 60 s", "go": "hold"}"#
    var bench = try driven(#"{"discharge": "100 uA", "until": [\#(dead), "voltage <= 10 mV", "step_time >= 10 h"]}"#)
    #expect(bench.setpoint?.cutOffs.map(\.quantity) == [.voltage, .time])
    for _ in 0..<59 { bench.read(1.5, -100e-6) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(1.5, -100e-6)
    bench.read(1.5, -100e-6)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.pilot.state == .held)
    #expect(reason(bench) == "step_charge <= 2 uAh and step_time >= 60 s")
  }
}
