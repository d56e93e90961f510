// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// What follows from all cycles.
struct AnalyzedSummary: Encodable {
  var complete_cycles: Int
  @OrNull var initial_coulombic_efficiency: Double?
  @OrNull var first_coulombic_efficiency_after_formation: Double?
  @OrNull var mean_coulombic_efficiency_from_second: Double?
  @OrNull var cumulative_irreversible_capacity_ah: Double?
  var reference_cycle: Int64
  @OrNull var retention_cycle: Int64?
  @OrNull var retention: Double?
  @OrNull var linear_decay_per_cycle: Double?
  @OrNull var geometric_decay_per_cycle: Double?
  @OrNull var decay_cycles: Int64?
  @OrNull var retention_of_last_complete_cycle: Double?
  @OrNull var reservoir_coulombic_efficiency: Double?
  @OrNull var long_cycling_coulombic_efficiency: Double?
  var spurious_segments: Int
  @OrNull var counter_mismatch: Double?

  init(_ result: AnalysisResult, role: CellRole?) {
    let summary = result.summary
    complete_cycles = summary.completeCycles
    initial_coulombic_efficiency = summary.initialEfficiency
    first_coulombic_efficiency_after_formation = summary.firstEfficiencyAfterFormation
    mean_coulombic_efficiency_from_second = summary.meanEfficiencyFromSecond
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversible?.ampereHours
    reference_cycle = summary.referenceCycle
    retention_cycle = summary.retentionCycle
    retention = summary.retention
    linear_decay_per_cycle = summary.decay?.linear
    geometric_decay_per_cycle = summary.decay?.geometric
    decay_cycles = summary.decayIntervals
    retention_of_last_complete_cycle = summary.lastRetention
    reservoir_coulombic_efficiency = result.tests.first { $0.kind == .reservoir }?.coulombicEfficiency
    long_cycling_coulombic_efficiency = result.tests.first { $0.kind == .longCycling }?.coulombicEfficiency
    spurious_segments = summary.spuriousRuns
    counter_mismatch = summary.counterMismatch
  }
}
