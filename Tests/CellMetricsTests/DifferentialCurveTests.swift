// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

/// A step as corners of charge over voltage, in nC and nV.
private struct CornerStep {
  var corners: [(charge: Int64, voltage: Int64?)]

  func rows(_ stepID: Int64 = 1) -> [RecordRow] {
    corners.enumerated().map { index, corner in
      RecordRow(
        stepID: stepID, index: Int32(index), stepTime: TimeSpan(seconds: Int64(index)),
        voltage: corner.voltage.map(Voltage.init(nanovolts:)), current: nil,
        charge: Charge(nanocoulombs: corner.charge), energy: .zero, flags: [])
    }
  }

  /// Whole-numbered steps on straight lines, so that a record may stand on each of them.
  static func random(_ direction: Direction, using random: inout SeededGenerator) -> CornerStep {
    let sign = Int64(direction.rawValue)
    var (charge, voltage) = (Int64(0), Int64.random(in: -50_000_000...400_000_000, using: &random))
    var corners: [(charge: Int64, voltage: Int64?)] = [(0, voltage)]
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      // A multiple of 60 of both, so that halves, thirds and fifths of the way are whole numbers.
      charge += sign * 60 * Int64.random(in: 0...2_000_000, using: &random)
      voltage += 60 * Int64.random(in: -400_000...400_000, using: &random)
      corners.append((charge, voltage))
    }
    return CornerStep(corners: corners)
  }

  /// The same lines with more records on them.
  func denser(using random: inout SeededGenerator) -> CornerStep {
    var dense: [(charge: Int64, voltage: Int64?)] = []
    for (left, right) in zip(corners, corners.dropFirst()) {
      dense.append(left)
      guard let from = left.voltage, let to = right.voltage else { continue }
      let parts = Int64([1, 2, 3, 5, 12].randomElement(using: &random) ?? 1)
      for part in 1..<max(2, parts) where parts > 1 {
        dense.append((left.charge + (right.charge - left.charge) / parts * part, from + (to - from) / parts * part))
      }
    }
    return CornerStep(corners: dense + corners.suffix(1))
  }
}

extension DifferentialCapacity {
  fileprivate mutating func add(_ steps: [CornerStep]) {
    for step in steps {
      for row in step.rows() { record(row) }
      stepEnded()
    }
  }

  fileprivate var sum: Int64 { bins.reduce(unplacedCharge.nanocoulombs) { $0 + $1.charge.nanocoulombs } }
}

extension ChargeCurve {
  fileprivate mutating func add(_ steps: [CornerStep]) {
    for step in steps {
      for row in step.rows() { record(row) }
      stepEnded()
    }
  }
}

@Suite struct DifferentialCurveTests {
  private static func halfCycle(_ seed: UInt64) -> (Direction, [CornerStep]) {
    var random = SeededGenerator(seed: seed)
    let direction: Direction = Bool.random(using: &random) ? .charge : .discharge
    return (direction, (0..<Int.random(in: 1...4, using: &random)).map { _ in .random(direction, using: &random) })
  }

  private static func capacity(_ direction: Direction, _ steps: [CornerStep], grid: Voltage) throws
    -> DifferentialCapacity
  {
    var capacity = try #require(DifferentialCapacity(direction: direction, grid: grid))
    capacity.add(steps)
    return capacity
  }

  @Test(arguments: SeededGenerator.seeds) func theBinsSumUpToTheCharge(seed: UInt64) throws {
    let (direction, steps) = Self.halfCycle(seed)
    var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: nil)
    for step in steps {
      for row in step.rows() { sums.record(row) }
      sums.stepEnded()
    }
    for grid in [DifferentialCapacity.finestGrid, Voltage(millivolts: 5), Voltage(nanovolts: 7_654_321)] {
      #expect(try Self.capacity(direction, steps, grid: grid).sum == sums.charge.nanocoulombs, "\(seed) \(grid)")
    }
  }

  /// The plateau's level rule and the bins are one rule.
  @Test(arguments: SeededGenerator.seeds) func theBinsBelowAThresholdAreThePlateau(seed: UInt64) throws {
    let (direction, steps) = Self.halfCycle(seed)
    let threshold = Voltage(millivolts: 100)
    var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: threshold)
    for step in steps {
      for row in step.rows() { sums.record(row) }
      sums.stepEnded()
    }
    for grid in [Voltage(millivolts: 1), Voltage(millivolts: 5), Voltage(millivolts: 20)] {
      let below = try Self.capacity(direction, steps, grid: grid).bins.filter { $0.lowerEdge < threshold }
      #expect(
        below.reduce(0) { $0 + $1.charge.nanocoulombs } == sums.plateauCharge?.nanocoulombs ?? 0, "\(seed) \(grid)")
    }
  }

  @Test(arguments: SeededGenerator.seeds) func moreRecordsOnTheSameLinesChangeNothing(seed: UInt64) throws {
    let (direction, steps) = Self.halfCycle(seed)
    var random = SeededGenerator(seed: seed ^ 0xAA)
    let dense = steps.map { $0.denser(using: &random) }
    let grid = Voltage(millivolts: 5)
    let (thin, thick) = (
      try Self.capacity(direction, steps, grid: grid), try Self.capacity(direction, dense, grid: grid)
    )
    #expect(thin.bins == thick.bins, "\(seed)")
    let whole = Charge(nanocoulombs: max(1, thin.sum))
    let step = ChargeCurve.grid(of: whole)
    var thinCurve = try #require(ChargeCurve(direction: direction, grid: step, of: whole))
    var thickCurve = thinCurve
    thinCurve.add(steps)
    thickCurve.add(dense)
    #expect(thinCurve.nodes == thickCurve.nodes, "\(seed)")
  }

  /// Wherever a reader stops and another goes on with the same state, the outcome is the same; and each record can be
  /// taken at any time.
  @Test(arguments: SeededGenerator.seeds.prefix(8)) func readingInPagesChangesNothing(seed: UInt64) throws {
    let (direction, steps) = Self.halfCycle(seed)
    let whole = try Self.capacity(direction, steps, grid: DifferentialCapacity.defaultGrid)
    var state = try #require(DifferentialCapacity(direction: direction))
    for step in steps {
      for row in step.rows() {
        var next = state
        next.record(row)
        // What is asked for in between leaves no trace.
        _ = (next.bins, next.unplacedCharge, next.lowestVoltage)
        state = next
      }
      state.stepEnded()
    }
    #expect(state == whole)
  }

  @Test func memoryIsBoundedByTheWindowAndNotByTheRecords() throws {
    var capacity = try #require(DifferentialCapacity(direction: .charge))
    for index in 0..<200_000 {
      capacity.record(
        RecordRow(
          stepID: 1, index: Int32(index), stepTime: .zero,
          voltage: Voltage(nanovolts: Int64(index % 4_000) * 1_000_000),
          current: nil, charge: Charge(nanocoulombs: Int64(index)), energy: .zero, flags: []))
    }
    #expect(capacity.bins.count == 800)
    #expect(capacity.sum == 199_999)
  }

  @Test func gridsThatAreNoneAreRefused() {
    #expect(DifferentialCapacity(direction: .charge, grid: .zero) == nil)
    #expect(DifferentialCapacity(direction: .charge, grid: Voltage(nanovolts: 499_999)) == nil)
    #expect(DifferentialCapacity(direction: .charge, grid: Voltage(millivolts: 1_001)) == nil)
    #expect(ChargeCurve(direction: .charge, grid: .zero, of: .zero) == nil)
    let whole = Charge(nanocoulombs: 1_000_000)
    #expect(ChargeCurve(direction: .charge, grid: Charge(nanocoulombs: 49), of: whole) == nil)
    #expect(ChargeCurve(direction: .charge, grid: Charge(nanocoulombs: 50), of: whole) != nil)
  }

  @Test func chargeWithoutAVoltageIsInNoBinAndNotLost() throws {
    let blind = CornerStep(corners: [(0, nil), (5_000, nil)])
    let seen = CornerStep(corners: [(0, 100_000_000), (7_000, 110_000_000), (9_000, nil)])
    let far = CornerStep(corners: [(0, 30_000_000_000), (11, 30_000_000_001)])
    let capacity = try Self.capacity(.charge, [blind, seen, far], grid: DifferentialCapacity.defaultGrid)
    #expect(capacity.unplacedCharge == Charge(nanocoulombs: 5_011))
    #expect(capacity.bins.map(\.charge.nanocoulombs) == [3_500, 3_500, 2_000])
    #expect(capacity.sum == 14_011)
  }

  @Test func aChargeThatFlowsBackIsReachedOnce() throws {
    let step = CornerStep(corners: [(0, 0), (100, 100), (40, 40), (200, 400)])
    var curve = try #require(
      ChargeCurve(direction: .charge, grid: Charge(nanocoulombs: 50), of: Charge(nanocoulombs: 200)))
    curve.add([step])
    #expect(curve.nodes.map(\.charge.nanocoulombs) == [0, 50, 100, 150, 200])
    #expect(curve.nodes.map(\.voltage.nanovolts) == [0, 50, 100, 288, 400])
  }
}

@Suite struct CurveSmoothingTests {
  /// The weights that Savitzky and Golay printed for five points and a parabola.
  @Test func fivePointsAndAParabola() throws {
    let smoothing = try #require(CurveSmoothing(window: 5, order: 2))
    let peak = try #require(smoothing.smoothed([0, 0, 0, 0, 35, 0, 0, 0, 0]))
    for (value, printed) in zip(peak[2...6], [-3.0, 12, 17, 12, -3]) { #expect(abs(value - printed) < 1e-12) }
  }

  @Test(arguments: 0...6) func aPolynomialOfItsOrderPassesUnchangedUpToBothEnds(order: Int) throws {
    let smoothing = try #require(CurveSmoothing(window: 11, order: order))
    let values = (0..<40).map { index -> Double in
      let x = Double(index) / 10 - 2
      return (0...order).reduce(0.0) { sum, power in
        sum + Double(power + 1) * (0..<power).reduce(1.0) { product, _ in product * x }
      }
    }
    let smooth = try #require(smoothing.smoothed(values))
    for (one, other) in zip(smooth, values) { #expect(abs(one - other) < 1e-9 * max(1, abs(other))) }
  }

  @Test func aMovingAverageIsTheMean() throws {
    let smoothing = try #require(CurveSmoothing(window: 3, order: 0))
    let smooth = try #require(smoothing.smoothed([3, 0, 0, 6, 9]))
    for (one, other) in zip(smooth, [1, 1, 2, 5, 5]) { #expect(abs(one - Double(other)) < 1e-12) }
    #expect(smoothing.smoothed([1, 2]) == nil)
  }

  @Test func windowsAndOrdersThatAreNoneAreRefused() {
    #expect(CurveSmoothing(window: 4, order: 2) == nil)
    #expect(CurveSmoothing(window: 1, order: 0) == nil)
    #expect(CurveSmoothing(window: 3, order: 3) == nil)
    #expect(CurveSmoothing(window: 503, order: 3) == nil)
    #expect(CurveSmoothing(window: 11, order: 7) == nil)
    #expect(CurveSmoothing(window: 11, order: -1) == nil)
  }
}

@Suite struct SampleStatisticsTests {
  @Test func theSpreadOfEfficienciesThatAgreeToSixDigitsIsNotLost() throws {
    var sample = SampleStatistics()
    for value in [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16] { sample.take(value) }
    #expect(sample.mean == 1e9 + 10)
    #expect(abs(try #require(sample.standardDeviation) - 30.0.squareRoot()) < 1e-9)
  }

  @Test func oneValueHasNoDeviationAndNothingHasNoMean() {
    var sample = SampleStatistics()
    #expect(sample.mean == nil && sample.standardDeviation == nil && sample.count == 0)
    sample.take(.nan)
    sample.take(.infinity)
    #expect(sample.count == 0)
    sample.take(0.9)
    #expect(sample.mean == 0.9 && sample.standardDeviation == nil && sample.count == 1)
  }
}
