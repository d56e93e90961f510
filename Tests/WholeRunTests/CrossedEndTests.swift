// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// The host asks for an open circuit while the instrument ends the set-point by itself: both are on the line at once.
@Suite struct CrossedEndTests {
  static let bound = Fault(.instrumentBoundReached, "made for a test")
  static let failure = Fault(.instrumentError, "made for a test")

  /// What a host may ask for while a step is driven.
  enum Wish: CaseIterable, Sendable {
    case condition, pause, skip, stop, suspend

    func ask(_ bench: inout PilotBench) {
      switch self {
      case .condition: while !bench.wantsOpenCircuit { bench.read(0.5, -100e-6) }
      case .pause: bench.feed(.person(.pause, actor: "anna"))
      case .skip: bench.feed(.person(.skip, actor: "anna"))
      case .stop: bench.feed(.person(.stop, actor: "anna"))
      case .suspend: bench.feed(.suspend)
      }
    }
  }

  /// A discharge whose charge only the host judges, and a charge; one minute into the first.
  static func running() throws -> PilotBench {
    let first =
      #"{"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_charge >= 1.7 uAh", "step_time >= 10 h"]}"#
    return try HazardInterruptionTests.running(
      steps: #"{"cycles": 2, "purpose": "life", "label": "x", "steps": ["# + first + ", " + HazardLimitTests.charge
        + "]}")
  }

  // MARK: A bound or a failure

  @Test(arguments: Wish.allCases, [SetpointEnd.bound(bound), .failed(failure)])
  func hazard04ABoundThatCrossesAWishIsLatched(wish: Wish, end: SetpointEnd) throws {
    var bench = try Self.running()
    wish.ask(&bench)
    #expect(bench.wantsOpenCircuit)
    let begun = bench.begun
    bench.end(end)
    let code = end == .bound(Self.bound) ? FaultCode.instrumentBoundReached : .instrumentError
    #expect(bench.journal.latches.map(\.code) == [code])
    #expect(bench.journal.events.contains { $0.code == code && $0.severity == .alarm })
    // A stop stays a stop; whatever else was wished, a person must look first.
    #expect(bench.pilot.state == (wish == .stop ? .stopped : .held))
    #expect(bench.begun == begun)
  }

  // MARK: A cut-off

  @Test(arguments: [Wish.condition, .skip])
  func aCutOffThatCrossesAWishEndsTheStepOnce(wish: Wish) throws {
    var bench = try Self.running()
    wish.ask(&bench)
    bench.end(.cutOff(0))
    #expect(bench.stepsTaken == [0, 1])
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.endReason == "voltage <= 10 mV" && !row.flags.contains(.truncated))
    // What a person was told to be accepted is in the log, whatever came of it.
    let skips = bench.journal.events.filter { $0.code == .runStepSkipped }
    #expect(skips.count == (wish == .skip ? 1 : 0))
    #expect(skips.allSatisfy { $0.detail.contains("voltage <= 10 mV") && $0.actor == "anna" })
  }

  @Test(arguments: [Wish.pause, .suspend])
  func aCutOffThatCrossesAPauseIsNotDrivenAgain(wish: Wish) throws {
    var bench = try Self.running()
    wish.ask(&bench)
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == (wish == .pause ? .paused : .suspended))
    #expect(bench.journal.halfCycles.last?.endReason == "voltage <= 10 mV")
    try Self.goOn(&bench, wish)
    #expect(bench.stepsTaken == [0, 1])
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)))
  }

  @Test func aCutOffThatCrossesAStopClosesItsHalfCycle() throws {
    var bench = try Self.running()
    Wish.stop.ask(&bench)
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == .stopped)
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.endReason == "voltage <= 10 mV" && !row.flags.contains(.truncated))
  }

  // MARK: A step that had ended

  @Test(arguments: [Wish.condition, .skip], [Wish.pause, .suspend])
  func aStepThatHadEndedIsNotDrivenAgain(first: Wish, second: Wish) throws {
    var bench = try Self.running()
    first.ask(&bench)
    second.ask(&bench)
    bench.end(.requested)
    #expect(bench.pilot.state == (second == .pause ? .paused : .suspended))
    Self.expectEnded(bench, by: first)
    try Self.goOn(&bench, second)
    #expect(bench.stepsTaken == [0, 1])
  }

  @Test(arguments: [Wish.condition, .skip])
  func aStepThatHadEndedIsOverWhateverStopsTheRun(first: Wish) throws {
    var stopped = try Self.running()
    first.ask(&stopped)
    Wish.stop.ask(&stopped)
    stopped.end(.requested)
    #expect(stopped.pilot.state == .stopped)
    Self.expectEnded(stopped, by: first)

    for cause in [RunInput.storeFull, .tick] {
      var held = try Self.running()
      first.ask(&held)
      held.feed(cause)
      // Either the store was full before, or the instrument met a bound on the way.
      if case .storeFull = cause { held.end(.requested) } else { held.end(.bound(Self.bound)) }
      #expect(held.pilot.state == .held)
      Self.expectEnded(held, by: first)
      held.feed(.person(.resume, actor: "anna"))
      held.check(Array(repeating: 0.5, count: 10))
      #expect(held.stepsTaken == [0, 1])
    }
  }

  @Test(arguments: [Wish.condition, .skip], [Wish.pause, .suspend])
  func aStepThatHadEndedStaysOverWhenTheLinkGoesOrTheDaemonDies(first: Wish, second: Wish) throws {
    for dies in [false, true] {
      var bench = try Self.running()
      first.ask(&bench)
      second.ask(&bench)
      if dies { try bench.restart() } else { bench.feed(HazardInterruptionTests.lost) }
      bench.host += 60
      bench.feed(.instrumentReady)
      Self.expectEnded(bench, by: first)
      if second == .pause {
        #expect(bench.pilot.state == .paused)
        bench.feed(.person(.resume, actor: "anna"))
      } else if !dies {
        #expect(bench.pilot.state == .suspended)
        try bench.restart()
        bench.feed(.instrumentReady)
      }
      bench.check(Array(repeating: 0.5, count: 10))
      #expect(bench.stepsTaken == [0, 1], "dies: \(dies)")
    }
  }

  static func expectEnded(_ bench: PilotBench, by wish: Wish) {
    let row = bench.journal.halfCycles.last
    #expect(bench.journal.halfCycles.count == 1)
    #expect(row?.endReason == (wish == .skip ? "skipped by anna" : "step_charge >= 1.7 uAh"))
    #expect(row?.flags.contains(.truncated) == (wish == .skip))
    #expect(bench.journal.endedSteps.last == row?.endReason || bench.journal.endedSteps.contains(row?.endReason ?? ""))
    #expect(bench.journal.events.count { $0.code == .runStepSkipped } == (wish == .skip ? 1 : 0))
  }

  @Test func hazard04AStopStaysAStopWhateverItMeets() throws {
    var later = try Self.running()
    later.read(-0.2, -100e-6)
    later.feed(.person(.stop, actor: "anna"))
    later.end(.requested)
    #expect(later.pilot.state == .stopped)
    #expect(later.journal.latches.map(\.code) == [.limitVoltageLow])
    #expect(later.journal.events.contains { $0.code == .limitVoltageLow && $0.severity == .alarm })

    var earlier = try Self.running()
    earlier.feed(.person(.stop, actor: "anna"))
    earlier.feed(.storeFull)
    earlier.end(.requested)
    #expect(earlier.pilot.state == .stopped && earlier.journal.has(.storeFull) && earlier.journal.latches.isEmpty)
  }

  @Test func aPauseOutlivesTheDaemonThatStops() throws {
    var bench = try Self.running()
    Wish.pause.ask(&bench)
    Wish.suspend.ask(&bench)
    bench.end(.requested)
    #expect(bench.pilot.state == .paused)
    try bench.restart()
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.begun == begun && bench.pilot.canResume)
  }

  @Test func aProgramThatIsDoneNeedsItsInstrumentNoMore() throws {
    var bench = try HazardInterruptionTests.running(steps: HazardLimitTests.discharge)
    bench.holdsCommits = true
    bench.end(.cutOff(0))
    #expect(bench.last.wantsCommit && !bench.pilot.isOver)
    bench.feed(HazardInterruptionTests.lost)
    #expect(bench.pilot.isOver && bench.pilot.state == .completed)
  }

  /// A person resumes a pause; another daemon takes up what was suspended. The cell stands where it was left.
  static func goOn(_ bench: inout PilotBench, _ wish: Wish) throws {
    if wish == .suspend {
      try bench.restart()
      bench.host += 60
      bench.feed(.instrumentReady)
    } else {
      bench.feed(.person(.resume, actor: "anna"))
    }
    bench.check(Array(repeating: 0.5, count: 10))
  }

  @Test func aFullStoreIsToldOnceWhileAStopOpensTheCircuit() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.person(.stop, actor: "anna"))
    for _ in 0..<5 { bench.feed(.storeFull) }
    #expect(bench.journal.events.count { $0.code == .storeFull } == 1)
    bench.end(.requested)
    #expect(bench.pilot.state == .stopped)
  }
}
