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

  /// Behind a relay that did not close there are 0 V and no current: no discharge is over because of it.
  @Test func aVoltageWithoutItsCurrentEndsNothing() throws {
    var bench = try Self.bench()
    for _ in 0..<10 { bench.read(0, 0) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(0, 0)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.instrumentSetpointNotFollowed])
  }

  /// A hold's current is none while its voltage is not there.
  @Test func aCurrentWithoutItsVoltageEndsNoHold() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["current <= 2 uA", "step_time >= 2 h"]}"#
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + ", " + hold)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<10 { bench.read(0.9, 0) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.01, -5e-6)
    for _ in 0..<10 { bench.read(0.9, 0) }
    #expect(!bench.wantsOpenCircuit, "one reading as it should be begins the count anew")
    bench.read(0.9, 0)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.instrumentSetpointNotFollowed])
  }

  /// Away from its voltage a hold may be on its way there only with all the current that it may have.
  @Test(arguments: [(-9.9e-6, true), (-10.1e-6, false)])
  func aHoldAwayFromItsVoltageEnds(amperes: Double, ends: Bool) throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["current <= 2 uA", "step_time >= 2 h"]}"#
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + ", " + hold)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<10 { bench.read(0.9, amperes) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.9, amperes)
    #expect(bench.wantsOpenCircuit == ends)
    #expect(bench.journal.latches.map(\.code) == (ends ? [.instrumentSetpointNotFollowed] : []))
  }

  /// A dead ammeter: the cell may be driven, and nobody sees by what.
  @Test func aVoltageBeyondTheHardLimitWithoutItsCurrentOpensAtOnce() throws {
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge)
    bench.start(at: 2.0)
    bench.accept()
    bench.read(2.9, 0)
    #expect(!bench.wantsOpenCircuit, "a fresh cell above its limits is discharged")
    bench.read(-0.5, 0)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.instrumentSetpointNotFollowed])
  }

  /// What an instrument judges by itself is held to the same.
  @Test(arguments: [(0.0, 0.0), (0.01, -49e-6), (0.01, 100e-6)])
  func anInstrumentsOwnEndWithoutItsCurrentIsAFault(volts: Double, amperes: Double) throws {
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge)
    bench.start(at: 2.0)
    bench.accept()
    bench.read(2.0, -100e-6)
    bench.read(volts, amperes)
    bench.end(.cutOff(0))
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.map(\.code) == [.instrumentSetpointNotFollowed])
  }
}
