// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Hazard rule 15: what a diagnostic step moves belongs to no half-cycle.
@Suite struct HazardDiagnosticTests {
  private static let pulse = #"{"charge": "1 mA", "until": ["step_time >= 10 s"], "diagnostic": true}"#
  private static let half = #"{"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]}"#

  /// A minute of discharge is behind the run, and the pulse within the half-cycle is accepted.
  private func pulsing(charge: String = "2 mAh", pulse: String = pulse) throws -> PilotBench {
    let steps = [Self.half, pulse, HazardLimitTests.discharge, HazardLimitTests.charge].joined(separator: ", ")
    var bench = try HazardLimitTests.bench(
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": [\#(steps)]}"#, charge: charge)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<60 { bench.read(1.0, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    return bench
  }

  @Test func hazard15ADiagnosticPulseCountsForNoHalfCycle() throws {
    var bench = try pulsing()
    for _ in 0..<10 { bench.read(1.1, 1e-3) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<30 { bench.read(0.02, -100e-6) }
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    // 60 s and 30 s of 100 µA less 2 ms each; ten seconds of 1 mA the other way are in no column.
    #expect(row.charge == Charge(nanocoulombs: 2 * -200 + 9_000_000))
    #expect(row.reverseCharge == .zero && row.flags.isEmpty)
    let steps = bench.journal.entries.compactMap { entry -> Int64?? in
      if case .stepStarted(let row) = entry, row.direction != .none { return .some(row.halfCycleID) }
      return nil
    }
    #expect(steps.prefix(3).map { $0 != nil } == [true, false, true], "the pulse's row names no half-cycle")
    #expect(steps[0] == steps[2])
  }

  @Test func hazard15AGapInADiagnosticMakesNoHalfCycleDoubtful() throws {
    var bench = try pulsing()
    bench.read(1.1, 1e-3)
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<30 { bench.read(0.02, -100e-6) }
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.gapCharge == .zero && !row.flags.contains(.chargeUnknown))
    #expect(row.flags.contains(.interrupted), "the half-cycle was left open for a minute all the same")
  }

  @Test func hazard15ADiagnosticIsHeldToTheChargeLimitByItself() throws {
    // 10 µAh = 36 mC: far from passed by the 6 mC of the half-cycle, and in the end by the pulse alone.
    let long = #"{"charge": "1 mA", "until": ["step_charge >= 9.9 uAh", "step_time >= 10 h"], "diagnostic": true}"#
    var bench = try pulsing(charge: "10 uAh", pulse: long)
    for _ in 0..<35 { bench.read(1.1, 1e-3) }
    #expect(!bench.wantsOpenCircuit)
    // A reading that comes late is beyond the step's own end and the limit at once: the limit is judged first.
    bench.read(1.1, 1e-3, after: 3)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == .limitHalfCycleCharge)
  }

  @Test func hazard15ARestartInADiagnosticKeepsItApart() throws {
    var bench = try pulsing()
    for _ in 0..<3 { bench.read(1.1, 1e-3) }
    try bench.restart()
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .interrupted)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.accept()
    for _ in 0..<7 { bench.read(1.1, 1e-3) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<30 { bench.read(0.02, -100e-6) }
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.charge == Charge(nanocoulombs: 2 * -200 + 9_000_000) && row.gapCharge == .zero)
  }
}
