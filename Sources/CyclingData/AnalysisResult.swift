// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CellMetrics
public import CyclerModel
public import Quantities

/// What a table shows.
public struct AnalysisResult: Sendable, Hashable {
  /// Its cycles in order; the first may be number 0.
  public var cycles: [DataCycle]
  /// Its half-cycles in order.
  public var halfCycles: [DataHalfCycle]
  /// The test of plating that was asked for.
  public var tests: [EfficiencyTestRow]
  /// What follows from all of them.
  public var summary: Summary
  /// What a reader must know, in sentences.
  public var notes: [String]
  /// Records that were read.
  public var records: Int
  /// From the first to the last record, s.
  public var span: Double
  /// Whether charge is the instrument's and not the samples'.
  public var usesCounter: Bool
  /// The options with what the run said where nothing was asked for; nil where no stamps were used.
  public var stampedOptions: AnalysisOptions?

  /// What follows from all cycles.
  public struct Summary: Sendable, Hashable {
    /// How many are complete.
    public var completeCycles = 0
    /// The efficiency of cycle 1, if it is complete.
    public var initialEfficiency: Double?
    /// That of the first cycle after formation, where somebody has said which cycles are formation.
    public var firstEfficiencyAfterFormation: Double?
    /// The mean of the complete cycles' from the second on.
    public var meanEfficiencyFromSecond: Double?
    /// What the cycles up to the last complete one have not given back.
    public var cumulativeIrreversible: Charge?
    /// The cycle that retention refers to.
    public var referenceCycle: Int64 = 1
    /// The last complete cycle that ran as the reference did.
    public var retentionCycle: Int64?
    /// Its retention.
    public var retention: Double?
    /// Its decay.
    public var decay: DecayRate?
    /// How many cycles it is from the reference.
    public var decayIntervals: Int64?
    /// The retention of the last complete cycle, however it ran.
    public var lastRetention: Double?
    /// Runs that split no half-cycle.
    public var spuriousRuns = 0
    /// The largest difference of counter and samples over a half-cycle, as a share.
    public var counterMismatch: Double?
  }
}
