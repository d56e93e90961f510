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
    bench.feed(HazardInterruptionTests.lost)
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
