// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Steps whose conditions say where the run goes on. The instrument is fed by hand.

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct StepEndTests {
  /// A charge that may end by its voltage, which leads elsewhere, or by its time; and two rests behind it.
  private static func bench(go: String) throws -> PilotBench {
    let steps = """
      {"charge": "360 uA", "until": [{"when": "voltage >= 2.0 V", "go": "\(go)"}, "step_time >= 10 h"]},
      {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]},
      {"rest": "17 min"}, {"rest": "19 min", "label": "later"}
      """
    var bench = PilotBench(
      try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps)))
    bench.start(at: 1.5)
    bench.accept()
    for _ in 0..<20 { bench.read(1.5, 360e-6) }
    return bench
  }

  @Test func aLabelIsGoneToAndTheHalfCycleIsWhole() throws {
    var bench = try Self.bench(go: "later")
    bench.end(.cutOff(0))
    #expect(bench.stepsTaken == [0, 3])
    let half = try #require(bench.journal.halfCycles.last)
    #expect(half.endReason == "voltage >= 2.0 V" && half.flags.isEmpty)
    let met = bench.journal.events.filter { $0.code == .runConditionMet }.map(\.detail)
    #expect(met == ["voltage >= 2.0 V, after 0 cycles: the run goes on at its label"])
    bench.accept()
    bench.read(1.9, 0)
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == .completed)
  }

  @Test func theProtocolCanEndInAStep() throws {
    var bench = try Self.bench(go: "end")
    bench.end(.cutOff(0))
    #expect(bench.stepsTaken == [0])
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.halfCycles.last?.flags.isEmpty == true, "the half-cycle came to its own end")
  }

  /// The circuit is open while the person is waited for, whatever happens to the daemon; then the next step follows.
  @Test func aPersonIsAskedBetweenTwoSteps() throws {
    var bench = try Self.bench(go: "hold")
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == .held && bench.pilot.isCircuitOpen)
    #expect(bench.journal.latches.isEmpty)
    #expect(bench.journal.events.last?.code == .runConditionHolds)
    try bench.restart()
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held)
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 1.5, count: 10))
    #expect(bench.stepsTaken == [0, 1])
  }

  /// Another condition of the same step leads to what follows, as ever; a skip too.
  @Test(arguments: [true, false])
  func whatDidNotEndTheStepLeadsNowhere(isSkipped: Bool) throws {
    var bench = try Self.bench(go: "end")
    if isSkipped {
      bench.feed(.person(.skip, actor: "ada"))
      bench.end(.requested)
    } else {
      bench.host += 36_000
      bench.clock += 36_000
      bench.read(1.5, 360e-6)
      if bench.wantsOpenCircuit { bench.end(.requested) }
    }
    #expect(!bench.journal.has(.runConditionMet))
    #expect(isSkipped ? bench.stepsTaken == [0, 1] : bench.pilot.state != .completed)
  }

  /// The step was over when its daemon died, and the next one knows where that leads.
  @Test func aRestartForgetsNotWhereAStepLeads() throws {
    var bench = try Self.bench(go: "later")
    bench.holdsCommits = true
    bench.end(.cutOff(0))
    try bench.restart()
    bench.holdsCommits = false
    bench.feed(.instrumentReady)
    if bench.setpoint?.mode == .openCircuit, bench.stepsTaken.last != 3 {
      bench.check(Array(repeating: 1.5, count: 10))
    }
    #expect(bench.stepsTaken.last == 3)
    #expect(!bench.stepsTaken.contains(1))
  }

  /// The instrument met the condition alone while the link was away: a person is asked all the same, also when somebody
  /// had paused the run meanwhile without knowing of it.
  @Test(arguments: [true, false])
  func aPersonIsAskedForWhatHappenedWhileTheLinkWasAway(isPaused: Bool) throws {
    var bench = try Self.bench(go: "hold")
    bench.feed(.instrumentLost(Fault(.linkLost, "made for a test")))
    if isPaused { bench.feed(.person(.pause, actor: "ada")) }
    bench.host += 40
    try HazardOrphanTests.tell(.cutOff(0), to: &bench, volts: 2.0)
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.has(.runConditionHolds) && bench.journal.latches.isEmpty)
    #expect(bench.stepsTaken == [0])
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 2.0, count: 10))
    #expect(bench.stepsTaken == [0, 1])
  }
}
