// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A thermometer beside the cell: what it lets a run do, what it stops, and what happens when it falls silent (hazard
// rule 17).

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

extension PilotBench {
  /// The run is told what its thermometer said, that long ago; nil for one that has said nothing.
  mutating func observe(_ degrees: Double?, saidBefore seconds: Double = 0) {
    last.removeAll()
    let said = HostInstant(microseconds: now.host.microseconds - Int64((seconds * 1e6).rounded()))
    let seen = degrees.map {
      ObservedTemperature(Temperature(millidegrees: Int64(($0 * 1_000).rounded())), arrivedAt: said)
    }
    pilot.observe(seen, at: now, into: &last)
    commands.append(contentsOf: last.commands)
    journal.keep(last)
  }

  /// What was stored of the temperature: step time in seconds and thousandths of a degree.
  var temperatures: [(stepID: Int64, seconds: Double, millidegrees: Int64?)] {
    journal.entries.compactMap { entry in
      guard case .temperature(let stepID, let time, let temperature) = entry else { return nil }
      return (stepID, Double(time.microseconds) / 1e6, temperature?.millidegrees)
    }
  }
}

@Suite struct ObservingTests {
  private static let charge = #"{"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}"#
  private static let wait = """
    {"rest": "8 h", "until": [{"when": "temperature >= 59 degC and temperature <= 61 degC", "for": "10 min"}]}
    """

  private static func program(_ steps: String, limit: String? = nil) throws -> Program {
    var text = TestLaboratory.text(role: "anode-half-cell", steps: steps)
    if let limit {
      text = text.replacing("\"half_cycle_charge\":", with: "\"temperature\": \(limit), \"half_cycle_charge\":")
    }
    return try TestLaboratory.program(text)
  }

  /// A run in its first step.
  private static func bench(_ steps: String, limit: String? = nil, at degrees: Double? = 25) throws -> PilotBench {
    var bench = PilotBench(try program(steps, limit: limit))
    bench.feed(.begin)
    bench.observe(degrees)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.observe(degrees)
    bench.accept()
    return bench
  }

  private static let limit = #"{"min": "10 degC", "max": "45 degC", "for": "10 s"}"#

  // MARK: Limits

  @Test(arguments: [(46.0, FaultCode.limitTemperatureHigh), (9.0, .limitTemperatureLow)])
  func aLimitMayBePassedForItsTime(degrees: Double, code: FaultCode) throws {
    var bench = try Self.bench(Self.charge, limit: Self.limit)
    for _ in 0..<30 {
      bench.read(1.5, 360e-6)
      bench.observe(45)
    }
    #expect(!bench.wantsOpenCircuit, "at the limit is not beyond it")
    for _ in 0..<10 {
      bench.read(1.5, 360e-6)
      bench.observe(degrees)
      #expect(!bench.wantsOpenCircuit)
    }
    // It comes back for a moment, and the time begins anew.
    bench.observe(25)
    for _ in 0..<10 {
      bench.read(1.5, 360e-6)
      bench.observe(degrees)
      #expect(!bench.wantsOpenCircuit)
    }
    bench.read(1.5, 360e-6)
    bench.observe(degrees)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.latches.map(\.code) == [code] && bench.pilot.state == .held)
  }

  @Test func aToleranceLastsOverTheEndOfAStep() throws {
    var bench = try Self.bench(Self.charge + ", " + Self.charge.replacing("2.0 V", with: "2.1 V"), limit: Self.limit)
    for _ in 0..<5 {
      bench.read(1.5, 360e-6)
      bench.observe(46)
    }
    bench.holdsCommits = true
    bench.end(.cutOff(0))
    bench.observe(46)
    bench.holdsCommits = false
    bench.feed(.committed)
    bench.accept()
    for _ in 0..<5 {
      #expect(!bench.wantsOpenCircuit)
      bench.read(1.5, 360e-6)
      bench.observe(46)
    }
    #expect(!bench.wantsOpenCircuit)
    bench.read(1.5, 360e-6)
    bench.observe(46)
    #expect(bench.wantsOpenCircuit)
  }

  @Test func farBeyondALimitActsAtOnce() throws {
    var bench = try Self.bench(Self.charge, limit: Self.limit)
    bench.read(1.5, 360e-6)
    bench.observe(50)
    #expect(!bench.wantsOpenCircuit)
    bench.observe(50.001)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.limitTemperatureHigh])
    let fault = try #require(bench.journal.latches.first)
    #expect(fault.detail == "50.001 degC beside the cell, above 45 degC")
  }

  @Test func aLimitActsAmongReadingsThatNeedNoJudgement() throws {
    var bench = try Self.bench(Self.charge, limit: Self.limit)
    for _ in 0..<2_000 { bench.read(1.5, 360e-6, after: 0.2) }
    bench.observe(60)
    #expect(bench.wantsOpenCircuit)
    bench.read(1.5, 360e-6, after: 0.2)
    bench.end(.requested)
    #expect(bench.pilot.state == .held)
  }

  @Test func aLimitActsAtRestAndInTheCheckBefore() throws {
    var resting = try Self.bench(#"{"rest": "8 h"}"#, limit: Self.limit)
    resting.read(1.0, 0)
    resting.observe(60)
    #expect(resting.wantsOpenCircuit)
    var checking = PilotBench(try Self.program(Self.charge, limit: Self.limit))
    checking.feed(.begin)
    checking.accept()
    checking.read(1.0, 0)
    checking.observe(60)
    #expect(checking.wantsOpenCircuit && checking.journal.latches.map(\.code) == [.limitTemperatureHigh])
  }

  @Test func withoutALimitNoTemperatureIsTooHigh() throws {
    var bench = try Self.bench(Self.charge)
    for degrees in [25.0, 90, 400, -90] {
      bench.read(1.5, 360e-6)
      bench.observe(degrees)
    }
    #expect(!bench.wantsOpenCircuit)
  }

  // MARK: Silence

  @Test(arguments: [true, false]) func silenceOpensTheCircuitOfWhoNeedsIt(byLimit: Bool) throws {
    let steps = byLimit ? Self.charge : Self.charge.replacing("[\"v", with: "[\"temperature >= 70 degC\", \"v")
    var bench = try Self.bench(steps, limit: byLimit ? Self.limit : nil)
    let began = bench.host
    while bench.host < began + 30 {
      bench.read(1.5, 360e-6)
      bench.observe(25, saidBefore: bench.host - began)
      #expect(!bench.wantsOpenCircuit)
    }
    bench.read(1.5, 360e-6)
    bench.observe(25, saidBefore: bench.host - began)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.pilot.state == .held && bench.journal.has(.observerSilent))
    #expect(bench.journal.latches.isEmpty, "the cell is not to blame")
    // A person who resumes too early is told so before anything is closed.
    let before = bench.begun
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.5, count: 10))
    bench.observe(nil)
    #expect(bench.pilot.state == .held && bench.begun == before + 1)
    bench.observe(25)
    bench.feed(.person(.resume, actor: "tester"))
    bench.check(Array(repeating: 1.5, count: 10))
    #expect(bench.pilot.state == .running && bench.begun == before + 3)
  }

  @Test func silenceDoesNotTouchWhoDoesNotNeedIt() throws {
    var bench = try Self.bench(Self.charge)
    for _ in 0..<600 {
      bench.read(1.5, 360e-6)
      bench.observe(25, saidBefore: 1_000)
    }
    #expect(!bench.wantsOpenCircuit && bench.pilot.state == .running)
  }

  @Test func onlyTheStepThatWaitsNeedsIt() throws {
    var bench = try Self.bench(Self.charge + ", " + Self.wait)
    for _ in 0..<60 {
      bench.read(1.5, 360e-6)
      bench.observe(nil)
    }
    #expect(!bench.wantsOpenCircuit)
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == .held, "a step that nobody can end is not begun")
    #expect(bench.journal.has(.observerSilent))
  }

  @Test func aDaemonThatStartsGivesItTheSamePatience() throws {
    var bench = try Self.bench(Self.charge, limit: Self.limit)
    bench.read(1.5, 360e-6)
    try bench.restart()
    bench.host += 20
    bench.feed(.instrumentReady)
    bench.accept()
    for _ in 0..<10 {
      bench.observe(nil)
      bench.read(1.5, 0)
    }
    bench.end(.cutOff(0))
    bench.accept()
    while bench.host < 1_061 {
      bench.read(1.5, 360e-6)
      bench.observe(nil)
    }
    #expect(!bench.wantsOpenCircuit)
    bench.read(1.5, 360e-6, after: 5)
    bench.observe(nil)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.has(.observerSilent))
  }

  @Test func aMachineThatSleptIsNoSilentThermometer() throws {
    var bench = try Self.bench(Self.charge, limit: Self.limit)
    bench.read(1.5, 360e-6)
    bench.observe(25)
    bench.host += 3_600
    bench.observe(25, saidBefore: 3_600)
    #expect(!bench.wantsOpenCircuit, "its next word is on its way")
    let woke = bench.host
    while bench.host < woke + 30 {
      bench.read(1.5, 360e-6)
      bench.observe(25, saidBefore: bench.host - woke + 3_600)
      #expect(!bench.wantsOpenCircuit)
    }
    bench.read(1.5, 360e-6)
    bench.observe(25, saidBefore: 3_631)
    #expect(bench.wantsOpenCircuit)
  }

  // MARK: Conditions

  @Test func aRestWaitsUntilTheWindowHasHeldForItsTime() throws {
    var bench = try Self.bench(Self.wait + ", " + Self.charge)
    func rest(_ minutes: Int, at degrees: Double) {
      for _ in 0..<minutes {
        bench.observe(degrees)
        bench.read(1.0, 0, after: 60)
      }
    }
    rest(30, at: 25)
    rest(9, at: 60)
    #expect(!bench.wantsOpenCircuit)
    rest(1, at: 61.1)
    rest(10, at: 59)
    #expect(!bench.wantsOpenCircuit)
    rest(1, at: 61)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.endedSteps.last == "temperature >= 59 degC and temperature <= 61 degC for 10 min")
  }

  @Test(arguments: [(">=", 44.999, 45.0), (">", 45.0, 45.001), ("<=", 45.001, 45.0), ("<", 45.0, 44.999)])
  func everyComparisonEndsAStep(comparison: String, not: Double, met: Double) throws {
    let steps = Self.charge.replacing("[\"v", with: "[\"temperature \(comparison) 45 degC\", \"v")
    var bench = try Self.bench(steps, at: not)
    for _ in 0..<100 {
      bench.observe(not)
      bench.read(1.5, 360e-6, after: 0.2)
    }
    #expect(!bench.wantsOpenCircuit)
    bench.observe(met)
    bench.read(1.5, 360e-6, after: 0.2)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.endedSteps.last == "temperature \(comparison) 45 degC")
  }

  @Test func whatIsNotKnownMeetsNothing() throws {
    for comparison in ["<", ">"] {
      let steps = Self.charge.replacing("[\"v", with: "[\"temperature \(comparison) 45 degC\", \"v")
      var bench = try Self.bench(steps, at: nil)
      for _ in 0..<10 {
        bench.observe(nil)
        bench.read(1.5, 360e-6)
      }
      #expect(!bench.wantsOpenCircuit)
    }
  }

  // MARK: Storing

  @Test func whatChangesAndWhatLastsIsStored() throws {
    var bench = try Self.bench(Self.charge, at: nil)
    bench.observe(nil)
    #expect(bench.temperatures.isEmpty, "a run without a thermometer stores nothing of it")
    for (degrees, seconds) in [(25.0, 1.0), (25.049, 1), (25.05, 1), (25.01, 1), (25.01, 30), (25.01, 30), (25.01, 30)]
    {
      bench.read(1.5, 360e-6, after: seconds)
      bench.observe(degrees)
    }
    #expect(bench.temperatures.map(\.millidegrees) == [25_000, 25_050, 25_010])
    bench.observe(25.2)
    bench.observe(25.4)
    #expect(bench.temperatures.count == 4, "one value a moment of the step")
    bench.read(1.5, 360e-6)
    bench.observe(nil)
    bench.read(1.5, 360e-6)
    bench.observe(nil)
    bench.read(1.5, 360e-6)
    bench.observe(26)
    #expect(bench.temperatures.map(\.millidegrees) == [25_000, 25_050, 25_010, 25_200, nil, 26_000])
    let seconds = bench.temperatures.map(\.seconds)
    #expect(seconds == seconds.sorted() && Set(seconds).count == seconds.count)
    #expect(Set(bench.temperatures.map(\.stepID)) == [bench.pilot.presentStepID])
  }

  /// A temperature of before a restart is not read on where nobody says one any more.
  @Test func afterARestartItIsNotKnown() throws {
    var bench = try Self.bench(Self.charge, at: 25)
    bench.read(1.5, 360e-6)
    #expect(bench.temperatures.last?.millidegrees == 25_000)
    try bench.restart()
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 1.45, count: 10))
    bench.accept()
    bench.read(1.5, 360e-6)
    bench.observe(nil)
    let count = bench.temperatures.count
    #expect(bench.temperatures.last.map { $0.millidegrees == nil } == true)
    bench.read(1.5, 360e-6)
    bench.observe(nil)
    #expect(bench.temperatures.count == count, "told once")
  }

  @Test func everyStepBeginsWithIt() throws {
    var bench = try Self.bench(Self.charge + ", " + #"{"rest": "8 h"}"#)
    bench.read(1.5, 360e-6)
    bench.end(.cutOff(0))
    bench.accept()
    let steps = bench.temperatures
    #expect(steps.map(\.seconds) == Array(repeating: 0, count: steps.count))
    #expect(Set(steps.map(\.stepID)).count == 3, "the check, the charge and the rest: \(steps)")
  }
}
