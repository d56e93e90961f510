// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import CyclingEngine
import Quantities
import Testing

/// A discharge of several steps as the daemon would record it: a slope through the plateau threshold with noise, steps of
/// other currents, rests between, perhaps a hold at the end. Seeded.
private struct DetailedHalfCycle {
  struct Step {
    var kind: StepKind
    var accuracy: CurrentAccuracy?
    var standing: RestTrace.Standing
    /// Of every reading.
    var all: [RecordRow] = []
    /// What must be kept.
    var required: Set<Int> = []
  }

  static let threshold = Voltage(millivolts: 100)
  static let small = CurrentAccuracy(
    fullScale: Current(picoamperes: 1_000_000_000), gainPartsPerMillion: 2_000, offset: Current(picoamperes: 2_000_000))
  static let large = CurrentAccuracy(
    fullScale: Current(picoamperes: 10_000_000_000), gainPartsPerMillion: 1_000,
    offset: Current(picoamperes: 20_000_000))

  private(set) var steps: [Step] = []
  let delay: ResistanceDelay

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    delay = ResistanceDelay.allCases.randomElement(using: &random) ?? .oneSecond
    let changesRange = Bool.random(using: &random)
    var standing = RestTrace.Standing(voltage: Voltage(millivolts: 400), current: .zero)
    var open: Int64 = 400_000_000
    var resistance: Resistance?
    for number in 0..<Int.random(in: 1...3, using: &random) {
      let current = -Int64.random(in: 50_000_000...900_000_000, using: &random)
      let hold = number > 0 && Bool.random(using: &random)
      var step = Step(
        kind: hold ? .constantCurrentConstantVoltage : .constantCurrent,
        accuracy: number > 0 && changesRange ? Self.large : Self.small, standing: standing)
      var integral = ChargeIntegrator(direction: .discharge)
      var edges = PlateauEdges(threshold: Self.threshold, direction: .discharge, resistance: resistance)
      var policy = RecordPolicy(
        segments: [],
        otherwise: RecordRule(every: TimeSpan(seconds: 500), onVoltageChange: nil, onCurrentChangePartsPerMillion: nil),
        readsResistance: true)
      // The accumulator of a daemon that records everything says when the resistance is known.
      var sums = HalfCycleAccumulator(direction: .discharge, plateauThreshold: Self.threshold, correctionDelay: delay)
      sums.stepBegan(.constantCurrent, accuracy: nil)
      if number == 0 { sums.circuitClosed(from: standing, after: nil) }
      integral.circuitClosed(at: .zero)
      let count = Int.random(in: 40...200, using: &random)
      let holdsFrom = hold ? Int.random(in: 0..<count, using: &random) : count
      for index in 0...count {
        open -= Int64.random(in: -2_000_000...6_000_000, using: &random)
        let flowing = index > holdsFrom ? current / Int64(index - holdsFrom + 1) : current
        let reading = Reading(
          time: TimeSpan(microseconds: Int64(index) * 400_000 + Int64.random(in: 1...200_000, using: &random)),
          voltage: Voltage(nanovolts: open + flowing / 12), current: Current(picoamperes: flowing))
        integral.reading(reading)
        if index == holdsFrom { integral.holdBegan(at: reading.time) }
        let row = RecordRow(
          stepID: Int64(number), index: Int32(index), stepTime: reading.time, voltage: reading.voltage,
          current: reading.current, charge: integral.charge, energy: integral.energy,
          flags: index > holdsFrom ? .constantVoltage : [])
        let isEdge = edges.crossed(reading.voltage, reading.current)
        if isEdge, index > 0 { step.required.formUnion([index - 1, index]) }
        if index == holdsFrom || index == count { step.required.insert(index) }
        if policy.shouldRecord(reading.time, reading.voltage, reading.current) || isEdge {
          step.required.insert(index)
          policy.recorded(reading.time, reading.voltage, reading.current)
        }
        step.all.append(row)
        sums.record(row)
        if let known = sums.correctionResistance {
          resistance = resistance ?? known
          edges.correct(by: known, at: reading.voltage, reading.current)
        }
      }
      standing = RestTrace.Standing(voltage: step.all.last?.voltage, current: step.all.last?.current)
      steps.append(step)
    }
  }

  /// - Parameters:
  ///   - rests: Puts a rest in front of every step but the first.
  ///   - keeps: Which records of a step are there.
  ///   - between: What happens to the sums between two records.
  func detail(
    rests: Bool = false, keeps: (Step, Int) -> Bool = { _, _ in true },
    between: (inout HalfCycleAccumulator) throws -> Void = { _ in }
  ) throws -> (row: HalfCycleRow, live: HalfCycleRow) {
    var sums = HalfCycleAccumulator(direction: .discharge, plateauThreshold: Self.threshold, correctionDelay: delay)
    var live = HalfCycleRow.sample(1, .discharge, charge: 0)
    for (number, step) in steps.enumerated() {
      if rests, number > 0 {
        sums.stepBegan(.rest, accuracy: nil)
        for seconds in [0, 30, 60] as [Int64] {
          try between(&sums)
          sums.record(
            RecordRow(
              stepID: 99, index: 0, stepTime: TimeSpan(seconds: seconds), voltage: Voltage(millivolts: 450 + seconds),
              current: .zero, charge: .zero, energy: .zero, flags: []))
        }
        sums.stepEnded(isDriven: false)
      }
      sums.stepBegan(step.kind, accuracy: step.accuracy)
      sums.circuitClosed(from: step.standing, after: nil)
      for index in step.all.indices where keeps(step, index) {
        try between(&sums)
        sums.record(step.all[index])
      }
      live = sums.fill(.sample(1, .discharge, charge: 0))
      sums.stepEnded()
    }
    return (sums.fill(.sample(1, .discharge, charge: 0)), live)
  }
}

@Suite struct HalfCycleDetailPropertyTests {
  @Test(arguments: SeededGenerator.seeds) func thinningChangesNothing(seed: UInt64) throws {
    let half = DetailedHalfCycle(seed: seed)
    let whole = try half.detail()
    var random = SeededGenerator(seed: seed &+ 1)
    for _ in 0..<5 {
      let thinned = try half.detail(keeps: { $0.required.contains($1) || Int.random(in: 0..<4, using: &random) == 0 })
      #expect(thinned.row == whole.row)
    }
    let least = try half.detail(keeps: { $0.required.contains($1) })
    #expect(least.row == whole.row)
  }

  @Test(arguments: SeededGenerator.seeds) func theStateBeforeTheEndOfAStepIsThatAfterIt(seed: UInt64) throws {
    let half = try DetailedHalfCycle(seed: seed).detail()
    #expect(half.row == half.live)
  }

  @Test(arguments: SeededGenerator.seeds) func restsChangeNothing(seed: UInt64) throws {
    let half = DetailedHalfCycle(seed: seed)
    let (rested, plain) = (try half.detail(rests: true), try half.detail())
    #expect(rested.row == plain.row)
  }

  @Test(arguments: SeededGenerator.seeds) func checkpointsAnywhereChangeNothing(seed: UInt64) throws {
    let half = DetailedHalfCycle(seed: seed)
    var random = SeededGenerator(seed: seed &+ 2)
    let split = try half.detail(
      rests: true,
      between: { sums in
        guard Int.random(in: 0..<7, using: &random) == 0 else { return }
        var writer = ByteWriter()
        sums.encode(into: &writer)
        sums.encodeCourse(into: &writer)
        sums.encodeConditions(into: &writer)
        var reader = ByteReader(writer.bytes)
        var restored = try HalfCycleAccumulator(from: &reader, correctionDelay: half.delay)
        try restored.decodeCourse(from: &reader)
        try restored.decodeConditions(from: &reader)
        #expect(reader.isAtEnd && restored == sums)
        sums = restored
      })
    let plain = try half.detail()
    #expect(split.row == plain.row)
  }

  /// A reference without increments: phases and errors from the records as a whole.
  @Test(arguments: SeededGenerator.seeds) func agreesWithAPlainSum(seed: UInt64) throws {
    let half = DetailedHalfCycle(seed: seed)
    let detail = try half.detail().row.detail
    var held: Int64 = 0
    var current: Int64 = 0
    var offset: Int128 = 0
    var gain: Int128 = 0
    for step in half.steps {
      var last: Int64 = 0
      for row in step.all {
        let span = row.stepTime.microseconds - last
        last = row.stepTime.microseconds
        if row.flags.contains(.constantVoltage) { held += span } else { current += span }
      }
      let accuracy = try #require(step.accuracy)
      offset += Int128(accuracy.offset.picoamperes) * Int128(last)
      gain += Int128(accuracy.gainPartsPerMillion) * Int128(try #require(step.all.last).charge.nanocoulombs.magnitude)
    }
    #expect(detail.constantVoltageTime?.microseconds == held && detail.constantCurrentTime?.microseconds == current)
    let offsetCharge = try #require(detail.offsetUncertainty?.nanocoulombs)
    let gainCharge = try #require(detail.gainUncertainty?.nanocoulombs)
    #expect(Int128(offsetCharge) * 1_000_000_000 >= offset && Int128(offsetCharge - 1) * 1_000_000_000 < offset)
    #expect(Int128(gainCharge) * 1_000_000 >= gain && Int128(gainCharge - 1) * 1_000_000 < gain)
    let ranges = Set(half.steps.compactMap { $0.accuracy?.fullScale })
    #expect(detail.rangeFullScale == (ranges.count == 1 ? ranges.first : nil))
  }
}

@Suite struct HalfCycleDetailTests {
  private func row(
    _ seconds: Double, _ volts: Double?, _ amperes: Double?, charge: Int64 = 0, _ flags: DataFlags = []
  ) -> RecordRow {
    RecordRow(
      stepID: 1, index: 0, stepTime: TimeSpan(microseconds: Int64((seconds * 1e6).rounded())),
      voltage: volts.map { Voltage(nanovolts: Int64(($0 * 1e9).rounded())) },
      current: amperes.map { Current(picoamperes: Int64(($0 * 1e12).rounded())) },
      charge: Charge(nanocoulombs: charge), energy: .zero, flags: flags)
  }

  private func resistances(
    from volts: Double?, _ amperes: Double?, kind: StepKind = .constantCurrent, direction: Direction = .charge,
    _ rows: [RecordRow]
  ) -> ClosingResistances {
    var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: nil)
    sums.stepBegan(kind, accuracy: nil)
    let standing = row(0, volts, amperes)
    sums.circuitClosed(from: RestTrace.Standing(voltage: standing.voltage, current: standing.current), after: nil)
    for row in rows { sums.record(row) }
    return sums.fill(.sample(1, direction, charge: 0)).detail.resistances
  }

  @Test func oneRecordMayServeTwoDelays() {
    let told = resistances(from: 3, 0, [row(1.2, 3.01, 0.001)])
    #expect(told.firstRecord?.resistance.ohms == 10 && told.firstRecord?.delay.microseconds == 1_200_000)
    #expect(told.oneSecond?.resistance.ohms == 10 && told.oneSecond?.delay.microseconds == 1_200_000)
    #expect(told.tenSeconds == nil)
  }

  @Test func aLateRecordSaysNothingOfADelay() {
    let told = resistances(from: 3, 0, [row(1.6, 3.01, 0.001), row(11.1, 3.01, 0.001), row(33, 3.02, 0.001)])
    #expect(told.firstRecord != nil && told.oneSecond == nil && told.tenSeconds == nil)
    #expect(told.thirtySeconds?.resistance.ohms == 20)
  }

  @Test func whatIsNoResistanceIsNotTold() {
    let rising = [row(0.2, 3.01, 0.001)]
    #expect(resistances(from: nil, 0, rising).firstRecord == nil, "a blind rest")
    #expect(resistances(from: 3, nil, rising).firstRecord == nil)
    #expect(resistances(from: 3, 0, [row(0.2, nil, 0.001)]).firstRecord == nil)
    #expect(resistances(from: 3, 0, [row(0.2, 3.01, nil)]).firstRecord == nil)
    #expect(resistances(from: 3, 0, [row(0.2, 3.01, 0)]).firstRecord == nil, "no current flows")
    #expect(resistances(from: 3, 0.00095, rising).firstRecord == nil, "the current hardly changes")
    #expect(
      resistances(from: 3, 0, [row(0.2, 2.99, 0.001)]).firstRecord == nil, "the cell relaxes by more than its drop")
    #expect(resistances(from: 3, 0, kind: .constantVoltage, rising).firstRecord == nil)
    #expect(resistances(from: 3, 0, kind: .voltageSweep, rising).firstRecord == nil)
    #expect(resistances(from: 3, 0, kind: .constantPower, rising).firstRecord != nil)
    // A hold has another current at each moment.
    let held = resistances(
      from: 3, 0, [row(0.2, 3.01, 0.001), row(1, 3.01, 0.0005, .constantVoltage), row(10, 3.1, 0.001)])
    #expect(held.firstRecord != nil && held.oneSecond == nil && held.tenSeconds == nil)
    // Too large for a number.
    let huge = row(0.2, 9e9, 1e-12)
    #expect(resistances(from: -9e9, 0, [huge]).firstRecord == nil)
  }

  @Test func aTurnOfTheCurrentHasAResistanceToo() {
    let told = resistances(from: 2.0, -0.001, [row(0.2, 2.08, 0.001)])
    #expect(told.firstRecord?.resistance.ohms == 40)
  }

  @Test func onlyTheFirstClosingCounts() {
    var sums = HalfCycleAccumulator(direction: .charge, plateauThreshold: nil)
    sums.stepBegan(.constantCurrent, accuracy: nil)
    var rest = RestBefore()
    rest.duration = TimeSpan(seconds: 60)
    sums.circuitClosed(from: RestTrace.Standing(voltage: Voltage(millivolts: 1_000), current: .zero), after: rest)
    sums.record(row(0.2, 1.1, 0.001))
    sums.stepEnded()
    sums.stepBegan(.constantCurrent, accuracy: nil)
    sums.circuitClosed(from: RestTrace.Standing(voltage: .zero, current: .zero), after: nil)
    sums.record(row(1.1, 1.2, 0.001))
    let detail = sums.fill(.sample(1, .charge, charge: 0)).detail
    #expect(detail.resistances.firstRecord?.resistance.ohms == 100)
    #expect(detail.resistances.oneSecond == nil, "the first step was too short")
    #expect(detail.restBefore == rest)
    #expect(detail.offsetUncertainty == nil && detail.gainUncertainty == nil, "an unknown error is not none")
  }

  @Test func whatNobodyTellsHasNoDetail() {
    var sums = HalfCycleAccumulator(direction: .charge, plateauThreshold: nil)
    sums.record(row(1, 1, 1, charge: 5))
    sums.stepEnded()
    #expect(sums.fill(.sample(1, .charge, charge: 0)).detail == HalfCycleDetail())
  }

  /// Charge that flows back counts for the gain as much as charge that flows forth.
  @Test func theGainCountsBothDirections() {
    for sign in [1, -1] as [Int64] {
      var sums = HalfCycleAccumulator(direction: sign > 0 ? .charge : .discharge, plateauThreshold: nil)
      sums.stepBegan(
        .constantCurrent,
        accuracy: CurrentAccuracy(
          fullScale: Current(picoamperes: 1_000), gainPartsPerMillion: 1_000, offset: .zero))
      for charge in [0, 3_000_000, 2_000_000, 4_000_000] as [Int64] { sums.record(row(1, 1, 1, charge: sign * charge)) }
      #expect(sums.fill(.sample(1, .charge, charge: 0)).detail.gainUncertainty?.nanocoulombs == 6_000)
    }
  }

  @Test func aRestWithoutRecordsIsNone() {
    var trace = RestTrace()
    #expect(trace.before(closingAt: TimeSpan(seconds: 5)) == nil)
    trace.record(row(1, 3, 0), isDriven: false)
    #expect(trace.before(closingAt: TimeSpan(seconds: 5))?.duration == TimeSpan(seconds: 5), "since the run began")
    trace.record(row(1, 3.2, 0.001), isDriven: true)
    trace.drivenStepEnded(at: TimeSpan(seconds: 100))
    #expect(trace.before(closingAt: TimeSpan(seconds: 101)) == nil)
    #expect(trace.last.voltage == Voltage(millivolts: 3_200))
    trace.stepBegan(at: TimeSpan(seconds: 100))
    trace.record(row(1, nil, 0), isDriven: false)
    let blind = trace.before(closingAt: TimeSpan(seconds: 160))
    #expect(blind?.duration == TimeSpan(seconds: 60) && blind?.startVoltage == nil && blind?.endVoltage == nil)
    var unknown = RestTrace.unknown
    unknown.record(row(1, 3, 0), isDriven: false)
    #expect(unknown.before(closingAt: TimeSpan(seconds: 5))?.duration == nil)
  }

  /// Splitting by a checkpoint anywhere, and a rest of several steps is one.
  @Test func aRestGoesOnOverStepsAndCheckpoints() throws {
    var trace = RestTrace()
    var split = RestTrace()
    func both(_ change: (inout RestTrace) -> Void) throws {
      change(&trace)
      change(&split)
      var writer = ByteWriter()
      split.encode(into: &writer)
      var reader = ByteReader(writer.bytes)
      split = try RestTrace(from: &reader)
      #expect(reader.isAtEnd && split == trace)
    }
    try both { $0.drivenStepEnded(at: TimeSpan(seconds: 10)) }
    for step in 0..<3 as Range<Int64> {
      try both { $0.stepBegan(at: TimeSpan(seconds: 10 + step * 100)) }
      for second in stride(from: 0.0, through: 100, by: 10) {
        // 1 mV in each ten seconds.
        let volts = 3 - (Double(step) * 100 + second) * 1e-4
        try both { $0.record(row(second, volts, 0), isDriven: false) }
      }
    }
    let rest = try #require(split.before(closingAt: TimeSpan(seconds: 311)))
    #expect(rest.duration == TimeSpan(seconds: 301) && rest.startVoltage == Voltage(millivolts: 3_000))
    #expect(rest.endVoltage == Voltage(millivolts: 2_970) && rest.drift == VoltageRate(count: -360_000_000))
    #expect(rest.driftSpan == TimeSpan(seconds: 60))
  }

  @Test func theOhmicPartIsRoundedOnce() {
    let discharge = Voltage(millivolts: 90).lessDrop(
      of: Current(picoamperes: -1_000_000_000), at: Resistance(count: 50_000_000))
    #expect(discharge == Voltage(millivolts: 140))
    #expect(
      Voltage(nanovolts: 0).lessDrop(of: Current(picoamperes: 1), at: Resistance(count: 500_000_000)).nanovolts == -1)
    #expect(
      Voltage(nanovolts: 0).lessDrop(of: Current(picoamperes: 1), at: Resistance(count: 499_999_999)).nanovolts == 0)
    let far = Voltage(nanovolts: .min).lessDrop(of: Current(picoamperes: .max), at: Resistance(count: .max))
    #expect(far.nanovolts == .min)
  }
}
