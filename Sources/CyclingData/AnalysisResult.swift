// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel

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
  /// Why the initial efficiency is not one to quote, in short; nil when nothing says so. The number stays as it is.
  public var initialEfficiencyDoubt: String?
  /// Records that were read.
  public var records: Int
  /// From the first to the last record, s.
  public var span: Double
  /// Whether charge is the instrument's and not the samples'.
  public var usesCounter: Bool
  /// The options with what the run said where nothing was asked for; nil where no stamps were used.
  public var stampedOptions: AnalysisOptions?

  /// What follows from all cycles, and how the table was read.
  @dynamicMemberLookup public struct Summary: Sendable, Hashable {
    /// What the cycles come to, as those of a run.
    public var cycles: RunSummary
    /// The cycle that retention refers to: of anybody's table whether it is there or not, of a run's export the one that the
    /// run itself tells, nil where it tells none.
    public var referenceCycle: Int64?
    /// Runs that split no half-cycle.
    public var spuriousRuns = 0
    /// The largest difference of counter and samples over a half-cycle, as a share.
    public var counterMismatch: Double?

    /// What the cycles come to.
    public subscript<Value>(dynamicMember member: KeyPath<RunSummary, Value>) -> Value { cycles[keyPath: member] }
  }
}
