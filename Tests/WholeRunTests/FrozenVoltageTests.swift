// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A current that flows while the voltage stands still: the instrument repeats itself, and nobody watches the cell.

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct FrozenVoltageTests {
  // A five-hundredth of the 2 mAh that a half-cycle may move are 14.4 mC: 40 s of 360 µA.
  private static func bench() throws -> PilotBench {
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(3))))
    bench.start(at: 2.5)
    bench.accept()
    return bench
  }

  @Test func aVoltageThatDoesNotAnswerToTheCurrentOpensTheCircuit() throws {
    var bench = try Self.bench()
    for _ in 0..<41 { bench.read(2.5, -360e-6) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(2.5, -360e-6)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.map(\.code) == [.instrumentFrozen])
  }

  /// Few readings prove nothing, however much flows in between.
  @Test func twentyReadingsAreTolerated() throws {
    var bench = try Self.bench()
    for _ in 0..<20 { bench.read(2.5, -360e-6, after: 5) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(2.5, -360e-6, after: 5)
    #expect(bench.wantsOpenCircuit)
  }

  /// One nanovolt shows that it is measured; a plateau may stand still afterwards.
  @Test func aVoltageThatHasMovedMayStandStill() throws {
    var bench = try Self.bench()
    bench.read(2.499_999_999, -360e-6)
    for _ in 0..<600 { bench.read(2.5, -360e-6) }
    #expect(!bench.wantsOpenCircuit)
    bench.end(.cutOff(0))
    bench.rest()
    // After the rest it stood at 1 V.
    bench.accept()
    for _ in 0..<60 { bench.read(1.5, 360e-6) }
    #expect(bench.pilot.state == .running)
  }

  @Test func aReadingWithoutAVoltageProvesNothingEither() throws {
    var bench = try Self.bench()
    for index in 0..<60 { bench.read(index % 2 == 1 ? nil : 2.5, -360e-6) }
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.events.contains { $0.code == .instrumentFrozen })
  }
}
