// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a run tells of a half-cycle besides its sums, from the instrument's words to the row.

import CellMetrics
import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct HalfCycleDetailTests {
  private static let accuracy = CurrentAccuracy(
    fullScale: Current(picoamperes: 1_000_000_000), gainPartsPerMillion: 2_000, offset: Current(picoamperes: 2_000_000))

  private static func bench(metrics: String = "", every: String = "1 h", accuracy: [CurrentAccuracy] = []) throws
    -> PilotBench
  {
    var settings = RunSettings()
    settings.currentAccuracy = accuracy
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(1), every: every, metrics: metrics)),
      settings: settings)
    bench.start(at: 2.5)
    return bench
  }

  /// A discharge from 2.5 V whose voltage is told by the seconds.
  private static func discharge(_ bench: inout PilotBench, until last: Int = 60, _ volts: (Int) -> Double) {
    bench.accept()
    for second in 1...last { bench.read(volts(second), -360e-6) }
  }

  @Test func readingsAtTheDelaysOfAResistanceAreRecords() throws {
    var bench = try Self.bench()
    Self.discharge(&bench) { 2.4 - Double($0) * 1e-3 }
    bench.end(.cutOff(0))
    let step = try #require(bench.journal.records.last?.stepID)
    let times = bench.journal.records.filter { $0.stepID == step }.map { $0.stepTime.microseconds }
    // The first reading comes at 0.998 s of the step, so the one after a second is the next.
    #expect(times == [998_000, 1_998_000, 10_998_000, 30_998_000, 59_998_000])
    let detail = try #require(bench.journal.halfCycles.first?.detail)
    #expect(detail.resistances.firstRecord?.delay.microseconds == 998_000)
    #expect(detail.resistances.oneSecond == nil, "1.998 s is too late")
    #expect(detail.resistances.tenSeconds?.delay.microseconds == 10_998_000)
    #expect(detail.resistances.thirtySeconds?.delay.microseconds == 30_998_000)
    // From 2.5 V at rest to 2.389 V.
    #expect(detail.resistances.tenSeconds?.resistance.count == 308_333_333)
    let rest = try #require(detail.restBefore)
    #expect(rest.startVoltage == Voltage(millivolts: 2_500) && rest.endVoltage == Voltage(millivolts: 2_500))
    #expect(rest.duration.map { $0 >= TimeSpan(seconds: 10) && $0 < TimeSpan(seconds: 11) } == true)
    #expect(rest.drift == nil, "a check of ten seconds is too short")
    #expect(detail.offsetUncertainty == nil, "nothing is stated of this instrument")
  }

  @Test func theRestBehindAHalfCycleIsTheNextOnesRestBefore() throws {
    var bench = try Self.bench(accuracy: [Self.accuracy])
    Self.discharge(&bench) { 2.4 - Double($0) * 1e-2 }
    bench.end(.cutOff(0))
    bench.accept()
    for second in 1...60 { bench.read(1 + Double(second) * 1e-3, 0) }
    bench.end(.cutOff(0))
    bench.accept()
    for second in 1...20 { bench.read(1.2 + Double(second) * 1e-3, 360e-6) }
    bench.end(.cutOff(0))
    let charge = try #require(bench.journal.halfCycles.last)
    let rest = try #require(charge.detail.restBefore)
    #expect(rest.startVoltage == Voltage(millivolts: 1_001) && rest.endVoltage == Voltage(millivolts: 1_060))
    // The step times say the same in the store.
    let ended = bench.journal.entries.compactMap { entry -> TimeSpan? in
      if case .stepEnded(_, let at, _) = entry { at } else { nil }
    }
    let began = bench.journal.entries.compactMap { entry -> TimeSpan? in
      if case .stepBegan(_, _, let at) = entry { at } else { nil }
    }
    // Check, discharge, rest, charge.
    #expect(ended.count == 4 && began.count == 4)
    #expect(rest.duration == began[3] - ended[1])
    // 2 uA over 19.998 s are 39.996 uC; 2000 ppm of 360 uA over that time are 14.39856 uC.
    #expect(charge.detail.offsetUncertainty?.nanocoulombs == 39_996)
    #expect(charge.detail.gainUncertainty?.nanocoulombs == 14_399)
    #expect(charge.detail.rangeFullScale == Self.accuracy.fullScale)
    let cycle = try #require(bench.journal.cycles.last)
    let halves = bench.journal.halfCycles
    let efficiency = try #require(cycle.coulombicEfficiency)
    let (first, second) = (halves[0].detail, halves[1].detail)
    let offsets = Double(try #require(second.offsetUncertainty).nanocoulombs)
    let stated =
      (offsets + efficiency * Double(try #require(first.offsetUncertainty).nanocoulombs))
      / Double(halves[0].charge.nanocoulombs)
    #expect(cycle.detail.coulombicEfficiencyUncertainty == stated)
    #expect(cycle.detail.chargeCapacityUncertainty == charge.detail.chargeUncertainty)
  }

  /// The corrected plateau is the same however sparse the records are.
  @Test func theCorrectedPlateauDoesNotDependOnTheRecords() throws {
    var told: [HalfCycleDetail] = []
    for every in ["1 s", "7 s", "1 h"] {
      var bench = try Self.bench(metrics: #""plateau_ir_correction": "10 s""#, every: every)
      // Some 50 mV of drop, then a slope through both thresholds with a bounce at every third reading.
      Self.discharge(&bench, until: 88) { second in
        guard second > 30 else { return 2.46 - Double(second) * 1e-3 }
        return 2.43 - Double(second - 30) * 41.5e-3 + (second % 3 == 0 ? 60e-3 : 0)
      }
      bench.end(.cutOff(0))
      told.append(try #require(bench.journal.halfCycles.first).detail)
      #expect(bench.journal.halfCycles.first?.plateauCharge != nil)
    }
    #expect(told[0].plateauIRCorrectedCharge != nil)
    #expect(Set(told.map(\.plateauIRCorrectedCharge)).count == 1)
    #expect(Set(told.map(\.resistances)).count == 1)
  }

  /// From 150 mV at rest: the drop of 60 mV hides that the corrected voltage is still above the threshold at the record of
  /// the resistance, and below it one reading later.
  @Test func aCrossingRightBehindTheResistanceIsKept() throws {
    var told: [Charge?] = []
    for every in ["1 s", "1 h"] {
      var bench = PilotBench(
        try TestLaboratory.program(
          TestLaboratory.text(
            role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(1), every: every,
            metrics: #""plateau_ir_correction": "10 s", "sodiation_plateau_below": "100 mV""#)))
      bench.start(at: 0.15)
      Self.discharge(&bench, until: 40) { $0 <= 11 ? 0.09 : 0.03 - Double($0) * 1e-4 }
      bench.end(.cutOff(0))
      let half = try #require(bench.journal.halfCycles.first)
      #expect(half.detail.resistances.tenSeconds?.delay.microseconds == 10_998_000)
      told.append(half.detail.plateauIRCorrectedCharge)
      bench.journal.expectRecount(of: bench.pilot.program)
    }
    #expect(told[0] != nil && told[0] == told[1])
  }

  @Test func aDaemonThatDiesInTheRestOrInTheStepTellsTheSame() throws {
    func run(restarts: Bool) throws -> [HalfCycleRow] {
      var bench = try Self.bench(metrics: #""plateau_ir_correction": "10 s""#, accuracy: [Self.accuracy])
      Self.discharge(&bench) { 2.4 - Double($0) * 40e-3 }
      bench.end(.cutOff(0))
      bench.accept()
      for second in 1...30 { bench.read(1 + Double(second) * 1e-3, 0) }
      if restarts {
        try bench.restart()
        bench.pilot.serve(on: Self.instrument)
        bench.feed(.instrumentReady)
        bench.check(Array(repeating: 1.03, count: 10))
        bench.accept()
      }
      for second in 31...60 { bench.read(1 + Double(second) * 1e-3, 0) }
      bench.end(.cutOff(0))
      bench.accept()
      for second in 1...20 { bench.read(1.2 + Double(second) * 1e-3, 360e-6) }
      bench.end(.cutOff(0))
      return bench.journal.halfCycles
    }
    let plain = try run(restarts: false)
    let interrupted = try run(restarts: true)
    #expect(plain.count == 2 && interrupted.count == 2)
    #expect(plain[0] == interrupted[0])
    #expect(plain[1].detail.resistances == interrupted[1].detail.resistances)
    #expect(interrupted[1].detail.restBefore?.startVoltage == plain[1].detail.restBefore?.startVoltage)
    #expect(interrupted[1].detail.restBefore?.endVoltage == plain[1].detail.restBefore?.endVoltage)
    #expect(interrupted[1].detail.gainUncertainty == plain[1].detail.gainUncertainty)
  }

  /// A checkpoint of the format before, in the middle of a half-cycle: what is not known of its beginning is not told.
  @Test func aHalfCycleOfTheVersionBeforeHasNoDetail() throws {
    var bench = try Self.bench(accuracy: [Self.accuracy])
    Self.discharge(&bench, until: 20) { 2.4 - Double($0) * 1e-3 }
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    let bytes = try PilotBench.checkpoint(writer.bytes, asFormat: 9, of: bench.pilot.program)
    var settings = RunSettings()
    settings.currentAccuracy = [Self.accuracy]
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: settings, checkpoint: bytes,
      since: bench.now.unix)
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 2.38, count: 10))
    Self.discharge(&bench, until: 20) { 2.37 - Double($0) * 1e-3 }
    bench.end(.cutOff(0))
    let half = try #require(bench.journal.halfCycles.first)
    #expect(half.detail == HalfCycleDetail())
    #expect(half.charge > .zero)
    // The next one begins behind a rest of which only the end of the last current is known.
    bench.rest()
    bench.drive(360e-6, seconds: 20)
    bench.end(.cutOff(0))
    let next = try #require(bench.journal.halfCycles.last?.detail)
    #expect(next.offsetUncertainty != nil && next.restBefore?.duration != nil)
    #expect(bench.journal.cycles.first?.detail.dischargeCapacityUncertainty == nil)
  }

  private static var instrument: InstrumentCapabilities {
    var instrument = InstrumentCapabilities(
      channels: 1, kinds: [], voltage: VoltageWindow(from: .zero, to: .zero), maximumCurrent: .zero, currentRanges: [],
      shortestReadingInterval: TimeSpan(milliseconds: 50), voltageErrorPartsPerMillion: 0, voltageOffsetError: .zero,
      holdsBounds: true, hasLease: true, openCircuit: .disconnectedAndMeasured)
    instrument.currentAccuracy = [accuracy]
    return instrument
  }

  // MARK: - Overshoot

  private static func overshoot(to volts: Double, error: Voltage = .zero, from before: Double = 0.02) throws
    -> (events: [EventRow], isTold: Bool)
  {
    var settings = RunSettings()
    settings.voltageOffsetError = error
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(1))), settings: settings)
    bench.start(at: 2.5)
    bench.accept()
    for _ in 1...30 { bench.read(0.5, -360e-6) }
    bench.read(before, -360e-6)
    bench.read(volts, -360e-6)
    bench.end(.cutOff(0))
    // In one transaction with the half-cycle that it tells of.
    let entries = bench.last.entries
    let isTold = entries.contains { if case .event(let row) = $0 { row.code == .dataCutOffOvershoot } else { false } }
    let closes = entries.contains { if case .halfCycleUpdated(let row) = $0 { row.endReason != nil } else { false } }
    #expect(closes)
    return (bench.journal.events.filter { $0.code == .dataCutOffOvershoot }, isTold)
  }

  @Test func anOvershootIsToldWithItsHalfCycle() throws {
    let told = try Self.overshoot(to: 0.002)
    #expect(told.isTold && told.events.count == 1)
    // 8 of the last 18 mV lie beyond: 160 uC of 360 uA in a second, of 11.5 mC.
    let detail = try #require(told.events.first?.detail)
    #expect(detail.hasPrefix("voltage <= 10 mV: the step ended at 2 mV, 8 mV beyond its cut-off; about"), "\(detail)")
    #expect(detail.contains(Charge(nanocoulombs: 160_000).shown()), "\(detail)")
    #expect(told.events.first?.severity == .info)
  }

  @Test func whatTheReadingsCannotTellIsNone() throws {
    #expect(try Self.overshoot(to: 0.0051).events.isEmpty, "less than 5 mV")
    #expect(try Self.overshoot(to: 0.002, error: Voltage(millivolts: 4)).events.isEmpty, "less than twice 4 mV")
    #expect(try Self.overshoot(to: 0.002, error: Voltage(microvolts: 3_900)).events.count == 1)
    let unknown = try Self.overshoot(to: 0.002, from: 0.002)
    #expect(unknown.events.first?.detail.hasSuffix("what flowed beyond it is not known") == true)
  }
}

extension Voltage {
  fileprivate init(microvolts: Int64) { self.init(nanovolts: microvolts * 1_000) }
}
