// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
internal import CyclerModel
internal import Quantities

/// The half-cycle that the run is in.
struct OpenHalfCycle: Sendable, Hashable {
  /// As stored when it opened; the sums come from the accumulator.
  var row: HalfCycleRow
  var accumulator: HalfCycleAccumulator
  /// Net charge of its rows before the present one.
  var chargeBeforeStep = Charge.zero
  /// Time of its rows before the present one.
  var timeBeforeStep = TimeSpan.zero
  /// It did not end at a programmed condition.
  var isTruncated = false
  /// The most by which its charge can be wrong; nil when nobody knows.
  var gapCharge: Charge? = .zero

  /// What its rows before the present one hold, asked once a reading. Changes nothing; `mutating` spares the copy.
  mutating func beforeStep() -> (charge: Charge, time: TimeSpan) { (chargeBeforeStep, timeBeforeStep) }
}
