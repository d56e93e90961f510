// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Another revision of the protocol in the middle of a run: it waits until a pass or a block is over, and from the next
// step on everything is its own, limits and rules for records included. Before the first step it holds at once, so that
// the open circuit before it is judged by what will be run.

public import CyclerModel
public import CyclingEngine
internal import Quantities

extension RunPilot {
  /// Lets a revision of the protocol hold from the next seam on; one that waits already is forgotten.
  ///
  /// Whoever asks has made sure that it is for the same role and has the same metrics.
  /// - Returns: when it will hold.
  /// - Throws: why it cannot; then nothing has changed.
  public mutating func amend(by program: Program, revision: Int32) throws(AmendmentObstacle) -> AmendmentMoment {
    if case .over = phase { throw .isOver }
    guard revision > revisionWaiting ?? identity.protocolRevision else { throw .isSuperseded }
    let moment = try machine.amend(by: program, isBegun: isStepBegun)
    revisionWaiting = revision
    if moment == .beginning { take(revision) }
    return moment
  }

  /// When a program would take the present one's place.
  /// - Throws: why it cannot.
  public func momentOfAmendment(by program: Program) throws(AmendmentObstacle) -> AmendmentMoment {
    if case .over = phase { throw .isOver }
    return try machine.momentOfAmendment(by: program, isBegun: isStepBegun)
  }

  /// Whether anything has been done of the present step: a run that waits between two cycles has not begun the next.
  var isStepBegun: Bool {
    switch phase {
    case .paused, .held, .away, .suspended:
      setpoint != nil || awaitingCommit != nil || halfCycle != nil || stepEnding != nil || pendingCause != nil
        || carried.isResumed
    case .ready, .active, .closing, .committing, .over: true
    }
  }

  private mutating func take(_ revision: Int32) {
    identity.protocolRevision = revision
    safety = SafetyMonitor(limits: program.limits)
    freshWindow = Self.freshWindow(of: program, isAllowed: settings.allowedVoltageReason != nil)
  }

  /// Tells of a revision that has taken hold before the first step.
  mutating func noteFirstRevision(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard identity.protocolRevision > 1 else { return }
    revisionWaiting = nil
    tellAmended(now, &outputs)
  }

  /// Tells what has become of a revision that waited; after the machine has moved.
  mutating func noteAmendment(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let outcome = machine.amendmentOutcome, let revision = revisionWaiting else { return }
    revisionWaiting = nil
    switch outcome {
    case .taken:
      take(revision)
      tellAmended(now, &outputs)
    case .refused(let obstacle):
      let reason = obstacle.text
      outputs.entries.append(.amendmentRefused(run: identity.run, revision: revision, reason: reason))
      let detail = "revision \(revision) of the protocol does not fit any more: \(reason); the run goes on as before"
      note(.runAmendmentRefused, .warning, detail, now, &outputs)
    }
  }

  /// Tells of a revision that held from the beginning of a run that never came to its first step.
  mutating func noteUnusedRevision(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard machine.place == .notStarted, identity.protocolRevision > 1, revisionWaiting == identity.protocolRevision
    else {
      return
    }
    revisionWaiting = nil
    tellAmended(now, &outputs)
  }

  private mutating func tellAmended(_ now: RunMoment, _ outputs: inout RunOutputs) {
    let revision = identity.protocolRevision
    let next = machine.place == .completed || machine.place == .notStarted ? nil : stepCount + 1
    let from = next.map { RowIdentity.step(run: identity.run, count: $0) }
    outputs.entries.append(.amended(run: identity.run, revision: revision, fromStepID: from))
    let since = next.map { "from step \($0) on" } ?? "and has no more steps"
    note(.runAmended, .info, "revision \(revision) of the protocol holds \(since)", now, &outputs)
  }
}

extension AmendmentObstacle {
  /// In words for a person.
  public var text: String {
    switch self {
    case .isOver: "the run has come to its end"
    case .cycleForgotten(let cycle):
      "it asks for a share of \(cycle), which is over, and the run was not told to remember it"
    case .doneDiffers(let place): "what was run at \(place) is another there, and what is done stays as it was"
    case .blockDiffers(let place): "the block around \(place), which is under way, is not there or is of another kind"
    case .isSuperseded: "a newer revision holds or waits already"
    }
  }
}
