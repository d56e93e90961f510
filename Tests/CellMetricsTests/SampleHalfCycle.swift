// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

extension HalfCycleRow {
  /// A closed half-cycle with what the test is about; charges in nC.
  static func sample(
    _ number: Int32, _ direction: Direction, charge: Int64, plateau: Int64? = nil, gap: Int64? = 0,
    cycle: Int64? = 1, flags: DataFlags = []
  ) -> HalfCycleRow {
    HalfCycleRow(
      halfCycleID: RowIdentity.halfCycle(run: 5, number: number), run: 5, number: number, cycleNumber: cycle,
      direction: direction, purpose: .formation, label: "first cycles", charge: Charge(nanocoulombs: charge),
      reverseCharge: Charge(nanocoulombs: 3), energy: Energy(nanojoules: charge / 3),
      constantVoltageCharge: Charge(nanocoulombs: 2), plateauCharge: plateau.map(Charge.init(nanocoulombs:)),
      gapCharge: gap.map(Charge.init(nanocoulombs:)), endReason: "voltage <= 10 mV", flags: flags)
  }
}

extension CycleAccumulator {
  /// Closes a cycle of a role that has them.
  mutating func summary(_ cycleNumber: Int64) throws -> CycleSummary {
    let closed = close(cycleNumber: cycleNumber)
    return try #require(closed)
  }
}
