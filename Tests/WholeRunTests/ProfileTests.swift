// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// Profiles of currents, through driver, emulator and pilot.
@Suite struct ProfileTests {
  private static func world(_ steps: String, every: String = "1 s", charge: String = "2 mAh") throws -> RunWorld {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: steps, voltage: ("-50 mV", "3.4 V"), current: "20 mA", charge: charge,
        every: every))
    return RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
  }

  /// The records of the profiles, one list a table.
  private static func tables(_ world: RunWorld) -> [[RecordRow]] {
    let ids = world.journal.entries.compactMap { entry -> Int64? in
      if case .stepStarted(let row) = entry, row.kind == .currentProfile { return row.stepID }
      return nil
    }
    return ids.map { id in world.journal.records.filter { $0.stepID == id } }
  }

  private static func amperes(_ row: RecordRow) -> Double { Double(row.current?.picoamperes ?? 0) / 1e12 }
  private static func seconds(_ row: RecordRow) -> Double { Double(row.stepTime.microseconds) / 1e6 }

  private static let rows: [(text: String, amperes: Double, seconds: Double)] = [
    ("discharge 1 mA for 10 s", -1e-3, 10), ("rest for 5 s", 0, 5), ("charge 0.4 mA for 2.5 s", 0.4e-3, 2.5),
    ("discharge 2 mA for 1 s", -2e-3, 1), ("discharge 0.1 mA for 90 s", -0.1e-3, 90),
    ("charge 1 mA for 7 s", 1e-3, 7),
  ]
  private static var list: String { rows.map { "\"\($0.text)\"" }.joined(separator: ", ") }

  /// The rows come in time, however often the lease is renewed meanwhile, and every one of them is measured.
  @Test func everyRowFlowsForItsTime() throws {
    var world = try Self.world(#"{"profile": [\#(Self.list)]}, {"rest": "10 s"}"#, every: "0.1 s")
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    #expect(world.journal.endedSteps.contains("profile over"))
    let records = try #require(Self.tables(world).first)
    var begin = 0.0
    for row in Self.rows {
      let inside = records.filter { Self.seconds($0) > begin + 0.06 && Self.seconds($0) < begin + row.seconds - 0.03 }
      #expect(inside.count >= (row.seconds < 2 ? 3 : 8), "\(row.text): \(inside.count)")
      for record in inside {
        #expect(abs(Self.amperes(record) - row.amperes) < 5e-6, "\(row.text) at \(Self.seconds(record)) s")
      }
      begin += row.seconds
    }
    #expect(abs(Self.seconds(try #require(records.last)) - begin) < 0.1)
    #expect(world.journal.halfCycles.isEmpty && world.journal.cycles.isEmpty && world.journal.latches.isEmpty)
  }

  /// What the readings say is what went through the terminals. A change of the current lies between two readings 50 ms
  /// apart, and what one costs the next gives back.
  @Test func itsChargeIsThatOfTheTerminals() throws {
    var world = try Self.world(#"{"repeat": 20, "steps": [{"profile": [\#(Self.list)]}, {"rest": "2 s"}]}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    let tables = Self.tables(world)
    #expect(tables.count == 20)
    let net = tables.compactMap(\.last).map { Double($0.charge.nanocoulombs) / 1e9 }.reduce(0, +)
    let meant = 20 * Self.rows.reduce(0) { $0 + $1.amperes * $1.seconds }
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = (truth.closed + [truth.open].compactMap { $0 }).map { Double($0.direction) * $0.terminalCharge }
      .reduce(0, +)
    let moved = 20 * Self.rows.reduce(0) { $0 + abs($1.amperes) * $1.seconds }
    #expect(abs(net - lived) < 1e-3 * moved, "\(net) C, through the terminals \(lived) C, meant \(meant) C")
    // Each row begins as late as the script needs to look it up, some 30 instructions of a millisecond: what that adds to one
    // row it takes from the next, and only the first and the last do not even out.
    #expect(abs(lived - meant) < 20 * 2e-3 * 0.06, "through the terminals \(lived) C, meant \(meant) C")
  }

  /// 130 rows are two tables; a voltage that ends the first ends the whole.
  @Test(arguments: [false, true])
  func aLongProfileIsOneEvenIfItIsTwoTables(isEnded: Bool) throws {
    let rows = (0..<130).map { "\"\($0.isMultiple(of: 2) ? "discharge \(isEnded ? 3 : 1) mA" : "rest") for 1 s\"" }
    let until = isEnded ? #", "until": ["voltage <= 2.4 V"]"# : ""
    var world = try Self.world(#"{"profile": [\#(rows.joined(separator: ", "))]\#(until)}, {"rest": "10 s"}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    let ends = world.journal.endedSteps.filter { $0 == "profile over" || $0.hasPrefix("voltage") }
    #expect(ends == (isEnded ? ["voltage <= 2.4 V"] : ["profile over", "profile over"]))
    #expect(world.journal.endedSteps.last == "step_time >= 10 s")
  }

  @Test func aLimitOpensTheCircuitInsideAProfile() throws {
    var world = try Self.world(#"{"profile": ["discharge 5 mA for 20 h"]}"#, charge: "200 mAh")
    _ = world.run { $0.pilot.state == .held }
    #expect(world.pilot.state == .held)
    #expect(world.journal.latches.first?.code == .limitVoltageLow)
  }

  /// What was cut off is not taken up again.
  @Test func aProfileThatWasCutOffIsLeft() throws {
    var world = try Self.world(#"{"profile": ["discharge 0.1 mA for 1 h"]}, {"rest": "10 s"}"#)
    _ = world.run { (Self.tables($0).first?.count ?? 0) > 100 }
    world.loseLink()
    _ = world.run(turns: 200) { _ in false }
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.states)")
    #expect(Self.tables(world).count == 1)
    #expect(world.journal.endedSteps.last == "step_time >= 10 s")
  }

  /// Half of a long profile has moved the cell somewhere: the other half is not driven from there.
  @Test func theRestOfALongProfileIsLeftToo() throws {
    let rows = (0..<130).map { _ in "\"discharge 0.2 mA for 20 s\"" }.joined(separator: ", ")
    var world = try Self.world(#"{"profile": [\#(rows)]}, {"rest": "10 s"}"#)
    _ = world.run { (Self.tables($0).first?.count ?? 0) > 100 }
    world.loseLink()
    _ = world.run(turns: 200) { _ in false }
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.states)")
    #expect(Self.tables(world).count == 1)
    #expect(world.journal.endedSteps.last == "step_time >= 10 s")
  }

  /// Short rows one way and the other: each change costs the same few instructions, so the next row gives back what one
  /// takes, however many there are.
  @Test(arguments: [0.0002, 0.001, 0.003])
  func manyShortRowsKeepTheirCharge(instruction: Double) throws {
    let seconds = 1.0
    let rows = (0..<50).map { _ in "\"discharge 2 mA for \(seconds) s\", \"charge 1 mA for \(seconds) s\"" }
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: #"{"profile": [\#(rows.joined(separator: ", "))]}"#,
        voltage: ("-50 mV", "3.4 V"),
        current: "20 mA"))
    var world = RunWorld(
      cell: try TestLaboratory.cell("hard-carbon"), program: program, instructionSeconds: instruction)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    let net = Double(try #require(Self.tables(world).first?.last).charge.nanocoulombs) / 1e9
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = (truth.closed + [truth.open].compactMap { $0 }).map { Double($0.direction) * $0.terminalCharge }
      .reduce(0, +)
    let moved = 50 * 3e-3 * seconds
    // One change of 3 mA over the time between two readings.
    let one = 3e-3 * (0.05 + 60 * instruction)
    #expect(abs(net - lived) < one, "\(net) C, through the terminals \(lived) C of \(moved) C")
    #expect(abs(lived + 50 * 1e-3 * seconds) < one, "through the terminals \(lived) C")
  }

  /// A window has two ends.
  @Test func aVoltageEndsAProfileEitherWay() throws {
    var world = try Self.world(
      #"{"profile": ["discharge 2 mA for 10 h"], "until": ["voltage >= 3.3 V", "voltage <= 1 V"]}, {"rest": "10 s"}"#,
      charge: "200 mAh")
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    #expect(world.journal.endedSteps.contains("voltage <= 1 V"))
  }

  /// Inside a cycle it is a diagnostic: the half-cycle around it goes on.
  @Test func aProfileInsideACycleBelongsToNoHalfCycle() throws {
    var world = try Self.world(
      #"""
      {"cycles": 1, "purpose": "life", "label": "life", "steps": [
        {"discharge": "2 mA", "until": ["voltage <= 1 V", "step_time >= 1 h"]},
        {"profile": ["discharge 1 mA for 10 s", "charge 1 mA for 20 s"]},
        {"discharge": "2 mA", "until": ["voltage <= 0.2 V", "step_time >= 1 h"]},
        {"charge": "2 mA", "until": ["voltage >= 1.5 V", "step_time >= 1 h"]}]}
      """#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.latches)")
    #expect(world.journal.cycles.count == 1)
    let steps = world.journal.entries.compactMap { entry -> StepRow? in
      if case .stepStarted(let row) = entry, row.kind == .constantCurrent || row.kind == .currentProfile {
        row
      } else {
        nil
      }
    }
    #expect(steps.map(\.kind) == [.constantCurrent, .currentProfile, .constantCurrent, .constantCurrent])
    let charges = steps.map { step in world.journal.records.last { $0.stepID == step.stepID }?.charge ?? .zero }
    #expect(world.journal.halfCycles.map(\.charge) == [(charges[0] + charges[2]).magnitude, charges[3]])
    #expect(charges[1] > Charge(nanocoulombs: 9_000_000))
  }
}
