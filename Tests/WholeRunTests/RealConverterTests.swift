// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// What an instrument with offset, gain, noise and resolution does to a coulombic efficiency.
@Suite struct RealConverterTests {
  /// The gain is the same for both directions, because they share a range (hazard rule 14), and cancels. The offset
  /// does not: it adds to one direction and is taken from the other, once in what is driven, which the truth sees too, and
  /// once in what is measured. With an offset of o and a current of i the efficiency of an anode half cell, charge over
  /// discharge, is told too high by the factor 1 + 2 o / i. Noise of 5 millionths of the range averages out.
  @Test(arguments: [UInt64(1), 2, 3])
  func theEfficiencyIsWrongByTheOffsetAndNoMore(seed: UInt64) throws {
    let current = 360e-6
    let offset = 1e-4 * 1e-3
    var world = try HazardWorldTests.world(2, current: "360 uA", converters: .real(), seed: seed)
    let isOver = world.runToEnd()
    #expect(isOver)
    #expect(world.journal.latches.isEmpty)
    let truth = world.instrument.cellTruth(channel: 0)
    let lived = truth.closed + [truth.open].compactMap { $0 }
    try #require(lived.count == 4 && world.journal.cycles.count == 2)
    for (index, cycle) in world.journal.cycles.enumerated() {
      let ratio = lived[2 * index + 1].terminalCharge / lived[2 * index].terminalCharge
      let told = try #require(cycle.coulombicEfficiency)
      let expected = 2 * offset / current
      #expect(abs(told / ratio - 1 - expected) < 2e-5, "seed \(seed), cycle \(cycle.cycleNumber): \(told / ratio - 1)")
    }
  }

  /// A hold begins with a jump of the voltage error over the cell's resistance, here more than the range of the constant
  /// current holds: the range follows it, and nothing is clipped.
  @Test(arguments: [UInt64(1), 2, 3, 7])
  func theJumpAtTheBeginningOfAHoldIsMeasuredAndNotClipped(seed: UInt64) throws {
    let steps = """
      {"cycles": 2, "purpose": "life", "label": "life", "steps": [
        {"charge": "80 uA", "to": "4.25 V", "hold_until": ["current <= 20 uA", "hold_time >= 1 h"],
         "until": ["step_time >= 60 h"]},
        {"rest": "1 min"},
        {"discharge": "80 uA", "until": ["voltage <= 2.0 V", "step_time >= 60 h"]},
        {"rest": "1 min"}]}
      """
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "cathode-half-cell", steps: steps, voltage: ("1.8 V", "4.32 V"), open: ("1 V", "4 V")))
    var world = RunWorld(
      cell: try TestLaboratory.cell("nvpf", seed: seed), program: program, converters: .real(), plateau: nil, seed: seed
    )
    let isOver = world.runToEnd()
    #expect(isOver)
    #expect(world.journal.states.last == .completed, "\(world.journal.events)")
    #expect(world.journal.latches.isEmpty)
    #expect(world.journal.halfCycles.allSatisfy { $0.flags.isEmpty })
    let largest = world.journal.records.compactMap { $0.current?.magnitude }.max()
    #expect(try #require(largest) > Current(picoamperes: 100_000_000), "no jump: the test shows nothing")
  }
}
