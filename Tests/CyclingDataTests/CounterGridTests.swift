// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Counters that count in steps so large that they and not the cell decide the last digits.

import CyclerModel
import Foundation
import Testing

@testable import CyclingData

@Suite struct CounterGridTests {
  /// Cycles at 1 mA for ten hours each way, with what a counter of that step shows; 0 is one without steps.
  private static func table(step: Double, every seconds: Int, digits: Int = 7, jitter: Double = 0) -> String {
    var text =
      "Step,Total Time (Seconds),Step Time (Seconds),Voltage (V),Current (mA),Charge Capacity (mAh),"
      + "Discharge Capacity (mAh)\n"
    var (time, record) = (0, 0)
    func written(_ charge: Double) -> String { String(format: "%.\(digits)f", charge) }
    var charged = written(0)
    for half in 0..<4 {
      let current = half % 2 == 0 ? 1.0 : -1.0
      for elapsed in stride(from: 0, through: 36_000, by: seconds) {
        record += 1
        // The current is not the same to the last digit.
        let wobble = jitter * Double((record * 7_919) % 13 - 6)
        let charge = Double(elapsed) / 3_600 * (1 + wobble)
        let shown = step > 0 ? (charge / step).rounded(.down) * step : charge
        let voltage = 3 + current * (Double(elapsed) / 18_000 - 1)
        // Both begin anew with the cycle.
        if current > 0 { charged = written(shown) }
        text += "\(half + 1),\(time + elapsed),\(elapsed),\(voltage),\(current),"
        text += "\(charged),\(written(current > 0 ? 0 : shown))\n"
      }
      time += 36_000
    }
    return text
  }

  private func note(_ text: String, _ change: (inout AnalysisOptions) -> Void = { _ in }) throws -> String? {
    try analyze(text, .fullCell, change).notes.first { $0.contains("goes in steps of") }
  }

  @Test(arguments: [30, 60, 300, 900, 1_700]) func aCoarseCounterIsTold(seconds: Int) throws {
    let text = Self.table(step: 0.1, every: seconds, digits: 1)
    let told = try #require(try note(text))
    // 0.1 of 10 mAh; the last step may not be full.
    #expect(told.contains("steps of 0.1 mAh, which are 10") && told.contains("--charge samples"), "\(told)")
    // Nothing else changes: the counter stays what counts until somebody says otherwise.
    #expect(try analyze(text).usesCounter)
    #expect(try note(text) { $0.chargeSource = .samples } == nil)
  }

  @Test func aFineCounterIsNotTold() throws {
    // Steps of a ten-thousandth of the half-cycle and less.
    #expect(try note(Self.table(step: 0.0005, every: 60)) == nil)
    #expect(try note(Self.table(step: 0, every: 60, digits: 9)) == nil)
    #expect(try note(Self.table(step: 0, every: 60, digits: 6, jitter: 1e-5)) == nil)
    // Read seldom it moves far each time, which is no step of its own.
    for seconds in [600, 1_800, 3_600] {
      #expect(try note(Self.table(step: 0, every: seconds)) == nil, "\(seconds)")
      #expect(try note(Self.table(step: 0, every: seconds, jitter: 1e-4)) == nil, "\(seconds)")
    }
  }
}
