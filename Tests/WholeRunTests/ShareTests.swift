// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Currents and charges that are shares of what the run's own cycles show. The instrument is fed by hand, so that each
// cycle moves what a test wants: 360 µA for 20 s are 2 µAh, which two milliseconds make a ten-thousandth less.

import CyclerModel
import CyclingEngine
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct ShareTests {
  private static func program(_ steps: String, cycles: Int = 2) throws -> Program {
    try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(cycles) + ", " + steps,
        empty: #"{"below": "0.01 uAh", "in_a_row": 3}"#))
  }

  private static func bench(_ program: Program, desodiations: [Double]) -> PilotBench {
    var bench = PilotBench(program)
    bench.start(at: 2.5)
    for seconds in desodiations { bench.cycle(desodiation: seconds) }
    return bench
  }

  /// What the set-point that was asked for last drives.
  private static func amperes(_ bench: PilotBench) -> Double? {
    guard case .constantCurrent(let current)? = bench.setpoint?.mode else { return nil }
    return Double(current.picoamperes) / 1e12
  }

  private static func coulombs(_ rows: [HalfCycleRow], _ direction: Direction) -> [Double] {
    rows.filter { $0.direction == direction }.map { abs(Double($0.charge.nanocoulombs)) / 1e9 }
  }

  private static let step =
    #"{"discharge": "2 C of charge_capacity", "current_at_most": "1 mA", "until": "#
    + #"["step_charge >= 50 % of charge_capacity", "voltage <= 10 mV", "step_time >= 9 h"]}"#

  @Test func theLastCycleSaysCurrentAndCharge() throws {
    var bench = Self.bench(try Self.program(Self.step), desodiations: [20, 10])
    let last = try #require(Self.coulombs(bench.journal.halfCycles, .charge).last)
    let current = try #require(Self.amperes(bench))
    #expect(abs(current + last / 1_800) < 1e-12)
    // A quarter of an hour moves the half: at 899 s it is not there yet, at 901 s it is.
    bench.accept()
    bench.read(0.5, current, after: 899)
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.5, current, after: 2)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.endedSteps.last == "step_charge >= 50 % of charge_capacity")
  }

  /// The daemon dies and the checkpoint brings the share back, to the picoampere.
  @Test func aRestoredRunDrivesTheSameCurrent() throws {
    var bench = Self.bench(try Self.program(Self.step), desodiations: [20, 13])
    let current = try #require(Self.amperes(bench))
    bench.accept()
    for _ in 1...20 { bench.read(0.5, current) }
    try bench.restart()
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(Self.amperes(bench) == current)
    bench.accept()
    bench.read(0.5, current, after: 870)
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.5, current, after: 15)
    #expect(bench.wantsOpenCircuit)
  }

  /// Cycles that move only a part of the capacity would take ever smaller parts of a part.
  @Test func aNamedCycleStaysTheMeasure() throws {
    let named = Self.step.replacing("charge_capacity\"", with: "charge_capacity of life cycle 1\"")
    let bench = Self.bench(try Self.program(named), desodiations: [20, 10])
    let charged = Self.coulombs(bench.journal.halfCycles, .charge)
    #expect(abs(try #require(Self.amperes(bench)) + charged[0] / 1_800) < 1e-12)
  }

  /// The most is what flows where the share would be more.
  @Test func aShareIsBounded() throws {
    let bench = Self.bench(
      try Self.program(Self.step.replacing("1 mA", with: "3 uA")), desodiations: [20, 20])
    #expect(Self.amperes(bench) == -3e-6)
  }

  /// A cycle that a person cut short shows no capacity: the one before is the measure.
  @Test func aTruncatedCycleShowsNothing() throws {
    var bench = Self.bench(try Self.program(Self.step), desodiations: [20])
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 5)
    bench.feed(.person(.skip, actor: "tester"))
    bench.end(.requested)
    bench.rest()
    let charged = Self.coulombs(bench.journal.halfCycles, .charge)
    #expect(abs(try #require(Self.amperes(bench)) + charged[0] / 1_800) < 1e-12)
  }

  /// A slipped clip for one cycle does not make the next current that of nothing.
  @Test func anEmptyCycleShowsNothing() throws {
    var bench = Self.bench(try Self.program(Self.step), desodiations: [20])
    bench.half(-360e-6, seconds: 20)
    bench.half(360e-6, seconds: 0.05)
    #expect(bench.journal.cycles.last?.flags.contains(.empty) == true)
    let charged = Self.coulombs(bench.journal.halfCycles, .charge)
    #expect(abs(try #require(Self.amperes(bench)) + charged[0] / 1_800) < 1e-12)
  }

  /// What a share came to is in the events, with what of it may flow.
  @Test func whatAShareComesToIsTold() throws {
    var bench = Self.bench(
      try Self.program(Self.step.replacing("1 mA", with: "3 uA")), desodiations: [20, 20])
    bench.accept()
    let told = bench.journal.events.filter { $0.code == .runShareResolved }.map(\.detail)
    #expect(told.count == 1)
    #expect(told.first?.contains("of which 3 uA may flow; `50 % of charge_capacity` is") == true, "\(told)")
  }

  /// Of the cycles that were over before capacities were remembered nobody knows which is which.
  @Test func anOlderCheckpointNamesNoCycle() throws {
    var bench = Self.bench(try Self.program(Self.step, cycles: 3), desodiations: [20])
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    // Format 9 added two charges, four counts of cycles and the number of those that are named.
    let format9 = try PilotBench.checkpoint(writer.bytes, asFormat: 9, of: bench.pilot.program)
    var bytes = Array(format9.dropLast(2 * 9 + 4 * 8 + 4))
    bytes[0] = 8
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: bytes,
      since: bench.now.unix)
    let named = try Self.program(
      Self.step.replacing("charge_capacity\"", with: "charge_capacity of life cycle 2\""), cycles: 3)
    #expect(throws: AmendmentObstacle.cycleForgotten("life cycle 2")) {
      try bench.pilot.amend(by: named, revision: 2)
    }
    _ = try bench.pilot.amend(by: Self.program(Self.step, cycles: 3), revision: 2)
  }

  /// An amendment may name the cycle that is under way, and no earlier one that the run did not remember.
  @Test func anAmendmentMayNameTheCycleUnderWay() throws {
    var bench = Self.bench(try Self.program(Self.step, cycles: 3), desodiations: [20])
    bench.drive(-360e-6, seconds: 20)
    func named(_ cycle: Int) throws -> Program {
      try Self.program(
        Self.step.replacing("charge_capacity\"", with: "charge_capacity of life cycle \(cycle)\""), cycles: 3)
    }
    #expect(throws: AmendmentObstacle.cycleForgotten("life cycle 1")) {
      try bench.pilot.amend(by: named(1), revision: 2)
    }
    #expect(try bench.pilot.amend(by: named(2), revision: 2) == .nextCycle)
    bench.end(.cutOff(0))
    bench.rest()
    bench.half(360e-6, seconds: 10)
    bench.cycle(desodiation: 20)
    let charged = Self.coulombs(bench.journal.halfCycles, .charge)
    try #require(charged.count == 3)
    #expect(abs(try #require(Self.amperes(bench)) + charged[1] / 1_800) < 1e-12)
  }

  /// A cycle of which nothing could begin is one of its purpose all the same, so the next one is not taken for it.
  @Test func aSkippedCycleIsCounted() throws {
    let stuck = Self.step.replacing("charge_capacity\"", with: "charge_capacity of life cycle 1\"")
    let charge =
      #"{"charge": "2 C of charge_capacity of life cycle 1", "current_at_most": "1 mA", "#
      + #""until": ["voltage >= 2 V", "step_time >= 9 h"]}"#
    let rate = #"{"cycles": 1, "purpose": "rate", "label": "rate", "steps": [\#(stuck), \#(charge)]}"#
    var bench = Self.bench(try Self.program(rate, cycles: 1), desodiations: [])
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 5)
    bench.feed(.person(.skip, actor: "tester"))
    bench.end(.requested)
    bench.rest()
    for _ in 0..<2 {
      #expect(bench.pilot.state == .held)
      bench.feed(.person(.skip, actor: "tester"))
      bench.feed(.person(.resume, actor: "tester"))
      bench.check(Array(repeating: 1.0, count: 10))
    }
    #expect(bench.pilot.state == .completed)
    let last = try #require(bench.journal.cycles.last)
    #expect(last.purpose == .rate && last.flags.contains(.truncated) && last.coulombicEfficiency == nil)
  }

  /// Skipping leaves out the step that cannot begin; the circuit stays open until somebody resumes the run.
  @Test func aStepThatCannotBeginIsSkipped() throws {
    var bench = Self.bench(try Self.program(Self.step + #", {"rest": "3 min"}"#, cycles: 1), desodiations: [])
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 5)
    bench.feed(.person(.skip, actor: "tester"))
    bench.end(.requested)
    bench.rest()
    #expect(bench.pilot.state == .held && bench.pilot.canSkip)
    let begun = bench.begun
    let step = try #require(bench.setpoint?.token.stepCount)
    #expect(bench.pilot.obstacle(to: .skip, step: step) == .anotherStep(step + 1))
    #expect(bench.pilot.obstacle(to: .skip, step: step + 1) == nil)
    bench.feed(.person(.skip, actor: "tester"))
    #expect(bench.pilot.state == .held && !bench.pilot.canSkip && bench.begun == begun)
    #expect(bench.journal.events.last { $0.code == .runStepSkipped }?.detail == "steps[1] skipped before it began")
    // It would have been a half-cycle.
    #expect(bench.journal.halfCycles.last?.flags.isSuperset(of: [.truncated, .empty]) == true)
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.0, count: 10))
    #expect(bench.pilot.state == .running && bench.setpoint?.mode == .openCircuit)
    bench.rest()
    #expect(bench.pilot.state == .completed)
  }

  /// The circuit stays open and nothing is latched; a person who resumes meets the same question.
  @Test func whatNobodyHasMeasuredIsNotDriven() throws {
    var bench = Self.bench(try Self.program(Self.step, cycles: 1), desodiations: [])
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 5)
    bench.feed(.person(.skip, actor: "tester"))
    bench.end(.requested)
    bench.rest()
    #expect(bench.pilot.state == .held && bench.journal.latches.isEmpty)
    let told = bench.journal.events.filter { $0.code == .runCapacityUnknown }.map(\.detail)
    #expect(
      told == ["`2 C of charge_capacity` is not known: no whole cycle of the run has shown that capacity"])
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.0, count: 10))
    #expect(bench.pilot.state == .held && bench.journal.latches.isEmpty)
  }
}
