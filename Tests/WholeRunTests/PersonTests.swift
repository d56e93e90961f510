// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// What a run says to a person's request is what it then does.
@Suite struct PersonTests {
  private func obstacles(_ bench: PilotBench) -> [PersonObstacle?] {
    [PersonRequest.pause, .skip, .resume, .stop].map { bench.pilot.obstacle(to: $0) }
  }

  @Test func obstaclesFollowTheRun() throws {
    var bench = PilotBench(try HazardInterruptionTests.running().pilot.program)
    #expect(obstacles(bench) == [.notBegun, .notBegun, .notBegun, nil])
    bench.feed(.begin)
    #expect(obstacles(bench) == [nil, .checking, .checking, nil])
    bench = try HazardInterruptionTests.running()
    #expect(obstacles(bench) == [nil, nil, .goesOn, nil])
    bench.feed(.person(.pause, actor: "anna"))
    #expect(obstacles(bench) == [.opening, .opening, .opening, nil])
    bench.end(.requested)
    #expect(obstacles(bench) == [.paused, .paused, nil, nil])
    bench.feed(.person(.resume, actor: "anna"))
    #expect(obstacles(bench) == [nil, .checking, .checking, nil])
    bench.feed(.person(.stop, actor: "anna"))
    bench.end(.requested)
    #expect(obstacles(bench) == [.over, .over, .over, .over])
  }

  @Test func aRequestWithoutObstacleHasAnEffectAndOneWithNone() throws {
    for request in PersonRequest.allCases {
      var bench = try HazardInterruptionTests.running()
      let isPossible = bench.pilot.obstacle(to: request) == nil
      let (before, entries) = (bench.commands.count, bench.journal.events.count)
      bench.feed(.person(request, actor: "anna"))
      let hasEffect = bench.commands.count > before || bench.journal.events.count > entries
      #expect(hasEffect == isPossible, "\(request)")
    }
  }

  @Test func aSkipOfAStepThatIsOverIsRefused() throws {
    var bench = try HazardInterruptionTests.running()
    #expect(bench.pilot.obstacle(to: .skip, step: 2) == nil, "the pre-flight was step 1")
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    #expect(bench.pilot.obstacle(to: .skip, step: 2) == .anotherStep(3))
    #expect(bench.pilot.obstacle(to: .skip, step: 3) == nil && bench.pilot.obstacle(to: .skip) == nil)
  }

  @Test func aStopWaitsForAFaultWhoseLatchMustNotBeLost() throws {
    var bench = try HazardInterruptionTests.running()
    for _ in 0..<2 { bench.read(0.5, -100e-6, .overload) }
    #expect(bench.wantsOpenCircuit)
    #expect(bench.pilot.obstacle(to: .stop) == .opening)
    bench.end(.requested)
    #expect(bench.pilot.state == .held)
    #expect(bench.pilot.obstacle(to: .stop) == nil)
  }

  @Test func aRestoredRunReadsAsFastAsItsInstrumentAndNoFaster() throws {
    var bench = PilotBench(try HazardInterruptionTests.running().pilot.program)
    bench.pilot.serve(
      on: InstrumentCapabilities(
        channels: 1, kinds: [], voltage: VoltageWindow(from: .zero, to: .zero), maximumCurrent: .zero,
        currentRanges: [], shortestReadingInterval: TimeSpan(seconds: 4), voltageErrorPartsPerMillion: 0,
        voltageOffsetError: .zero, holdsBounds: true, hasLease: true, openCircuit: .disconnectedAndMeasured))
    bench.feed(.begin)
    #expect(bench.setpoint?.readingInterval == TimeSpan(seconds: 4))
  }
}
