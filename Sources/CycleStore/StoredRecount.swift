// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import GRDB

/// A set of metric parameters under which cycles of a run are stored, with how they came about.
public struct StoredRecount: StoredRow, Codable, Sendable, Hashable {
  /// The run.
  public var runId: Int64
  /// The set.
  public var parameterSetId: Int64
  /// The version of the definitions of the metrics.
  public var definitionsVersion: String
  /// The parameters as a JSON object.
  public var parameters: String
  /// Whether the run's live metrics were computed with them.
  public var isOwn: Bool
  /// How many cycles there are.
  public var cycles: Int64
  /// When they were computed; nil of the run's own, which were computed while it went on.
  public var computedUnixUs: Int64?
  /// By whom.
  public var computedBy: String?
  /// By which version of the program.
  public var programVersion: String?
  /// What a person calls them.
  public var label: String?
  /// How many half-cycles they were computed from.
  public var halfCycles: Int64?
  /// How many records.
  public var records: Int64?
  /// The step of the last of them; nil when there was none.
  public var lastStepId: Int64?
  /// The index of the last of them.
  public var lastStepRecordIndex: Int64?
}

/// How cycles that are computed again came about, to be stored with them.
public struct RecountEntry: Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The version of the definitions of the metrics.
  public var definitionsVersion: String
  /// The parameters as a JSON object with sorted keys; equal texts are one set.
  public var parameters: String
  /// By whom.
  public var person: String
  /// By which version of the program.
  public var programVersion: String
  /// What a person calls them.
  public var label: String?
  /// From how many half-cycles.
  public var halfCycles: Int64 = 0
  /// From how many records.
  public var records: Int64 = 0
  /// The last of them.
  public var lastRecord: RecordCursor?

  /// An entry of which nothing has been read.
  public init(
    run: Int64, definitionsVersion: String, parameters: String, person: String, programVersion: String, label: String?
  ) {
    self.run = run
    self.definitionsVersion = definitionsVersion
    self.parameters = parameters
    self.person = person
    self.programVersion = programVersion
    self.label = label
  }
}
