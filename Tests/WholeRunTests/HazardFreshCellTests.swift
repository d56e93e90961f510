// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Hazard rule 1 for the first minutes of a cell: a current that hardly moved it does not make it a cell that must stand
/// inside the limits, because it relaxes to where it came from.
@Suite struct HazardFreshCellTests {
  /// A fresh hard-carbon cell, discharged for some seconds by 100 µA; above the empty half-cycle's 1 µAh after 36 s.
  static func touched(seconds: Int, steps: String = HazardInterruptionTests.cycle) throws -> PilotBench {
    var bench = try HazardLimitTests.bench(steps)
    bench.start(at: 2.6)
    bench.accept()
    for _ in 0..<seconds { bench.read(2.2, -100e-6) }
    return bench
  }

  @Test(arguments: [(30, RunState.running), (40, .held)])
  func hazard01ACellThatHardlyMovedIsStillFreshWhenAPersonResumes(seconds: Int, state: RunState) throws {
    var bench = try Self.touched(seconds: seconds)
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 2.45, count: 10))
    #expect(bench.pilot.state == state)
    #expect(bench.journal.latches.isEmpty)
  }

  @Test(arguments: [(30, RunState.running), (40, .held)])
  func hazard01ACellThatHardlyMovedIsStillFreshAfterALostLink(seconds: Int, state: RunState) throws {
    var bench = try Self.touched(seconds: seconds)
    try bench.restart()
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 2.45, count: 10))
    #expect(bench.pilot.state == state)
  }

  @Test func hazard01ACellThatHardlyMovedMayRelaxAtRest() throws {
    var bench = try Self.touched(seconds: 10, steps: HazardCellTests.restInside)
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<90 { bench.read(2.45, 0) }
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)
    // Beyond where a fresh one may stand it latches.
    bench.read(3.4, 0)
    #expect(bench.wantsOpenCircuit && bench.journal.latches.first?.code == .limitVoltageHighAtRest)
  }

  /// An anode-free cell on its way from 0 V to its working window is neither here nor there.
  @Test(arguments: [(30, RunState.running), (40, .held)])
  func hazard01AFreshAnodeFreeCellMayStandBetweenItsWindows(seconds: Int, state: RunState) throws {
    let charge = #"{"charge": "100 uA", "until": ["voltage >= 4.25 V", "step_time >= 10 h"]}"#
    let discharge = #"{"discharge": "100 uA", "until": ["voltage <= 2 V", "step_time >= 10 h"]}"#
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-free",
          steps: #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + charge + ", " + discharge + "]}",
          voltage: ("1.9 V", "4.3 V"), open: ("-200 mV", "1 V"))))
    bench.start(at: 0.1)
    bench.accept()
    for _ in 0..<seconds { bench.read(2.4, 100e-6) }
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 1.4, count: 10))
    #expect(bench.pilot.state == state)
  }
}
