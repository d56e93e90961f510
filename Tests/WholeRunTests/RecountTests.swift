// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// A run computed again from its records is the run, to the last digit. The worlds of the hazards and the random
/// interruptions are held to it as well (`HazardWorldTests.expectHonesty`).
@Suite struct RecountTests {
  /// Two currents with a rest between them in one half-cycle, a hold, a diagnostic pulse, and a rest behind each.
  private static let steps = """
    {"cycles": 3, "purpose": "formation", "label": "formation", "steps": [
      {"discharge": "2 mA", "until": ["voltage <= 10 mV", "step_time >= 4 min"]},
      {"rest": "1 min"},
      {"discharge": "1 mA", "to": "10 mV", "hold_until": ["current <= 100 uA", "hold_time >= 2 min"],
       "until": ["step_time >= 6 min"]},
      {"rest": "20 s"},
      {"charge": "2 mA", "diagnostic": true, "until": ["step_time >= 5 s", "voltage >= 2.0 V"]},
      {"charge": "2 mA", "until": ["voltage >= 2.0 V", "step_charge >= 60 uAh", "step_time >= 10 h"]},
      {"rest": "20 s"},
      {"charge": "0.4 mA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]},
      {"rest": "20 s"}
    ]}
    """
  private static let metrics =
    #""sodiation_plateau_below": "100 mV", "desodiation_plateau_below": "200 mV", "retention_reference": "formation cycle 2""#

  private func world(every: String = "7 s") throws -> RunWorld {
    let text = TestLaboratory.text(role: "anode-half-cell", steps: Self.steps, every: every, metrics: Self.metrics)
    return RunWorld(
      cell: try TestLaboratory.cell("hard-carbon", seed: 3), program: try TestLaboratory.program(text), seed: 3)
  }

  @Test func restsHoldsRatesAndPulsesComeToTheSameNumbers() throws {
    var world = try world()
    let isDone = world.runToEnd()
    #expect(isDone)
    #expect(world.journal.cycles.count == 3)
    #expect(world.journal.halfCycles.contains { $0.constantVoltageCharge != .zero })
    #expect(world.journal.halfCycles.allSatisfy { $0.plateauCharge != nil })
    #expect(world.journal.cycles.last?.retention != nil)
    world.journal.expectRecount(of: world.pilot.program)
  }

  /// What a plateau is follows from the thresholds alone: a run that was made with others gives the same records but for
  /// those at the crossing, and between two records the crossing is put on the line.
  @Test func otherParametersChangeWhatTheyAreAboutAndNothingElse() throws {
    var world = try world()
    let isDone = world.runToEnd()
    #expect(isDone)
    var parameters = world.pilot.program.metrics
    parameters.sodiationPlateauBelow = Voltage(millivolts: 50)
    parameters.desodiationPlateauBelow = nil
    parameters.retentionReference = CycleReference(purpose: .formation, number: 1)
    let again = Recounted(world.journal, role: .anodeHalfCell, parameters: parameters)
    for (new, old) in zip(again.cycles, world.journal.cycles) {
      #expect(new.coulombicEfficiency == old.coulombicEfficiency && new.chargeCapacity == old.chargeCapacity)
      #expect(new.cumulativeIrreversibleCharge == old.cumulativeIrreversibleCharge && new.flags == old.flags)
      let (less, more) = (try #require(new.sodiationPlateauCharge), try #require(old.sodiationPlateauCharge))
      #expect(less < more && less > .zero)
      #expect(new.desodiationPlateauCharge == nil)
    }
    #expect(again.cycles.map(\.retention).first == 1)
    #expect(world.journal.cycles.map(\.retention).first == .some(nil))
  }

  /// A run that ends in a rest inside a half-cycle counted the rest's records, and one that ends in the rest behind it did
  /// not: a voltage that relaxes below the threshold would tell.
  @Test(arguments: 1...40) func aRunThatIsStoppedAnywhereIsCountedAgain(turn: Int) throws {
    var world = try world()
    _ = world.run(turns: turn * 25, slice: 1) { $0.pilot.isOver }
    world.feedRun(.person(.stop, actor: "tester"))
    let isOver = world.run(turns: 200, slice: 1) { $0.pilot.isOver }
    #expect(isOver)
    world.journal.expectRecount(of: world.pilot.program, "stopped after \(turn * 25) turns")
  }

  /// Made by hand: the voltage is below the threshold in the rest alone.
  @Test(arguments: [false, true]) func aRestBelongsToTheHalfCycleWhileThatIsOpen(stopsInside: Bool) throws {
    let steps = """
      {"cycles": 1, "purpose": "life", "label": "x", "steps": [
        {"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 5 s"]}, {"rest": "1 min"},
        {"discharge": "50 uA", "until": ["voltage <= 10 mV", "step_time >= 5 s"]}, {"rest": "1 min"},
        {"charge": "100 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}]}
      """
    let text = TestLaboratory.text(
      role: "anode-half-cell", steps: steps, every: "1 s", empty: #"{"below": "0.001 uAh", "in_a_row": 9}"#)
    var bench = PilotBench(try TestLaboratory.program(text))
    bench.start(at: 2.0)
    func drive(_ amperes: Double) {
      bench.accept()
      for _ in 0..<5 { bench.read(0.5, amperes) }
      bench.end(.cutOff(0))
    }
    func rest(to end: Bool) {
      bench.accept()
      bench.read(0.09, 0)
      bench.read(0.6, 0)
      if end { bench.end(.cutOff(0)) }
    }
    drive(-100e-6)
    if !stopsInside {
      rest(to: true)
      drive(-50e-6)
    }
    rest(to: false)
    bench.feed(.person(.stop, actor: "anna"))
    bench.end(.requested)
    try #require(bench.pilot.isOver)
    let half = try #require(bench.journal.halfCycles.first)
    #expect(bench.journal.halfCycles.count == 1)
    #expect(half.plateauCharge == .zero, "the rest inside it was below the threshold")
    #expect(half.flags.contains(.truncated) == stopsInside)
    bench.journal.expectRecount(of: bench.pilot.program)
  }

  /// The rest that follows the half-cycle's last step is not its own.
  @Test func aRestBehindTheHalfCycleIsNotPartOfIt() throws {
    let steps = """
      {"cycles": 1, "purpose": "life", "label": "x", "steps": [
        {"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 5 s"]}, {"rest": "1 min"},
        {"charge": "100 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}]}
      """
    let text = TestLaboratory.text(
      role: "anode-half-cell", steps: steps, every: "1 s", empty: #"{"below": "0.001 uAh", "in_a_row": 9}"#)
    var bench = PilotBench(try TestLaboratory.program(text))
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<5 { bench.read(0.5, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.09, 0)
    bench.feed(.person(.stop, actor: "anna"))
    bench.end(.requested)
    #expect(bench.journal.halfCycles.first?.plateauCharge == .some(nil))
    bench.journal.expectRecount(of: bench.pilot.program)
  }

  /// The resistance is read in the first step that closes the circuit, however many set-points began before.
  @Test(arguments: [false, true]) func aSetpointThatNeverClosedSaysNothingOfTheResistance(skips: Bool) throws {
    let steps = """
      {"cycles": 1, "purpose": "life", "label": "x", "steps": [
        {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]}, {"rest": "30 s"},
        {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]},
        {"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}]}
      """
    let text = TestLaboratory.text(
      role: "anode-half-cell", steps: steps, every: "1 s",
      metrics: #""plateau_ir_correction": "10 s", "sodiation_plateau_below": "200 mV""#)
    var bench = PilotBench(try TestLaboratory.program(text))
    bench.start(at: 2.5)
    let token = try #require(bench.setpoint?.token)
    bench.feed(.driver(.began(channel: 0, token)))
    bench.feed(.person(.pause, actor: "anna"))
    bench.feed(.driver(.ended(channel: 0, token, .requested)))
    try #require(bench.pilot.state == .paused)
    if skips {
      bench.feed(.person(.skip, actor: "anna"))
      bench.feed(.person(.resume, actor: "anna"))
      bench.check(Array(repeating: 2.5, count: 10))
      if bench.setpoint?.mode == .openCircuit {
        bench.accept()
        for _ in 0..<30 { bench.read(2.5, 0) }
        bench.end(.cutOff(0))
      }
    } else {
      bench.feed(.person(.resume, actor: "anna"))
      bench.check(Array(repeating: 2.5, count: 10))
    }
    bench.accept()
    for second in 1...60 { bench.read(second < 20 ? 2.4 - Double(second) * 1e-3 : 0.05, -360e-6) }
    bench.feed(.person(.stop, actor: "anna"))
    bench.end(.requested)
    try #require(bench.pilot.isOver)
    let half = try #require(bench.journal.halfCycles.first)
    #expect(half.detail.resistances.tenSeconds != nil && half.detail.plateauIRCorrectedCharge != nil)
    bench.journal.expectRecount(of: bench.pilot.program)
  }

  /// A condition of a rest inside a half-cycle may end the run there: the rest was its own to the end.
  @Test func aHalfCycleThatIsLeftFromARestHasTheRest() throws {
    let steps = """
      {"cycles": 1, "purpose": "life", "label": "x", "steps": [
        {"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 5 s"]},
        {"rest": "1 min", "until": [{"when": "voltage >= 0.5 V", "go": "end"}]},
        {"discharge": "50 uA", "until": ["voltage <= 10 mV", "step_time >= 5 s"]},
        {"charge": "100 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}]}
      """
    let text = TestLaboratory.text(
      role: "anode-half-cell", steps: steps, every: "1 s", empty: #"{"below": "0.001 uAh", "in_a_row": 9}"#)
    var bench = PilotBench(try TestLaboratory.program(text))
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<5 { bench.read(0.5, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.09, 0)
    bench.read(0.6, 0)
    bench.read(0.6, 0)
    bench.end(.requested)
    try #require(bench.pilot.isOver)
    let half = try #require(bench.journal.halfCycles.first)
    #expect(bench.journal.halfCycles.count == 1 && half.plateauCharge == .zero, "\(half.endReason ?? "")")
    bench.journal.expectRecount(of: bench.pilot.program)
  }
}
