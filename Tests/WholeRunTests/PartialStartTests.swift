// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// A half-cycle that begins where the one before was cut short has a charge, but no cycle with it an efficiency.
@Suite struct PartialStartTests {
  private static let steps =
    #"{"cycles": 3, "purpose": "life", "label": "x", "steps": ["# + HazardLimitTests.discharge + ", "
    + HazardLimitTests.charge + "]}"

  /// Drives the present step for so many seconds and lets its voltage end it.
  private func half(_ bench: inout PilotBench, _ seconds: Int) {
    bench.accept()
    var isCharge = false
    if case .constantCurrent(let current)? = bench.setpoint?.mode { isCharge = current > .zero }
    for _ in 0..<seconds { bench.read(0.5, isCharge ? 100e-6 : -100e-6) }
    bench.end(.cutOff(0))
  }

  private func started(earlier: EarlierHalfCycle? = nil) throws -> PilotBench {
    var bench = try HazardLimitTests.bench(Self.steps)
    if earlier != nil {
      var identity = PilotBench.identity
      identity.earlierHalfCycle = earlier
      bench.pilot = RunPilot(
        identity: identity, program: bench.pilot.program, settings: RunSettings(), instrumentIsHere: true)
    }
    bench.start(at: 2.0)
    return bench
  }

  @Test(arguments: [false, true]) func theCycleBehindASkippedHalfCycleHasNoEfficiency(restarts: Bool) throws {
    var bench = try started()
    half(&bench, 600)
    bench.accept()
    for _ in 0..<60 { bench.read(0.5, 100e-6) }
    bench.feed(.person(.skip, actor: "anna"))
    bench.end(.requested)
    if restarts {
      try bench.restart()
      bench.feed(.instrumentReady)
      bench.check(Array(repeating: 0.51, count: 10))
    }
    half(&bench, 60)
    half(&bench, 540)
    half(&bench, 600)
    half(&bench, 540)
    bench.journal.expectRecount(of: bench.pilot.program)
    let rows = bench.journal.halfCycles
    #expect(rows.map { $0.flags.contains(.truncated) } == [false, true, false, false, false, false])
    #expect(rows.map { $0.flags.contains(.partialStart) } == [false, false, true, false, false, false])
    let cycles = bench.journal.cycles
    #expect(cycles.map { $0.coulombicEfficiency == nil } == [true, true, false])
    #expect(cycles.map { $0.flags.contains(.partialStart) } == [false, true, false])
    if !restarts { #expect(cycles[1].dischargeCapacity != nil, "what flowed is known") }
  }

  /// It was skipped before it had moved anything, so the next one begins where it has ended already.
  @Test func aHalfCycleBehindOneOfItsOwnDirectionBeginsPartially() throws {
    var bench = try started()
    half(&bench, 600)
    bench.accept()
    bench.feed(.person(.skip, actor: "anna"))
    bench.end(.requested)
    half(&bench, 2)
    half(&bench, 540)
    #expect(bench.journal.halfCycles.map { $0.flags.contains(.partialStart) } == [false, false, true, false])
    #expect(bench.journal.cycles.map { $0.coulombicEfficiency == nil } == [true, true])
  }

  @Test func aRunOnACellThatAnotherLeftInTheMiddleBeginsPartially() throws {
    for (isWhole, direction, expected) in [
      (true, Direction.charge, false), (false, .charge, true), (true, .discharge, true),
    ] {
      var bench = try started(
        earlier: EarlierHalfCycle(direction: direction, isWhole: isWhole, endedAtVoltage: isWhole))
      half(&bench, 600)
      half(&bench, 540)
      #expect(bench.journal.cycles.map { $0.flags.contains(.partialStart) } == [expected])
      #expect(bench.journal.cycles.map { $0.coulombicEfficiency == nil } == [expected])
    }
  }

  /// Accepted, and then the daemon died before the run had said a word of it.
  @Test func aSkipThatWasAcceptedIsCarriedOutByTheNextDaemon() throws {
    var bench = try HazardInterruptionTests.running()
    let step = try #require(bench.pilot.presentStepID)
    try bench.restart()
    bench.pilot.restoreSkip(of: step - 1, actor: "anna")
    bench.pilot.restoreSkip(of: step, actor: "anna")
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(bench.stepsTaken == [0, 1])
    #expect(bench.journal.endedSteps.contains("skipped by anna"))
    #expect(bench.journal.halfCycles.map(\.endReason) == ["skipped by anna"])
    #expect(bench.journal.events.count { $0.code == .runStepSkipped && $0.actor == "anna" } == 1)
    // The step that was meant is over: another is not skipped for it.
    try bench.restart()
    bench.pilot.restoreSkip(of: step, actor: "anna")
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(bench.stepsTaken == [0, 1, 1])
  }

  /// Whoever looks at a run that waits sees what its half-cycle has come to, not nothing.
  @Test func aRunThatWaitsTellsItsHalfCycle() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    let row = try #require(bench.journal.openHalfCycle)
    #expect(row.endReason == nil && row.charge.nanocoulombs > 5_800_000)
  }
}
