// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// What follows from all cycles of a run or of a file; one set of keys for both (docs/metrics.md, "Cycles in a row").
/// Efficiencies and retentions are fractions.
public struct RunSummaryFrame: Codable, Sendable, Hashable {
  /// How many cycles are complete.
  public var complete_cycles: Int64
  /// The retention below which a life is over.
  public var retention_threshold: Double
  /// How many groups of like cycles there are.
  public var conditions_groups: Int64
  /// Efficiency of the cell's cycle 1, if it was in the run; null in its later runs.
  @OrNull public var initial_coulombic_efficiency: Double? = nil
  /// Efficiency of the first cycle after formation.
  @OrNull public var first_coulombic_efficiency_after_formation: Double? = nil
  /// Mean of the complete cycles' from the cell's second on.
  @OrNull public var mean_coulombic_efficiency_from_second: Double? = nil
  /// Product of the complete cycles' efficiencies.
  @OrNull public var coulombic_efficiency_product: Double? = nil
  /// Geometric mean of the undamaged life cycles'.
  @OrNull public var geometric_mean_coulombic_efficiency: Double? = nil
  /// Of how many cycles.
  @OrNull public var geometric_mean_cycles: Int64? = nil
  /// After how many cycles of that mean no more than the threshold is left.
  @OrNull public var predicted_cycles_to_retention_threshold: Double? = nil
  /// What the cycles up to the last complete one have not given back.
  @OrNull public var cumulative_irreversible_capacity_ah: Double? = nil
  /// The cycle that retention refers to.
  @OrNull public var reference_cycle: Int64? = nil
  /// The last complete cycle that ran as the reference did.
  @OrNull public var retention_cycle: Int64? = nil
  /// Its retention.
  @OrNull public var retention: Double? = nil
  /// Its linear decay.
  @OrNull public var linear_decay_per_cycle: Double? = nil
  /// Its geometric decay.
  @OrNull public var geometric_decay_per_cycle: Double? = nil
  /// How many cycles it is from the reference.
  @OrNull public var decay_cycles: Int64? = nil
  /// Retention of the last complete cycle, however it ran.
  @OrNull public var retention_of_last_complete_cycle: Double? = nil
  /// The first cycle of the reference's group below it.
  @OrNull public var retention_threshold_cycle: Int64? = nil
  /// How many cycles that is from the reference.
  @OrNull public var cycles_to_retention_threshold: Int64? = nil
  /// Whether nothing has confirmed it yet.
  @OrNull public var retention_threshold_provisional: Bool? = nil
  /// Theil–Sen slope that the newest complete cycle told.
  @OrNull public var capacity_slope_ah_per_cycle: Double? = nil
  /// Over how many cycles.
  @OrNull public var capacity_slope_cycles: Int64? = nil
  /// Efficiency of plating by the first reservoir test.
  @OrNull public var reservoir_coulombic_efficiency: Double? = nil
  /// Efficiency of plating by the first test of long cycling.
  @OrNull public var long_cycling_coulombic_efficiency: Double? = nil

  /// One that knows only what is always known.
  public init(complete_cycles: Int64, retention_threshold: Double, conditions_groups: Int64) {
    self.complete_cycles = complete_cycles
    self.retention_threshold = retention_threshold
    self.conditions_groups = conditions_groups
  }
}
