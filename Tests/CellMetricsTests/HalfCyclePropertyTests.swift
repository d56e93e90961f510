// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import CyclingEngine
import Quantities
import Testing

/// A half-cycle of several steps with uneven readings whose voltage wanders across the plateau threshold, whose current
/// turns now and then, and which may end in a hold.
private struct RandomHalfCycle {
  let direction: Direction
  let threshold: Voltage?
  private(set) var steps: [RecordedStep] = []

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    direction = [.charge, .discharge].randomElement(using: &random) ?? .charge
    threshold = Int.random(in: 0..<5, using: &random) == 0 ? nil : Voltage(millivolts: 100)
    let scale = Int64.random(in: 1_000...2_000_000_000, using: &random)
    let losesVoltage = Int.random(in: 0..<4, using: &random) == 0
    let rule = RecordRule(
      every: TimeSpan(seconds: Int64.random(in: 1...60, using: &random)),
      onVoltageChange: Voltage(millivolts: Int64.random(in: 5...100, using: &random)),
      onCurrentChangePartsPerMillion: nil)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      var time = Int64.random(in: 0...10_000_000, using: &random)
      var voltage = Int64.random(in: 0...250_000_000, using: &random)
      var readings: [Reading] = []
      for _ in 0..<Int.random(in: 1...120, using: &random) {
        voltage += Int64.random(in: -30_000_000...30_000_000, using: &random)
        let current = Int64.random(in: -scale / 8...scale, using: &random) * Int64(direction.rawValue)
        let isLost = losesVoltage && Int.random(in: 0..<6, using: &random) == 0
        readings.append(
          Reading(
            time: TimeSpan(microseconds: time), voltage: isLost ? nil : Voltage(nanovolts: voltage),
            current: Current(picoamperes: current)))
        time += Int64.random(in: 0...5_000_000, using: &random)
      }
      let holdIndex = Bool.random(using: &random) ? Int.random(in: readings.indices, using: &random) : nil
      steps.append(
        RecordedStep(
          readings, direction: direction, plateauBelow: threshold, rule: rule, holdIndex: holdIndex,
          opening: TimeSpan(microseconds: time)))
    }
  }

  func sums(_ steps: [[RecordRow]]) -> HalfCycleAccumulator {
    var sums = HalfCycleAccumulator(direction: direction, plateauThreshold: threshold)
    sums.add(steps)
    return sums
  }
}

@Suite struct HalfCyclePropertyTests {
  @Test(arguments: SeededGenerator.seeds) func agreesWithTheIntegrals(seed: UInt64) {
    let halfCycle = RandomHalfCycle(seed: seed)
    let sums = halfCycle.sums(halfCycle.steps.map(\.all))
    let sign = Int64(halfCycle.direction.rawValue)
    let integrals = halfCycle.steps.map(\.integral)
    #expect(sums.charge.nanocoulombs == integrals.reduce(0) { $0 + $1.charge.nanocoulombs } * sign)
    #expect(sums.energy.nanojoules == integrals.reduce(0) { $0 + $1.energy.nanojoules } * sign)
    // Each is rounded at other places: half a nanocoulomb for either end of each step's hold.
    let held = integrals.reduce(0) { $0 + $1.constantVoltageCharge.nanocoulombs } * sign
    #expect(abs(sums.constantVoltageCharge.nanocoulombs - held) <= Int64(integrals.count))
    // And for either end of each stretch against the direction.
    let reverse = integrals.reduce(0) { $0 + $1.reverseCharge.nanocoulombs }
    let rows = halfCycle.steps.reduce(0) { $0 + $1.all.count }
    #expect(abs(sums.reverseCharge.nanocoulombs - reverse) <= Int64(rows))
  }

  @Test(arguments: SeededGenerator.seeds) func thePlateauAgreesWithFloatingPoint(seed: UInt64) {
    let halfCycle = RandomHalfCycle(seed: seed)
    let sums = halfCycle.sums(halfCycle.steps.map(\.all))
    guard let threshold = halfCycle.threshold?.volts else {
      #expect(sums.plateauCharge == nil)
      return
    }
    var below = 0.0
    var crossings = 0.0
    var dipped = false
    var isBlind = false
    for step in halfCycle.steps {
      // The curve of charge over voltage: its measured corners, prolonged level to both ends.
      var corners = step.all.compactMap { row in
        row.voltage.map { (volts: $0.volts, charge: Double(row.charge.nanocoulombs)) }
      }
      guard let first = corners.first, let last = corners.last, let end = step.all.last else {
        isBlind = isBlind || step.all.last?.charge != .zero
        continue
      }
      corners.insert((first.volts, 0), at: 0)
      corners.append((last.volts, Double(end.charge.nanocoulombs)))
      for (left, right) in zip(corners, corners.dropFirst()) {
        dipped = dipped || left.volts < threshold
        let (low, high) = (min(left.volts, right.volts), max(left.volts, right.volts))
        let share = high < threshold ? 1 : low >= threshold ? 0 : (threshold - low) / (high - low)
        if share > 0, share < 1 { crossings += 1 }
        below += share * (right.charge - left.charge)
      }
    }
    below *= Double(halfCycle.direction.rawValue)
    guard dipped, !isBlind else {
      #expect(sums.plateauCharge == nil)
      return
    }
    let plateau = sums.plateauCharge.map { Double($0.nanocoulombs) } ?? .nan
    #expect(abs(plateau - below) <= crossings * 0.501 + 1e-9 * abs(below) + 0.01, "\(plateau) and \(below)")
  }

  @Test(arguments: SeededGenerator.seeds) func thinningChangesNothing(seed: UInt64) {
    let halfCycle = RandomHalfCycle(seed: seed)
    let empty = HalfCycleRow.sample(1, halfCycle.direction, charge: 0)
    let full = halfCycle.sums(halfCycle.steps.map(\.all)).fill(empty)
    #expect(halfCycle.sums(halfCycle.steps.map(\.thinned)).fill(empty) == full, "as the daemon records")
    var random = SeededGenerator(seed: seed ^ 0x55)
    for _ in 0..<8 {
      let some = halfCycle.steps.map { $0.thinned(using: &random) }
      #expect(halfCycle.sums(some).fill(empty) == full)
    }
    let fewest = halfCycle.steps.map { step in step.required.sorted().map { step.all[$0] } }
    #expect(halfCycle.sums(fewest).fill(empty) == full)
  }

  @Test func thinningWithoutThePairAroundACrossingWouldChangeThePlateau() {
    // The law's other half: the pairs are needed.
    var differs = false
    for seed in SeededGenerator.seeds {
      let halfCycle = RandomHalfCycle(seed: seed)
      let full = halfCycle.sums(halfCycle.steps.map(\.all))
      let ends = halfCycle.steps.map { [$0.all[0], $0.all[$0.all.count - 1]] }
      differs = differs || halfCycle.sums(ends).plateauCharge != full.plateauCharge
    }
    #expect(differs)
  }
}
