// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// What an instrument tells, once the link is back, of a set-point that ran on without the host.
@Suite struct HazardOrphanTests {
  static let bound = Fault(.instrumentBoundReached, "made for a test")

  /// The set-point went on for 30 s after its last reading and ended like this; nothing of it was seen.
  static func tell(_ end: SetpointEnd?, to bench: inout PilotBench, volts: Double = 0.45) throws {
    let setpoint = try #require(bench.setpoint)
    let last = Int64(bench.clock + 30) * 1_000_000
    bench.feed(
      .driver(
        .orphanEnded(
          channel: 0, setpoint.token,
          lastReading: Reading(
            time: TimeSpan(microseconds: last), voltage: Voltage(nanovolts: Int64(volts * 1e9)),
            current: setpoint.mode == .openCircuit ? .zero : Current(picoamperes: -100_000_000)),
          circuitOpenedAt: setpoint.mode == .openCircuit ? nil : TimeSpan(microseconds: last + 500_000), end: end)))
  }

  /// Away, by the link or by the daemon.
  static func leave(_ bench: inout PilotBench, dies: Bool) throws {
    if dies { try bench.restart() } else { bench.feed(HazardInterruptionTests.lost) }
    bench.host += 60
  }

  @Test(arguments: [SetpointEnd.bound(bound), .failed(Fault(.instrumentError, "made for a test"))], [false, true])
  func hazard04ABoundThatNobodySawIsLatchedNevertheless(end: SetpointEnd, dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.leave(&bench, dies: dies)
    try Self.tell(end, to: &bench)
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held && bench.begun == begun)
    #expect(bench.journal.latches.count == 1)
    #expect(bench.journal.events.contains { $0.severity == .alarm && $0.detail == "made for a test" })
    // Its charge is known all the same: 60 s were seen, 30.5 s were told.
    bench.feed(.person(.stop, actor: "anna"))
    #expect(bench.journal.halfCycles.last?.charge == Charge(nanocoulombs: 9_049_800))
    #expect(bench.journal.halfCycles.last?.gapCharge == Charge(nanocoulombs: 3_050_000))
  }

  @Test func hazard04AStopThatMeetsABoundStaysAStop() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.person(.stop, actor: "anna"))
    try Self.leave(&bench, dies: false)
    try Self.tell(.bound(Self.bound), to: &bench)
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .stopped)
    #expect(bench.journal.latches.map(\.code) == [.instrumentBoundReached])
  }

  @Test(arguments: [false, true])
  func hazard05AStepThatEndedMeanwhileIsNotDrivenAgain(dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.leave(&bench, dies: dies)
    try Self.tell(.cutOff(0), to: &bench, volts: 0.009)
    bench.feed(.instrumentReady)
    // The half-cycle is closed with what it really moved; whether the run goes on is for the check.
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.endReason == "voltage <= 10 mV" && !row.flags.contains(.truncated))
    #expect(row.charge == Charge(nanocoulombs: 9_049_800))
    #expect(bench.journal.endedSteps.last == "voltage <= 10 mV")
    #expect(bench.setpoint?.mode == .openCircuit && bench.pilot.state == .interrupted)
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.stepsTaken == [0, 1])
  }

  @Test(arguments: [SetpointEnd.requested, .leaseExpired, nil])
  func hazard05AStepThatWasCutShortGoesOn(end: SetpointEnd?) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.leave(&bench, dies: true)
    try Self.tell(end, to: &bench)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.5, count: 10))
    #expect(bench.stepsTaken == [0, 0] && bench.journal.latches.isEmpty)
  }

  @Test func hazard04APausedRunHearsOfABoundToo() throws {
    var bench = try HazardInterruptionTests.running()
    try Self.leave(&bench, dies: false)
    bench.feed(.person(.pause, actor: "anna"))
    try Self.tell(.bound(Self.bound), to: &bench)
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held && bench.journal.latches.count == 1)
  }

  /// What makes the host open the circuit while the link goes.
  enum Opening: CaseIterable {
    case pause, suspend, fault
  }

  /// The host has asked for an open circuit and heard no answer when the link goes.
  private static func loseWhileOpening(_ opening: Opening, _ bench: inout PilotBench, dies: Bool) throws {
    switch opening {
    case .pause: bench.feed(.person(.pause, actor: "anna"))
    case .suspend: bench.feed(.suspend)
    case .fault: bench.feed(.storeFull)
    }
    #expect(bench.wantsOpenCircuit)
    bench.feed(HazardInterruptionTests.lost)
    if dies { try bench.restart() }
    bench.host += 60
  }

  @Test(arguments: Opening.allCases, [false, true])
  func hazard04ABoundIsHeardOfThoughTheLinkWentWhileTheCircuitWasOpened(opening: Opening, dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.loseWhileOpening(opening, &bench, dies: dies)
    #expect(!bench.pilot.isCircuitOpen, "nobody has confirmed it")
    try Self.tell(.bound(Self.bound), to: &bench)
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held && bench.pilot.isCircuitOpen && bench.begun == begun)
    #expect(bench.journal.latches.map(\.code) == [.instrumentBoundReached])
    bench.feed(.person(.stop, actor: "anna"))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.charge == Charge(nanocoulombs: 9_049_800) && row.gapCharge == Charge(nanocoulombs: 3_050_000))
  }

  @Test(arguments: Opening.allCases, [false, true])
  func hazard05AStepThatEndedWhileTheLinkWentIsNotDrivenAgain(opening: Opening, dies: Bool) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.loseWhileOpening(opening, &bench, dies: dies)
    try Self.tell(.cutOff(0), to: &bench, volts: 0.009)
    bench.feed(.instrumentReady)
    if opening == .suspend, !dies {
      try bench.restart()
      bench.feed(.instrumentReady)
    }
    if opening != .suspend { bench.feed(.person(.resume, actor: "anna")) }
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.stepsTaken == [0, 1] && bench.journal.latches.isEmpty)
    #expect(bench.journal.endedSteps.prefix(2) == ["done", "voltage <= 10 mV"])
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.endReason == "voltage <= 10 mV" && row.charge == Charge(nanocoulombs: 9_049_800))
  }

  /// Only the host judges a charge; what has ended the step stays its end, whatever is asked for on the way.
  @Test func hazard05AnEndThatTheHostSawOutlivesAPauseAndALostLink() throws {
    let first = #"{"discharge": "100 uA", "until": ["step_charge >= 1.7 uAh", "step_time >= 10 h"]}"#
    var bench = try HazardInterruptionTests.running(
      steps: #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + first + ", " + HazardLimitTests.charge
        + "]}")
    while !bench.wantsOpenCircuit { bench.read(0.5, -100e-6) }
    try Self.loseWhileOpening(.pause, &bench, dies: false)
    try Self.tell(.requested, to: &bench)
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .paused)
    #expect(bench.journal.endedSteps.last == "step_charge >= 1.7 uAh")
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.stepsTaken == [0, 1])
  }

  /// Another daemon takes the run up and holds it before its instrument is there.
  private static func holdRestored(_ bench: inout PilotBench) throws {
    try leave(&bench, dies: true)
    var outputs = RunOutputs()
    bench.pilot.holdRestored(Fault(.runCrashLoop, "made for a test"), latches: false, at: bench.now, into: &outputs)
    bench.journal.keep(outputs)
    #expect(bench.pilot.state == .held)
  }

  @Test(arguments: [SetpointEnd.leaseExpired, .cutOff(0), .bound(bound)])
  func hazard05ARunThatIsHeldAtOnceHearsWhatItLeftBehind(end: SetpointEnd) throws {
    var bench = try HazardInterruptionTests.running()
    try Self.holdRestored(&bench)
    #expect(bench.journal.endedSteps == ["done"], "the instrument may still tell how it ended")
    try Self.tell(end, to: &bench)
    let begun = bench.begun
    bench.feed(.instrumentReady)
    #expect(bench.pilot.state == .held && bench.begun == begun)
    #expect(bench.journal.latches.count == (end == .bound(Self.bound) ? 1 : 0))
    bench.feed(.person(.stop, actor: "anna"))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.charge == Charge(nanocoulombs: 9_049_800) && !row.flags.contains(.chargeUnknown))
    #expect(row.gapCharge == Charge(nanocoulombs: 3_050_000))
    #expect(row.flags.contains(.truncated) == (end != .cutOff(0)))
  }

  @Test func hazard05AHeldRunThatIsStoppedBeforeOwnsUpToWhatNobodySaw() throws {
    // Only the host judges a charge: the daemon dies while the circuit is being opened.
    let first = #"{"discharge": "100 uA", "until": ["step_charge >= 1.7 uAh", "step_time >= 10 h"]}"#
    var bench = try HazardInterruptionTests.running(
      steps: #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + first + ", " + HazardLimitTests.charge
        + "]}")
    while !bench.wantsOpenCircuit { bench.read(0.5, -100e-6) }
    try Self.holdRestored(&bench)
    bench.feed(.person(.stop, actor: "anna"))
    #expect(bench.pilot.isOver)
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.charge > Charge(nanocoulombs: 6_100_000) && row.gapCharge == nil && row.flags.contains(.chargeUnknown))
    #expect(row.endReason == "step_charge >= 1.7 uAh")
    #expect(bench.journal.endedSteps == ["done", "step_charge >= 1.7 uAh"])
  }

  @Test func aRestThatRanOnHasRested() throws {
    var bench = try HazardInterruptionTests.running(
      steps: HazardLimitTests.discharge + #", {"rest": "40 s"}, "# + HazardLimitTests.charge)
    for _ in 0..<2 { bench.read(0.009, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<10 { bench.read(0.1, 0) }
    try Self.leave(&bench, dies: true)
    try Self.tell(.cutOff(0), to: &bench, volts: 0.1)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 0.1, count: 10))
    #expect(bench.stepsTaken == [0, 1, 2])
    let rest = bench.journal.records.last { $0.stepID == RowIdentity.step(run: 7, count: 3) }
    #expect(rest?.stepTime == TimeSpan(seconds: 40))
  }

  // MARK: Latches

  @Test func hazard04ALatchIsToldOnce() throws {
    var asked = try HazardInterruptionTests.running()
    asked.read(-0.2, -100e-6)
    asked.end(.requested)
    #expect(asked.pilot.state == .held && asked.journal.latches.count == 1)

    var crossed = try HazardInterruptionTests.running()
    crossed.read(-0.2, -100e-6)
    crossed.end(.bound(Self.bound))
    #expect(crossed.pilot.state == .held && crossed.journal.latches.map(\.code) == [.limitVoltageLow])

    var lost = try HazardInterruptionTests.running()
    lost.read(-0.2, -100e-6)
    lost.feed(HazardInterruptionTests.lost)
    #expect(lost.pilot.state == .held && lost.journal.latches.count == 1)

    var died = try HazardInterruptionTests.running()
    died.read(-0.2, -100e-6)
    try died.restart()
    died.feed(.instrumentReady)
    #expect(died.pilot.state == .held && died.journal.latches.count == 1)

    var stopped = try HazardInterruptionTests.running()
    stopped.end(.bound(Self.bound))
    #expect(stopped.pilot.state == .held && stopped.journal.latches.count == 1)
  }

  // MARK: Time that goes back

  @Test func timeThatGoesBackIsToldOnceAStep() throws {
    var bench = try HazardInterruptionTests.running()
    for _ in 0..<2 {
      bench.read(0.5, -100e-6, after: -5)
      bench.read(0.5, -100e-6, after: 6)
    }
    bench.read(0.009, -100e-6)
    bench.end(.cutOff(0))
    let events = bench.journal.events.filter { $0.code == .instrumentTimeBackwards }
    let event = try #require(events.first)
    #expect(events.count == 1 && event.severity == .warning && event.detail.hasPrefix("2 times"))
    #expect(event.stepID == RowIdentity.step(run: 7, count: 2))
    // 63 s by the instrument's clock: the intervals span what was left out.
    #expect(bench.journal.halfCycles.last?.charge == Charge(nanocoulombs: 6_299_800))
  }
}
