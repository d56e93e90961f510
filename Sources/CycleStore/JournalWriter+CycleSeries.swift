// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How what follows from the row of cycles is written: columns and values side by side, so that none is forgotten.

internal import CyclerModel
internal import GRDB
internal import Quantities

extension JournalWriter {
  /// Columns of `cycle`, in the order of `arguments(of:)`.
  static let seriesColumns = [
    "conditions_group", "complete", "comparable", "group_retention", "linear_decay_per_cycle",
    "geometric_decay_per_cycle", "decay_cycles", "capacity_slope_ah_per_cycle", "capacity_slope_cycles",
    "charge_end_slippage_ah", "discharge_end_slippage_ah", "coulombic_efficiency_product",
    "sodiation_plateau_retention", "desodiation_plateau_retention",
  ]

  func arguments(of series: CycleSeriesValues) -> StatementArguments {
    [
      series.group, series.isComplete, series.isComparable, series.groupRetention, series.linearDecay,
      series.geometricDecay, series.decayIntervals, series.capacitySlope, series.capacitySlopeCycles,
      series.chargeEndSlippage?.ampereHours, series.dischargeEndSlippage?.ampereHours, series.efficiencyProduct,
      series.sodiationPlateauRetention, series.desodiationPlateauRetention,
    ]
  }

  /// Columns of `run_summary`, in the order in which they are written.
  private static let summaryColumns = [
    "complete_cycles", "initial_coulombic_efficiency", "first_coulombic_efficiency_after_formation",
    "mean_coulombic_efficiency_from_second", "coulombic_efficiency_product", "geometric_mean_coulombic_efficiency",
    "geometric_mean_cycles", "predicted_cycles_to_retention_threshold", "cumulative_irreversible_capacity_ah",
    "reference_cycle", "retention_cycle", "retention", "linear_decay_per_cycle", "geometric_decay_per_cycle",
    "decay_cycles", "retention_of_last_complete_cycle", "retention_threshold", "retention_threshold_cycle",
    "cycles_to_retention_threshold", "retention_threshold_provisional", "capacity_slope_ah_per_cycle",
    "capacity_slope_cycles", "conditions_groups",
  ]
  private static let upsertSummary = """
    INSERT INTO run_summary(run_id, parameter_set_id, \(summaryColumns.joined(separator: ", ")))
    SELECT run_id, parameter_set_id, \(marks(summaryColumns)) FROM run WHERE run_id = ?
    ON CONFLICT(run_id, parameter_set_id) DO UPDATE SET \(updates(summaryColumns))
    """

  mutating func write(_ summary: RunSummary, run: Int64, to database: Database) throws {
    try Self.changeOne(
      database, "run", run, Self.upsertSummary,
      [
        summary.completeCycles, summary.initialEfficiency, summary.firstEfficiencyAfterFormation,
        summary.meanEfficiencyFromSecond, summary.efficiencyProduct, summary.geometricMeanEfficiency,
        summary.geometricMeanCycles, summary.predictedCyclesToThreshold,
        summary.cumulativeIrreversible?.ampereHours, summary.referenceCycle, summary.retentionCycle,
        summary.retention, summary.linearDecay, summary.geometricDecay, summary.decayIntervals,
        summary.lastRetention, summary.retentionThreshold, summary.thresholdCycle, summary.cyclesToThreshold,
        summary.isThresholdProvisional, summary.capacitySlope, summary.capacitySlopeCycles,
        summary.conditionsGroups, run,
      ])
  }

  static func marks(_ columns: [String]) -> String { columns.map { _ in "?" }.joined(separator: ", ") }

  static func updates(_ columns: [String]) -> String {
    columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
  }
}
