// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

@Suite("Stored cycles in a row") struct StoredCycleSeriesTests {
  private static var cycle: CycleSummary {
    var cycle = CycleSummary(cycleNumber: 3, cellCycleNumber: 3, purpose: .life, label: nil)
    cycle.chargeCapacity = Charge(nanocoulombs: 3_600_000_000)
    cycle.dischargeCapacity = Charge(nanocoulombs: 7_200_000_000)
    cycle.series.isComplete = true
    cycle.series.group = 2
    cycle.series.groupRetention = 0.98
    cycle.series.linearDecay = 0.01
    cycle.series.geometricDecay = 0.0101
    cycle.series.decayIntervals = 2
    cycle.series.capacitySlope = -1.5e-7
    cycle.series.capacitySlopeCycles = 3
    cycle.series.chargeEndSlippage = Charge(nanocoulombs: -36_000)
    cycle.series.dischargeEndSlippage = Charge(nanocoulombs: 72_000)
    cycle.series.efficiencyProduct = 0.87
    cycle.series.sodiationPlateauRetention = 0.73
    cycle.series.desodiationPlateauRetention = 0.74
    return cycle
  }

  private static var summary: RunSummary {
    var summary = RunSummary(retentionThreshold: 0.7)
    summary.completeCycles = 3
    summary.initialEfficiency = 0.81
    summary.firstEfficiencyAfterFormation = 0.98
    summary.meanEfficiencyFromSecond = 0.985
    summary.efficiencyProduct = 0.87
    summary.geometricMeanEfficiency = 0.991
    summary.geometricMeanCycles = 2
    summary.predictedCyclesToThreshold = 39.5
    summary.cumulativeIrreversible = Charge(nanocoulombs: 3_600_000_000)
    summary.referenceCycle = 1
    summary.retentionCycle = 3
    summary.retention = 0.98
    summary.linearDecay = 0.01
    summary.geometricDecay = 0.0101
    summary.decayIntervals = 2
    summary.lastRetention = 0.97
    summary.thresholdCycle = 3
    summary.cyclesToThreshold = 2
    summary.isThresholdProvisional = true
    summary.capacitySlope = -1.5e-7
    summary.capacitySlopeCycles = 3
    summary.conditionsGroups = 2
    return summary
  }

  /// Each value has its own column, and no other's.
  @Test func everyValueComesBackFromItsColumn() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var half = bench.halfCycle(1, cycle: 3, .charge, charge: 3_600)
    half.activeTime = TimeSpan(seconds: 7)
    half.endVoltage = Voltage(millivolts: 2_000)
    half.endNetCharge = Charge(nanocoulombs: -5)
    var early = Self.summary
    early.thresholdCycle = nil
    var batch = JournalBatch(
      records: [],
      entries: [
        .halfCycleOpened(bench.halfCycle(1, cycle: 3, .charge, charge: 0)), .halfCycleUpdated(half),
        .cycleClosed(run: bench.run, Self.cycle), .summaryUpdated(run: bench.run, early),
        .summaryUpdated(run: bench.run, Self.summary),
      ])
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    let (stored, kept, halves) = try await store.read { view in
      (try view.newestCycle(run: bench.run), try view.runSummary(bench.run), try view.halfCycles(run: bench.run))
    }
    #expect(halves.first?.activeTimeUs == 7_000_000 && halves.first?.endVoltageNv == 2_000_000_000)
    #expect(halves.first?.endNetChargeNc == -5)
    let cycle = try #require(stored)
    #expect(cycle.conditionsGroup == 2 && cycle.complete == true && cycle.comparable == false)
    #expect(cycle.groupRetention == 0.98 && cycle.linearDecayPerCycle == 0.01)
    #expect(cycle.geometricDecayPerCycle == 0.0101 && cycle.decayCycles == 2)
    #expect(cycle.capacitySlopeAhPerCycle == -1.5e-7 && cycle.capacitySlopeCycles == 3)
    #expect(cycle.chargeEndSlippageAh == -1e-8 && cycle.dischargeEndSlippageAh == 2e-8)
    #expect(cycle.coulombicEfficiencyProduct == 0.87 && cycle.sodiationPlateauRetention == 0.73)
    #expect(cycle.desodiationPlateauRetention == 0.74)
    let summary = try #require(kept)
    #expect(summary.completeCycles == 3 && summary.initialCoulombicEfficiency == 0.81)
    #expect(summary.firstCoulombicEfficiencyAfterFormation == 0.98)
    #expect(summary.meanCoulombicEfficiencyFromSecond == 0.985 && summary.coulombicEfficiencyProduct == 0.87)
    #expect(summary.geometricMeanCoulombicEfficiency == 0.991 && summary.geometricMeanCycles == 2)
    #expect(summary.predictedCyclesToRetentionThreshold == 39.5 && summary.cumulativeIrreversibleCapacityAh == 0.001)
    #expect(summary.referenceCycle == 1 && summary.retentionCycle == 3 && summary.retention == 0.98)
    #expect(summary.linearDecayPerCycle == 0.01 && summary.geometricDecayPerCycle == 0.0101)
    #expect(summary.decayCycles == 2 && summary.retentionOfLastCompleteCycle == 0.97)
    #expect(summary.retentionThreshold == 0.7 && summary.retentionThresholdCycle == 3)
    #expect(summary.cyclesToRetentionThreshold == 2 && summary.retentionThresholdProvisional == true)
    #expect(summary.capacitySlopeAhPerCycle == -1.5e-7 && summary.capacitySlopeCycles == 3)
    #expect(summary.conditionsGroups == 2)
    await store.stop()
  }

  @Test func theViewHasCapacitiesPerArea() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(records: [], entries: [.cycleClosed(run: bench.run, Self.cycle)])
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    func row() throws -> [String: Double?] {
      let found = try store.pool.read { try Row.fetchOne($0, sql: "SELECT * FROM cycles_view") }
      let row = try #require(found)
      return [
        "area": row["discharge_capacity_mAh_per_cm2"], "slip": row["charge_end_slippage_mAh"],
        "slope": row["capacity_slope_mAh_per_cycle"], "kept": row["group_retention_percent"],
      ]
    }
    let without = try row()
    #expect(without["area"] == .some(nil))
    #expect(without["slip"] == -1e-5 && without["kept"] == 98)
    try await store.pool.write { try $0.execute(sql: "UPDATE cell_revision SET area_mm2_e3 = 50000") }
    let with = try row()
    #expect(abs(try #require(with["area"] ?? nil) - 4) < 1e-12, "2 mAh on 0.5 cm²")
    #expect(abs(try #require(with["slope"] ?? nil) + 1.5e-4) < 1e-18)
    await store.stop()
  }

  /// A database of before keeps its cycles, with null for what nobody noted.
  @Test func olderCyclesKnowNothingOfIt() throws {
    let scratch = try ScratchDirectory()
    try FileManager.default.createDirectory(atPath: scratch.path + "/state", withIntermediateDirectories: true)
    let before = try #require(Schema.steps.firstIndex(of: Schema.cycleSeries))
    try DatabaseQueue(path: scratch.database()).writeWithoutTransaction { database in
      for step in Schema.steps[..<before] { try database.execute(sql: step) }
      try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
      try database.execute(sql: "PRAGMA user_version = \(before)")
      try database.execute(
        sql: """
          INSERT INTO instrument VALUES(1, 'emulated', 'Bench', '0001', '1.0', 5);
          INSERT INTO channel(channel_id, instrument_id, number, name) VALUES(1, 1, 1, 'ch1');
          INSERT INTO cell VALUES(1, 'HC-1', NULL, NULL, 'anode-half-cell', 5, NULL);
          INSERT INTO cell_revision(cell_id, revision, entered_unix_us, entered_by, reason) VALUES(1, 1, 5, 'ada', '');
          INSERT INTO parameter_set VALUES(1, '1', '{}');
          INSERT INTO run(run_id, uuid, title, cell_id, cell_revision, channel_id, parameter_set_id, state,
            state_unix_us, created_unix_us, started_by, first_cycle_number, daemon_version, instrument_specification,
            settings) VALUES(1, 'u', 'Formation', 1, 1, 1, 1, 'completed', 5, 5, 'ada', 1, '0.0.9', 'bench', '{}');
          INSERT INTO cycle(run_id, parameter_set_id, cycle_number, cell_cycle_number, coulombic_efficiency, flags)
            VALUES(1, 1, 1, 1, 0.8, 0);
          """)
    }
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (cycles, summary) = try store.readNow { (try $0.cycles(run: 1), try $0.runSummary(1)) }
    #expect(cycles.map(\.coulombicEfficiency) == [0.8] && cycles.map(\.complete) == [nil])
    #expect(cycles.map(\.conditionsGroup) == [nil] && summary == nil)
    store.stopAndWait()
  }
}
