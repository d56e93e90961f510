// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What follows from the row of cycles, by value. docs/metrics.md has more examples.

import CellMetrics
import CyclerModel
import Quantities
import Testing

@Suite("Cycles in a row") struct CycleSeriesTests {
  private static let life1 = CycleReference(purpose: .life, number: 1)

  @Test func aRateTestIsNoFade() throws {
    var bench = SeriesBench(role: .cathodeHalfCell, reference: Self.life1)
    try bench.charge(1_000, discharge: 1_000)
    for rate: Int64 in [125_000, 250_000, 625_000, 1_250_000, 125_000] {
      let capacity = 1_000 - rate / 5_000
      for _ in 0..<3 {
        let cycle = try bench.charge(capacity, discharge: capacity, current: rate)
        #expect(cycle.series.isComplete)
        #expect(cycle.series.groupRetention == (rate == 125_000 ? 0.975 : 1))
      }
    }
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.conditionsGroups == 4 && summary.retentionCycle == 16 && summary.retention == 0.975)
    #expect(summary.lastRetention == 0.975 && summary.thresholdCycle == nil)
  }

  /// 0.5^4000 is no number any more; its mean is one.
  @Test func thousandsOfPoorCyclesHaveAMean() throws {
    var bench = SeriesBench(role: .fullCell)
    var plain = 1.0
    for number in 1...4_000 {
      let summary = try bench.charge(1_000, discharge: 500)
      plain *= 0.5
      #expect(summary.series.efficiencyProduct == plain, "cycle \(number)")
    }
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.geometricMeanCycles == 3_999, "nobody knows how the first one began")
    #expect(abs((summary.geometricMeanEfficiency ?? 0) - 0.5) < 1e-15)
    // What comes back in the end brings the product back.
    for _ in 1...4_000 { try bench.charge(1_000, discharge: 2_000) }
    let last = try bench.charge(1_000, discharge: 500)
    #expect(last.series.efficiencyProduct == 0.5)
  }

  @Test func conditionsAreAlikeWithinTenPerCentAnd50Millivolts() throws {
    func groups(_ current: Int64, _ end: Int64) throws -> [Int64?] {
      var bench = SeriesBench(role: .fullCell)
      let first = try bench.charge(1_000_000, discharge: 1_000_000, current: 1_000_000_000)
      var half = SeriesBench.Half(.discharge, 1_000_000, current: current)
      half.end = end
      let second = try bench.cycle(SeriesBench.Half(.charge, 1_000_000, current: 1_000_000_000), half)
      return [first.series.group, second.series.group]
    }
    #expect(try groups(1_000_000_000, 2_000_000_000) == [1, 1])
    #expect(try groups(901_000_000, 2_050_000_000) == [1, 1])
    #expect(try groups(890_000_000, 2_000_000_000) == [1, 2])
    #expect(try groups(1_120_000_000, 2_000_000_000) == [1, 2])
    #expect(try groups(1_000_000_000, 2_050_000_001) == [1, 2])
    #expect(try groups(1_000_000_000, 1_949_999_999) == [1, 2])
    // Nobody counted how long it took.
    #expect(try groups(0, 2_000_000_000) == [1, nil])
  }

  /// Ends that fall steeply overshoot, each time a little otherwise: what was programmed tells that they ended alike.
  @Test func whatEndedAtTheSameCutOffEndedAlike() throws {
    func isAlike(
      _ direction: Direction, _ first: (reason: String, end: Int64), _ second: (reason: String, end: Int64)
    ) throws -> Bool {
      var bench = SeriesBench(role: direction == .discharge ? .fullCell : .anodeHalfCell)
      var cycles: [CycleSummary] = []
      for (reason, end) in [first, second] {
        var half = SeriesBench.Half(direction, 1_000_000)
        half.reason = reason
        half.end = end
        cycles.append(try bench.cycle(SeriesBench.Half(direction.reversed, 1_000_000), half))
      }
      #expect(cycles[1].series.isComparable == (cycles[1].series.group == 1))
      return cycles[1].series.isComparable
    }
    let low = "voltage <= 2 V"
    #expect(try isAlike(.discharge, (low, 1_990_000_000), (low, 1_700_000_000)))
    #expect(try isAlike(.discharge, (low, 1_990_000_000), ("voltage < 2000 mV", 1_700_000_000)))
    // Cut-offs that differ are no likeness, however near the last readings came to each other.
    #expect(try !isAlike(.discharge, (low, 1_900_000_000), ("voltage <= 1.9 V", 1_900_000_000)))
    #expect(try isAlike(.discharge, (low, 1_900_000_000), ("voltage <= 1.95 V", 1_700_000_000)))
    // What something else ended stands where its last reading is.
    #expect(try isAlike(.discharge, (low, 1_700_000_000), ("step_charge >= 0.1 mAh", 2_050_000_000)))
    #expect(try !isAlike(.discharge, (low, 1_700_000_000), ("step_charge >= 0.1 mAh", 1_949_999_999)))
    for other in [
      "voltage <= 2 V for 10 s", "voltage <= 2 V and step_time >= 1 h", "voltage >= 2 V", "voltage <= 2", "voltage <= ",
      "voltage_drift <= 2 mV/h", "voltage <= 99999999999999999999 V",
    ] {
      #expect(try !isAlike(.discharge, (other, 1_990_000_000), (other, 1_700_000_000)), "\(other)")
      #expect(try isAlike(.discharge, (other, 1_990_000_000), (other, 1_950_000_000)), "\(other)")
    }
    let high = "voltage >= 2.0 V"
    #expect(try isAlike(.charge, (high, 2_010_000_000), (high, 2_300_000_000)))
    #expect(try isAlike(.charge, (high, 2_010_000_000), ("voltage > 2 V", 2_300_000_000)))
    #expect(try !isAlike(.charge, (low, 2_010_000_000), (low, 2_300_000_000)), "no current of its own comes to it")
  }

  @Test func thirtyTwoGroupsAreRemembered() throws {
    var bench = SeriesBench(role: .fullCell)
    var current: Int64 = 1_000
    for number: Int64 in 1...40 {
      let cycle = try bench.charge(1_000_000, discharge: 990_000, current: current)
      #expect(cycle.series.group == (number <= 32 ? number : nil))
      #expect((cycle.series.groupRetention != nil) == (number <= 32))
      #expect(cycle.series.isComplete)
      current += current / 8
    }
    #expect(try bench.charge(1_000_000, discharge: 495_000, current: 1_000).series.group == 1)
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.conditionsGroups == 32 && summary.completeCycles == 41)
  }

  @Test func whatEndedOtherwiseCannotBeCompared() throws {
    var bench = SeriesBench(role: .fullCell)
    #expect(try !bench.charge(1_000, discharge: 990).series.isComparable, "nobody knows how it began")
    #expect(try bench.charge(1_000, discharge: 990).series.isComparable)
    var gap = SeriesBench.Half(.charge, 1_000)
    gap.flags = .gap
    gap.gap = 5
    let withGap = try bench.cycle(gap, SeriesBench.Half(.discharge, 990))
    #expect(withGap.series.isComplete && !withGap.series.isComparable && withGap.coulombicEfficiency != nil)
    #expect(try bench.charge(1_000, discharge: 990).series.isComparable)
    // A discharge outside of cycles goes before the next one too.
    bench.accumulator.add(bench.row(SeriesBench.Half(.discharge, 10, current: 5_000)))
    #expect(try !bench.charge(1_000, discharge: 990).series.isComparable)
    let cut = try bench.cycle(SeriesBench.Half(.charge, 500), nil)
    #expect(!cut.series.isComplete && cut.series.group == nil && !cut.series.isComparable)
    #expect(try !bench.charge(1_000, discharge: 990).series.isComparable)
    var symmetric = SeriesBench(role: .symmetric)
    for _ in 0..<2 {
      let cycle = try symmetric.charge(1_000, discharge: 990)
      #expect(cycle.series.isComplete && !cycle.series.isComparable && cycle.series.efficiencyProduct == nil)
    }
  }

  @Test func theSlopeIsTheMedianOverTheNewestTwenty() throws {
    var bench = SeriesBench(role: .fullCell)
    // Exactly -3 nC a cycle but for one bad contact, with a check-up at a tenth of the rate each ten cycles.
    var last: CycleSummary?
    for number: Int64 in 1...60 {
      let capacity = 10_000 - 3 * number - (number == 55 ? 4_000 : 0)
      let isCheck = number % 10 == 0
      last = try bench.charge(10_000, discharge: capacity, current: isCheck ? 12_500 : 125_000)
      let known = isCheck ? number / 10 : number - number / 10
      let expected = min(known, 20)
      #expect(last?.series.capacitySlopeCycles == (expected >= 3 ? expected : nil), "cycle \(number)")
      if let slope = last?.series.capacitySlope { #expect(abs(slope * 3.6e12 + 3) < 1e-9, "cycle \(number)") }
    }
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.capacitySlope == last?.series.capacitySlope && summary.capacitySlopeCycles == 6)
  }

  /// Three rates in turn: of the forty newest cycles a third is of each.
  @Test func fortyCyclesOfAllGroupsAreRemembered() throws {
    var bench = SeriesBench(role: .fullCell)
    var last: CycleSummary?
    for number in 0..<200 {
      last = try bench.charge(1_000, discharge: 990, current: [125_000, 250_000, 500_000][number % 3])
    }
    #expect(last?.series.capacitySlopeCycles == 14 && last?.series.capacitySlope == 0)
  }

  @Test func anOddCycleEndsNoLife() throws {
    func crossing(_ capacities: [Int64]) throws -> [Int64?] {
      var bench = SeriesBench(role: .fullCell, reference: Self.life1)
      for capacity in capacities { try bench.charge(1_000, discharge: capacity) }
      let summary = try #require(bench.accumulator.runSummary)
      return [
        summary.thresholdCycle, summary.cyclesToThreshold, summary.isThresholdProvisional.map { $0 ? 1 : 0 },
      ]
    }
    #expect(try crossing([1_000, 800, 800]) == [nil, nil, nil])
    #expect(try crossing([1_000, 900, 799]) == [3, 2, 1])
    #expect(try crossing([1_000, 900, 799, 810]) == [3, 2, 1])
    #expect(try crossing([1_000, 900, 799, 810, 790]) == [3, 2, 0])
    #expect(try crossing([1_000, 900, 799, 798, 900, 900, 900]) == [3, 2, 0], "confirmed is confirmed")
    #expect(try crossing([1_000, 900, 799, 810, 820]) == [nil, nil, nil])
    #expect(try crossing([1_000, 900, 799, 810, 820, 700, 600]) == [6, 5, 0])
  }

  @Test func otherRatesEndNoLifeEither() throws {
    var bench = SeriesBench(role: .fullCell, reference: Self.life1)
    try bench.charge(1_000, discharge: 1_000)
    for _ in 0..<5 { try bench.charge(500, discharge: 500, current: 1_250_000) }
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.thresholdCycle == nil && summary.retention == 1 && summary.lastRetention == 0.5)
    #expect(summary.retentionCycle == 1 && summary.decayIntervals == nil && summary.linearDecay == nil)
  }

  @Test func theFirstAfterFormationIsNeverTheInitialOne() throws {
    var bench = SeriesBench(role: .fullCell)
    try bench.charge(1_000, discharge: 800, purpose: .formation)
    try bench.charge(900, discharge: 810, purpose: .formation)
    #expect(bench.accumulator.runSummary?.firstEfficiencyAfterFormation == nil)
    try bench.charge(1_000, discharge: 990, purpose: .rate)
    try bench.charge(1_000, discharge: 995)
    let summary = try #require(bench.accumulator.runSummary)
    #expect(summary.initialEfficiency == 0.8 && summary.firstEfficiencyAfterFormation == 0.99)
    #expect(summary.meanEfficiencyFromSecond == (0.9 + 0.99 + 0.995) / 3)
    var cut = SeriesBench(role: .fullCell)
    try cut.charge(1_000, discharge: 800, purpose: .formation)
    try cut.cycle(SeriesBench.Half(.charge, 500), nil)
    try cut.charge(1_000, discharge: 990)
    #expect(cut.accumulator.runSummary?.firstEfficiencyAfterFormation == nil, "no later one takes its place")
    var plain = SeriesBench(role: .fullCell)
    try plain.charge(1_000, discharge: 990)
    #expect(plain.accumulator.runSummary?.firstEfficiencyAfterFormation == nil, "nobody spoke of formation")
  }

  @Test(arguments: CellRole.allCases.filter { $0 != .noCycles })
  func onlyAnInventoryPredictsALife(role: CellRole) throws {
    var bench = SeriesBench(role: role)
    let first = try #require(role.firstDirection)
    // The first has nothing before it to be compared with.
    for number in 1...6 {
      try bench.cycle(SeriesBench.Half(first, 1_000), SeriesBench.Half(first.reversed, 990))
      let summary = try #require(bench.accumulator.runSummary)
      #expect((summary.geometricMeanEfficiency != nil) == (role.isLimitedByInventory && number >= 2))
      #expect((summary.predictedCyclesToThreshold != nil) == (role.isLimitedByInventory && number >= 6))
      #expect((summary.efficiencyProduct != nil) == role.hasCoulombicEfficiency)
    }
    guard role.isLimitedByInventory else { return }
    let summary = try #require(bench.accumulator.runSummary)
    #expect(abs(try #require(summary.geometricMeanEfficiency) - 0.99) < 2e-16)
    // ln 0.8 / ln 0.99
    #expect(abs(try #require(summary.predictedCyclesToThreshold) - 22.202_596_467_108_95) < 1e-11)
    #expect(abs(try #require(summary.efficiencyProduct) - 0.941_480_149_401) < 1e-12)
  }

  @Test func efficienciesBeyondNumbersAreNull() throws {
    var great = SeriesBench(role: .fullCell)
    for _ in 0..<40 { try great.charge(1, discharge: 1_000_000_000) }
    #expect(great.accumulator.runSummary?.efficiencyProduct == nil)
    let mean = try #require(great.accumulator.runSummary?.geometricMeanEfficiency)
    #expect(abs(mean / 1e9 - 1) < 1e-14, "the mean of what has no product is a number still")
    var nothing = SeriesBench(role: .fullCell)
    for _ in 0..<6 { try nothing.charge(1_000, discharge: 0) }
    let summary = try #require(nothing.accumulator.runSummary)
    #expect(summary.efficiencyProduct == 0 && summary.geometricMeanEfficiency == nil)
    #expect(summary.predictedCyclesToThreshold == nil && summary.conditionsGroups == 0)
    var perfect = SeriesBench(role: .fullCell)
    for _ in 0..<6 { try perfect.charge(1_000, discharge: 1_000) }
    #expect(perfect.accumulator.runSummary?.geometricMeanEfficiency == 1)
    #expect(perfect.accumulator.runSummary?.predictedCyclesToThreshold == nil, "it never ends")
  }

  @Test func gapsAndCutsBeginTheCountAnew() throws {
    var bench = SeriesBench(role: .fullCell)
    try bench.charge(1_000, discharge: 990)
    // 7 nC flow in a diagnostic between, and are counted.
    bench.net += 7
    let second = try bench.charge(990, discharge: 985)
    #expect(second.series.chargeEndSlippage == Charge(nanocoulombs: 7))
    #expect(second.series.dischargeEndSlippage == Charge(nanocoulombs: 12))
    // Something flowed there that nobody measured.
    bench.accumulator.chargeWasMissed()
    let third = try bench.charge(990, discharge: 985)
    #expect(third.series.chargeEndSlippage == nil && third.series.dischargeEndSlippage == nil)
    let behind = try bench.charge(990, discharge: 985)
    #expect(behind.series.chargeEndSlippage == nil && behind.series.dischargeEndSlippage == Charge(nanocoulombs: 5))
    var cut = SeriesBench.Half(.discharge, 400)
    cut.flags = .truncated
    let fifth = try bench.cycle(SeriesBench.Half(.charge, 990), cut)
    #expect(fifth.series.chargeEndSlippage == Charge(nanocoulombs: 5) && fifth.series.dischargeEndSlippage == nil)
    var late = SeriesBench.Half(.charge, 405)
    late.flags = .partialStart
    let sixth = try bench.cycle(late, SeriesBench.Half(.discharge, 985))
    #expect(sixth.series.chargeEndSlippage == Charge(nanocoulombs: 5), "what was cut short still counts")
    #expect(sixth.series.dischargeEndSlippage == nil, "a cut end is no end-point")
  }

  /// The same charges, told of the other role: CE is the reciprocal. Turned round as a whole: slippages change places.
  @Test func anotherRoleTurnsEverythingRound() throws {
    let pairs: [(Int64, Int64)] = [(1_000, 900), (950, 940), (945, 930), (933, 931)]
    var anode = SeriesBench(role: .anodeHalfCell)
    var mirrored = SeriesBench(role: .fullCell)
    var same = SeriesBench(role: .fullCell)
    for (first, second) in pairs {
      let one = try anode.cycle(SeriesBench.Half(.discharge, first), SeriesBench.Half(.charge, second))
      let other = try mirrored.cycle(SeriesBench.Half(.charge, first), SeriesBench.Half(.discharge, second))
      #expect(one.coulombicEfficiency == other.coulombicEfficiency)
      #expect(one.series.chargeEndSlippage?.nanocoulombs == other.series.dischargeEndSlippage.map { -$0.nanocoulombs })
      #expect(one.series.dischargeEndSlippage?.nanocoulombs == other.series.chargeEndSlippage.map { -$0.nanocoulombs })
      #expect(one.series.groupRetention == other.series.groupRetention)
      #expect(one.series.capacitySlope == other.series.capacitySlope)
      let declared = try same.cycle(SeriesBench.Half(.discharge, first), SeriesBench.Half(.charge, second))
      let product = try #require(one.coulombicEfficiency) * #require(declared.coulombicEfficiency)
      #expect(abs(product - 1) < 1e-15)
      #expect(declared.series.chargeEndSlippage == one.series.chargeEndSlippage, "an end is an end in every role")
    }
  }
}
