// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

private func record(_ millivolts: Int64?, _ nanocoulombs: Int64, _ flags: DataFlags = []) -> RecordRow {
  RecordRow(
    stepID: 1, index: 0, stepTime: .zero, voltage: millivolts.map(Voltage.init(millivolts:)), current: nil,
    charge: Charge(nanocoulombs: nanocoulombs), energy: Energy(nanojoules: nanocoulombs * 2), flags: flags)
}

private func sums(
  _ direction: Direction, below millivolts: Int64? = nil, _ steps: [[RecordRow]]
) -> HalfCycleAccumulator {
  var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: millivolts.map(Voltage.init(millivolts:)))
  for step in steps {
    for row in step { sums.record(row) }
    sums.stepEnded()
  }
  return sums
}

@Suite struct HalfCycleAccumulatorTests {
  @Test func nothingIsZeroAndNoPlateau() {
    let empty = sums(.charge, below: 100, [])
    #expect(empty.charge == .zero && empty.energy == .zero && empty.reverseCharge == .zero)
    #expect(empty.plateauCharge == nil)
  }

  @Test func aWholeBranchBelowIsAllPlateau() {
    let all = sums(.discharge, below: 100, [[record(90, -10), record(20, -50)]])
    #expect(all.plateauCharge == Charge(nanocoulombs: 50), "the charge before the first record too")
    #expect(sums(.discharge, below: 20, [[record(90, -10), record(20, -50)]]).plateauCharge == nil)
    #expect(sums(.discharge, [[record(90, -10), record(20, -50)]]).plateauCharge == nil)
  }

  @Test func aVoltageThatReturnsAboveCountsByTheLevelRule() {
    // Three currents one after the other, each step starting above the threshold again.
    let steps = [
      [record(200, 0), record(100, -1_000), record(50, -2_000)], [record(110, 0), record(90, -10), record(50, -510)],
      [record(70, -1), record(50, -301)],
    ]
    #expect(sums(.discharge, below: 100, steps).plateauCharge == Charge(nanocoulombs: 1_000 + 505 + 301))
  }

  @Test func aCrossingRoundsHalvesAwayFromZero() {
    for (charge, expected) in [(1, 1), (3, 2), (2, 1), (-1, -1), (-3, -2)] as [(Int64, Int64)] {
      let half = sums(.charge, below: 100, [[record(90, 0), record(110, charge)]])
      #expect(half.plateauCharge == Charge(nanocoulombs: expected), "half of \(charge) nC")
    }
    let third = sums(.charge, below: 100, [[record(90, 0), record(120, 5)]])
    #expect(third.plateauCharge == Charge(nanocoulombs: 2), "a third of 5 nC")
  }

  @Test func recordsWithoutVoltageTakeTheNearestKnownOne() {
    let lost = sums(
      .discharge, below: 100,
      [[record(nil, -5), record(90, -10), record(nil, -50), record(70, -60), record(nil, -100)]])
    #expect(lost.plateauCharge == Charge(nanocoulombs: 100))
    let bridged = sums(.discharge, below: 100, [[record(110, 0), record(nil, -50), record(90, -60), record(90, -60)]])
    #expect(bridged.plateauCharge == Charge(nanocoulombs: 30))
    let blind = sums(.discharge, below: 100, [[record(90, -10)], [record(nil, -5)]])
    #expect(blind.plateauCharge == nil)
    #expect(blind.charge == Charge(nanocoulombs: 15))
    let blindButStill = sums(.discharge, below: 100, [[record(90, -10)], [record(nil, 0)]])
    #expect(blindButStill.plateauCharge == Charge(nanocoulombs: 10))
  }

  @Test("Hazard rule 15: the direction is the program's; opposite charge inside is kept apart")
  func rule15() {
    let turned = sums(
      .discharge, [[record(1, -100), record(1, -60), record(1, -200)], [record(1, 30), record(1, -10)]])
    #expect(turned.charge == Charge(nanocoulombs: 210))
    #expect(turned.reverseCharge == Charge(nanocoulombs: 70))
    #expect(turned.energy == Energy(nanojoules: 420))
    let wrong = sums(.charge, [[record(1, -100)]])
    #expect(wrong.charge == Charge(nanocoulombs: -100), "never turned into a magnitude that hides it")
    #expect(wrong.reverseCharge == Charge(nanocoulombs: 100))
  }

  @Test func aHoldIsCountedApart() {
    let held = sums(
      .charge,
      [
        [record(1, 10), record(1, 50), record(1, 70, .constantVoltage), record(1, 75, [.constantVoltage, .stepEnd])],
        [record(1, 4, .constantVoltage)],
      ])
    #expect(held.constantVoltageCharge == Charge(nanocoulombs: 29))
    #expect(held.charge == Charge(nanocoulombs: 79))
  }

  @Test("Hazard rule 14: the quality of a record is the half-cycle's")
  func rule14() {
    let flagged = sums(
      .charge, [[record(1, 1, [.overload, .stepStart]), record(1, 2, [.late, .stepEnd, .plateauEdge])]])
    let row = flagged.fill(.sample(1, .charge, charge: 99, plateau: 99, gap: nil, flags: .truncated))
    #expect(row.flags == [.overload, .late, .truncated])
    #expect(row.charge == Charge(nanocoulombs: 2) && row.energy == Energy(nanojoules: 4))
    #expect(row.reverseCharge == .zero && row.constantVoltageCharge == .zero && row.plateauCharge == nil)
    #expect(row.gapCharge == nil && row.endReason == "voltage <= 10 mV" && row.number == 1)
  }

  @Test(arguments: CellRole.allCases) func aPlateauBelongsToAnAnodeHalfCell(role: CellRole) {
    let parameters = MetricParameters(
      sodiationPlateauBelow: Voltage(millivolts: 100), desodiationPlateauBelow: Voltage(millivolts: 200),
      retentionReference: nil)
    for (direction, millivolts) in [(Direction.discharge, Int64?(100)), (.charge, 200), (.none, nil)] {
      let sums = HalfCycleAccumulator(direction: direction, parameters: parameters, role: role)
      #expect(sums.plateauThreshold == (role == .anodeHalfCell ? millivolts.map(Voltage.init(millivolts:)) : nil))
    }
  }

  @Test func absurdRecordsDoNotTrap() {
    let values: [Int64] = [.min, -1, 0, 1, .max]
    for direction in Direction.allCases {
      var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: .zero)
      for voltage in values {
        for charge in values {
          for next in values {
            sums.record(extreme(voltage, charge))
            sums.record(extreme(next, charge))
            _ = (sums.charge, sums.plateauCharge, sums.reverseCharge)
          }
          sums.stepEnded()
        }
      }
    }
  }

  private func extreme(_ voltage: Int64, _ charge: Int64) -> RecordRow {
    RecordRow(
      stepID: 1, index: 0, stepTime: .zero, voltage: Voltage(nanovolts: voltage), current: nil,
      charge: Charge(nanocoulombs: charge), energy: Energy(nanojoules: charge), flags: .constantVoltage)
  }

  @Test("Hazard rule 16: the accumulator is part of the checkpoint")
  func rule16() throws {
    var straight = HalfCycleAccumulator(direction: .discharge, plateauThreshold: Voltage(millivolts: 100))
    var broken = straight
    let rows = [
      record(120, -5), record(90, -50, .late), record(nil, -70), record(130, -60, .constantVoltage), record(80, -99),
    ]
    for (index, row) in rows.enumerated() {
      straight.record(row)
      broken.record(row)
      if index == 2 {
        straight.stepEnded()
        broken.stepEnded()
      }
      var writer = ByteWriter()
      broken.encode(into: &writer)
      broken.encodeConditions(into: &writer)
      var reader = ByteReader(writer.bytes)
      broken = try HalfCycleAccumulator(from: &reader)
      try broken.decodeConditions(from: &reader)
      #expect(reader.isAtEnd && broken == straight)
      for length in 0..<writer.bytes.count {
        #expect(throws: ByteReader.Malformed.self, "cut after \(length) bytes") {
          var reader = ByteReader(Array(writer.bytes[..<length]))
          var cut = try HalfCycleAccumulator(from: &reader)
          try cut.decodeConditions(from: &reader)
        }
      }
    }
  }
}
