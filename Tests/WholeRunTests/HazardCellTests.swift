// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// The hazard rules about what kind of cell and what kind of open circuit a run has before it.
@Suite struct HazardCellTests {
  // MARK: Rule 6

  static let restInside =
    #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["#
    + #"{"discharge": "100 uA", "until": ["step_time >= 10 s"]}, {"rest": "100 s"}, "# + HazardLimitTests.discharge
    + ", " + HazardLimitTests.charge + "]}"

  static func resting() throws -> PilotBench {
    var bench = try HazardLimitTests.bench(restInside)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<10 { bench.read(1.0, -100e-6) }
    bench.end(.cutOff(0))
    #expect(bench.setpoint?.mode == .openCircuit)
    bench.accept()
    return bench
  }

  @Test func hazard06ABlindRestStoresNoVoltage() throws {
    var bench = try Self.resting()
    let before = bench.journal.records.count
    for _ in 0..<100 { bench.read(nil, 0) }
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)
    bench.end(.cutOff(0))
    let records = bench.journal.records[before...].filter { $0.stepID == RowIdentity.step(run: 7, count: 3) }
    #expect(records.count > 5 && records.allSatisfy { $0.voltage == nil && $0.charge == .zero })
  }

  @Test func hazard06NothingIsHeldAfterABlindRest() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    for volts in [nil, 0.011] {
      var bench = try HazardLimitTests.bench(HazardLimitTests.discharge + #", {"rest": "10 s"}, "# + hold)
      bench.start(at: 2.0)
      bench.accept()
      for _ in 0..<3 { bench.read(0.01, -100e-6) }
      bench.end(.cutOff(0))
      bench.accept()
      for _ in 0..<10 { bench.read(volts, 0) }
      let begun = bench.begun
      bench.end(.cutOff(0))
      #expect(bench.begun == begun + (volts == nil ? 0 : 1))
      #expect(bench.journal.has(.holdStartedFarAway) == (volts == nil))
    }
  }

  @Test func hazard06ARestHeldAtZeroCountsItsCurrent() throws {
    var bench = try Self.resting()
    // An offset of 0.5 µA that charges, measured by the instrument that holds zero.
    bench.feed(.driver(.circuitClosed(channel: 0, at: .zero)))
    for _ in 0..<100 { bench.read(1.0, 0.5e-6) }
    bench.feed(.driver(.circuitOpened(channel: 0, at: TimeSpan(seconds: 100))))
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.009, -100e-6, after: 1.002)
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    // 10 s less 2 ms and 1 s of 100 µA; 100 s of 0.5 µA back.
    #expect(row.charge == Charge(nanocoulombs: 999_800 + 100_000 - 50_000))
    #expect(row.reverseCharge == Charge(nanocoulombs: 50_000))
  }

  // MARK: Rule 8

  @Test func hazard08ACutOffAtZeroVoltHasRoomForTheInstrumentsError() throws {
    let zero = #"{"discharge": "100 uA", "until": ["voltage <= 0 V", "step_time >= 10 h"]}"#
    var bench = try HazardLimitTests.bench(zero + ", " + HazardLimitTests.charge)
    bench.start(at: 2.0)
    #expect(bench.setpoint?.cutOffs.first?.threshold == 0)
    bench.accept()
    for _ in 0..<5 { bench.read(0.5, -100e-6) }
    // The cell is a millivolt further than the instrument thinks, however long that lasts: neither limit trips.
    bench.read(-0.001, -100e-6)
    bench.end(.cutOff(0))
    #expect(bench.journal.latches.isEmpty && bench.pilot.state == .running)
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)))
  }

  @Test func hazard08NegativeVoltagesAreOrdinaryWherePlatingIsMeant() throws {
    let plate = #"{"plate": "100 uA", "until": ["voltage <= -100 mV", "step_time >= 10 h"]}"#
    let strip = #"{"strip": "100 uA", "until": ["voltage >= 500 mV", "step_time >= 10 h"]}"#
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "plating-stripping",
          steps: #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + plate + ", " + strip + "]}",
          voltage: ("-200 mV", "1 V"), open: ("-50 mV", "3 V"))))
    bench.start(at: 1.0)
    #expect(bench.setpoint?.cutOffs.first?.threshold == -100_000_000)
    bench.accept()
    for _ in 0..<60 { bench.read(-0.05, -100e-6) }
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)
    bench.read(-0.101, -100e-6)
    bench.end(.cutOff(0))
    #expect(bench.journal.halfCycles.last?.direction == .discharge)
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)))
    // The hard limit lies below zero as well, and is held by the instrument.
    #expect(bench.setpoint?.bounds.lowerVoltage == Voltage(millivolts: -250))
  }

  // MARK: Rule 21

  @Test func hazard21ASilentInstrumentIsGivenUpAloneAfterItsTime() throws {
    var silent = try HazardInterruptionTests.running()
    var other = try HazardInterruptionTests.running()
    let due = try #require(silent.last.wakeAt)
    // Three readings of 0.2 s that did not come, and five seconds.
    #expect(due - silent.now.host == TimeSpan(milliseconds: 5_600))
    for _ in 0..<8 { other.read(0.5, -100e-6) }
    silent.host += 5.599
    silent.feed(.tick)
    #expect(silent.last.resetLink == nil && silent.last.wakeAt == due)
    silent.host += 0.001
    silent.feed(.tick)
    #expect(silent.last.resetLink?.code == .linkTimeout)
    #expect(silent.journal.latches.isEmpty)
    // Its lease is what opens the circuit; until the link is back nothing is claimed.
    silent.feed(HazardInterruptionTests.lost)
    #expect(silent.pilot.state == .interrupted && !silent.pilot.isCircuitOpen)
    #expect(other.last.resetLink == nil && other.pilot.state == .running && !other.wantsOpenCircuit)
  }

  /// After a machine has slept, or was stopped, what the instrument said meanwhile is only being read.
  @Test func hazard21ASilenceOfThisMachineIsNotTheInstruments() throws {
    var bench = try HazardInterruptionTests.running()
    bench.host += 60
    bench.feed(.tick)
    #expect(bench.last.resetLink == nil)
    let due = try #require(bench.last.wakeAt)
    #expect(due - bench.now.host == TimeSpan(milliseconds: 5_600))
    var heard = bench
    heard.read(0.5, -100e-6)
    heard.host += 5.5
    heard.feed(.tick)
    #expect(heard.last.resetLink == nil && heard.pilot.state == .running)
    // Given once: an instrument that stays silent is given up, however late this machine is.
    bench.host += 60
    bench.feed(.tick)
    #expect(bench.last.resetLink?.code == .linkTimeout)
  }

  @Test func hazard21AnInstrumentThatDoesNotOpenIsGivenUpToo() throws {
    var bench = try HazardInterruptionTests.running()
    bench.feed(.person(.pause, actor: "anna"))
    // It goes on reading and never says that it opened.
    for _ in 0..<5 { bench.read(0.5, -100e-6) }
    #expect(bench.last.resetLink == nil)
    bench.read(0.5, -100e-6)
    #expect(bench.last.resetLink?.code == .linkTimeout)
  }

  // MARK: Rule 23

  @Test func hazard23SymmetricCellsHaveNoEfficiency() throws {
    let steps =
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": [{"charge": "100 uA", "#
      + #""until": ["step_time >= 10 s"]}, {"discharge": "100 uA", "until": ["step_time >= 10 s"]}]}"#
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "symmetric", steps: steps, voltage: ("-1 V", "1 V"), open: ("-100 mV", "100 mV"))))
    bench.start(at: 0.01)
    Self.cycle(&bench, [(0.1, 100e-6), (-0.1, -100e-6)])
    #expect(bench.pilot.state == .completed)
    let cycle = try #require(bench.journal.cycles.first)
    #expect(cycle.coulombicEfficiency == nil)
    #expect(cycle.chargeCapacity != nil && cycle.dischargeCapacity != nil)
  }

  @Test func hazard23APlateauNamesItsBranch() throws {
    var bench = try HazardLimitTests.bench(
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + HazardLimitTests.discharge + ", "
        + HazardLimitTests.charge + "]}")
    bench.start(at: 2.0)
    // Below 0.1 V both ways; the threshold is that of the sodiation, and no other was named.
    Self.cycle(&bench, [(0.05, -100e-6), (0.06, 100e-6)])
    let cycle = try #require(bench.journal.cycles.first)
    #expect(cycle.coulombicEfficiency != nil)
    #expect(try #require(cycle.sodiationPlateauRatio) > 0.9)
    #expect(cycle.desodiationPlateauCharge == nil && cycle.desodiationPlateauRatio == nil)
  }

  static func cycle(_ bench: inout PilotBench, _ halves: [(Double, Double)]) {
    for (volts, amperes) in halves {
      bench.accept()
      for _ in 0..<10 { bench.read(volts, amperes) }
      bench.end(.cutOff(0))
    }
  }
}
