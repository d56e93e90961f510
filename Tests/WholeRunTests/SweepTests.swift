// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// Sweeps of the voltage, through driver, emulator and pilot.
@Suite struct SweepTests {
  private static func world(_ steps: String, every: String = "1 s") throws -> RunWorld {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: steps, voltage: ("-50 mV", "3.4 V"), current: "20 mA", every: every))
    return RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
  }

  /// The records of the sweeps, one list a step.
  private static func sweeps(_ world: RunWorld) -> [[RecordRow]] {
    let ids = world.journal.entries.compactMap { entry -> Int64? in
      if case .stepStarted(let row) = entry, row.kind == .voltageSweep { return row.stepID }
      return nil
    }
    return ids.map { id in world.journal.records.filter { $0.stepID == id } }
  }

  private static func volts(_ row: RecordRow) -> Double { Double(row.voltage?.nanovolts ?? 0) / 1e9 }
  private static func seconds(_ row: RecordRow) -> Double { Double(row.stepTime.microseconds) / 1e6 }

  /// 1.5 V at 2 mV/s are 750 s: a dozen leases. The rate is kept however often the lease is renewed.
  @Test func aLinearSweepKeepsItsRateOverManyLeases() throws {
    var world = try Self.world(#"{"sweep": "2 mV/s", "to": "1.3 V", "current_at_most": "10 mA"}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    #expect(world.journal.endedSteps.last == "1.3 V reached")
    let rows = try #require(Self.sweeps(world).first)
    let (first, last) = (try #require(rows.first), try #require(rows.last))
    #expect(abs(Self.volts(last) - 1.3) < 0.0021)
    #expect(Self.volts(first) > 2.5)
    for row in rows {
      let expected = Self.volts(first) - 2e-3 * (Self.seconds(row) - Self.seconds(first))
      #expect(abs(Self.volts(row) - max(expected, 1.3)) < 0.005, "at \(Self.seconds(row)) s")
    }
    #expect(world.journal.latches.isEmpty)
    #expect(world.journal.halfCycles.isEmpty && world.journal.cycles.isEmpty)
  }

  /// Between two readings lies a step of the staircase, and the spike at its beginning is seen by neither: here 0.1 %.
  @Test func aCyclicSweepTurnsAndItsChargeIsWhatItsReadingsSay() throws {
    var world = try Self.world(#"{"sweep": "5 mV/s", "to": "5 mV", "back_to": "2 V", "current_at_most": "15 mA"}"#)
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    let rows = try #require(Self.sweeps(world).first)
    let lowest = try #require(rows.map(Self.volts).min())
    #expect(lowest >= 0.005 - 1e-9 && lowest < 0.011)
    #expect(abs(Self.volts(try #require(rows.last)) - 2) < 0.006)
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = (truth.closed + [truth.open].compactMap { $0 }).map { Double($0.direction) * $0.terminalCharge }
    let net = Double(try #require(rows.last).charge.nanocoulombs) / 1e9
    let most = lived.map { abs($0) }.max() ?? 0
    #expect(lived.count >= 2)
    #expect(abs(net - lived.reduce(0, +)) < 3e-3 * most, "\(net) C of \(lived)")
  }

  @Test func aConditionEndsASweep() throws {
    var world = try Self.world(
      #"{"sweep": "5 mV/s", "to": "5 mV", "current_at_most": "15 mA", "until": ["voltage <= 1.5 V"]}, {"rest": "10 s"}"#
    )
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed)
    #expect(world.journal.endedSteps.contains("voltage <= 1.5 V"))
    let rows = try #require(Self.sweeps(world).first)
    #expect((rows.map(Self.volts).min() ?? 0) > 1.48)
  }

  @Test func aSweepThatShouldBeginFarAwayIsNotBegun() throws {
    var world = try Self.world(#"{"sweep": "5 mV/s", "from": "1 V", "to": "5 mV", "current_at_most": "15 mA"}"#)
    _ = world.run { $0.pilot.state == .held }
    #expect(world.pilot.state == .held)
    #expect(world.journal.latches.first?.code == .holdStartedFarAway)
    #expect(Self.sweeps(world).isEmpty)
  }

  @Test func moreCurrentThanTheSweepAllowsOpensTheCircuit() throws {
    var world = try Self.world(#"{"sweep": "50 mV/s", "to": "5 mV", "current_at_most": "50 uA"}"#)
    _ = world.run { $0.pilot.state == .held }
    #expect(world.pilot.state == .held)
    #expect(world.journal.latches.count == 1)
  }

  /// Half a voltammogram is none.
  @Test func aSweepThatWasCutOffIsLeft() throws {
    var world = try Self.world(
      #"{"sweep": "1 mV/s", "to": "5 mV", "current_at_most": "15 mA", "label": "cut"}, {"rest": "10 s"}"#)
    _ = world.run { (Self.sweeps($0).first?.count ?? 0) > 100 }
    world.loseLink()
    _ = world.run(turns: 200) { _ in false }
    world.restoreLink()
    let isOver = world.runToEnd()
    #expect(isOver && world.journal.states.last == .completed, "\(world.journal.states)")
    #expect(Self.sweeps(world).count == 1)
    #expect(world.journal.endedSteps.last == "step_time >= 10 s")
  }
}
