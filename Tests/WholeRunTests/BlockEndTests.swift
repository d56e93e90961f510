// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Blocks that end by what their cycles say. The instrument is fed by hand, so that each cycle moves what a test wants.

import CellMetrics
import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct BlockEndTests {
  private static func program(
    _ cycles: Int, until: String? = nil, then more: String = "", reference: String = "life cycle 1"
  ) throws -> Program {
    let steps = TestLaboratory.hardCarbonCycles(cycles, until: until) + more
    return try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: steps, metrics: "\"retention_reference\": \"\(reference)\""))
  }

  private static func bench(_ program: Program) -> PilotBench {
    var bench = PilotBench(program)
    bench.start(at: 2.5)
    return bench
  }

  @Test func theProtocolEndsOnceTwoCyclesInARowSaySo() throws {
    let until = #"[{"when": "retention < 80 %", "for": "2 cycles", "go": "end"}]"#
    var bench = Self.bench(try Self.program(9, until: until, then: #", {"rest": "1 h"}"#))
    for seconds in [20.0, 15, 17, 15.5, 15] { bench.cycle(desodiation: seconds) }
    #expect(bench.pilot.state == .completed)
    #expect(bench.pilot.isOver)
    let halves = bench.journal.halfCycles.filter { $0.direction == .charge }.map { Double($0.charge.nanocoulombs) }
    #expect(bench.journal.cycles.map(\.retention) == halves.map { $0 / halves[0] })
    let met = bench.journal.events.filter { $0.code == .runConditionMet }
    #expect(met.map(\.detail) == ["retention < 80 % for 2 cycles, after 5 cycles: the protocol is over"])
    #expect(!bench.journal.endedSteps.contains("step_time >= 1 h"))
  }

  /// A cycle is counted whatever it says.
  @Test func aBlockEndsByTheNumberOfItsCycle() throws {
    var bench = Self.bench(try Self.program(9, until: #"["cycle_number >= 3"]"#))
    for seconds in [20.0, 2, 17] { bench.cycle(desodiation: seconds) }
    #expect(bench.pilot.state == .completed)
    let met = bench.journal.events.filter { $0.code == .runConditionMet }
    #expect(met.map(\.detail) == ["cycle_number >= 3, after 3 cycles: the block is over"])
  }

  /// Both at once, in two cycles in a row: one of the two is not enough.
  @Test func whatIsJoinedMustBeSaidByTheSameCycle() throws {
    let until = #"[{"when": "retention < 90 % and coulombic_efficiency < 90 %", "for": "2 cycles", "go": "end"}]"#
    var bench = Self.bench(try Self.program(9, until: until))
    // Sodiation takes 20 s.
    for seconds in [19.0, 17, 18.5, 17, 16] { bench.cycle(desodiation: seconds) }
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 5)
    let met = bench.journal.events.filter { $0.code == .runConditionMet }
    #expect(met.map(\.detail).first?.hasPrefix("retention < 90 % and coulombic_efficiency < 90 % for 2 cycles") == true)
  }

  /// The first cycle of the cell's life has an initial efficiency, and no other.
  @Test(arguments: [(0, 1), (3, 4)])
  func aPoorInitialEfficiencyAsksForAPerson(earlier: Int64, cycles: Int) throws {
    let until = #"[{"when": "initial_coulombic_efficiency < 80 %", "go": "end"}]"#
    var identity = PilotBench.identity
    identity.earlierCellCycles = earlier
    let program = try Self.program(4, until: until)
    var bench = PilotBench(program)
    bench.pilot = RunPilot(identity: identity, program: program, settings: RunSettings(), instrumentIsHere: true)
    bench.start(at: 2.5)
    while !bench.pilot.isOver { bench.cycle(desodiation: 15) }
    #expect(bench.journal.cycles.count == cycles)
  }

  /// 360 µA for 20 s are 2 µAh.
  @Test func whatTheCyclesHaveNotGivenBackEndsTheBlock() throws {
    let until = #"[{"when": "cumulative_irreversible_capacity > 0.85 uAh", "go": "end"}]"#
    var bench = Self.bench(try Self.program(9, until: until))
    for seconds in [15.0, 21, 18] {
      #expect(!bench.pilot.isOver)
      bench.half(-360e-6, seconds: 20)
      bench.drive(360e-6, seconds: seconds)
      bench.end(.cutOff(0))
      // What has been summed is in the checkpoint.
      try bench.restart()
      bench.feed(.instrumentReady)
      bench.check(Array(repeating: 2.0, count: 10))
      bench.rest()
    }
    #expect(!bench.pilot.isOver, "0.5 - 0.1 + 0.2 uAh")
    bench.cycle(desodiation: 17)
    #expect(bench.pilot.state == .completed)
    let told = bench.journal.cycles.map { $0.cumulativeIrreversibleCharge.map { ($0.ampereHours * 1e7).rounded() } }
    #expect(told == [5, 4, 6, 9])
  }

  @Test func aCapacityThatStandsStillEndsTheBlock() throws {
    let until = #"[{"when": "capacity_change < 3 %", "for": "2 cycles"}]"#
    var bench = Self.bench(try Self.program(9, until: until))
    for seconds in [15.0, 17, 18, 18.4, 18, 18.1] { bench.cycle(desodiation: seconds) }
    #expect(
      bench.journal.cycles.count == 5, "18.4 and 18 s are within 3 % of the cycle before, and 18.1 s is not needed")
    #expect(bench.pilot.state == .completed)
  }

  @Test(arguments: [("next", "17 min"), ("later", "19 min")])
  func aBlockIsLeftForItsLabelOrForWhatFollows(go: String, rest: String) throws {
    // 360 µA for 16 s are 1.6 µAh.
    let until = #"[{"when": "charge_capacity < 1.6 uAh", "go": "\#(go)"}]"#
    let more = #", {"rest": "17 min"}, {"rest": "19 min", "label": "later"}"#
    var bench = Self.bench(try Self.program(9, until: until, then: more))
    for seconds in [18.0, 17, 15] { bench.cycle(desodiation: seconds) }
    #expect(bench.journal.cycles.count == 3)
    bench.rest()
    #expect(bench.journal.endedSteps.last == "step_time >= \(rest)")
    #expect(bench.journal.has(.runConditionMet))
  }

  @Test func aTestTimeEndsTheBlockWithItsPass() throws {
    // A cycle lasts 40 s of current and 2 s of rests here, after 10 s of open circuit.
    var bench = Self.bench(try Self.program(9, until: #"["test_time >= 2 min"]"#))
    bench.cycle(desodiation: 20)
    bench.cycle(desodiation: 20)
    #expect(!bench.pilot.isOver)
    bench.cycle(desodiation: 20)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 3)
  }

  /// The entries are a list of alternatives, and the first that holds counts.
  @Test func theFirstConditionThatHoldsCounts() throws {
    let until =
      #"["coulombic_efficiency > 99 %", {"when": "coulombic_efficiency > 90 %", "go": "end"}, "test_time >= 1 s"]"#
    var bench = Self.bench(try Self.program(9, until: until, then: #", {"rest": "1 h"}"#))
    bench.cycle(desodiation: 19)
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.events.first { $0.code == .runConditionMet }?.detail.contains("> 90 %") == true)
  }

  @Test func aPersonIsAskedAndTheRunGoesOnAsIfNothingHadBeen() throws {
    let until = #"[{"when": "coulombic_efficiency < 97 %", "for": "2 cycles", "go": "hold"}]"#
    var bench = Self.bench(try Self.program(4, until: until))
    for done in [2, 4] {
      bench.cycle(desodiation: 19)
      bench.cycle(desodiation: 19)
      #expect(bench.pilot.state == .held)
      #expect(bench.journal.cycles.count == done)
      #expect(bench.pilot.isCircuitOpen)
      #expect(bench.journal.latches.isEmpty, "nothing is wrong with the channel")
      #expect(bench.journal.events.last?.code == .runConditionHolds)
      if done == 2 {
        try bench.restart()
        #expect(bench.pilot.state == .held)
        bench.feed(.instrumentReady)
        #expect(bench.pilot.state == .held, "only a person goes on")
      }
      bench.feed(.person(.resume, actor: "ada"))
      bench.check(Array(repeating: 2.0, count: 10))
    }
    #expect(bench.pilot.state == .completed)
  }

  /// What has been counted is in the checkpoint: a daemon that dies between the cycles changes nothing.
  @Test func aRestartBetweenTheCyclesForgetsNoCycle() throws {
    let until = #"[{"when": "retention < 80 %", "for": "3 cycles", "go": "end"}]"#
    var bench = Self.bench(try Self.program(9, until: until))
    bench.cycle(desodiation: 20)
    for _ in 0..<3 {
      #expect(!bench.pilot.isOver)
      bench.half(-360e-6, seconds: 20)
      bench.drive(360e-6, seconds: 15)
      bench.end(.cutOff(0))
      // The cycle is over and its pass is not: the rest behind it is still to come.
      try bench.restart()
      bench.feed(.instrumentReady)
      bench.check(Array(repeating: 2.0, count: 10))
      bench.rest()
    }
    #expect(bench.pilot.state == .completed)
    #expect(bench.journal.cycles.count == 4)
  }

  /// A cycle that was interrupted tells of the interruption: it neither counts nor breaks the row.
  @Test func anInterruptedCycleSaysNothing() throws {
    let until = #"[{"when": "coulombic_efficiency > 80 %", "for": "2 cycles", "go": "end"}]"#
    var bench = Self.bench(try Self.program(9, until: until))
    bench.cycle(desodiation: 19)
    // The efficiency of this one is below the threshold, and would break the row.
    bench.drive(-360e-6, seconds: 10)
    bench.feed(.person(.pause, actor: "ada"))
    bench.end(.requested)
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 0.5, count: 10))
    bench.drive(-360e-6, seconds: 10)
    bench.end(.cutOff(0))
    bench.rest()
    bench.half(360e-6, seconds: 10)
    #expect(!bench.pilot.isOver)
    bench.cycle(desodiation: 19)
    #expect(bench.journal.cycles.map { $0.flags.contains(.interrupted) } == [false, true, false])
    #expect(bench.pilot.state == .completed)
  }

  @Test func anIncompleteReferenceIsToldAtOnce() throws {
    let until = #"[{"when": "retention < 200 %", "go": "end"}]"#
    var bench = Self.bench(try Self.program(2, until: until))
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 10)
    bench.feed(.person(.skip, actor: "ada"))
    bench.end(.requested)
    bench.rest()
    #expect(bench.journal.events.last { $0.code == .runRetentionUnknown }?.severity == .warning)
    bench.cycle(desodiation: 19)
    #expect(bench.journal.cycles.map(\.retention) == [nil, nil])
    #expect(bench.journal.events.filter { $0.code == .runRetentionUnknown }.count == 1)
    #expect(!bench.journal.has(.runConditionMet))
    #expect(bench.pilot.state == .completed, "the block has come to its count")
  }

  /// Bytes of the version before retention was counted are taken up, and a reference that may have passed by then stays
  /// unknown instead of being taken from a later cycle.
  @Test func aCheckpointOfTheVersionBeforeIsTakenUp() throws {
    let program = try Self.program(3)
    var plain = program
    plain.metrics.retentionReference = nil
    var older = Self.bench(plain)
    older.cycle(desodiation: 19)
    var writer = ByteWriter()
    older.pilot.checkpoint(into: &writer)
    #expect(writer.bytes[0] == 11)
    var bytes = try PilotBench.checkpoint(writer.bytes, asFormat: 9, of: plain)
    // Format 9 added two charges, four counts of cycles and the number of named ones.
    bytes.removeLast(2 * 9 + 4 * 8 + 4)
    // Format 8 added the revision of the protocol, behind the format, and at the end two charges that are known here.
    #expect(bytes[4..<8] == [1, 0, 0, 0])
    bytes.removeSubrange(4..<8)
    #expect(bytes[bytes.count - 18] == 1 && bytes[bytes.count - 9] == 1)
    bytes.removeLast(18)
    for format: UInt8 in [3, 5, 6, 12] {
      bytes[0] = format
      #expect(throws: ByteReader.Malformed.self) {
        try RunPilot(
          identity: PilotBench.identity, program: program, settings: RunSettings(), checkpoint: bytes,
          since: older.now.unix)
      }
    }
    bytes[0] = 7
    _ = try RunPilot(
      identity: PilotBench.identity, program: plain, settings: RunSettings(), checkpoint: bytes, since: older.now.unix)
    // Format 7 added how the half-cycle before left the cell, format 6 three things of which this run has none.
    #expect(bytes.suffix(14) == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    bytes.removeLast(11)
    bytes[0] = 6
    _ = try RunPilot(
      identity: PilotBench.identity, program: plain, settings: RunSettings(), checkpoint: bytes, since: older.now.unix)
    bytes.removeLast(3)
    bytes[0] = 5
    _ = try RunPilot(
      identity: PilotBench.identity, program: plain, settings: RunSettings(), checkpoint: bytes, since: older.now.unix)
    bytes[0] = 4
    var bench = PilotBench(program)
    bench.host = older.host
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: program, settings: RunSettings(), checkpoint: bytes,
      since: older.now.unix)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.cycle(desodiation: 19)
    #expect(bench.journal.cycles.map(\.cycleNumber) == [2])
    #expect(bench.journal.cycles.map(\.retention) == [nil])
  }
}
