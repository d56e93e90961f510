// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// What follows from all cycles of a run, or of a file, so far; docs/metrics.md, "Cycles in a row", defines each. nil is
/// not known or without meaning.
public struct RunSummary: Sendable, Hashable {
  /// How many cycles are complete.
  public var completeCycles: Int64 = 0
  /// The efficiency of the cell's cycle 1, if it was here and is complete.
  public var initialEfficiency: Double?
  /// That of the first cycle after those of formation; never the initial one.
  public var firstEfficiencyAfterFormation: Double?
  /// The mean of the complete cycles' from the cell's second on.
  public var meanEfficiencyFromSecond: Double?
  /// The product of the complete cycles' efficiencies.
  public var efficiencyProduct: Double?
  /// The geometric mean of the undamaged life cycles' efficiencies; only where the inventory of sodium limits the cell.
  public var geometricMeanEfficiency: Double?
  /// Of how many cycles.
  public var geometricMeanCycles: Int64?
  /// After how many cycles of that efficiency no more than the threshold is left.
  public var predictedCyclesToThreshold: Double?
  /// What the cycles up to the last complete one have not given back.
  public var cumulativeIrreversible: Charge?
  /// The cycle that retention refers to, once it is over.
  public var referenceCycle: Int64?
  /// The last complete cycle that ran as the reference did.
  public var retentionCycle: Int64?
  /// Its retention.
  public var retention: Double?
  /// Its linear decay a cycle.
  public var linearDecay: Double?
  /// Its geometric decay a cycle.
  public var geometricDecay: Double?
  /// How many cycles it is from the reference.
  public var decayIntervals: Int64?
  /// The retention of the last complete cycle, however it ran.
  public var lastRetention: Double?
  /// The retention below which a life is over, a fraction.
  public var retentionThreshold: Double
  /// The first cycle of the reference's group below it.
  public var thresholdCycle: Int64?
  /// How many cycles that is from the reference.
  public var cyclesToThreshold: Int64?
  /// Whether none of the next two complete cycles of the group has confirmed it yet; nil without such a cycle.
  public var isThresholdProvisional: Bool?
  /// Theil–Sen slope of the reversible capacity, Ah a cycle, that the newest complete cycle told.
  public var capacitySlope: Double?
  /// Over how many cycles.
  public var capacitySlopeCycles: Int64?
  /// How many groups of like cycles there are, of those that are remembered.
  public var conditionsGroups: Int64 = 0

  /// Nothing has closed yet.
  public init(retentionThreshold: Double) { self.retentionThreshold = retentionThreshold }

  /// A life is over below this share of the reference, unless somebody says otherwise.
  public static let usualThreshold = 0.8
}
