// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Currents and charges that are shares of what the run's own cycles show. The instrument is fed by hand, so that each
// cycle moves what a test wants: 360 µA for 20 s are 2 µAh, which two milliseconds make a ten-thousandth less.

import CyclerModel
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
