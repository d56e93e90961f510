// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

@testable import CellMetrics
import CyclerModel
import Quantities
import Testing

@Suite struct CycleAccumulatorTests {
  private func summary(
    _ role: CellRole, earlier: Int64 = 0, _ rows: [HalfCycleRow]
  ) throws -> CycleSummary {
    var cycle = CycleAccumulator(role: role, earlierCellCycles: earlier)
    for row in rows { cycle.add(row) }
    return try cycle.summary(1)
  }

  @Test(arguments: CellRole.allCases.filter { $0 != .noCycles })
  func efficiencyIsSecondOverFirstInTheRolesOrder(role: CellRole) throws {
    let rows: [HalfCycleRow] = [.sample(1, .charge, charge: 800), .sample(2, .discharge, charge: 1_000)]
    for order in [rows, rows.reversed()] {
      let summary = try summary(role, order)
      let expected: Double? =
        switch role {
        case .anodeHalfCell, .platingStripping: 0.8
        case .cathodeHalfCell, .fullCell, .anodeFree: 1.25
        case .symmetric, .noCycles: nil
        }
      #expect(summary.coulombicEfficiency == expected)
      #expect(InitialEfficiency.value(of: summary) == expected)
      #expect(summary.chargeCapacity == Charge(nanocoulombs: 800))
      #expect(summary.dischargeCapacity == Charge(nanocoulombs: 1_000))
      #expect(summary.chargeEnergy == Energy(nanojoules: 266))
      #expect(summary.dischargeEnergy == Energy(nanojoules: 333))
      #expect(summary.purpose == .formation && summary.label == "first cycles")
    }
  }

  @Test("Hazard rule 23: ICE and CE of symmetric cells are null by role, and a ratio names its branch")
  func rule23() throws {
    let rows: [HalfCycleRow] = [
      .sample(1, .discharge, charge: 1_000, plateau: 400), .sample(2, .charge, charge: 800, plateau: 200),
    ]
    let symmetric = try summary(.symmetric, rows)
    #expect(symmetric.coulombicEfficiency == nil && InitialEfficiency.value(of: symmetric) == nil)
    #expect(symmetric.chargeCapacity != nil)
    var uncounted = CycleAccumulator(role: .noCycles, earlierCellCycles: 0)
    for row in rows { uncounted.add(row) }
    let none = uncounted.close(cycleNumber: 1)
    #expect(none == nil)
    let anode = try summary(.anodeHalfCell, rows)
    #expect(anode.sodiationPlateauRatio == 0.4 && anode.desodiationPlateauRatio == 0.25)
    #expect(anode.sodiationPlateauCharge == Charge(nanocoulombs: 400))
    #expect(anode.desodiationPlateauCharge == Charge(nanocoulombs: 200))
    let full = try summary(.fullCell, rows)
    #expect(full.sodiationPlateauRatio == nil && full.desodiationPlateauCharge == nil)
  }

  @Test func chargesBeyondWhatCanBeCountedAreUnknownAndStopNothing() throws {
    var cycles = ReversibilityState()
    var summary = CycleSummary(cycleNumber: 1, cellCycleNumber: 1, purpose: nil, label: nil)
    let (first, second) = (HalfCycleRow.sample(1, .discharge, charge: .max), HalfCycleRow.sample(2, .charge, charge: 0))
    cycles.take(first: first, second: second, hasEfficiency: true, into: &summary)
    #expect(summary.cumulativeIrreversibleCharge == Charge(nanocoulombs: .max))
    cycles.take(first: first, second: second, hasEfficiency: true, into: &summary)
    #expect(summary.cumulativeIrreversibleCharge == nil)
  }

  @Test("Hazard rule 10: an empty half-cycle keeps its flag and is nowhere divided by")
  func rule10() throws {
    let nothing = try summary(
      .anodeHalfCell,
      [.sample(1, .discharge, charge: 0, plateau: 0, flags: .empty), .sample(2, .charge, charge: 800)])
    #expect(nothing.coulombicEfficiency == nil && nothing.sodiationPlateauRatio == nil)
    #expect(nothing.flags == .empty)
    let backwards = try summary(
      .anodeHalfCell, [.sample(1, .discharge, charge: -10), .sample(2, .charge, charge: 800)])
    #expect(backwards.coulombicEfficiency == nil)
    let little = try summary(.anodeHalfCell, [.sample(1, .discharge, charge: 800), .sample(2, .charge, charge: 0)])
    #expect(little.coulombicEfficiency == 0, "a complete half-cycle that moved nothing is known to be 0")
  }

  @Test("Hazard rule 14: a half-cycle with an overloaded reading is flagged, and so is its cycle")
  func rule14() throws {
    let overloaded = try summary(
      .fullCell,
      [
        .sample(1, .charge, charge: 1_000, flags: [.overload, .late]), .sample(2, .discharge, charge: 900, flags: .gap),
      ]
    )
    #expect(overloaded.flags == [.overload, .late, .gap])
    #expect(overloaded.coulombicEfficiency == 0.9)
  }

  @Test(arguments: [DataFlags.truncated, .chargeUnknown, .partialStart], [Direction.charge, .discharge])
  func anIncompleteHalfMakesRatiosNull(flag: DataFlags, direction: Direction) throws {
    let rows: [HalfCycleRow] = [Direction.discharge, .charge].map {
      .sample(1, $0, charge: 1_000, plateau: 400, flags: $0 == direction ? flag : [])
    }
    let summary = try summary(.anodeHalfCell, rows)
    #expect(summary.coulombicEfficiency == nil)
    #expect(summary.flags == flag)
    #expect((summary.sodiationPlateauRatio == nil) == (direction == .discharge))
    #expect((summary.desodiationPlateauRatio == nil) == (direction == .charge))
    let capacity = direction == .charge ? summary.chargeCapacity : summary.dischargeCapacity
    let energy = direction == .charge ? summary.chargeEnergy : summary.dischargeEnergy
    let plateau = direction == .charge ? summary.desodiationPlateauCharge : summary.sodiationPlateauCharge
    #expect((capacity == nil) == (flag == .chargeUnknown))
    #expect((energy == nil) == (flag == .chargeUnknown))
    #expect((plateau == nil) == (flag == .chargeUnknown))
  }

  @Test func aGapNeedsABound() throws {
    for (gap, expected) in [(Int64?(20), Double?(0.9)), (nil, nil)] {
      let summary = try summary(
        .fullCell,
        [.sample(1, .charge, charge: 1_000, gap: gap, flags: .gap), .sample(2, .discharge, charge: 900)])
      #expect(summary.coulombicEfficiency == expected)
      #expect(summary.flags == .gap)
    }
  }

  @Test func aMissingHalfIsNullNeverZero() throws {
    let half = try summary(.anodeHalfCell, [.sample(1, .discharge, charge: 1_000, plateau: 300)])
    #expect(half.coulombicEfficiency == nil && half.chargeCapacity == nil && half.chargeEnergy == nil)
    #expect(half.dischargeCapacity == Charge(nanocoulombs: 1_000))
    #expect(half.sodiationPlateauRatio == 0.3)
    #expect(half.flags == .truncated)
    let none = try summary(.anodeHalfCell, [])
    #expect(none.chargeCapacity == nil && none.dischargeCapacity == nil && none.flags == .truncated)
  }

  @Test func halvesOfDifferentCyclesAreNeverPaired() throws {
    var cycle = CycleAccumulator(role: .anodeHalfCell, earlierCellCycles: 7)
    cycle.add(.sample(1, .discharge, charge: 1_000, cycle: 1))
    cycle.add(.sample(2, .charge, charge: 900, cycle: nil))
    cycle.add(.sample(3, .charge, charge: 800, cycle: 2))
    let second = try cycle.summary(2)
    #expect(second.coulombicEfficiency == nil && second.dischargeCapacity == nil)
    #expect(second.chargeCapacity == Charge(nanocoulombs: 800))
    #expect(second.cycleNumber == 2 && second.cellCycleNumber == 9)
    let third = try cycle.summary(3)
    #expect(third.chargeCapacity == nil, "a closed cycle leaves nothing behind")
    cycle.add(.sample(4, .discharge, charge: 1_000, cycle: 4))
    let fifth = try cycle.summary(5)
    #expect(fifth.dischargeCapacity == nil)
  }

  @Test func theInitialEfficiencyBelongsToTheCellsFirstCycleAlone() throws {
    let rows: [HalfCycleRow] = [.sample(1, .discharge, charge: 1_000), .sample(2, .charge, charge: 800)]
    let first = try summary(.anodeHalfCell, rows)
    #expect(first.cellCycleNumber == 1 && InitialEfficiency.value(of: first) == 0.8)
    let later = try summary(.anodeHalfCell, earlier: 1, rows)
    #expect(later.cycleNumber == 1 && later.cellCycleNumber == 2)
    #expect(later.coulombicEfficiency == 0.8 && InitialEfficiency.value(of: later) == nil)
  }

  @Test("Hazard rule 16: the accumulator is part of the checkpoint")
  func rule16() throws {
    var cycle = CycleAccumulator(role: .fullCell, earlierCellCycles: 3)
    var other = HalfCycleRow.sample(2, .discharge, charge: 900, plateau: 5, gap: nil, flags: [.gap, .late])
    other.purpose = nil
    other.label = nil
    other.endReason = nil
    for row in [.sample(1, .charge, charge: 1_000, gap: 4), other] {
      var before = ByteWriter()
      cycle.encode(into: &before)
      cycle.encodeSeries(into: &before)
      var reader = ByteReader(before.bytes)
      var restored = try CycleAccumulator(role: .fullCell, earlierCellCycles: 3, from: &reader)
      try restored.decodeSeries(from: &reader)
      #expect(restored == cycle && reader.isAtEnd)
      for length in 0..<before.bytes.count {
        #expect(throws: ByteReader.Malformed.self, "cut after \(length) bytes") {
          var reader = ByteReader(Array(before.bytes[..<length]))
          var cut = try CycleAccumulator(role: .fullCell, earlierCellCycles: 3, from: &reader)
          try cut.decodeSeries(from: &reader)
        }
      }
      cycle.add(row)
    }
    var writer = ByteWriter()
    cycle.encode(into: &writer)
    cycle.encodeSeries(into: &writer)
    var reader = ByteReader(writer.bytes)
    var again = try CycleAccumulator(role: .fullCell, earlierCellCycles: 3, from: &reader)
    try again.decodeSeries(from: &reader)
    #expect(again == cycle)
    let (continued, straight) = (again.close(cycleNumber: 1), cycle.close(cycleNumber: 1))
    #expect(continued == straight)
    #expect(straight?.flags == [.gap, .late])
  }
}
