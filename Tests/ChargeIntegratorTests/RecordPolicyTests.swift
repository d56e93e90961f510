// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingEngine
import Quantities
import Testing

private func rule(every seconds: Int64, millivolts: Int64? = nil, partsPerMillion: Int64? = nil) -> RecordRule {
  RecordRule(
    every: TimeSpan(seconds: seconds), onVoltageChange: millivolts.map(Voltage.init(millivolts:)),
    onCurrentChangePartsPerMillion: partsPerMillion)
}

/// The indices of the readings that become records.
private func recorded(
  _ rule: RecordRule, _ readings: [(seconds: Double, millivolts: Int64?, nanoamperes: Int64?)]
) -> [Int] {
  var policy = RecordPolicy(rule: rule)
  var indices: [Int] = []
  for (index, reading) in readings.enumerated() {
    let time = TimeSpan(microseconds: Int64((reading.seconds * 1e6).rounded()))
    let voltage = reading.millivolts.map(Voltage.init(millivolts:))
    let current = reading.nanoamperes.map { Current(picoamperes: $0 * 1_000) }
    if policy.shouldRecord(time, voltage, current) {
      policy.recorded(time, voltage, current)
      indices.append(index)
    }
  }
  return indices
}

@Suite struct RecordPolicyTests {
  @Test func segmentsFollowEachOtherAndBeginWithARecord() {
    func rule(_ seconds: Int64, charge: Int64? = nil) -> RecordRule {
      RecordRule(
        every: TimeSpan(seconds: seconds), onVoltageChange: nil, onCurrentChangePartsPerMillion: nil,
        onChargeChange: charge.map { Charge(nanocoulombs: $0) })
    }
    var policy = RecordPolicy(
      segments: [
        RecordSegment(rule: rule(1), until: TimeSpan(seconds: 5)),
        RecordSegment(rule: rule(10), until: TimeSpan(seconds: 32)),
        RecordSegment(rule: rule(100, charge: 7), until: nil),
      ], otherwise: rule(1_000))
    var recorded: [Int64] = []
    for second in Int64(0)..<60 {
      let (time, charge) = (TimeSpan(seconds: second), Charge(nanocoulombs: -second))
      guard policy.shouldRecord(time, nil, nil, charge) else { continue }
      policy.recorded(time, nil, nil, charge)
      recorded.append(second)
    }
    #expect(recorded == [0, 1, 2, 3, 4, 5, 15, 25, 32, 39, 46, 53])
    // One late reading may pass several segments.
    var late = RecordPolicy(
      segments: [
        RecordSegment(rule: rule(1), until: TimeSpan(seconds: 5)),
        RecordSegment(rule: rule(10), until: TimeSpan(seconds: 32)), RecordSegment(rule: rule(100), until: nil),
      ], otherwise: rule(1_000))
    late.recorded(.zero, nil, nil)
    late.recorded(TimeSpan(seconds: 50), nil, nil)
    #expect(late.rule == rule(100))
    let due = [131, 132].map { late.shouldRecord(TimeSpan(seconds: $0), nil, nil) }
    #expect(due == [false, true])
  }

  @Test func dueTimesStandOnAGrid() {
    // Each reading comes 0.3 s late; a policy that counted from the last record would slip to 10.9, 21.2 …
    let readings = (0..<40).map { (seconds: Double($0) + 0.3, millivolts: Optional<Int64>(1), nanoamperes: Int64?(1)) }
    #expect(recorded(rule(every: 10), readings) == [0, 10, 20, 30])
    let sparse = [0.0, 9.9, 10.1, 19.9, 20, 55, 59.9, 60].map { (seconds: $0, Int64?(1), Int64?(1)) }
    #expect(recorded(rule(every: 10), sparse) == [0, 2, 4, 5, 7])
  }

  @Test func everyReadingWithoutAnInterval() {
    let readings = [0, 0.1, 0.1, 0.2].map { (seconds: $0, Int64?(1), Int64?(1)) }
    #expect(recorded(rule(every: 0), readings) == [0, 1, 2, 3])
  }

  @Test func aVoltageChangeIsCountedFromTheLastRecord() {
    let readings: [(Double, Int64?, Int64?)] = [
      (0, 100, 1), (1, 104, 1), (2, 105, 1), (3, 101, 1), (4, 100, 1), (5, nil, 1), (6, nil, 1), (7, 100, 1),
    ]
    #expect(recorded(rule(every: 1_000, millivolts: 5), readings) == [0, 2, 4, 5, 7])
    #expect(recorded(rule(every: 1_000), readings) == [0])
  }

  @Test func aCurrentChangeIsAShareOfTheLastRecordsCurrent() {
    let readings: [(Double, Int64?, Int64?)] = [
      (0, 1, -1_000), (1, 1, -951), (2, 1, -950), (3, 1, -903), (4, 1, -902), (5, 1, 0), (6, 1, 0), (7, 1, 1),
      (8, 1, nil), (9, 1, nil), (10, 1, 5),
    ]
    #expect(recorded(rule(every: 1_000, partsPerMillion: 50_000), readings) == [0, 2, 4, 5, 7, 8, 10])
    #expect(recorded(rule(every: 1_000), readings) == [0])
  }

  @Test func aRecordMadeForAnotherReasonDoesNotMoveTheGrid() {
    var policy = RecordPolicy(rule: rule(every: 10))
    policy.recorded(.zero, nil, nil)
    policy.recorded(TimeSpan(seconds: 9), nil, nil)
    let due = [9_999, 10_000].map { policy.shouldRecord(TimeSpan(milliseconds: $0), nil, nil) }
    #expect(due == [false, true])
  }

  @Test func absurdValuesDoNotTrap() {
    for value in [Int64.min, -1, 0, 1, .max] {
      for other in [Int64.min, -1, 0, 1, .max] {
        var policy = RecordPolicy(
          rule: RecordRule(
            every: TimeSpan(microseconds: other), onVoltageChange: Voltage(nanovolts: value),
            onCurrentChangePartsPerMillion: other))
        policy.recorded(TimeSpan(microseconds: value), Voltage(nanovolts: other), Current(picoamperes: value))
        _ = policy.shouldRecord(
          TimeSpan(microseconds: other), Voltage(nanovolts: value), Current(picoamperes: other))
      }
    }
  }
}

@Suite struct PlateauEdgesTests {
  private func crossings(
    below millivolts: Int64?, _ readings: [(Int64?, Int64?)], _ direction: Direction = .none
  ) -> [Bool] {
    var edges = PlateauEdges(threshold: millivolts.map(Voltage.init(millivolts:)), direction: direction)
    return readings.map { voltage, current in
      edges.crossed(voltage.map(Voltage.init(millivolts:)), current.map(Current.init(picoamperes:)))
    }
  }

  @Test func aThresholdIsCrossedBetweenReadings() {
    let readings: [(Int64?, Int64?)] = [(120, -1), (101, -1), (100, -1), (99, -1), (98, -1), (100, -1)]
    #expect(crossings(below: 100, readings) == [false, false, false, true, false, true])
    #expect(crossings(below: nil, readings) == [false, false, false, false, false, false])
  }

  @Test func aVoltageThatGoesAwayOrComesBackIsAnEdge() {
    let readings: [(Int64?, Int64?)] = [(120, 1), (nil, 1), (nil, 1), (90, 1), (80, 1)]
    #expect(crossings(below: 100, readings) == [false, true, false, true, false])
    #expect(crossings(below: nil, readings) == [false, false, false, false, false])
  }

  @Test func currentThatTurnsIsAnEdge() {
    let readings: [(Int64?, Int64?)] = [(1, -5), (1, 0), (1, 2), (1, nil), (1, 3), (1, 0), (1, -1)]
    #expect(crossings(below: nil, readings, .discharge) == [false, false, true, false, false, true, false])
    #expect(crossings(below: nil, readings, .charge) == [true, true, false, false, false, false, true])
    #expect(crossings(below: nil, readings, .none) == [false, false, false, false, false, false, false])
  }

  /// 10 Ohm at 1 mA are 10 mV: the record at which that is known stands at 105 mV, the reading behind it at 95 mV.
  @Test func theSideAtTheResistancesRecordCounts() {
    let current = Current(picoamperes: -1_000_000_000)
    var edges = PlateauEdges(threshold: Voltage(millivolts: 100), direction: .discharge)
    let first = edges.crossed(Voltage(millivolts: 95), current)
    edges.correct(by: Resistance(count: 10_000_000), at: Voltage(millivolts: 95), current)
    let behind = [85, 84].map { edges.crossed(Voltage(millivolts: $0), current) }
    #expect(!first && behind == [true, false])
  }
}
