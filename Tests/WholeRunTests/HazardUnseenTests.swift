// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// A cell that nobody sees, and a target that lies behind the cell: what a limit cannot catch.
@Suite struct HazardUnseenTests {
  // MARK: Blind readings

  struct Blindness: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var volts: Double?
    var amperes: Double?
  }

  static let blindnesses = [
    Blindness(testDescription: "no voltage", volts: nil, amperes: -100e-6),
    Blindness(testDescription: "no current", volts: 0.5, amperes: nil),
    Blindness(testDescription: "neither", volts: nil, amperes: nil),
  ]

  @Test(arguments: blindnesses)
  func hazard17ACellThatIsDrivenUnseenIsLatched(_ blind: Blindness) throws {
    var bench = try HazardInterruptionTests.running()
    bench.read(blind.volts, blind.amperes)
    bench.read(0.5, -100e-6)
    // One lost digit is tolerated, and forgotten once the cell is seen again.
    bench.read(blind.volts, blind.amperes)
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)
    bench.read(blind.volts, blind.amperes)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.instrumentNoReading])
  }

  @Test(arguments: blindnesses)
  func hazard17AHoldThatIsUnseenIsLatched(_ blind: Blindness) throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + ", " + hold)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.01, -15e-6)
    for _ in 0..<2 { bench.read(blind.volts.map { _ in 0.01 }, blind.amperes.map { _ in -15e-6 }) }
    #expect(bench.journal.latches.map(\.code) == [.instrumentNoReading])
  }

  @Test func whatNoReadingTellsIsUnknownAndNotZero() throws {
    var bench = try HazardInterruptionTests.running()
    bench.read(0.5, nil)
    bench.read(0.009, -100e-6)
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.flags.isSuperset(of: [.gap, .chargeUnknown]) && row.gapCharge == nil)
  }

  /// The line swallowed the word of a circuit that opened and closed between a constant current and its hold.
  @Test func hazard11AChargeAroundALostWordIsUnknownAndNotMissing() throws {
    var bench = try HazardLimitTests.bench(Self.chargeAndHold)
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<10 { bench.read(2.0, 100e-6) }
    let at = TimeSpan(seconds: 10)
    for event in [
      DriverEvent.circuitMarkLost(channel: 0, at: at), .circuitOpened(channel: 0, at: at),
      .circuitClosed(channel: 0, at: at), .holdBegan(channel: 0, at: at),
    ] { bench.feed(.driver(event)) }
    for _ in 0..<10 { bench.read(2.0, 50e-6) }
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    // 10 s less 2 ms of 100 µA and 10 s of 50 µA: everything that was read is counted.
    #expect(row.charge == Charge(nanocoulombs: 999_800 + 500_000))
    #expect(row.constantVoltageCharge == Charge(nanocoulombs: 500_000))
    #expect(row.flags.isSuperset(of: [.gap, .chargeUnknown]) && row.gapCharge == nil)
    let event = try #require(bench.journal.events.last { $0.code == .linkGarbage })
    #expect(event.severity == .warning && event.detail.contains("9.998 s"))
  }

  // MARK: Targets already passed

  static let chargeAndHold =
    #"{"charge": "100 uA", "to": "2.0 V", "hold_until": ["current <= 10 uA", "hold_time >= 1 h"], "#
    + #""until": ["step_time >= 10 h"]}"#
  static let dischargeAndHold =
    #"{"discharge": "100 uA", "to": "100 mV", "hold_until": ["current <= 10 uA", "hold_time >= 1 h"], "#
    + #""until": ["step_time >= 10 h"]}"#

  @Test(arguments: [(chargeAndHold, 2.021), (dischargeAndHold, 0.079)])
  func hazard02ATargetThatLiesBehindTheCellIsNotBegun(step: String, volts: Double) throws {
    var bench = try HazardLimitTests.bench(step)
    bench.start(at: volts)
    // Only the pre-flight was ever begun: not a byte for the step.
    #expect(bench.begun == 1)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.map(\.code) == [.holdStartedFarAway])
  }

  @Test(arguments: [(chargeAndHold, 2.019), (dischargeAndHold, 0.081), (chargeAndHold, 0.5), (dischargeAndHold, 2.2)])
  func hazard02ATargetWithinReachOrAheadIsBegun(step: String, volts: Double) throws {
    var bench = try HazardLimitTests.bench(step)
    bench.start(at: volts)
    #expect(bench.begun == 2 && bench.pilot.state == .running)
    #expect(bench.journal.latches.isEmpty)
  }

  @Test func hazard02ATargetThatAnEarlierStepPassedIsNotBegun() throws {
    var bench = try HazardLimitTests.bench(
      #"{"charge": "100 uA", "until": ["step_time >= 1 h"]}, {"rest": "1 min"}, "# + Self.chargeAndHold)
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<3 { bench.read(2.2, 100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<3 { bench.read(2.15, 0) }
    let begun = bench.begun
    bench.end(.cutOff(0))
    #expect(bench.begun == begun && bench.pilot.state == .held)
    #expect(bench.journal.latches.map(\.code) == [.holdStartedFarAway])
  }
}
