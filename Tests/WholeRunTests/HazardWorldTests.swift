// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// The hazard rules that need the instrument: what it does when the host does nothing, and what passes over the line.
@Suite struct HazardWorldTests {
  /// A cell at a rate of three an hour, with readings every second.
  static func world(
    _ cycles: Int = 1, current: String = "1 mA", converters: ConverterModel = .ideal, seed: UInt64 = 1
  ) throws -> RunWorld {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(cycles, current: current)))
    return RunWorld(
      cell: try TestLaboratory.cell("hard-carbon", seed: seed), program: program, converters: converters, seed: seed)
  }

  static func intoTheDischarge(_ world: inout RunWorld, seconds: Double) {
    let hasBegun = world.run(slice: 1) { $0.instrument.isCellOn }
    #expect(hasBegun)
    let start = world.instrument.time
    _ = world.run(slice: 1) { $0.instrument.time >= start + seconds }
  }

  /// A mark is the emulator's one instruction of 1 ms away from the closing, and from the opening, that it tells.
  static let markTime = 2e-3

  @Test func hazard01FreshHardCarbonStartsWithoutAlarm() throws {
    // 2.6 V when it is made; the protocol's upper limit is 2.3 V.
    var world = try Self.world()
    let isOver = world.runToEnd()
    #expect(isOver)
    #expect(world.journal.states.last == .completed)
    #expect(world.journal.latches.isEmpty && !world.journal.events.contains { $0.severity != .info })
    #expect(try #require(world.journal.records.first?.voltage) > Voltage(millivolts: 2_300))
  }

  @Test func hazard11ChargeIsCountedOverTheClosedIntervals() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 3.4)
    world.feedRun(.person(.pause, actor: "tester"))
    let isPaused = world.run(slice: 1) { $0.pilot.state == .paused }
    #expect(isPaused)
    world.feedRun(.person(.stop, actor: "tester"))
    let row = try #require(world.journal.halfCycles.last)
    let truth = try #require(world.instrument.cellTruth(channel: 0).open)
    // Some four seconds with few readings: what lies outside them is a large part, and nothing of it is missing but
    // the milliseconds of the two instructions that close and open.
    let missing = truth.terminalCharge - Double(row.charge.nanocoulombs) / 1e9
    #expect(missing >= 0 && missing <= Self.markTime * 1e-3 + 1e-9)
    #expect(truth.terminalCharge > 3e-3)
  }

  @Test func hazard12ASilentHostLosesTheCellAfterOneLease() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 100)
    let before = try #require(world.instrument.cellTruth(channel: 0).open).terminalCharge
    world.passWithoutHost(seconds: 59)
    // Within a lease of the last renewal, which was at most a third of it ago.
    world.passWithoutHost(seconds: 120)
    #expect(!world.instrument.isCellOn)
    let after = try #require(world.instrument.cellTruth(channel: 0).open).terminalCharge
    #expect(after - before <= 61 * 1e-3)
    #expect(after - before >= 35 * 1e-3)
    // The host wakes up, reads all that happened and goes on: not a nanocoulomb is lost, and no gap is claimed.
    let isOver = world.runToEnd()
    #expect(isOver)
    #expect(world.journal.has(.instrumentLeaseExpired))
    AgreementWithTruthTests.expect(world, cycles: 1)
    let row = try #require(world.journal.halfCycles.first)
    #expect(row.flags.contains(.interrupted) && !row.flags.contains(.gap))
  }

  @Test func hazard12RenewingALeaseDoesNotTouchTheCell() throws {
    var world = try Self.world()
    let isOver = world.runToEnd()
    #expect(isOver)
    // A renewal is two bytes; there were dozens, and yet every driven step is one row that closed once.
    #expect(world.written.count { $0 == Array("Y\n".utf8) } > 20)
    #expect(!world.journal.halfCycles.contains { $0.flags.contains(.interrupted) })
    let driven = world.asked.count { command in
      if case .begin(let setpoint) = command { return setpoint.mode != .openCircuit }
      return false
    }
    #expect(driven == 2)
    let truth = world.instrument.cellTruth(channel: 0)
    // Without a pause from its first current to its last: charge is current times time.
    let first = try #require(truth.closed.first)
    #expect(abs(first.terminalCharge - 1e-3 * (first.endedAt - first.startedAt)) < 1e-9)
  }

  @Test func hazard13NotAByteBeforeTheCommit() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 5)
    world.holdsCommits = true
    let isWaiting = world.run(slice: 1) { $0.isCommitAwaited }
    #expect(isWaiting)
    #expect(world.journal.halfCycles.count == 1)
    let written = world.written.count
    for _ in 0..<600 { world.turn(slice: 1) }
    #expect(world.written.count == written && !world.instrument.isCellOn)
    world.holdsCommits = false
    let isOver = world.runToEnd()
    #expect(isOver)
    AgreementWithTruthTests.expect(world, cycles: 1)
  }

  @Test func hazard07ALostLinkLeavesTheScriptRunningUntilItsLease() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 100)
    world.loseLink()
    #expect(world.instrument.isCellOn && !world.pilot.isCircuitOpen)
    world.passWithoutHost(seconds: 120)
    #expect(!world.instrument.isCellOn && !world.pilot.isCircuitOpen)
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver)
    try Self.expectHonesty(world)
    let row = try #require(world.journal.halfCycles.first)
    #expect(row.flags.isSuperset(of: [.gap, .interrupted]))
    #expect(try #require(row.gapCharge) > .zero)
  }

  /// A constant current that reaches its voltage while nobody listens begins its hold with a lease of its own.
  @Test func hazard07ACircuitIsNotTakenForOpenWhileAHoldMayHaveBegunItsOwnLease() throws {
    var longest = 0.0
    for seconds in [30.0, 45, 55] {
      let hold =
        #"{"charge": "1 mA", "to": "1 V", "hold_until": ["hold_time >= 1 h"], "until": ["step_time >= 10 h"]}"#
      let program = try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell",
          steps: HazardLimitTests.discharge.replacing("100 uA", with: "1 mA") + #", {"rest": "10 s"}, "# + hold))
      var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
      let hasBegun = world.run(turns: 10_000, slice: 1) { world in
        world.asked.contains {
          if case .begin(let setpoint) = $0, case .constantCurrentThenVoltage = setpoint.mode { return true }
          return false
        } && world.instrument.isCellOn
      }
      #expect(hasBegun)
      // Just before the voltage is reached, whenever that is in a copy of this world.
      var ahead = world
      let start = world.instrument.time
      let isHolding = ahead.run(turns: 4_000, slice: 1) { world in
        world.journal.records.last?.flags.contains(.constantVoltage) == true
      }
      #expect(isHolding)
      let reached = ahead.instrument.time
      #expect(reached - start > 60)
      _ = world.run(turns: 10_000, slice: 1) { $0.instrument.time >= reached - seconds }
      world.loseLink()
      let alone = Double(world.pilot.longestAlone.microseconds) / 1e6
      let lost = world.instrument.time
      var drove = 0.0
      while world.instrument.isCellOn, drove < 1_000 {
        world.passWithoutHost(seconds: 1)
        drove = world.instrument.time - lost
      }
      #expect(drove <= alone, "\(seconds)")
      longest = max(longest, drove)
    }
    #expect(longest > 60)
  }

  /// What the instrument still has to say when another daemon opens its line is heard: the step had ended.
  @Test func hazard05AnEndOnTheLineIsHeardByTheNextDaemon() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 5)
    var ahead = world
    let hasEnded = ahead.run(turns: 10_000, slice: 1) { !$0.journal.halfCycles.isEmpty }
    #expect(hasEnded)
    let end = ahead.instrument.time
    _ = world.run(turns: 10_000, slice: 1) { $0.instrument.time >= end - 20 }
    world.kill()
    world.passWithoutHost(seconds: 120)
    try world.restart()
    let isOver = world.runToEnd()
    #expect(isOver)
    try Self.expectHonesty(world)
    let row = try #require(world.journal.halfCycles.first)
    #expect(row.endReason == "voltage <= 10 mV" && !row.flags.contains(.chargeUnknown))
    // Closed once for each direction: nothing of the discharge was repeated.
    let driven = world.asked.count { command in
      if case .begin(let setpoint) = command { return setpoint.mode != .openCircuit }
      return false
    }
    #expect(driven == 2)
  }

  @Test func hazard07LostPowerOpensTheCircuitAtOnce() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 100)
    world.loseLink()
    world.instrument.powerCycle()
    #expect(!world.instrument.isCellOn && !world.pilot.isCircuitOpen)
    world.passWithoutHost(seconds: 20)
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver)
    try Self.expectHonesty(world)
    #expect(world.journal.halfCycles.first?.flags.contains(.gap) == true)
  }

  @Test func hazard05AScriptThatRunsOnIsTakenOverWithinItsLease() throws {
    var world = try Self.world()
    Self.intoTheDischarge(&world, seconds: 100)
    try world.killAndRestart(after: 25)
    let isOver = world.runToEnd()
    #expect(isOver)
    try Self.expectHonesty(world)
    let row = try #require(world.journal.halfCycles.first)
    // The instrument still told; a constant current between two readings is known.
    #expect(row.flags.contains(.gap) && !row.flags.contains(.chargeUnknown))
    #expect(world.journal.cycles.first?.coulombicEfficiency != nil)
    AgreementWithTruthTests.expect(world, cycles: 1)
  }

  /// Unflagged half-cycles agree with the truth to 10 ppm; flagged ones within the gap that they admit; unknown ones
  /// give no efficiency. These half-cycles last minutes instead of hours, so what the marks of each closing cannot
  /// tell, 2 ms, is no longer far below 10 ppm and is granted besides.
  static func expectHonesty(_ world: RunWorld, current: Double = 1e-3, _ comment: Comment? = nil) throws {
    world.journal.expectRecount(of: world.pilot.program, comment)
    var closings: [Int64: Int] = [:]
    for case .stepStarted(let row) in world.journal.entries {
      if let half = row.halfCycleID { closings[half, default: 0] += 1 }
    }
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = (truth.closed + [truth.open].compactMap { $0 })
    let rows = world.journal.halfCycles.filter { $0.charge != .zero || $0.gapCharge != .zero }
    try #require(rows.count == lived.count, comment)
    for (row, half) in zip(rows, lived) {
      try #require(Int(row.direction.rawValue) == half.direction, comment)
      let error = abs(Double(row.charge.nanocoulombs) / 1e9 - half.terminalCharge)
      let marks = Double(closings[row.halfCycleID] ?? 0) * Self.markTime * current
      let wire = 10e-6 * half.terminalCharge + marks
      if let gap = row.gapCharge {
        let gap = Double(gap.nanocoulombs) / 1e9
        #expect(error <= gap + wire, "half-cycle \(row.number) \(row.flags) \(error) \(gap); \(comment ?? "")")
        if gap > 0 { #expect(row.flags.contains(.gap), comment) }
      } else {
        #expect(row.flags.contains(.chargeUnknown), comment)
      }
    }
    for cycle in world.journal.cycles {
      let halves = world.journal.halfCycles.filter { $0.cycleNumber == cycle.cycleNumber }
      if halves.contains(where: { !$0.flags.isDisjoint(with: [.chargeUnknown, .truncated, .partialStart]) }) {
        #expect(cycle.coulombicEfficiency == nil, comment)
      } else {
        #expect(cycle.coulombicEfficiency != nil, comment)
      }
    }
  }
}
