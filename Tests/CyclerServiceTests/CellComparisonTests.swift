// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import Quantities
import Testing

@testable import CycleStore
@testable import CyclerService

@Suite struct CellComparisonTests {
  private static func cycle(
    run: Int64 = 1, _ number: Int64, ofCell cellNumber: Int64? = nil, capacity: Double?, efficiency: Double? = 0.99,
    purpose: String? = "life", flags: DataFlags = [], end: String = "voltage <= 10 mV", current: Int64 = 360_000_000,
    mass: Int64? = 1_000
  ) -> ComparableCell.Cycle {
    var conditions = CycleConditions(bases: .init(massUg: mass))
    conditions.take(
      StoredDrive(cycleNumber: number, direction: -1, endReason: end, currentRangePa: current))
    conditions.take(
      StoredDrive(cycleNumber: number, direction: 1, endReason: "voltage >= 2 V", currentRangePa: current))
    return ComparableCell.Cycle(
      row: StoredCycle(
        runId: run, parameterSetId: 1, cycleNumber: number, cellCycleNumber: cellNumber ?? number, purpose: purpose,
        chargeCapacityAh: capacity, dischargeCapacityAh: 1, coulombicEfficiency: efficiency, flags: flags.rawValue),
      conditions: conditions)
  }

  private static func cell(_ name: String, _ cycles: [ComparableCell.Cycle], mass: Int64? = 1_000) -> ComparableCell {
    var cell = ComparableCell(name: name)
    cell.runs = Set(cycles.map(\.row.runId)).sorted()
    cell.cycles = cycles
    cell.massUg = mass
    return cell
  }

  private static func compare(_ cells: [ComparableCell], _ request: ComparisonRequest = ComparisonRequest())
    throws -> ComparisonTable
  {
    var comparison = CellComparison(request, role: .anodeHalfCell, cells: cells)
    return try comparison.compared()
  }

  @Test func theMeanIsOverWholeCyclesAndTheOthersAreNamed() throws {
    let table = try Self.compare([
      Self.cell("a", [Self.cycle(1, capacity: 3e-4)]), Self.cell("b", [Self.cycle(1, capacity: 3.2e-4)]),
      Self.cell("c", [Self.cycle(1, capacity: 1e-4, efficiency: nil, flags: .truncated)]),
      Self.cell("d", [Self.cycle(1, capacity: nil, efficiency: nil, flags: .gap)]),
      Self.cell("e", [Self.cycle(1, capacity: 9, efficiency: nil, flags: [.partialStart, .chargeUnknown])]),
    ])
    let row = table.rows[0]
    #expect(row.reversible_capacity_Ah.n == 2 && row.cells.count == 5)
    #expect(abs((row.reversible_capacity_Ah.mean ?? 0) - 3.1e-4) < 1e-18)
    #expect(abs((row.reversible_capacity_mAh_per_g.mean ?? 0) - 310) < 1e-9)
    #expect(row.reversible_capacity_mAh_per_cm2 == SampleMean(mean: nil, standard_deviation: nil, n: 0))
    #expect(row.cells.map(\.is_counted) == [true, true, false, false, false])
    #expect(
      table.left_out.map { "\($0.cell): \($0.reason)" } == [
        "c: incomplete: truncated", "d: incomplete: its charge is not known",
        "e: incomplete: charge_unknown, partial_start",
      ])
  }

  @Test func whatWasDrivenOtherwiseThanMostIsInNoMean() throws {
    let table = try Self.compare([
      Self.cell("odd", [Self.cycle(1, capacity: 5, end: "voltage <= 2 mV")]),
      Self.cell("a", [Self.cycle(1, capacity: 1)]), Self.cell("b", [Self.cycle(1, capacity: 2, current: 365_000_000)]),
      Self.cell("fast", [Self.cycle(1, capacity: 7, current: 720_000_000)]),
      // Twice the current on twice the mass is the same rate.
      Self.cell("heavy", [Self.cycle(1, capacity: 3, current: 720_000_000, mass: 2_000)]),
    ])
    #expect(table.rows[0].reversible_capacity_Ah.n == 3 && table.rows[0].reversible_capacity_Ah.mean == 2)
    try #require(table.left_out.map(\.cell) == ["odd", "fast"])
    #expect(
      table.left_out[1].reason == "other conditions: discharge to voltage <= 10 mV at 0.72 mA (0.72 A/g), charge to "
        + "voltage >= 2 V at 0.72 mA (0.72 A/g); most have discharge to voltage <= 10 mV at 0.36 mA (0.36 A/g), charge to "
        + "voltage >= 2 V at 0.36 mA (0.36 A/g)")
    #expect(table.warnings == ["cut-offs or rates differ in 2 cycles"])
  }

  /// A protocol with one current for all of them.
  @Test func oneCurrentOnUnequalMassesIsComparedWithAWarning() throws {
    let table = try Self.compare([
      Self.cell("light", [Self.cycle(1, capacity: 1)]), Self.cell("heavy", [Self.cycle(1, capacity: 2, mass: 1_200)]),
    ])
    #expect(table.rows[0].reversible_capacity_Ah.n == 2 && table.left_out.isEmpty)
    #expect(
      table.warnings == ["the same current flows on different masses: in one mean rates over the mass differ by 20 %"])
  }

  @Test func aNumberThatTwoRunsHaveIsTheLaterOnes() throws {
    let table = try Self.compare([
      Self.cell(
        "a",
        [
          Self.cycle(run: 1, 1, capacity: 1), Self.cycle(run: 1, 2, capacity: 0, flags: .truncated),
          Self.cycle(run: 2, 1, ofCell: 2, capacity: 0.5),
        ])
    ])
    #expect(table.rows.map(\.number) == [1, 2])
    #expect(table.rows[1].reversible_capacity_Ah == SampleMean(mean: 0.5, standard_deviation: nil, n: 1))
    #expect(
      table.left_out == [
        LeftOut(cell: "a", run: 1, cycle_number: 2, reason: "run 2 counts its cycle 1 in its place")
      ])
  }

  @Test func purposesAreNeverMixed() throws {
    let cells = [
      Self.cell("a", [Self.cycle(1, capacity: 1, purpose: "formation"), Self.cycle(2, capacity: 2)]),
      Self.cell("b", [Self.cycle(1, capacity: 3)]),
    ]
    let byCycle = try Self.compare(cells)
    #expect(byCycle.rows.map { "\($0.number) \($0.purpose ?? "")" } == ["1 formation", "1 life", "2 life"])
    let byPurpose = try Self.compare(cells, ComparisonRequest(by: .purpose))
    #expect(byPurpose.rows.map { "\($0.number) \($0.purpose ?? "")" } == ["1 formation", "1 life"])
    #expect(byPurpose.rows[1].reversible_capacity_Ah.mean == 2.5)
    #expect(try Self.compare(cells, ComparisonRequest(cycle: 2)).rows.map(\.number) == [2])
  }

  @Test func retentionIsAgainstTheCycleThatWasAskedFor() throws {
    let cells = [
      Self.cell("a", [Self.cycle(1, capacity: 8), Self.cycle(2, capacity: 4), Self.cycle(3, capacity: 3)]),
      Self.cell(
        "b", [Self.cycle(1, capacity: 8), Self.cycle(2, capacity: 4, flags: .truncated), Self.cycle(3, capacity: 3)]),
    ]
    let table = try Self.compare(cells, ComparisonRequest(reference: 2))
    #expect(table.rows.map(\.retention.mean) == [nil, 1, 0.75])
    #expect(table.rows[2].retention.n == 1, "b's reference was cut short")
  }

  @Test func aCellWithoutRunsAndARunWithoutCyclesAreNamed() throws {
    var running = ComparableCell(name: "running")
    running.runs = [7]
    running.openCycles = [(7, 1, false)]
    let table = try Self.compare([ComparableCell(name: "new"), running])
    #expect(table.rows.isEmpty)
    #expect(
      table.left_out == [
        LeftOut(cell: "new", reason: "no run of it has begun"),
        LeftOut(cell: "running", run: 7, reason: "no cycle of it is over"),
        LeftOut(cell: "running", run: 7, cycle_number: 1, reason: "it goes on"),
      ])
    #expect(table.initial_coulombic_efficiency == SampleMean(mean: nil, standard_deviation: nil, n: 0))
  }

  /// What most have in common, against the plain way of comparing each with each.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func mostIsWhatEachComparedWithEachSays(seed: UInt64) {
    var state = seed
    func next(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    let conditions = (0..<Int(next(40))).map { _ in
      Self.cycle(
        1, capacity: 1, end: next(4) == 0 ? "voltage <= 2 mV" : "voltage <= 10 mV",
        current: 300_000_000 + Int64(next(8)) * 3_000_000, mass: next(6) == 0 ? nil : 1_000 + Int64(next(4)) * 9
      ).conditions
    }
    var best: (count: Int, common: CellComparison.Common)?
    for measure in CycleConditions.Measure.allCases {
      for candidate in conditions {
        let common = CellComparison.Common(conditions: candidate, measure: measure)
        let count = conditions.count { common.includes($0) }
        if count > best?.count ?? 0 { best = (count, common) }
      }
    }
    let told = CellComparison.mostCommon(conditions)
    #expect(told?.conditions == best?.common.conditions && told?.measure == best?.common.measure)
  }

  @Test func nobodyIsComparedForWhoHasGoneAway() async {
    let cells = [Self.cell("a", [Self.cycle(1, capacity: 1)])]
    let gone = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try Self.compare(cells)
    }
    await #expect(throws: CancellationError.self) { try await gone.value }
  }
}

@Suite struct ComputingQueueTests {
  /// Neither the first piece of work nor what goes on after something was waited for takes a thread that others need.
  @Test func workStaysOnIt() async throws {
    let queue = ComputingQueue()
    let sum = await withTaskExecutorPreference(queue) {
      queue.preconditionIsCurrent()
      let one = await Task.detached { 1 }.value
      queue.preconditionIsCurrent()
      return one + 1
    }
    #expect(sum == 2)
  }
}

@Suite struct TraceFoldTests {
  /// Columns hold what lies in them, and nothing is lost at the ends.
  @Test func eachColumnHasItsExtremes() {
    var fold = TraceFold(from: 0, to: 100, columns: 4)
    for (time, millivolts) in [(0, 5), (10, 1), (24, 9), (50, 3), (100, 7)] as [(Int64, Int64)] {
      fold.take(
        RecordRow(
          stepID: 1, index: 0, stepTime: .zero, voltage: .init(millivolts: millivolts), current: nil, charge: .zero,
          energy: .zero, flags: []), at: time)
    }
    #expect(fold.records == 5)
    #expect(fold.filled.map(\.lowest_voltage_V) == [0.001, 0.003, 0.007])
    #expect(fold.filled.map(\.highest_voltage_V) == [0.009, 0.003, 0.007])
    #expect(fold.filled.allSatisfy { $0.lowest_current_A == nil })
    var one = TraceFold(from: 5, to: 5, columns: 3)
    one.take(
      RecordRow(
        stepID: 1, index: 0, stepTime: .zero, voltage: nil, current: nil, charge: .zero, energy: .zero, flags: []),
      at: 5)
    #expect(one.filled.count == 1)
  }

  /// What came from elsewhere may say that its last record was its first.
  @Test func timesThatDoNotRiseStayInTheColumns() {
    var fold = TraceFold(from: 0, to: -5, columns: 900)
    for time in [Int64.max, .min, 1 << 61] {
      fold.take(
        RecordRow(
          stepID: 1, index: 0, stepTime: .zero, voltage: nil, current: nil, charge: .zero, energy: .zero, flags: []),
        at: time)
    }
    #expect(fold.records == 3 && fold.filled.count == 2)
  }
}
