// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

/// A run's half-cycles, one after the other, with the count of charge that goes with them.
struct SeriesBench {
  /// A half-cycle at a constant current.
  struct Half {
    var direction: Direction
    var charge: Int64
    /// A magnitude, pA.
    var current: Int64 = 125_000
    /// nV; nil for that of its direction.
    var end: Int64?
    /// Why it ended.
    var reason = "step_time >= 1 h"
    var plateau: Int64?
    var gap: Int64? = 0
    var flags: DataFlags = []

    init(_ direction: Direction, _ charge: Int64, current: Int64 = 125_000) {
      self.direction = direction
      self.charge = charge
      self.current = current
    }
  }

  var accumulator: CycleAccumulator
  /// Net charge so far, nC; a test may add what flowed elsewhere.
  var net: Int64 = 0
  private var number: Int32 = 0
  private var cycles: Int64 = 0

  init(role: CellRole, reference: CycleReference? = nil, threshold: Double = RunSummary.usualThreshold) {
    accumulator = CycleAccumulator(
      role: role, earlierCellCycles: 0, retentionReference: reference, retentionThreshold: threshold)
  }

  /// A half-cycle's row; in no cycle unless one is named.
  mutating func row(_ half: Half, cycle: Int64? = nil, purpose: CyclePurpose? = .life) -> HalfCycleRow {
    number += 1
    net += half.charge * Int64(half.direction.rawValue)
    var row = HalfCycleRow.sample(
      number, half.direction, charge: half.charge, plateau: half.plateau, gap: half.gap, cycle: cycle,
      flags: half.flags)
    row.purpose = purpose
    // nC / pA is 1000 s.
    row.activeTime = TimeSpan(microseconds: half.current == 0 ? 0 : half.charge * 1_000_000_000 / half.current)
    row.endVoltage = Voltage(nanovolts: half.end ?? (half.direction == .charge ? 4_000_000_000 : 2_000_000_000))
    row.endReason = half.reason
    row.endNetCharge = accumulator.hasMissedCharge ? nil : Charge(nanocoulombs: net)
    return row
  }

  /// Two half-cycles and the cycle that they make.
  @discardableResult
  mutating func cycle(_ first: Half, _ second: Half?, purpose: CyclePurpose = .life) throws -> CycleSummary {
    cycles += 1
    accumulator.add(row(first, cycle: cycles, purpose: purpose))
    if let second { accumulator.add(row(second, cycle: cycles, purpose: purpose)) }
    return try accumulator.summary(cycles)
  }

  /// A cycle of a full cell.
  @discardableResult
  mutating func charge(
    _ charge: Int64, discharge: Int64, current: Int64 = 125_000, purpose: CyclePurpose = .life
  ) throws -> CycleSummary {
    try cycle(
      Half(.charge, charge, current: current), Half(.discharge, discharge, current: current), purpose: purpose)
  }
}
