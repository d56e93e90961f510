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
}
