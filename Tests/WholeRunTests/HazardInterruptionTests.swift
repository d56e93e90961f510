// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// The hazard rules around interruptions, with an instrument that is away, slow or silent exactly when a test wants.
@Suite struct HazardInterruptionTests {
  static let cycle =
    #"{"cycles": 2, "purpose": "life", "label": "x", "steps": ["# + HazardLimitTests.discharge + ", "
    + HazardLimitTests.charge + "]}"

  /// 100 µA at 0.5 V, one minute into the first discharge.
  static func running(_ otherwise: String = "hold", steps: String = cycle) throws -> PilotBench {
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: steps,
          interruption: "\"resume_within\": \"30 min\", \"otherwise\": \"\(otherwise)\"")))
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<60 { bench.read(0.5, -100e-6) }
    return bench
  }

  static let lost = RunInput.instrumentLost(Fault(.linkLost, "unplugged by the test"))

  // MARK: Rule 3

  @Test func hazard03AShortInterruptionGoesOnAfterACheck() throws {
    var bench = try Self.running()
    bench.feed(Self.lost)
    #expect(bench.pilot.state == .interrupted)
    bench.host += 29 * 60
    bench.feed(.instrumentReady)
    // Nothing is closed before the open circuit was measured.
    #expect(bench.setpoint?.mode == .openCircuit)
    bench.check(Array(repeating: 0.6, count: 10))
    #expect(bench.pilot.state == .running)
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: -100_000_000)))
    // What the step had behind it is taken off its own time.
    let left = try #require(bench.setpoint).cutOffs[1].threshold
    #expect(left == 35_940_002_000)
    let note = try #require(bench.journal.events.last { $0.code == .runResumed })
    #expect(note.detail.contains("600 mV"))
  }

  @Test(arguments: [("hold", RunState.held), ("end", .ended)])
  func hazard03ARunThatWaitsForItsInstrumentAtFirstFollowsThePolicy(otherwise: String, state: RunState) throws {
    let program = try Self.running(otherwise).pilot.program
    for (minutes, isTooLong) in [(29.0, false), (31, true)] {
      var bench = PilotBench(program)
      bench.feed(Self.lost)
      bench.feed(.begin)
      #expect(bench.pilot.state == .interrupted && bench.begun == 0)
      bench.host += minutes * 60
      bench.feed(.instrumentReady)
      #expect(bench.pilot.state == (isTooLong ? state : .preflight))
      #expect(bench.begun == (isTooLong ? 0 : 1))
      guard isTooLong, state == .held else { continue }
      // Whoever lets it go on has not measured the cell: the pre-flight is still before it.
      bench.feed(.person(.resume, actor: "anna"))
      #expect(bench.pilot.state == .preflight && bench.setpoint?.mode == .openCircuit)
      bench.check(Array(repeating: -0.5, count: 10))
      #expect(bench.pilot.state == .ended && bench.journal.has(.preflightOutsideWindow))
    }
  }

  @Test(arguments: [SetpointEnd.leaseExpired, .requested])
  func hazard03ACheckThatIsBrokenOffAgainAndAgainHoldsTheRun(end: SetpointEnd) throws {
    var bench = try Self.running()
    bench.feed(Self.lost)
    bench.feed(.instrumentReady)
    for turn in 1...3 {
      #expect(bench.setpoint?.mode == .openCircuit && bench.pilot.state == .interrupted, "\(turn)")
      bench.accept()
      bench.read(0.6, 0)
      bench.end(end)
    }
    #expect(bench.pilot.state == .held && bench.journal.has(.preflightNoReading) && bench.journal.latches.isEmpty)
    // A person may try again, and one that is measured to its end is as good as ever.
    bench.feed(.person(.resume, actor: "anna"))
    bench.accept()
    bench.end(end)
    bench.check(Array(repeating: 0.6, count: 10))
    #expect(bench.pilot.state == .running)
  }

  @Test(arguments: [("hold", RunState.held), ("end", .ended)])
  func hazard03ALongInterruptionFollowsThePolicy(otherwise: String, state: RunState) throws {
    var bench = try Self.running(otherwise)
    bench.feed(Self.lost)
    bench.host += 31 * 60
    let before = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == state)
    #expect(bench.begun == before)
    #expect(bench.journal.has(.runInterruptionTooLong))
  }

  @Test(arguments: [1.1, -0.06, 2.4])
  func hazard03AnotherVoltageHolds(volts: Double) throws {
    var bench = try Self.running()
    bench.feed(Self.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: volts, count: 10))
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.has(.runVoltageChanged))
    #expect(bench.setpoint?.mode == .openCircuit)
  }

  @Test func hazard03APersonResumesNothingOutsideTheLimits() throws {
    var bench = try Self.running()
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    #expect(bench.pilot.state == .paused)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: -0.2, count: 10))
    #expect(bench.pilot.state == .held)
    #expect(bench.setpoint?.mode == .openCircuit)
  }

  @Test func hazard03AHoldThatRelaxedIsApproachedAtACurrent() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    let steps =
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + HazardLimitTests.discharge + ", " + hold + ", "
      + HazardLimitTests.charge + "]}"
    var bench = try Self.running(steps: steps)
    for _ in 0..<2 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<100 { bench.read(0.01, -15e-6) }
    bench.feed(Self.lost)
    bench.host += 120
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.06, count: 10))
    let setpoint = try #require(bench.setpoint)
    // At what flowed last, and below what the hold allows: a converter's error cannot trip the bound that stays what it was.
    #expect(
      setpoint.mode == .constantCurrentThenVoltage(Current(picoamperes: -15_000_000), Voltage(millivolts: 10)))
    #expect(setpoint.bounds.currentMagnitude == Current(picoamperes: 20_000_000))
    #expect(setpoint.bounds.duration > TimeSpan(seconds: 3_600))
    bench.accept()
    for _ in 0..<4 { bench.read(0.05, -15.02e-6) }
    #expect(bench.journal.latches.isEmpty)
    // The hold's time goes on where it was left.
    let threshold = try #require(setpoint.cutOffs.first { $0.quantity == .holdTime }).threshold
    #expect(abs(threshold - 3_500_000_000) <= 10_000)
  }

  @Test func hazard03AStepThatHadEndedDoesNotPassTheCheckBy() throws {
    // Only the host judges a charge: the link goes while the circuit is being opened.
    let first = #"{"discharge": "100 uA", "until": ["step_charge >= 1.7 uAh", "step_time >= 10 h"]}"#
    let steps =
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + first + ", " + HazardLimitTests.charge + "]}"
    var bench = try Self.running(steps: steps)
    while !bench.wantsOpenCircuit { bench.read(0.5, -100e-6) }
    bench.feed(Self.lost)
    bench.host += 3 * 86_400
    let before = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.begun == before)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.has(.runInterruptionTooLong))
    // The step is over nevertheless, and the half-cycle says what nobody measured.
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.endReason == "step_charge >= 1.7 uAh")
    #expect(row.flags.isSuperset(of: [.gap, .chargeUnknown]))
  }

  // MARK: Rule 4

  @Test func hazard04ALatchIsOnItsWayBeforeTheCircuitIsKnownToBeOpen() throws {
    var bench = try Self.running()
    bench.read(-0.2, -100e-6)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.count == 1)
    #expect(bench.pilot.state == .running && !bench.pilot.isCircuitOpen)
    bench.end(.requested)
    #expect(bench.pilot.state == .held && bench.pilot.isCircuitOpen)
  }

  @Test func hazard04AHeldRunDoesNotGoOnByItself() throws {
    var bench = try Self.running()
    bench.read(-0.2, -100e-6)
    bench.end(.requested)
    let before = bench.begun
    bench.feed(Self.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.feed(.tick)
    #expect(bench.begun == before && bench.pilot.state == .held)
    // Nor after a restart.
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: bench.now.unix)
    bench.feed(.instrumentReady)
    #expect(bench.begun == before && bench.pilot.canResume)
  }

  @Test func hazard04ALatchedChannelHoldsARestoredRun() throws {
    var bench = try Self.running()
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: bench.now.unix)
    var outputs = RunOutputs()
    bench.pilot.holdRestored(Fault(.runCrashLoop, "three times"), latches: false, at: bench.now, into: &outputs)
    bench.journal.keep(outputs)
    let before = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.begun == before)
    #expect(bench.journal.states.last == .held)
  }

  // MARK: Rule 5

  @Test func hazard05SuspendingOpensTheCircuitAndSaysSo() throws {
    var bench = try Self.running()
    bench.feed(.suspend)
    #expect(bench.wantsOpenCircuit && !bench.pilot.isCircuitOpen)
    bench.end(.requested)
    #expect(bench.pilot.state == .suspended && bench.pilot.isCircuitOpen)
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    let since = bench.now.unix
    bench.host += 20 * 60
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: since)
    bench.feed(.instrumentReady)
    let note = try #require(bench.journal.events.last { $0.code == .runGap })
    #expect(note.detail.contains("20 min"))
    bench.check(Array(repeating: 0.6, count: 10))
    bench.accept()
    for _ in 0..<3 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.flags.contains(.interrupted))
    // The circuit was opened in order: not a nanocoulomb is missing.
    #expect(!row.flags.contains(.gap) && row.gapCharge == .zero)
    #expect(row.charge == Charge(nanocoulombs: 5_999_800 + 299_800))
  }

  @Test func hazard05AScriptOfOursIsTakenOver() throws {
    var bench = try Self.running()
    let token = try #require(bench.setpoint).token
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    let since = bench.now.unix
    bench.host += 30
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: since)
    let reading = Reading(
      time: TimeSpan(seconds: 90), voltage: Voltage(millivolts: 450), current: Current(picoamperes: -100_000_000))
    bench.feed(
      .driver(
        .orphanEnded(
          channel: 0, token, lastReading: reading, circuitOpenedAt: TimeSpan(milliseconds: 90_500), end: .requested)))
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.6, count: 10))
    bench.accept()
    bench.read(0.009, -100e-6, after: 10.002)
    bench.read(0.009, -100e-6, after: 0.0)
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.flags.contains(.gap) && !row.flags.contains(.chargeUnknown))
    #expect(row.charge == Charge(nanocoulombs: 9_049_800 + 1_000_000))
    // All that nobody but the instrument saw.
    #expect(row.gapCharge == Charge(nanocoulombs: 3_050_000))
  }

  @Test func hazard05AScriptOfAnotherStepIsNotTakenOver() throws {
    var bench = try Self.running()
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: bench.now.unix)
    bench.feed(
      .driver(
        .orphanEnded(
          channel: 0, SetpointToken(run: 7, stepCount: 99), lastReading: nil, circuitOpenedAt: TimeSpan(seconds: 5),
          end: .requested)))
    bench.feed(.instrumentReady)
    bench.feed(.person(.stop, actor: "anna"))
    bench.end(.requested)
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.gapCharge == nil && row.flags.isSuperset(of: [.gap, .chargeUnknown, .truncated]))
  }

  // MARK: Rule 7

  @Test func hazard07ACircuitIsNotOpenBecauseTheLinkIsGone() throws {
    var bench = try Self.running()
    #expect(!bench.pilot.isCircuitOpen)
    bench.feed(Self.lost)
    #expect(!bench.pilot.isCircuitOpen)
    bench.host += 3_600
    #expect(!bench.pilot.isCircuitOpen)
    bench.feed(.instrumentReady)
    #expect(bench.pilot.isCircuitOpen)
  }

  @Test func hazard07StoppingWhileAwayOwnsUpToWhatNobodySaw() throws {
    var bench = try Self.running()
    bench.feed(Self.lost)
    bench.host += 10
    bench.feed(.person(.stop, actor: "anna"))
    #expect(bench.pilot.isOver)
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.flags.isSuperset(of: [.gap, .interrupted, .truncated]))
    // At least the lease at the full current.
    #expect(try #require(row.gapCharge) >= Charge(nanocoulombs: 6_000_000))
    #expect(row.charge == Charge(nanocoulombs: 5_999_800))
  }

  @Test func hazard07TheLongestTimeAloneIsThatOfTheLeaseThatTheInstrumentHas() throws {
    var bench = try Self.running()
    // One lease of 60 s, 5.6 s until silence would have been noticed, and two readings of 0.2 s.
    #expect(bench.pilot.longestAlone == TimeSpan(seconds: 66))
    // Another daemon with a shorter lease of its own, which does not know how far the run had come.
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    var settings = RunSettings()
    settings.lease = TimeSpan(seconds: 5)
    let restored = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: settings, checkpoint: writer.bytes,
      since: bench.now.unix)
    #expect(restored.longestAlone == TimeSpan(seconds: 126))
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    #expect(bench.pilot.longestAlone == .zero)
  }

  // MARK: Rule 13

  @Test func hazard13NothingIsSentBeforeTheCommitWhenTheDirectionChanges() throws {
    var bench = try Self.running()
    bench.holdsCommits = true
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    let before = bench.commands.count
    bench.end(.cutOff(0))
    #expect(bench.commands.count == before)
    for _ in 0..<5 {
      bench.host += 1
      bench.feed(.tick)
    }
    #expect(bench.commands.count == before)
    bench.holdsCommits = false
    bench.feed(.committed)
    #expect(bench.commands.count == before + 1)
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)))
  }

  @Test(arguments: [(1_799.0, RunState.running), (1_801, .held)])
  func hazard03AStoreThatIsLateForTooLongIsAnInterruption(seconds: Double, state: RunState) throws {
    var bench = try Self.running()
    bench.holdsCommits = true
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    let before = bench.begun
    bench.host += seconds
    bench.holdsCommits = false
    bench.feed(.committed)
    #expect(bench.pilot.state == state)
    #expect(bench.begun == before + (state == .running ? 1 : 0))
    guard state == .held else { return }
    #expect(bench.journal.events.contains { $0.code == .runInterruptionTooLong })
    // A person resumes it: the open circuit is measured before any current flows.
    bench.feed(.person(.resume, actor: "tester"))
    #expect(bench.setpoint?.mode == .openCircuit)
  }

  @Test func hazard13TheCheckpointNamesTheStepBeforeItsCurrentFlows() throws {
    var bench = try Self.running()
    bench.holdsCommits = true
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    // The commit was done, the charge began, and the daemon died before another commit.
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: bench.now.unix)
    bench.holdsCommits = false
    bench.host += 120
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.1, count: 10))
    bench.accept()
    for _ in 0..<60 { bench.read(2.0, 100e-6) }
    bench.end(.cutOff(0))
    // One lease of charge is missing from this half-cycle, and it does not pretend otherwise.
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.direction == .charge)
    #expect(row.gapCharge == nil && row.flags.contains(.chargeUnknown))
    let cycle = try #require(bench.journal.cycles.last)
    #expect(cycle.coulombicEfficiency == nil && cycle.chargeCapacity == nil)
  }

  @Test func hazard13CurrentAfterAnOpenCircuitWaitsForItsCheckpoint() throws {
    // A checkpoint of the rest, found after a crash, would know nothing of the charge that followed it.
    var bench = try Self.running(
      steps: HazardLimitTests.discharge + #", {"rest": "1 min"}, "# + HazardLimitTests.charge)
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<60 { bench.read(0.1, 0) }
    bench.holdsCommits = true
    let before = bench.begun
    bench.end(.cutOff(0))
    #expect(bench.begun == before && bench.last.wantsCommit)
    #expect(bench.pilot.isCircuitOpen)
    bench.holdsCommits = false
    bench.feed(.committed)
    #expect(bench.begun == before + 1)
  }

  @Test func hazard13CurrentThatTurnsWithinAHalfCycleWaitsForItsCommit() throws {
    // A diagnostic pulse opens and closes nothing, and yet turns the current, there and back.
    let first = #"{"discharge": "100 uA", "until": ["step_time >= 60 s"]}"#
    let pulse = #"{"charge": "100 uA", "until": ["step_time >= 5 s"], "diagnostic": true}"#
    let faster = #"{"discharge": "200 uA", "until": ["step_time >= 60 s"]}"#
    var bench = try Self.running(
      steps: #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["#
        + [first, pulse, first, faster, HazardLimitTests.charge].joined(separator: ", ") + "]}")
    bench.holdsCommits = true
    for (step, sign) in [(Int32(1), 1.0), (2, -1)] {
      let before = bench.begun
      bench.end(.cutOff(0))
      #expect(bench.begun == before && bench.last.wantsCommit, "step \(step)")
      bench.feed(.committed)
      #expect(bench.begun == before + 1 && bench.stepsTaken.last == step)
      bench.accept()
      for _ in 0..<5 { bench.read(0.5, sign * 100e-6) }
    }
    // Current that goes on in its direction does not wait.
    let before = bench.begun
    bench.end(.cutOff(0))
    #expect(bench.begun == before + 1 && bench.stepsTaken.last == 3)
    #expect(bench.journal.halfCycles.isEmpty)
  }

  @Test func hazard13APauseBeforeTheCommitSendsNothing() throws {
    var bench = try Self.running()
    bench.holdsCommits = true
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    let before = bench.begun
    bench.feed(.person(.pause, actor: "anna"))
    bench.feed(.committed)
    #expect(bench.begun == before && bench.pilot.state == .paused)
    bench.holdsCommits = false
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)))
  }

  // MARK: Rule 22

  @Test func hazard22StepTimeExcludesAPauseAndTestTimeDoesNot() throws {
    var bench = try Self.running()
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.host += 1_000
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.6, count: 10))
    let left = try #require(bench.setpoint).cutOffs[1].threshold
    #expect(left == 35_940_002_000)
    // 10 s of pre-flight, 60 s of step, 1000 s of pause, 10 s of check; the closing took 2 ms.
    let started = bench.journal.entries.compactMap { entry in
      if case .stepStarted(let row) = entry { return row }
      return nil
    }
    let test = try #require(started.last).startedTestTime.microseconds
    #expect(abs(test - 1_080_000_000) <= 10_000)
  }

  @Test func hazard22TestTimeGoesOnWhileTheDaemonIsDown() throws {
    var bench = try Self.running()
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    let since = bench.now.unix
    bench.host += 600
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: since)
    bench.feed(.instrumentReady)
    let started = bench.journal.entries.compactMap { entry in
      if case .stepStarted(let row) = entry { return row }
      return nil
    }
    let test = try #require(started.last).startedTestTime.microseconds
    #expect(abs(test - 670_000_000) <= 10_000)
  }
}
