// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// Why a table of cycles has no retention: what a reader would otherwise look for in the definitions.
struct RetentionReason {
  /// What it needs of a cycle.
  struct Cycle {
    var number: Int64
    var isComplete: Bool
    /// Cycles with the same number ran alike; nil where that is not known.
    var group: Int64?
    var retention: Double?
    var flags: [String]
  }

  /// The cycle that retention refers to; nil when nobody has named one.
  var reference: Int64?
  var cycles: [Cycle]
  /// What a person does to name another reference.
  var remedy: String

  init(reference: Int64?, cycles: [Cycle], remedy: String) {
    self.reference = reference
    self.cycles = cycles
    self.remedy = remedy
  }

  init(_ report: AnalysisReport) {
    self.init(
      reference: report.head.summary.cycles.reference_cycle,
      cycles: report.cycles.map {
        Cycle(
          number: $0.cycle, isComplete: $0.complete, group: $0.conditions_group, retention: $0.retention,
          flags: $0.flags)
      }, remedy: "--reference-cycle names one")
  }

  /// Of a run whose reference is over; before that there is nothing to explain.
  init?(_ table: CycleTable) {
    guard let reference = table.summary?.reference_cycle else { return nil }
    self.init(
      reference: reference,
      cycles: table.cycles.map {
        Cycle(
          number: $0.cycle_number, isComplete: $0.complete ?? false, group: $0.conditions_group,
          retention: $0.retention, flags: $0.flags)
      }, remedy: "`nactl recompute` with --retention-reference names one")
  }

  /// In words, without a full stop.
  var text: String {
    guard let reference else { return "nobody has named the cycle that it refers to; \(remedy)" }
    guard let first = cycles.first(where: { $0.number == reference }) else {
      return "cycle \(reference), which it refers to, is not there; \(remedy)"
    }
    guard first.isComplete, first.retention != nil else {
      let cause = first.flags.first(where: Self.causes.contains).map { " (\($0))" } ?? ""
      return "cycle \(reference), which it refers to, is not complete\(cause); \(remedy)"
    }
    let later = cycles.filter { $0.number > reference && $0.isComplete }
    guard !later.isEmpty else { return "no complete cycle follows cycle \(reference), which it refers to" }
    guard first.group != nil else {
      return "cycle \(reference), which it refers to, moved nothing or has no end voltage; \(remedy)"
    }
    return "no other complete cycle ran as cycle \(reference) did, at its currents to its cut-offs; \(remedy)"
  }

  /// Flags that take a cycle its completeness.
  private static let causes: Set = ["truncated", "partial_start", "gap", "charge_unknown", "empty"]
}
