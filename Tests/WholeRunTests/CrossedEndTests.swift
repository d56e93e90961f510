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
}
