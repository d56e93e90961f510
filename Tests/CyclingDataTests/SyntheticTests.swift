// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

/// Whatever program and instrument a table comes from, its half-cycles are those that were run.
///
/// `NACYCLER_SEEDS=20000` runs so many seeds more; each failure names its seed, and `NACYCLER_ONLY_SEEDS=17,4` runs only
/// such ones.
@Suite("Synthetic tests of cells") struct SyntheticTests {
  static let seeds: [UInt64] = {
    if let only = ProcessInfo.processInfo.environment["NACYCLER_ONLY_SEEDS"] {
      return only.split(separator: ",").compactMap { UInt64($0) }
    }
    let more = ProcessInfo.processInfo.environment["NACYCLER_SEEDS"].flatMap { UInt64($0) } ?? 0
    // Short pulses without steps in the table, and rests behind a trickle.
    let difficult: [UInt64] = [2_415_602_500_947_501_346, 1_905, 2_146, 2_660, 2_735]
    return Array(1...(120 + more)) + difficult + [UInt64.random(in: 1_000_000...(.max))]
  }()

  @Test func halfCyclesAreThoseThatWereRun() throws {
    for seed in Self.seeds {
      let test = SyntheticTest(seed: seed)
      let result = try analyze(test.text, test.shape.chargesFirst ? .fullCell : .anodeHalfCell)
      expect(result, test, test.charges, "seed \(seed): \(test.shape)")
    }
  }

  /// What goes wrong in writing a file changes nothing.
  @Test func disturbancesChangeNothing() throws {
    for seed in Self.seeds.prefix(40) {
      var test = SyntheticTest(seed: seed)
      let charges = test.charges
      test.disturb()
      let result = try analyze(test.text, test.shape.chargesFirst ? .fullCell : .anodeHalfCell)
      expect(result, test, charges, "seed \(seed), disturbed: \(test.shape)")
    }
  }

  private func expect(_ result: AnalysisResult, _ test: SyntheticTest, _ charges: [Double], _ what: Comment) {
    let found = result.halfCycles
    guard found.map({ Double($0.direction.rawValue) }) == test.signs else {
      Issue.record("\(what): \(found.map { "\($0.direction) \($0.charge.ampereHours)" }) for \(charges)")
      return
    }
    for (index, (half, expected)) in zip(found, charges).enumerated() {
      let coulombs = Double(half.charge.nanocoulombs) * 1e-9
      // Nothing is lost but the nanocoulomb to which the sum between two pulses is rounded.
      let rounding = 1e-9 * Double(half.spurious + 2)
      #expect(abs(coulombs - expected) <= 1e-9 * expected + rounding, "half-cycle \(index), \(what)")
      if test.shape.hasStep, test.shape.hasStepTime, let moved = test.moved[index] {
        #expect(abs(coulombs - moved) <= 1e-9 * moved + rounding, "half-cycle \(index) by its currents, \(what)")
      }
    }
    #expect(result.cycles.allSatisfy { $0.summary.cycleNumber > 0 }, "\(what)")
    for cycle in result.cycles where cycle.charge != nil && cycle.discharge != nil {
      let first = 2 * Int(cycle.summary.cycleNumber - 1)
      let efficiency = charges[first + 1] / charges[first]
      guard let own = cycle.summary.coulombicEfficiency else { continue }
      #expect(abs(own - efficiency) <= 1e-8 * efficiency + 1e-8 / charges[first], "\(what)")
    }
  }
}
