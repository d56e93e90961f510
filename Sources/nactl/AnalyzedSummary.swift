// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// What follows from all cycles, with the keys of a run's summary, and how the table was read.
struct AnalyzedSummary: Encodable {
  var cycles: RunSummaryFrame
  var spurious_segments: Int
  var counter_mismatch: Double?

  private enum CodingKeys: String, CodingKey {
    case spurious_segments, counter_mismatch
  }

  init(_ result: AnalysisResult) {
    cycles = RunSummaryFrame(result.summary.cycles)
    cycles.reference_cycle = result.summary.referenceCycle
    cycles.reservoir_coulombic_efficiency = result.tests.first { $0.kind == .reservoir }?.coulombicEfficiency
    cycles.long_cycling_coulombic_efficiency = result.tests.first { $0.kind == .longCycling }?.coulombicEfficiency
    spurious_segments = result.summary.spuriousRuns
    counter_mismatch = result.summary.counterMismatch
  }

  func encode(to encoder: any Encoder) throws {
    try cycles.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(spurious_segments, forKey: .spurious_segments)
    try container.encode(counter_mismatch, forKey: .counter_mismatch)
  }
}

extension RunSummaryFrame {
  /// What cycles come to, without tests of plating.
  init(_ summary: RunSummary) {
    self.init(
      complete_cycles: summary.completeCycles, retention_threshold: summary.retentionThreshold,
      conditions_groups: summary.conditionsGroups)
    initial_coulombic_efficiency = summary.initialEfficiency
    first_coulombic_efficiency_after_formation = summary.firstEfficiencyAfterFormation
    mean_coulombic_efficiency_from_second = summary.meanEfficiencyFromSecond
    coulombic_efficiency_product = summary.efficiencyProduct
    geometric_mean_coulombic_efficiency = summary.geometricMeanEfficiency
    geometric_mean_cycles = summary.geometricMeanCycles
    predicted_cycles_to_retention_threshold = summary.predictedCyclesToThreshold
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversible?.ampereHours
    reference_cycle = summary.referenceCycle
    retention_cycle = summary.retentionCycle
    retention = summary.retention
    linear_decay_per_cycle = summary.linearDecay
    geometric_decay_per_cycle = summary.geometricDecay
    decay_cycles = summary.decayIntervals
    retention_of_last_complete_cycle = summary.lastRetention
    retention_threshold_cycle = summary.thresholdCycle
    cycles_to_retention_threshold = summary.cyclesToThreshold
    retention_threshold_provisional = summary.isThresholdProvisional
    capacity_slope_ah_per_cycle = summary.capacitySlope
    capacity_slope_cycles = summary.capacitySlopeCycles
  }
}
