// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// Test time and Unix time go on whatever is waited for; a step's row says when its own time zero was (hazard rule 22).
@Suite struct TestTimeTests {
  private struct Beginning {
    var stepID: Int64
    var at: UnixInstant
    var testTime: TimeSpan
  }

  private static func beginnings(_ bench: PilotBench) -> [Beginning] {
    bench.journal.entries.compactMap { entry in
      if case .stepBegan(let stepID, let at, let testTime) = entry {
        return Beginning(stepID: stepID, at: at, testTime: testTime)
      }
      return nil
    }
  }

  private static func endings(_ bench: PilotBench) -> [TimeSpan] {
    bench.journal.entries.compactMap { entry in
      if case .stepEnded(_, let testTime, _) = entry { return testTime }
      return nil
    }
  }

  @Test func hazard22AStoreThatIsLateDoesNotShiftWhatFollows() throws {
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + ", " + HazardLimitTests.charge)
    bench.holdsCommits = true
    bench.start(at: 2.0)
    // The disk is full for 20 min before the first current, and the instrument takes 3 s to close its circuit.
    bench.host += 1_200
    bench.feed(.committed)
    bench.host += 3
    bench.accept()
    let closedAt = bench.now.unix
    let beginning = try #require(Self.beginnings(bench).last)
    #expect(beginning.stepID == RowIdentity.step(run: 7, count: 2) && beginning.at == closedAt)
    // 10 s of open circuit, then everything that was waited for.
    #expect(beginning.testTime == TimeSpan(seconds: 10 + 1_203))
    for _ in 0..<60 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    #expect(Self.endings(bench).last == TimeSpan(seconds: 10 + 1_203 + 60) - TimeSpan(milliseconds: 2))
    #expect(Self.beginnings(bench).count == 2, "one for the check, one for the step")
  }

  @Test func hazard22AStepThatNeverBeganStillTookItsTime() throws {
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge)
    bench.holdsCommits = true
    bench.start(at: 2.0)
    bench.host += 100
    bench.feed(.person(.pause, actor: "anna"))
    #expect(bench.pilot.state == .paused)
    #expect(Self.endings(bench).last == TimeSpan(seconds: 110))
    bench.host += 50
    bench.feed(.person(.resume, actor: "anna"))
    bench.accept()
    #expect(Self.beginnings(bench).last?.testTime == TimeSpan(seconds: 160))
  }

  @Test func hazard22AStepThatTheLinkTookBeforeItBeganIsNotCountedTwice() throws {
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge)
    bench.start(at: 2.0)
    // Asked for, and nothing heard of it.
    bench.host += 5
    bench.feed(HazardInterruptionTests.lost)
    bench.host += 60
    bench.feed(.instrumentReady)
    bench.host += 2
    bench.accept()
    #expect(Self.beginnings(bench).last?.testTime == TimeSpan(seconds: 10 + 5 + 60 + 2))
  }
}
