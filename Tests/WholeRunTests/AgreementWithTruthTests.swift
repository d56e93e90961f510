// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// What the run computed against what passed through the terminals.
@Suite struct AgreementWithTruthTests {
  static let tolerance = 10e-6

  static func expect(_ world: RunWorld, cycles: Int) {
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = truth.closed + [truth.open].compactMap { $0 }
    #expect(world.journal.cycles.count == cycles)
    #expect(world.journal.halfCycles.count == lived.count)
    for (row, half) in zip(world.journal.halfCycles, lived) {
      #expect(Int(row.direction.rawValue) == half.direction)
      let charge = Double(row.charge.nanocoulombs) / 1e9
      #expect(abs(charge - half.terminalCharge) <= tolerance * half.terminalCharge, "half-cycle \(row.number)")
    }
    for (index, cycle) in world.journal.cycles.enumerated() where 2 * index + 1 < lived.count {
      let ratio = lived[2 * index + 1].terminalCharge / lived[2 * index].terminalCharge
      let efficiency = cycle.coulombicEfficiency ?? 0
      #expect(abs(efficiency - ratio) <= tolerance * ratio, "cycle \(cycle.cycleNumber)")
    }
  }

  @Test func hardCarbonAgreesWithinTenMillionths() throws {
    let program = try TestLaboratory.program(
      TestLaboratory.text(role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(10)))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
    let isOver = world.runToEnd()
    #expect(isOver)
    #expect(world.journal.states.last == .completed)
    Self.expect(world, cycles: 10)
    let plateau = try #require(world.journal.halfCycles.first?.plateauCharge)
    let truth = world.instrument.cellTruth(channel: 0).closed[0].plateauCharge
    #expect(abs(Double(plateau.nanocoulombs) / 1e9 - truth) <= Self.tolerance * truth)
  }

  @Test func theWiresWorstResolutionAgreesToo() throws {
    // 134.3 µA lies just beyond the finest prefix of the wire format: 1 nA steps, 7.5 millionths.
    let program = try TestLaboratory.program(
      TestLaboratory.text(role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(3, current: "134.3 uA")))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon"), program: program)
    let isOver = world.runToEnd()
    #expect(isOver)
    Self.expect(world, cycles: 3)
  }

  @Test func chargeWithHoldAgreesForNVPF() throws {
    let steps = """
      {"cycles": 5, "purpose": "life", "label": "life", "steps": [
        {"charge": "400 uA", "to": "4.25 V", "hold_until": ["current <= 40 uA", "hold_time >= 2 h"],
         "until": ["step_time >= 10 h"]},
        {"rest": "1 min"},
        {"discharge": "400 uA", "until": ["voltage <= 2.0 V", "step_time >= 10 h"]},
        {"rest": "1 min"}
      ]}
      """
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "cathode-half-cell", steps: steps, voltage: ("1.8 V", "4.4 V"), open: ("1 V", "4 V"), every: "1 s"))
    var world = RunWorld(cell: try TestLaboratory.cell("nvpf"), program: program, plateau: nil)
    let isOver = world.runToEnd()
    #expect(isOver)
    Self.expect(world, cycles: 5)
    #expect(world.journal.halfCycles[0].constantVoltageCharge > .zero)
  }

  @Test func anodeFreeStartsBelowItsLimitsAndAgrees() throws {
    let steps = """
      {"cycles": 5, "purpose": "life", "label": "life", "steps": [
        {"charge": "200 uA", "to": "4.25 V", "hold_until": ["current <= 20 uA", "hold_time >= 2 h"],
         "until": ["step_time >= 10 h"]},
        {"discharge": "200 uA", "until": ["voltage <= 2.0 V", "step_time >= 10 h"]}
      ]}
      """
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-free", steps: steps, voltage: ("1.5 V", "4.4 V"), open: ("-0.2 V", "3.2 V"), every: "1 s"))
    var world = RunWorld(cell: try TestLaboratory.cell("anode-free-nvpf"), program: program, plateau: nil)
    let isOver = world.runToEnd()
    #expect(isOver)
    Self.expect(world, cycles: 5)
    #expect(world.journal.latches.isEmpty)
  }
}
