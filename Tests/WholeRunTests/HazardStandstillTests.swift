// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Hazard rule 3 where nobody said that anything was interrupted: clocks that were put back, machines that slept, and
/// a store that takes nothing for a long time.
@Suite struct HazardStandstillTests {
  // MARK: Clocks

  @Test(arguments: [("hold", RunState.held), ("end", .ended)])
  func hazard03AClockThatWentBackFollowsThePolicy(otherwise: String, state: RunState) throws {
    var bench = try HazardInterruptionTests.running(otherwise)
    try bench.restart()
    // A minute by the steady clock, an hour back by the calendar: nobody can say how long it was.
    bench.host += 60
    bench.calendarStep = -3_600
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == state)
    #expect(bench.begun == begun)
    let event = try #require(bench.journal.events.last { $0.code == .runInterruptionTooLong })
    #expect(event.severity == .alarm)
  }

  /// Within the life of one daemon the steady clock tells how long it was, wherever the calendar goes meanwhile.
  @Test(arguments: [(29.0, -86_400.0), (29, 86_400), (31, 0), (31, -1_800)])
  func hazard03TheSteadyClockMeasuresAnInterruption(minutes: Double, calendarStep: Double) throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(HazardInterruptionTests.lost)
    bench.host += minutes * 60
    bench.calendarStep = calendarStep
    bench.feed(.instrumentReady)
    #expect(bench.journal.has(.runInterruptionTooLong) == (minutes > 30))
    if minutes < 30 { bench.check(Array(repeating: 0.5, count: 10)) }
    #expect(bench.pilot.state == (minutes > 30 ? .held : .running))
  }

  // MARK: A machine that slept

  @Test(arguments: [(29.0, RunState.interrupted), (31, .held)])
  func hazard03AMachineThatSleptIsJudgedLikeOneThatWasAway(minutes: Double, state: RunState) throws {
    var bench = try HazardInterruptionTests.running()
    let begun = bench.begun
    // The instrument's lease ran out meanwhile; what it said is read when the machine wakes.
    bench.host += minutes * 60
    bench.read(0.5, -100e-6)
    bench.end(.leaseExpired)
    #expect(bench.pilot.state == state)
    // Short: the open circuit is measured. Long: nothing at all.
    #expect(bench.begun == begun + (state == .held ? 0 : 1))
    #expect(bench.setpoint?.mode == .openCircuit || state == .held)
    #expect(bench.journal.has(.runInterruptionTooLong) == (state == .held))
  }

  @Test func hazard03SilenceOfAnEarlierSetpointIsForgotten() throws {
    var bench = try HazardInterruptionTests.running()
    // A pause of a day is no interruption: a person ends it.
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.host += 86_400
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.5, count: 10))
    bench.accept()
    bench.read(0.5, -100e-6)
    bench.end(.leaseExpired)
    #expect(bench.pilot.state == .interrupted && !bench.journal.has(.runInterruptionTooLong))
  }

  /// What is read after a long sleep may say that the step ended properly: the cell has stood since nevertheless.
  @Test(arguments: [(29.0, RunState.running), (31, .held)])
  func hazard03AStepThatEndedWhileTheMachineSleptIsFollowedByThePolicy(minutes: Double, state: RunState) throws {
    var bench = try HazardInterruptionTests.running()
    let begun = bench.begun
    bench.host += minutes * 60
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == state)
    #expect(bench.begun == begun + (state == .held ? 0 : 1))
    // The step itself is over, and a person goes on with the next.
    #expect(bench.journal.halfCycles.last?.endReason == "voltage <= 10 mV")
    guard state == .held else { return }
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.stepsTaken == [0, 1])
  }

  @Test func hazard03AnOpenCircuitMeasuredBeforeASleepCountsForNothing() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.accept()
    for _ in 0..<5 { bench.read(0.5, 0) }
    bench.host += 10 * 3_600
    for _ in 0..<5 { bench.read(0.5, 0) }
    let begun = bench.begun
    bench.end(.cutOff(0))
    #expect(bench.begun == begun && bench.pilot.state == .held)

    var fresh = try HazardLimitTests.bench(HazardLimitTests.discharge)
    fresh.feed(.begin)
    fresh.accept()
    for _ in 0..<5 { fresh.read(2.0, 0) }
    fresh.host += 10 * 3_600
    for _ in 0..<5 { fresh.read(2.0, 0) }
    fresh.end(.cutOff(0))
    #expect(fresh.begun == 2 && fresh.setpoint?.mode == .openCircuit)
  }

  @Test func aShortResumeWithinDoesNotMakeEveryReadingAnInterruption() throws {
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: HazardInterruptionTests.cycle,
          interruption: #""resume_within": "1 ms", "otherwise": "hold""#)))
    bench.start(at: 2.0)
    bench.holdsCommits = true
    bench.accept()
    for _ in 0..<3 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    bench.host += 0.1
    bench.feed(.committed)
    #expect(bench.pilot.state == .running && bench.stepsTaken == [0, 1])
  }

  // MARK: Since when

  @Test(arguments: [false, true])
  func hazard03APauseWhileAwayDoesNotShortenTheInterruption(dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 20 * 60
    bench.feed(.person(.pause, actor: "anna"))
    #expect(bench.pilot.state == .paused && !bench.pilot.isCircuitOpen)
    if dies { try bench.restart() }
    bench.feed(.person(.resume, actor: "anna"))
    if dies { try bench.restart() }
    bench.host += 20 * 60
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.begun == begun && bench.pilot.state == .held)
    #expect(bench.journal.has(.runInterruptionTooLong))
  }

  @Test(arguments: [false, true])
  func hazard03ALinkThatComesAndGoesDoesNotShortenTheInterruption(dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    for _ in 0..<2 {
      if dies { try bench.restart() } else { bench.feed(HazardInterruptionTests.lost) }
      bench.host += 20 * 60
      bench.feed(.instrumentReady)
      // Hardly is it there when it goes again.
      if bench.pilot.state != .held { bench.accept() }
    }
    #expect(bench.pilot.state == .held && bench.journal.has(.runInterruptionTooLong))
    // Once a step went on, another interruption counts from its own beginning.
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.5, count: 10))
    bench.accept()
    bench.read(0.5, -100e-6)
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 20 * 60
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(bench.pilot.state == .running)
  }

  /// A step that was only asked for has not gone on: what is found is compared with where the cell was left at first.
  @Test(arguments: [(1.2, 0.0), (0.9, 1_200.0)])
  func hazard03AStepThatWasOnlyAskedForDoesNotEndTheInterruption(volts: Double, seconds: Double) throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(HazardInterruptionTests.lost)
    bench.host += seconds
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.9, count: 10))
    #expect(bench.pilot.state == .running)
    bench.feed(HazardInterruptionTests.lost)
    bench.host += seconds
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: volts, count: 10))
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.has(seconds > 0 ? .runInterruptionTooLong : .runVoltageChanged))
  }

  @Test func hazard03AnOpenCircuitWhoseLinkGoesIsNotInterrupted() throws {
    var bench = try HazardInterruptionTests.running()
    // Interrupted once at 0.5 V, so that an old voltage is known.
    bench.feed(HazardInterruptionTests.lost)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    bench.accept()
    for _ in 0..<60 { bench.read(1.4, -100e-6) }
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 86_400
    bench.feed(.person(.resume, actor: "anna"))
    bench.host += 60
    bench.feed(.instrumentReady)
    // A minute since a person resumed, and the cell stands where it was left, not where it once was.
    bench.check(Array(repeating: 1.4, count: 10))
    #expect(bench.pilot.state == .running)
  }

  @Test func hazard22ARunThatWasPausedOverARestartForgetsTheRestart() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    try bench.restart()
    bench.host += 600
    bench.feed(.instrumentReady)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.5, count: 10))
    bench.accept()
    for _ in 0..<100 { bench.read(0.5, -100e-6) }
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    // 10 s of pre-flight, 60 s of step, 600 s of pause, 10 s of check, 100 s of step, 60 s away, 10 s of check.
    let started = bench.journal.entries.compactMap { entry in
      if case .stepStarted(let row) = entry { return row.startedTestTime.microseconds }
      return nil
    }
    #expect(abs(try #require(started.last) - 850_000_000) <= 10_000)
    // This daemon saw all of the second part: the gap has a bound.
    bench.accept()
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    #expect(try #require(bench.journal.halfCycles.last).gapCharge != nil)
  }

  @Test func aProgramThatIsDoneNeedsNoPolicy() throws {
    var bench = try HazardInterruptionTests.running(steps: HazardLimitTests.discharge)
    bench.holdsCommits = true
    bench.end(.cutOff(0))
    try bench.restart()
    bench.holdsCommits = false
    bench.host += 86_400
    bench.feed(.instrumentReady)
    #expect(bench.pilot.isOver && bench.pilot.state == .completed)
  }

  // MARK: A store that takes nothing

  @Test func aStoreThatTakesNothingHoldsTheRun() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.storeFull)
    #expect(bench.wantsOpenCircuit && bench.pilot.state == .running)
    bench.end(.requested)
    #expect(bench.pilot.state == .held && bench.journal.has(.storeFull))
    // The cell is well: a person resumes without clearing anything.
    #expect(bench.journal.latches.isEmpty)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(bench.pilot.state == .running)
  }

  @Test func hazard13AStoreThatNeverCommitsHoldsTheRunBeforeItsCurrent() throws {
    var bench = try HazardInterruptionTests.running()
    bench.holdsCommits = true
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    let begun = bench.begun
    bench.feed(.storeFull)
    #expect(bench.pilot.state == .held)
    // The commit that comes after all begins nothing.
    bench.feed(.committed)
    #expect(bench.begun == begun && bench.pilot.state == .held)
  }

  @Test func aRunThatWaitsHasNothingToStopForTheStore() throws {
    var paused = try HazardInterruptionTests.running()
    paused.feed(.person(.pause, actor: "anna"))
    paused.end(.requested)
    paused.feed(.storeFull)
    #expect(paused.pilot.state == .paused && !paused.journal.has(.storeFull))

    var away = try HazardInterruptionTests.running()
    away.feed(HazardInterruptionTests.lost)
    away.feed(.storeFull)
    #expect(away.pilot.state == .interrupted && !away.journal.has(.storeFull))
    away.host += 60
    away.feed(.instrumentReady)
    away.check(Array(repeating: 0.5, count: 10))
    #expect(away.pilot.state == .running)
  }
}
