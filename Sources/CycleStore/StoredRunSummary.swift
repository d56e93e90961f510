// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import GRDB

/// What all cycles of a run come to under one set of metric parameters; fractions, nil for what is not known.
public struct StoredRunSummary: StoredRow, Codable, Sendable, Hashable {
  /// Its run.
  public var runId: Int64
  /// The parameters under which it was computed.
  public var parameterSetId: Int64
  /// How many cycles are complete.
  public var completeCycles: Int64
  /// Efficiency of the cell's cycle 1, if it was in the run.
  public var initialCoulombicEfficiency: Double?
  /// Efficiency of the first cycle after formation.
  public var firstCoulombicEfficiencyAfterFormation: Double?
  /// Mean of the complete cycles' from the cell's second on.
  public var meanCoulombicEfficiencyFromSecond: Double?
  /// Product of the complete cycles' efficiencies.
  public var coulombicEfficiencyProduct: Double?
  /// Geometric mean of the undamaged life cycles'.
  public var geometricMeanCoulombicEfficiency: Double?
  /// Of how many cycles.
  public var geometricMeanCycles: Int64?
  /// After how many cycles of that mean no more than the threshold is left.
  public var predictedCyclesToRetentionThreshold: Double?
  /// What the cycles up to the last complete one have not given back.
  public var cumulativeIrreversibleCapacityAh: Double?
  /// The cycle that retention refers to.
  public var referenceCycle: Int64?
  /// The last complete cycle that ran as the reference did.
  public var retentionCycle: Int64?
  /// Its retention.
  public var retention: Double?
  /// Its linear decay.
  public var linearDecayPerCycle: Double?
  /// Its geometric decay.
  public var geometricDecayPerCycle: Double?
  /// How many cycles it is from the reference.
  public var decayCycles: Int64?
  /// Retention of the last complete cycle, however it ran.
  public var retentionOfLastCompleteCycle: Double?
  /// The retention below which a life is over.
  public var retentionThreshold: Double
  /// The first cycle of the reference's group below it.
  public var retentionThresholdCycle: Int64?
  /// How many cycles that is from the reference.
  public var cyclesToRetentionThreshold: Int64?
  /// Whether nothing has confirmed it yet.
  public var retentionThresholdProvisional: Bool?
  /// Theil–Sen slope that the newest complete cycle told.
  public var capacitySlopeAhPerCycle: Double?
  /// Over how many cycles.
  public var capacitySlopeCycles: Int64?
  /// How many groups of like cycles there are.
  public var conditionsGroups: Int64
}

extension StoreView {
  /// What the cycles of a run come to, under the parameters of the run itself; nil before the first has closed, and for
  /// runs of before this was kept.
  public func runSummary(_ run: Int64, parameterSet: Int64) throws -> StoredRunSummary? {
    try StoredRunSummary.fetchOne(
      database, sql: "SELECT * FROM run_summary WHERE run_id = ? AND parameter_set_id = ?",
      arguments: [run, parameterSet])
  }

  /// That under the run's own parameters.
  public func runSummary(_ run: Int64) throws -> StoredRunSummary? {
    try StoredRunSummary.fetchOne(
      database, kept: "SELECT s.* FROM run_summary s JOIN run USING(run_id, parameter_set_id) WHERE s.run_id = ?", [run]
    )
  }
}
