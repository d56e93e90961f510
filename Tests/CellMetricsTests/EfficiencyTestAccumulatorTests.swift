// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

@Suite struct EfficiencyTestAccumulatorTests {
  private static let tests = [
    EfficiencyTest(kind: .reservoir, label: "reservoir"), EfficiencyTest(kind: .longCycling, label: "long"),
  ]

  private static func accumulator(_ number: Int32, plating: Direction = .discharge) -> EfficiencyTestAccumulator {
    EfficiencyTestAccumulator(
      run: 5, number: number, test: tests[Int(number) - 1], platingDirection: plating)
  }

  /// A reservoir of 5 mC, ten times 1 mC stripped and plated, and what an efficiency of 0.995 leaves for the end.
  private static let reservoir: [(EfficiencyTestPart, Direction, Int64)] =
    [(.reservoir, .discharge, 5_000_000)]
    + (0..<10).flatMap { _ -> [(EfficiencyTestPart, Direction, Int64)] in
      [(.cycled, .charge, 1_000_000), (.cycled, .discharge, 1_000_000)]
    } + [(.finalStrip, .charge, 4_925_000)]

  private static func feed(
    _ parts: some Sequence<(EfficiencyTestPart, Direction, Int64)>, to test: inout EfficiencyTestAccumulator
  ) {
    for (index, (part, direction, charge)) in parts.enumerated() {
      test.add(
        .sample(Int32(index + 1), direction, charge: charge, cycle: nil), part: part,
        endedAtVoltage: part == .finalStrip || (test.row.kind == .longCycling && direction == .charge))
    }
  }

  @Test func aReservoirIsWorthWhatCameBackOverAllThatWasPlated() {
    var test = Self.accumulator(1)
    Self.feed(Self.reservoir.dropLast(), to: &test)
    #expect(test.row.coulombicEfficiency == nil, "nobody knows before the final strip")
    Self.feed(Self.reservoir.suffix(1), to: &test)
    #expect(test.row.cycles == 10)
    #expect(test.row.reservoirCharge == Charge(nanocoulombs: 5_000_000))
    #expect(test.row.platedCharge == Charge(nanocoulombs: 15_000_000))
    #expect(test.row.strippedCharge == Charge(nanocoulombs: 14_925_000))
    // (10 * 1 + 4.925) / (10 * 1 + 5); the mean of the pairs would be 0.92.
    #expect(test.row.coulombicEfficiency == 0.995)
  }

  @Test func theOtherPolarityCountsTheSame() {
    var test = Self.accumulator(1, plating: .charge)
    Self.feed(Self.reservoir.map { ($0, $1 == .charge ? .discharge : .charge, $2) }, to: &test)
    #expect(test.row.coulombicEfficiency == 0.995)
  }

  /// What was plated before a test and not stripped would count as stripped in it.
  @Test func aCellThatIsNotStrippedAtTheBeginningHasNoRatio() {
    func ratio(after earlier: EarlierHalfCycle?) -> (Double?, DataFlags) {
      var test = EfficiencyTestAccumulator(
        run: 5, number: 1, test: Self.tests[0], platingDirection: .discharge, after: earlier)
      Self.feed(Self.reservoir, to: &test)
      return (test.row.coulombicEfficiency, test.row.flags)
    }
    func earlier(_ direction: Direction, isWhole: Bool = true, endedAtVoltage: Bool = true) -> EarlierHalfCycle {
      EarlierHalfCycle(direction: direction, isWhole: isWhole, endedAtVoltage: endedAtVoltage)
    }
    #expect(ratio(after: nil) == (0.995, []))
    #expect(ratio(after: earlier(.charge)) == (0.995, []))
    #expect(ratio(after: earlier(.discharge)) == (nil, .partialStart))
    #expect(ratio(after: earlier(.charge, endedAtVoltage: false)) == (nil, .partialStart))
    #expect(ratio(after: earlier(.charge, isWhole: false, endedAtVoltage: false)) == (nil, .partialStart))
  }

  /// Whoever plated it: more cannot be stripped than was there.
  @Test func aRatioOverOneIsNone() {
    for (last, expected) in [(5_000_000, 1.0), (5_010_000, 15_010_000 / 15_000_000.0), (5_100_000, nil)]
      as [(Int64, Double?)]
    {
      var test = Self.accumulator(1)
      Self.feed(Self.reservoir.dropLast() + [(.finalStrip, .charge, last)], to: &test)
      #expect(test.row.coulombicEfficiency == expected)
    }
  }

  /// Its voltage had been passed before it began: what is left is not known.
  @Test func anEmptyFinalStripIsNoEnd() {
    var test = Self.accumulator(1)
    Self.feed(Self.reservoir.dropLast(), to: &test)
    test.add(
      .sample(22, .charge, charge: 10, cycle: nil, flags: .empty), part: .finalStrip, endedAtVoltage: true)
    #expect(test.row.coulombicEfficiency == nil && test.row.flags == .empty)
  }

  @Test(arguments: [DataFlags.truncated, .chargeUnknown, [.gap]])
  func aDamagedHalfCycleSpoilsTheRatioForGood(_ flags: DataFlags) {
    for damaged in [0, 7, 21] {
      var test = Self.accumulator(1)
      for (index, (part, direction, charge)) in Self.reservoir.enumerated() {
        let row = HalfCycleRow.sample(
          1, direction, charge: charge, gap: index == damaged ? nil : 0, cycle: nil,
          flags: index == damaged ? flags : [])
        test.add(row, part: part, endedAtVoltage: true)
      }
      #expect(test.row.coulombicEfficiency == nil)
      #expect(test.row.flags == flags, "the row says why")
    }
  }

  @Test func longCyclingCountsWholeCyclesOnly() {
    var test = Self.accumulator(2)
    let cycles: [(EfficiencyTestPart, Direction, Int64)] = [
      (.cycled, .discharge, 1_000), (.cycled, .charge, 900), (.cycled, .discharge, 1_000), (.cycled, .charge, 990),
      (.cycled, .discharge, 1_000),
    ]
    Self.feed(cycles.prefix(1), to: &test)
    #expect(test.row.coulombicEfficiency == nil)
    Self.feed(cycles.dropFirst(), to: &test)
    // 1,890 of 2,000: what was plated last has had no chance to be stripped.
    #expect(test.row.coulombicEfficiency == 0.945)
    #expect(test.row.cycles == 2 && test.row.platedCharge == Charge(nanocoulombs: 3_000))
  }

  @Test func aStripThatDidNotEndAtItsVoltageLeavesNobodyKnowing() {
    var test = Self.accumulator(1)
    Self.feed(Self.reservoir.dropLast(), to: &test)
    test.add(.sample(22, .charge, charge: 3_000_000, cycle: nil), part: .finalStrip, endedAtVoltage: false)
    #expect(test.row.coulombicEfficiency == nil && test.row.strippedCharge == Charge(nanocoulombs: 13_000_000))

    var long = Self.accumulator(2)
    long.add(.sample(1, .discharge, charge: 1_000, cycle: 1), part: .cycled, endedAtVoltage: false)
    long.add(.sample(2, .charge, charge: 500, cycle: 1), part: .cycled, endedAtVoltage: false)
    #expect(long.row.coulombicEfficiency == nil)
    // What was left comes with the next strip that takes everything.
    long.add(.sample(3, .discharge, charge: 1_000, cycle: 2), part: .cycled, endedAtVoltage: false)
    #expect(long.row.coulombicEfficiency == nil)
    long.add(.sample(4, .charge, charge: 1_480, cycle: 2), part: .cycled, endedAtVoltage: true)
    #expect(long.row.coulombicEfficiency == 0.99)
    long.add(.sample(5, .discharge, charge: 1_000, cycle: 3), part: .cycled, endedAtVoltage: false)
    #expect(long.row.coulombicEfficiency == 0.99, "plating says nothing of it")
    long.add(.sample(6, .charge, charge: 700, cycle: 3), part: .cycled, endedAtVoltage: false)
    #expect(long.row.coulombicEfficiency == nil)
  }

  @Test func aTestGoesOnFromItsBytesAnywhere() throws {
    for cut in 0...Self.reservoir.count {
      var whole = Self.accumulator(1)
      Self.feed(Self.reservoir, to: &whole)
      var first = Self.accumulator(1)
      Self.feed(Self.reservoir.prefix(cut), to: &first)
      var writer = ByteWriter()
      first.encode(into: &writer)
      var reader = ByteReader(writer.bytes)
      var second = try EfficiencyTestAccumulator(
        run: 5, tests: Self.tests, platingDirection: .discharge, from: &reader)
      #expect(second == first && reader.isAtEnd)
      Self.feed(Self.reservoir.dropFirst(cut), to: &second)
      #expect(second == whole)
    }
    var writer = ByteWriter()
    Self.accumulator(2).encode(into: &writer)
    #expect(throws: ByteReader.Malformed.self) {
      var reader = ByteReader(writer.bytes)
      _ = try EfficiencyTestAccumulator(
        run: 5, tests: Array(Self.tests.prefix(1)), platingDirection: .discharge, from: &reader)
    }
  }
}
