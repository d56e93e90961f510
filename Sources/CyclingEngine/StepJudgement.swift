// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The conditions of the present step as numbers alone. A condition carries its text and its target for whoever meets it;
// asking ten of them five times a second must not touch any of that.

internal import CyclerModel
internal import Quantities

/// What decides whether the ends of a step are met, and since when those hold that must last.
struct StepJudgement: Sendable, Hashable {
  /// One end without its words.
  private struct End: Sendable, Hashable {
    var first: JoinedComparison
    var onlyInHold: Bool
    var isPlain: Bool
    /// In microseconds; zero: the first reading counts.
    var lasting: Int64
    var also: Range<Int>
    /// The step time since which it holds, in microseconds; -1 while it does not.
    var since: Int64 = -1
  }
  private var ends: [End] = []
  private var joined: [JoinedComparison] = []
  /// Whether one of them must hold for some time.
  private(set) var hasLasting = false

  /// No step.
  init() {}

  /// The ends of a step.
  init(of step: ProgramStep) {
    ends = step.ends.map {
      End(
        first: JoinedComparison(quantity: $0.quantity, comparison: $0.comparison, threshold: $0.threshold),
        onlyInHold: $0.onlyInHold, isPlain: $0.isPlain, lasting: $0.lasting.microseconds, also: $0.also)
    }
    joined = step.joined
    hasLasting = step.hasLastingEnds
  }

  /// The first end that is met, as an index into the step's `ends`; one that must last by what `note` has seen.
  func firstMet(_ live: LiveQuantities) -> Int? {
    for index in ends.indices where holds(index, live) {
      let lasting = ends[index].lasting
      if lasting == 0 { return index }
      if ends[index].since >= 0, live.stepTime.microseconds - ends[index].since >= lasting { return index }
    }
    return nil
  }

  /// Takes a reading to the ends that must hold for some time.
  mutating func note(_ live: LiveQuantities) {
    for index in ends.indices where ends[index].lasting > 0 {
      if !holds(index, live) {
        ends[index].since = -1
      } else if ends[index].since < 0 {
        ends[index].since = live.stepTime.microseconds
      }
    }
  }

  /// What must hold for some time begins anew.
  mutating func forget() { for index in ends.indices { ends[index].since = -1 } }

  private func holds(_ index: Int, _ live: LiveQuantities) -> Bool {
    if ends[index].onlyInHold, live.holdTime == nil { return false }
    guard ends[index].first.holds(live) else { return false }
    if ends[index].isPlain { return true }
    for place in ends[index].also where !joined[place].holds(live) { return false }
    return true
  }
}
