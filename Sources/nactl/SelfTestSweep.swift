// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a sweep over a resistor tells: a straight line through 0, from one end to the other.

import ControlAPI

extension SelfTestReport.Step {
  /// A line needs more readings than a mean.
  private static let fewestOfSweep = 10
  /// An end may lie between two readings, and the voltage be short of it by what it moves meanwhile, for so long at most.
  private static let longestGap_s = 0.5

  /// Judges a sweep by the resistance that fits all of it best, by how far its voltages went, and by the reading that lies
  /// furthest from the line, which an offset, or a range that does not fit to the next, moves away.
  init(sweep planned: SelfTestPlan.Step, _ records: [RecordFrame], _ plan: SelfTestPlan, tolerance: Double) {
    self.init(planned, records)
    guard !records.isEmpty else {
      failures.append("was not reached")
      return
    }
    let pairs = records.compactMap { record in
      record.voltage_V.flatMap { voltage in record.current_A.map { (voltage: voltage, current: $0) } }
    }
    guard pairs.count >= Self.fewestOfSweep, let lowest = pairs.map(\.voltage).min(),
      let highest = pairs.map(\.voltage).max()
    else {
      failures.append("\(pairs.count) readings of voltage and current only")
      return
    }
    (lowest_voltage_V, highest_voltage_V) = (lowest, highest)
    let allowed = tolerance * plan.voltage_V
    let moved = (planned.rate_V_s ?? 0) * min(longest_gap_s ?? 0, Self.longestGap_s)
    for (reached, end) in [(highest, plan.voltage_V), (lowest, -plan.voltage_V)]
    where abs(reached - end) > allowed + moved {
      failures.append("swept to \(Numbers.scaled(reached, "V")) instead of \(Numbers.scaled(end, "V"))")
    }
    let squares = pairs.map { $0.current * $0.current }.reduce(0, +)
    guard squares > 0 else {
      failures.append("no current flowed")
      return
    }
    let fitted = pairs.map { $0.voltage * $0.current }.reduce(0, +) / squares
    resistance_ohm = fitted
    if abs(fitted / plan.resistance_ohm - 1) > tolerance {
      failures.append(
        "resistance \(Numbers.scaled(fitted, "ohm")) instead of \(Numbers.scaled(plan.resistance_ohm, "ohm"))")
    }
    let furthest = pairs.map { abs($0.voltage - fitted * $0.current) }.max() ?? 0
    if furthest > allowed { failures.append("a reading lies \(Numbers.scaled(furthest, "V")) off the line") }
  }
}
