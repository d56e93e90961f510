// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which steps a half-cycle was made of, from what was stamped on them. A step that drives current says its half-cycle
// itself. A rest inside a half-cycle does not, and yet its records were counted: a voltage that relaxes below the plateau
// threshold, or a reading that was clipped, is known of it. So the rests are found by where they stand.

/// What was stamped on a step and tells where its records were counted.
public struct StampedStep: Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepID: Int64
  /// What it did.
  public var kind: StepKind
  /// `RowIdentity.halfCycle` of its half-cycle; nil of a rest, a diagnostic and a check.
  public var halfCycleID: Int64?
  /// Why it ended; nil while it runs.
  public var endReason: String?

  /// A step.
  public init(stepID: Int64, kind: StepKind, halfCycleID: Int64?, endReason: String?) {
    self.stepID = stepID
    self.kind = kind
    self.halfCycleID = halfCycleID
    self.endReason = endReason
  }
}

/// The steps of one half-cycle, in order.
public struct HalfCycleMembers: Sendable, Hashable {
  /// The half-cycle.
  public let halfCycleID: Int64
  /// From its first step to the last one that says that it belongs to it, with the rests between.
  private var steps: [Int64] = []
  /// Rests after that one, and why each ended.
  private var trailing: [Int64] = []
  private var trailingReasons: [String?] = []
  private var lastReason: String?

  fileprivate init(_ halfCycleID: Int64) { self.halfCycleID = halfCycleID }

  /// The steps whose records it was made of.
  ///
  /// Rests behind the last driven step are its own when the half-cycle was still open in them. Whoever closes a half-cycle
  /// with a step writes the step's reason on both, be it the driven one or a rest that is left for elsewhere; one that is
  /// found over when a pause ends, or skipped then, was over before the rests. Only a run that is over closes it with its
  /// own reason.
  /// - Parameters:
  ///   - endReason: Why the half-cycle ended; nil while it is open.
  ///   - runReason: Why the run ended; nil while it goes on.
  public func steps(endedBy endReason: String?, inRunEndedBy runReason: String?) -> [Int64] {
    guard let endReason else { return steps + trailing }
    guard endReason != lastReason, !endReason.hasPrefix("skipped by ") else { return steps }
    if let last = trailingReasons.firstIndex(of: endReason) { return steps + trailing[...last] }
    return endReason == runReason ? steps + trailing : steps
  }

  fileprivate mutating func add(_ step: StampedStep) {
    steps += trailing
    trailing = []
    trailingReasons = []
    steps.append(step.stepID)
    lastReason = step.endReason
  }

  fileprivate mutating func rest(_ step: StampedStep) {
    trailing.append(step.stepID)
    trailingReasons.append(step.endReason)
  }
}

/// Puts the steps of a run together to half-cycles. It holds the steps of one of them at a time.
public struct HalfCycleGrouping: Sendable, Hashable {
  private var present: HalfCycleMembers?

  /// Nothing has come yet.
  public init() {}

  /// Takes the run's next step.
  /// - Returns: The half-cycle before, when the step begins another.
  public mutating func take(_ step: StampedStep) -> HalfCycleMembers? {
    guard let id = step.halfCycleID else {
      // A diagnostic and a check are in no half-cycle.
      if step.kind == .rest { present?.rest(step) }
      return nil
    }
    var before: HalfCycleMembers?
    if present?.halfCycleID != id {
      before = present
      present = HalfCycleMembers(id)
    }
    present?.add(step)
    return before
  }

  /// The last half-cycle, after the run's last step.
  public mutating func finish() -> HalfCycleMembers? {
    defer { present = nil }
    return present
  }
}
