// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a run says of the row of its cycles. The instrument is fed by hand.

import CellMetrics
import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite("A run's cycles in a row") struct RunCycleSeriesTests {
  private static func bench(_ cycles: Int, metrics: String = "\"retention_reference\": \"life cycle 1\"") throws
    -> PilotBench
  {
    let program = try TestLaboratory.program(
      TestLaboratory.text(
        role: "anode-half-cell", steps: TestLaboratory.hardCarbonCycles(cycles), metrics: metrics))
    var bench = PilotBench(program)
    bench.start(at: 2.5)
    return bench
  }

  /// The instrument is back; the cell is looked at, and the rest goes on.
  private static func goOn(_ bench: inout PilotBench) {
    bench.feed(.instrumentReady)
    bench.check(Array(repeating: 1.0, count: 10))
    bench.rest()
  }

  /// 2 µA of a side reaction besides what stores sodium: 7.2 mC are stored and given back by 360 µA.
  @Test func aParasiticCurrentIsItsSlippage() throws {
    let (current, parasitic, stored) = (360e-6, 2e-6, 7.2e-3)
    let sodiation = stored / (current - parasitic)
    let desodiation = stored / (current + parasitic)
    var bench = try Self.bench(4)
    for _ in 0..<4 {
      // The circuit closes 2 ms after the step's beginning.
      bench.half(-current, seconds: sodiation + 0.002)
      bench.half(current, seconds: desodiation + 0.002)
    }
    let cycles = bench.journal.cycles
    #expect(cycles.map { $0.series.chargeEndSlippage == nil } == [true, false, false, false])
    for cycle in cycles.dropFirst() {
      for slipped in [cycle.series.chargeEndSlippage, cycle.series.dischargeEndSlippage] {
        // By readings to the microsecond.
        let charge = Double(try #require(slipped).nanocoulombs) * 1e-9
        #expect(abs(charge + parasitic * (sodiation + desodiation)) < 2e-9, "\(charge)")
      }
      #expect(cycle.series.groupRetention == 1 && cycle.series.group == 1 && cycle.series.isComparable)
    }
  }

  @Test func halfCyclesTellTheirConditions() throws {
    var bench = try Self.bench(1)
    bench.cycle(desodiation: 18)
    let halves = bench.journal.halfCycles
    #expect(
      halves.map(\.activeTime) == [TimeSpan(milliseconds: 19_998), TimeSpan(milliseconds: 17_998)], "closed at 2 ms")
    #expect(halves.map(\.endVoltage) == [Voltage(millivolts: 500), Voltage(millivolts: 1_500)])
    var net: Int64 = 0
    for half in halves {
      net += half.charge.nanocoulombs * Int64(half.direction.rawValue)
      #expect(half.endNetCharge == Charge(nanocoulombs: net))
    }
    let opened = bench.journal.entries.compactMap { entry in
      if case .halfCycleOpened(let row) = entry { row } else { nil }
    }
    #expect(opened.allSatisfy { $0.endNetCharge == nil })
  }

  /// What was said live follows from the stored half-cycles alone, in each field.
  @Test func theHalfCyclesGiveTheSameAgain() throws {
    var bench = try Self.bench(6, metrics: #""retention_reference": "life cycle 2", "retention_threshold": "90 %""#)
    for seconds in [19.0, 18.5, 17, 18, 16, 15.5] { bench.cycle(desodiation: seconds) }
    var again = CycleAccumulator(
      role: .anodeHalfCell, earlierCellCycles: 0, retentionReference: CycleReference(purpose: .life, number: 2),
      retentionThreshold: 0.9)
    var cycles: [CycleSummary?] = []
    for half in bench.journal.halfCycles {
      again.add(half)
      if half.direction == .charge { cycles.append(again.close(cycleNumber: half.cycleNumber ?? 0)) }
    }
    #expect(cycles == bench.journal.cycles && cycles.count == 6)
    #expect(bench.journal.summaries.count == 6 && bench.journal.summaries.last == again.runSummary)
    let summary = try #require(bench.journal.summaries.last)
    #expect(summary.retentionThreshold == 0.9 && summary.referenceCycle == 2 && summary.thresholdCycle == 5)
    #expect(summary.isThresholdProvisional == false && summary.cyclesToThreshold == 3)
    #expect(summary.capacitySlopeCycles == 6 && summary.geometricMeanEfficiency == nil)
  }

  /// A daemon that dies in the middle of a half-cycle or between two goes on with what it knew.
  @Test func aRestartKnowsTheRow() throws {
    var whole = try Self.bench(3)
    for seconds in [19.0, 18.5, 18] { whole.cycle(desodiation: seconds) }
    for isInside in [true, false] {
      var bench = try Self.bench(3)
      bench.cycle(desodiation: 19)
      bench.half(-360e-6, seconds: 20)
      if isInside { bench.drive(360e-6, seconds: 5) }
      var before = ByteWriter()
      var after = ByteWriter()
      bench.pilot.checkpoint(into: &before)
      var restored = try RunPilot(
        identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(),
        checkpoint: before.bytes, since: bench.now.unix)
      restored.checkpoint(into: &after)
      // The row of cycles and the open half-cycle stand at the end.
      #expect(before.bytes.suffix(200) == after.bytes.suffix(200))
    }
    var restarted = try Self.bench(3)
    restarted.half(-360e-6, seconds: 20)
    restarted.drive(360e-6, seconds: 19)
    restarted.end(.cutOff(0))
    restarted.accept()
    restarted.read(1, 0)
    try restarted.restart()
    Self.goOn(&restarted)
    restarted.cycle(desodiation: 18.5)
    let second = try #require(restarted.journal.cycles.last)
    #expect(restarted.journal.cycles.count == 2 && second.series.group == 1)
    #expect(second.series.groupRetention == whole.journal.cycles[1].series.groupRetention)
    #expect(second.series.chargeEndSlippage == whole.journal.cycles[1].series.chargeEndSlippage)
    #expect(second.series.isComparable)
    #expect(restarted.journal.summaries.last == whole.journal.summaries[1])
  }

  /// A checkpoint of before tells nothing of the row, and nothing is made up.
  @Test func anOlderCheckpointKnowsNoRow() throws {
    var bench = try Self.bench(3)
    bench.half(-360e-6, seconds: 20)
    bench.drive(360e-6, seconds: 19)
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(1, 0)
    var writer = ByteWriter()
    bench.pilot.checkpoint(into: &writer)
    let bytes = try PilotBench.checkpoint(writer.bytes, asFormat: 9, of: bench.pilot.program)
    bench.pilot = try RunPilot(
      identity: PilotBench.identity, program: bench.pilot.program, settings: RunSettings(), checkpoint: bytes,
      since: bench.now.unix)
    Self.goOn(&bench)
    bench.cycle(desodiation: 18.5)
    #expect(bench.journal.summaries.count == 1, "no summary of a part")
    let cycle = try #require(bench.journal.cycles.last)
    #expect(cycle.cycleNumber == 2 && cycle.series.group == nil && cycle.series.linearDecay == nil)
    #expect(cycle.retention != nil && cycle.series.isComplete)
  }
}
