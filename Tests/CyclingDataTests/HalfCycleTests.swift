// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

@testable import CyclingData

@Suite("Half-cycles and cycles in files") struct HalfCycleTests {
  @Test func restsAndOtherCurrentsDoNotSplit() throws {
    var table = SampleTable()
    table.step(-0.001, seconds: 3_600, from: 2, to: 0.2)
    table.step(0, seconds: 900, from: 0.3, to: 0.4)
    table.step(-0.0005, seconds: 3_600, from: 0.3, to: 0.1)
    table.step(-0.0001, seconds: 3_600, from: 0.15, to: 0.05)
    table.step(0.001, seconds: 5_000, from: 0.1, to: 2)
    let result = try analyze(table.text, .anodeHalfCell)
    #expect(result.halfCycles.map(\.steps) == [3, 1])
    #expect(result.cycles.count == 1 && result.cycles[0].flags == ["complete"])
    #expect(abs((result.cycles[0].summary.coulombicEfficiency ?? 0) - 5_000 / 5_760) < 1e-9)
  }

  @Test func pulsesDoNotSplit() throws {
    var table = SampleTable()
    table.step(0.001, seconds: 1_800, from: 2, to: 3)
    table.step(-0.002, seconds: 10, every: 1, from: 2.9, to: 2.8)
    table.step(0.001, seconds: 1_800, from: 3, to: 4)
    table.step(-0.001, seconds: 3_000, from: 3.9, to: 2)
    for text in [table.text, table.withoutStepTimes, table.withoutSteps] {
      let result = try analyze(text)
      #expect(result.halfCycles.map(\.spurious) == [1, 0], "\(result.notes)")
      #expect(result.cycles[0].flags.contains("spurious_segments"))
      #expect(abs(result.capacities[0] - 0.001) < 1e-9, "\(result.capacities)")
      #expect(abs(result.halfCycles[0].spuriousCharge.ampereHours - 0.002 / 360) < 1e-12)
    }
  }

  /// A glitch in front of everything is only known for one once the half-cycle after it is there.
  @Test func aGlitchAtTheBeginningIsNone() throws {
    var table = SampleTable()
    table.step(0, seconds: 600, from: 2, to: 2)
    table.step(-2e-6, seconds: 1, every: 0.5, from: 2, to: 2)
    table.step(0.001, seconds: 3_600, from: 2, to: 4)
    table.step(-0.001, seconds: 3_600, from: 4, to: 2)
    let result = try analyze(table.text)
    #expect(
      result.halfCycles.map(\.direction) == [.charge, .discharge] && result.cycles.map(\.summary.cycleNumber) == [1])
  }

  /// Pulses both ways after each tenth of a charge: all that charges belongs to it, the rest is told beside it.
  @Test func pulsesInTheFirstHalfCycleToo() throws {
    var table = SampleTable()
    for _ in 0..<2 {
      for part in stride(from: 2.0, to: 4, by: 0.2) {
        table.step(1, seconds: 360, from: part, to: part + 0.2)
        table.step(-3, seconds: 10, every: 0.5, from: part + 0.1, to: part)
        table.step(2.25, seconds: 10, every: 0.5, from: part + 0.2, to: part + 0.3)
      }
      table.step(-1, seconds: 3_600, from: 4, to: 2)
    }
    let result = try analyze(table.text)
    #expect(result.halfCycles.map(\.spurious) == [10, 0, 10, 0])
    #expect(result.capacities.map { ($0 * 1e6).rounded() } == [1_062_500, -1_000_000, 1_062_500, -1_000_000])
    #expect(result.cycles.allSatisfy { $0.isComplete })
  }

  /// Hours of noise before the first current are no cycles.
  @Test(arguments: SeededGenerator.seeds.suffix(3)) func noiseAtTheBeginning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var text = "time_s,current_A,voltage_V\n"
    for index in 0..<2_000 { text += "\(index * 10),\(Double.random(in: -3e-7...3e-7, using: &random)),2\n" }
    let cycles = SampleTable.cycles(2)
    text += cycles.rows.map { "\($0.time + 20_000),\($0.current),\($0.voltage)\n" }.joined()
    let result = try analyze(text)
    #expect(result.cycles.map(\.summary.cycleNumber) == [1, 2] && result.summary.initialEfficiency == 0.95)
  }

  /// An offset of half a thousandth of the current at rest is no half-cycle and in none.
  @Test(arguments: [3e-7, -3e-7]) func anOffsetAtRestIsNothing(offset: Double) throws {
    var table = SampleTable()
    for _ in 0..<2 {
      table.step(0.001, seconds: 3_600, from: 2, to: 4)
      table.step(offset, seconds: 7_200, from: 3.9, to: 3.8)
      table.step(-0.001, seconds: 3_600, from: 3.8, to: 2)
      table.step(offset, seconds: 7_200, from: 2.1, to: 2.2)
    }
    for text in [table.text, table.withoutSteps] {
      let result = try analyze(text)
      #expect(result.halfCycles.count == 4 && result.capacities.allSatisfy { abs(abs($0) - 0.001) < 1e-9 })
    }
  }

  /// A slow half-cycle behind a fast one is one, though its current is small beside the fast one's.
  @Test func aSlowHalfCycleIsNoOffset() throws {
    var table = SampleTable()
    table.step(0.1, seconds: 36, every: 0.1, from: 2, to: 4)
    table.step(-0.0001, seconds: 30_000, every: 60, from: 4, to: 2)
    table.step(0.0001, seconds: 30_000, every: 60, from: 2, to: 4)
    #expect(try analyze(table.text).halfCycles.count == 3)
  }

  /// Steps of a few seconds are half-cycles when they move as much as the others.
  @Test func shortHalfCyclesAreSome() throws {
    var table = SampleTable()
    for _ in 0..<5 {
      table.step(0.001, seconds: 20, every: 1, from: 2, to: 4)
      table.step(-0.001, seconds: 20, every: 1, from: 4, to: 2)
    }
    #expect(try analyze(table.text).halfCycles.count == 10)
  }

  @Test func theRoleSaysWhatAPairIs() throws {
    let text = SampleTable.cycles(3).text
    let full = try analyze(text)
    #expect(full.cycles.map(\.summary.cycleNumber) == [1, 2, 3] && full.cycles.allSatisfy(\.isComplete))
    #expect(full.summary.initialEfficiency == 0.95)
    let anode = try analyze(text, .anodeHalfCell)
    #expect(anode.cycles.map(\.summary.cycleNumber) == [0, 1, 2, 3])
    #expect(
      anode.cycles.map(\.flags) == [
        ["pre_cycle"], ["complete", "comparable"], ["complete", "comparable"], ["truncated"],
      ])
    #expect(anode.cycles[0].summary.coulombicEfficiency == nil && anode.cycles[0].summary.chargeCapacity != nil)
    #expect(abs((anode.summary.initialEfficiency ?? 0) - 1 / 0.95) < 1e-9)
    let paired = try analyze(text) { $0.first = .discharge }
    #expect(paired.cycles.map(\.summary.coulombicEfficiency) == anode.cycles.map(\.summary.coulombicEfficiency))
    #expect(try analyze(text, .symmetric).cycles.allSatisfy { $0.summary.coulombicEfficiency == nil })
    #expect(throws: DataProblem.self) { _ = try analyze(text, nil) }
    #expect(throws: DataProblem.self) { _ = try analyze(text, .noCycles) }
  }

  @Test func endsElsewhereAreTruncated() throws {
    var table = SampleTable.cycles(4)
    table.step(0.001, seconds: 1_000, from: 2, to: 3)
    let result = try analyze(table.text)
    #expect(result.halfCycles.map(\.isTruncated) == [Bool](repeating: false, count: 8) + [true])
    #expect(result.cycles[4].flags == ["truncated"] && result.cycles[4].summary.coulombicEfficiency == nil)
    #expect(result.cycles[4].summary.chargeCapacity != nil)
    // Of two ends that differ, the later one is the odd one; of two groups none is.
    var two = SampleTable()
    for top in [4.0, 3.5] {
      two.step(0.001, seconds: 3_600, from: 2, to: top)
      two.step(-0.001, seconds: 3_600, from: 3.9, to: 2)
    }
    #expect(try analyze(two.text).halfCycles.map(\.isTruncated) == [false, false, true, false])
    var windows = SampleTable()
    for top in [4.0, 4.0, 3.5, 3.5] {
      windows.step(0.001, seconds: 3_600, from: 2, to: top)
      windows.step(-0.001, seconds: 3_600, from: 3.9, to: 2)
    }
    let groups = try analyze(windows.text)
    #expect(groups.halfCycles.allSatisfy { !$0.isTruncated } && groups.cycles.map(\.group) == [1, 1, 2, 2])
    #expect(groups.cycles.map(\.isComparable) == [false, true, true, true])
  }

  /// Cycles between two voltages, of few records; `ends` has those of charge and discharge.
  private static func ending(at ends: [(top: Double, bottom: Double)]) -> String {
    var table = SampleTable()
    for (top, bottom) in ends {
      table.step(0.001, seconds: 3_600, every: 900, from: 2.5, to: top)
      table.step(-0.001, seconds: 3_600, every: 900, from: 3.5, to: bottom)
    }
    return table.text
  }

  private static func truncated(_ text: String) throws -> [Int] {
    try analyze(text).halfCycles.enumerated().filter { $1.isTruncated }.map(\.offset)
  }

  /// A check-up goes beyond the window of the cycles between: nobody cut it short, however long the table is.
  @Test func checkUpsAreNotCutShort() throws {
    let ends = (1...100).map { $0 % 20 == 0 ? (top: 4.2, bottom: 1.5) : (top: 4.0, bottom: 2.0) }
    let result = try analyze(Self.ending(at: ends))
    #expect(result.halfCycles.allSatisfy { !$0.isTruncated } && result.summary.completeCycles == 100)
    #expect(result.cycles[19].summary.coulombicEfficiency == 1 && result.cycles[19].group == 2)
    // Even a cut-off that rises each second cycle is one each time, though none is usual.
    let rising = (0..<40).map { (top: 3 + 0.1 * Double($0 / 2), bottom: 2.0) }
    #expect(try Self.truncated(Self.ending(at: rising)).isEmpty)
  }

  /// What ends before the usual cut-off was interrupted, also where that happened at about one voltage; so was a check-up
  /// that stands alone.
  @Test func interruptionsThatRepeatAreTruncated() throws {
    var ends = [(top: Double, bottom: Double)](repeating: (4.0, 2.0), count: 100)
    for (place, top) in [(10, 3.4), (30, 3.42), (31, 3.41), (70, 3.9), (80, 4.2)] { ends[place].top = top }
    for (place, bottom) in [(20, 2.3), (40, 2.31), (90, 1.5)] { ends[place].bottom = bottom }
    #expect(try Self.truncated(Self.ending(at: ends)) == [20, 41, 60, 62, 81, 140, 160, 181])
    // A check-up of several that did not come to its end.
    for place in [81, 82] { ends[place].top = 4.2 }
    ends[83].top = 4.1
    #expect(try Self.truncated(Self.ending(at: ends)) == [20, 41, 60, 62, 81, 140, 166, 181])
  }

  @Test func aFirstHalfCycleThatBeganInTheMiddle() throws {
    var table = SampleTable()
    table.step(0.001, seconds: 1_000, from: 3, to: 4)
    table.step(-0.001, seconds: 3_420, from: 3.9, to: 2)
    table.step(0.001, seconds: 3_600, from: 2, to: 4)
    table.step(-0.001, seconds: 3_420, from: 3.9, to: 2)
    let result = try analyze(table.text)
    #expect(result.cycles.map(\.flags) == [["complete", "partial_start"], ["complete", "comparable"]])
    #expect(abs((result.cycles[0].summary.coulombicEfficiency ?? 0) - 3.42) < 1e-9)
  }

  @Test func retentionRefersToANamedCycle() throws {
    var table = SampleTable()
    for share in [1.2, 1, 0.9, 0.8] {
      table.step(0.001, seconds: 3_600 * share, from: 2, to: 4)
      table.step(-0.001, seconds: 3_600 * share, from: 4, to: 2)
    }
    let plain = try analyze(table.text)
    #expect(plain.summary.referenceCycle == 1 && plain.summary.firstEfficiencyAfterFormation == nil)
    let told = try analyze(table.text) { $0.formationCycles = 1 }
    #expect(told.summary.referenceCycle == 2 && told.summary.firstEfficiencyAfterFormation == 1)
    #expect(told.cycles.map(\.summary.retention) == [nil, 1, 0.9, 0.8])
    #expect(told.summary.retentionCycle == 4 && told.summary.decayIntervals == 2)
    #expect(abs((told.summary.linearDecay ?? 0) - 0.1) < 1e-12)
    #expect(abs((told.summary.geometricDecay ?? 0) - 0.1055728090000841) < 1e-12)
    let third = try analyze(table.text) { $0.referenceCycle = 3 }
    #expect(third.cycles.map { $0.summary.retention != nil } == [false, false, true, true])
  }

  /// The currents differ, so the last cycle at the reference's is what tells of ageing.
  @Test func retentionComparesLikeWithLike() throws {
    var table = SampleTable()
    for (current, hours) in [(0.001, 1.0), (0.01, 0.05), (0.001, 0.97), (0.01, 0.05)] {
      table.step(current, seconds: 3_600 * hours, from: 2, to: 4)
      table.step(-current, seconds: 3_600 * hours, from: 4, to: 2)
    }
    let result = try analyze(table.text)
    #expect(result.cycles.map(\.group) == [1, 2, 1, 2] && result.summary.retentionCycle == 3)
    #expect(result.summary.retention == 0.97 && result.summary.lastRetention == 0.5)
    #expect(result.cycles.map(\.summary.series.groupRetention) == [1, 1, 0.97, 1])
    #expect(result.summary.conditionsGroups == 2 && result.summary.thresholdCycle == nil)
  }

  /// Nobody measured a voltage: nothing says which cycles ran alike.
  @Test func withoutAVoltageThereAreNoGroups() throws {
    var table = SampleTable()
    for _ in 0..<3 {
      table.step(0.001, seconds: 3_600, from: 2, to: 4)
      table.step(-0.001, seconds: 3_600, from: 4, to: 2)
    }
    let blind =
      "time_s,current_A,voltage_V,step_index\n" + table.rows.map { "\($0.time),\($0.current),,\($0.step)\n" }.joined()
    let result = try analyze(blind)
    #expect(result.cycles.map(\.group) == [nil, nil, nil] && result.cycles.allSatisfy(\.isComplete))
    #expect(result.summary.retentionCycle == 1 && result.summary.retention == 1)
  }

  @Test func restsChangeNothingOfTheRow() throws {
    func table(rests: Bool) -> SampleTable {
      var table = SampleTable()
      for (current, hours) in [(0.001, 1.0), (0.002, 0.48), (0.001, 0.99), (0.001, 0.98), (0.001, 0.97)] {
        table.step(current, seconds: 3_600 * hours, from: 2, to: 4)
        if rests { table.step(0, seconds: 1_800, from: 3.9, to: 3.8) }
        table.step(-current, seconds: 3_590 * hours, from: 4, to: 2)
        if rests { table.step(0, seconds: 86_400, every: 600, from: 2.2, to: 2.4) }
      }
      return table
    }
    let (with, without) = (try analyze(table(rests: true).text), try analyze(table(rests: false).text))
    #expect(with.cycles.map(\.summary.series) == without.cycles.map(\.summary.series))
    #expect(with.summary.cycles == without.summary.cycles && with.summary.capacitySlopeCycles == 4)
  }

  /// Formation that is over before the file begins makes its first cycle the first after it.
  @Test func noFormationIsSaidToo() throws {
    var table = SampleTable()
    for _ in 0..<2 {
      table.step(0.001, seconds: 4_000, from: 2, to: 4)
      table.step(-0.001, seconds: 3_600, from: 4, to: 2)
    }
    let efficiency = try analyze(table.text) { $0.formationCycles = 0 }.summary.firstEfficiencyAfterFormation
    #expect(efficiency == 0.9)
    #expect(try analyze(table.text).summary.firstEfficiencyAfterFormation == nil)
    let life = try analyze(table.text) { $0.retentionThreshold = 1.1 }
    #expect(life.summary.thresholdCycle == 2 && life.summary.isThresholdProvisional == true)
  }

  /// 2 µA flow besides, towards discharge, while the circuit is closed.
  @Test func aParasiticCurrentIsSlippage() throws {
    var table = SampleTable()
    for _ in 0..<3 {
      table.step(-0.001, seconds: 3_600 * 1.002, from: 2, to: 0.02)
      table.step(0.001, seconds: 3_600, from: 0.02, to: 2)
    }
    let result = try analyze(table.text, .anodeHalfCell)
    let each = -0.000002
    #expect(result.cycles[0].chargeEndSlippage == nil)
    for cycle in result.cycles.dropFirst() {
      #expect(abs((cycle.chargeEndSlippage?.ampereHours ?? 0) - each) < 1e-12)
      #expect(abs((cycle.dischargeEndSlippage?.ampereHours ?? 0) - each) < 1e-12)
    }
  }

  @Test func nothingFlows() throws {
    let result = try analyze("time_s,current_A,voltage_V\n0,0,2\n10,0,2\n")
    #expect(result.cycles.isEmpty && result.notes.contains("no current flows in it"))
  }

  // MARK: Tests of plating

  private func reservoir(conditioned: Bool, finalTop: Double = 1, cycles: Int = 3) -> String {
    var table = SampleTable()
    if conditioned {
      table.step(-0.001, seconds: 7_200, from: -0.02, to: -0.02)
      table.step(0.001, seconds: 7_000, from: 0.02, to: 1)
    }
    table.step(-0.001, seconds: 18_000, from: -0.02, to: -0.02)
    for _ in 0..<cycles {
      table.step(0.001, seconds: 3_600, from: 0.02, to: 0.02)
      table.step(-0.001, seconds: 3_600, from: -0.02, to: -0.02)
    }
    table.step(0.001, seconds: 17_000, from: 0.02, to: finalTop)
    return table.text
  }

  @Test func aReservoirTest() throws {
    for conditioned in [true, false] {
      let result = try analyze(reservoir(conditioned: conditioned), .platingStripping) {
        $0.test = .reservoir(cycles: 3)
      }
      let efficiency = (3 * 3_600 + 17_000.0) / (3 * 3_600 + 18_000)
      #expect(abs((result.tests.first?.coulombicEfficiency ?? 0) - efficiency) < 1e-9, "\(result.notes)")
      #expect(result.cycles.allSatisfy { !$0.flags.contains("truncated") })
      #expect(result.summary.initialEfficiency.map { abs($0 - 7_000 / 7_200) < 1e-9 } ?? !conditioned)
    }
    let cut = try analyze(reservoir(conditioned: true, finalTop: 0.02), .platingStripping) {
      $0.test = .reservoir(cycles: 3)
    }
    #expect(cut.tests.count == 1 && cut.tests[0].coulombicEfficiency == nil)
    #expect(cut.notes.contains { $0.contains("something may be left") })
    let short = try analyze(reservoir(conditioned: false), .platingStripping) { $0.test = .reservoir(cycles: 10) }
    #expect(short.tests.isEmpty && short.notes.contains { $0.contains("22 half-cycles") }, "\(short.notes)")
  }
}
