// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

/// A random run: rates, ends, cuts, gaps and half-cycles outside of cycles.
private struct RandomRun {
  var rows: [(row: HalfCycleRow, closes: Int64?)] = []
  let role: CellRole
  let reference = CycleReference(purpose: .life, number: 2)

  init(_ random: inout SeededGenerator) {
    role = CellRole.allCases.filter { $0 != .noCycles }.randomElement(using: &random) ?? .fullCell
    let first = role.firstDirection ?? .charge
    var bench = SeriesBench(role: role)
    for number: Int64 in 1...60 {
      let currents: [Int64] = [125_000, 130_000, 1_000_000, 12_000]
      let current = currents.randomElement(using: &random) ?? 125_000
      let purpose: CyclePurpose = number < 4 ? .formation : Bool.random(using: &random) ? .life : .rate
      for direction in [first, first.reversed] {
        if Int.random(in: 0..<15, using: &random) == 0 { continue }
        if Int.random(in: 0..<10, using: &random) == 0 {
          let aside = SeriesBench.Half(direction, Int64.random(in: 1...500, using: &random), current: current)
          rows.append((bench.row(aside), nil))
        }
        var half = SeriesBench.Half(direction, Int64.random(in: 900...1_000, using: &random), current: current)
        if direction == .discharge { half.plateau = Int64.random(in: 0...500, using: &random) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: half.flags = .truncated
        case 1: half.flags = .gap
        case 2: half.flags = [.chargeUnknown, .gap]
        case 3: half.flags = .partialStart
        default: break
        }
        rows.append((bench.row(half, cycle: number, purpose: purpose), nil))
      }
      if !rows.isEmpty { rows[rows.count - 1].closes = number }
    }
  }

  var accumulator: CycleAccumulator {
    CycleAccumulator(role: role, earlierCellCycles: 3, retentionReference: reference, retentionThreshold: 0.95)
  }
}

@Suite("Cycles in a row, any") struct CycleSeriesPropertyTests {
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func aCheckpointAnywhereChangesNothing(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let run = RandomRun(&random)
    var whole = run.accumulator
    var broken = run.accumulator
    for (row, closes) in run.rows {
      whole.add(row)
      broken.add(row)
      try broken.restart()
      #expect(broken == whole, "seed \(seed), half-cycle \(row.number)")
      guard let closes else { continue }
      let summary = whole.close(cycleNumber: closes)
      let again = broken.close(cycleNumber: closes)
      #expect(summary == again, "seed \(seed), cycle \(closes)")
      try broken.restart()
      #expect(broken.runSummary == whole.runSummary)
    }
    #expect(whole.runSummary?.completeCycles ?? 0 > 10)
  }

  @Test func aCheckpointHasAnEnd() throws {
    var random = SeededGenerator(seed: 9)
    let run = RandomRun(&random)
    var bench = SeriesBench(role: .fullCell)
    var current: Int64 = 1_000
    for _ in 0..<80 {
      try bench.charge(1_000_000, discharge: 990_000, current: current)
      current += current / 8
    }
    for _ in 0..<60 { try bench.charge(1_000_000, discharge: 990_000, current: 1_000) }
    var accumulator = bench.accumulator
    var writer = ByteWriter()
    accumulator.encodeSeries(into: &writer)
    let full = writer.count
    #expect(full < 3_000, "\(full) bytes")
    for _ in 0..<1_000 { try bench.charge(1_000_000, discharge: 990_000, current: 1_000) }
    accumulator = bench.accumulator
    writer.reset()
    accumulator.encodeSeries(into: &writer)
    #expect(writer.count == full, "it does not grow with the run")
    // What is cut off or is no such state is refused.
    for length in 0..<writer.count {
      var reader = ByteReader(Array(writer.bytes.prefix(length)))
      var fresh = run.accumulator
      #expect(throws: ByteReader.Malformed.self) { try fresh.decodeSeries(from: &reader) }
    }
  }

  @Test func whatNobodyNotedIsNotInvented() throws {
    var bench = SeriesBench(role: .fullCell, reference: CycleReference(purpose: .life, number: 1))
    try bench.charge(1_000, discharge: 990)
    bench.accumulator.forgetSeries()
    _ = try bench.charge(1_000, discharge: 990)
    let third = try bench.charge(1_000, discharge: 990)
    #expect(bench.accumulator.runSummary == nil)
    #expect(third.series.group == nil && third.series.efficiencyProduct == nil && third.series.linearDecay == nil)
    #expect(third.series.isComplete && third.series.isComparable)
    #expect(third.series.chargeEndSlippage == Charge(nanocoulombs: 10))
    try bench.accumulator.restart()
    #expect(bench.accumulator.runSummary == nil)
  }

  /// A rest inside a half-cycle moves nothing and drives nothing: neither the mean current nor the end knows of it.
  @Test func restsChangeNothing() {
    func row(withRests: Bool) -> HalfCycleRow {
      var sums = HalfCycleAccumulator(direction: .charge, plateauThreshold: nil)
      func record(_ seconds: Int64, _ volts: Int64, _ charge: Int64) -> RecordRow {
        RecordRow(
          stepID: 1, index: 0, stepTime: TimeSpan(seconds: seconds), voltage: Voltage(nanovolts: volts), current: nil,
          charge: Charge(nanocoulombs: charge), energy: .zero, flags: [])
      }
      for step: Int64 in 1...3 {
        sums.record(record(0, 3 * step, 0))
        sums.record(record(100, 4 * step, 500))
        sums.stepEnded()
        guard withRests else { continue }
        sums.record(record(0, 7, 0))
        sums.record(record(5_000, 1, 0))
        sums.stepEnded(isDriven: false)
      }
      return sums.fill(.sample(1, .charge, charge: 0))
    }
    #expect(row(withRests: true) == row(withRests: false))
    #expect(row(withRests: true).activeTime == TimeSpan(seconds: 300))
    #expect(row(withRests: true).endVoltage == Voltage(nanovolts: 12))
  }
}

extension CycleAccumulator {
  /// Through the bytes of a checkpoint.
  fileprivate mutating func restart() throws {
    var writer = ByteWriter()
    encode(into: &writer)
    encodeBalance(into: &writer)
    encodeSeries(into: &writer)
    var reader = ByteReader(writer.bytes)
    var restored = try CycleAccumulator(
      role: role, earlierCellCycles: earlierCellCycles, retentionReference: retentionReference,
      retentionThreshold: retentionThreshold, from: &reader)
    try restored.decodeBalance(from: &reader)
    try restored.decodeSeries(from: &reader)
    #expect(reader.isAtEnd)
    self = restored
  }
}
