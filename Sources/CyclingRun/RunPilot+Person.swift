// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a person can ask of a run, and what it does then. Whoever passes a request on asks here first, on the thread that
// owns the run: a request that would do nothing is refused with its reason and never accepted and dropped.

internal import CyclerModel
internal import CyclingEngine
public import InstrumentKit

/// Why a person's request would do nothing.
public enum PersonObstacle: Sendable, Hashable {
  /// Nothing has begun yet.
  case notBegun
  /// The circuit is just being opened; what the run comes to shows within seconds, so ask again.
  case opening
  /// One step is over and the next waits until the store holds it.
  case betweenSteps
  /// The open circuit is measured; no step is under way.
  case checking
  /// Nothing keeps it from going on.
  case goesOn
  /// A person paused it.
  case paused
  /// A fault holds it.
  case held
  /// The daemon stops.
  case suspended
  /// The instrument is away.
  case away
  /// It is over.
  case over
  /// The step that was meant is over; this one is under way.
  case anotherStep(Int32)
}

extension RunPilot {
  mutating func handle(_ request: PersonRequest, _ actor: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch request {
    case .pause: if canPause { close(because: .pause(actor: actor), now, &outputs) }
    case .skip:
      if isStuck {
        // The circuit is open, and stays so: whoever resumes the run begins what follows. The half-cycle that the step
        // would have been part of lacks it.
        if case .step(let index) = machine.place { openHalfCycle(for: program.steps[index], &outputs) }
        stepEnding = .skip(actor: actor)
        _ = leaveEndedStep(now, &outputs)
        outputs.wantsCommit = true
      } else if canSkip {
        close(because: .skip(actor: actor), now, &outputs)
      }
    case .stop: close(because: .stop(actor: actor), now, &outputs)
    case .resume: resume(actor, now, &outputs)
    }
  }

  /// Whether a pause means anything now.
  public var canPause: Bool {
    switch phase {
    case .active, .committing, .away: true
    case .closing(_, let earlier): ClosingCause.pause(actor: "").outranks(earlier)
    case .ready, .paused, .held, .suspended, .over: false
    }
  }

  /// Whether a step is under way that can be skipped.
  public var canSkip: Bool {
    if case .active(.step) = phase { return true }
    return isStuck
  }

  /// Whether the run is held in front of a step that needs what no cycle has shown.
  private var isStuck: Bool {
    guard case .held = phase, case .step(let index) = machine.place, setpoint == nil, stepEnding == nil else {
      return false
    }
    return machine.resolvedStep(index) == nil
  }

  /// Whether `resume` would go on.
  public var canResume: Bool {
    switch phase {
    case .paused, .held: true
    case .ready, .active, .closing, .committing, .suspended, .away, .over: false
    }
  }

  private mutating func resume(_ actor: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard canResume else { return }
    note(.runResumed, .info, actor: actor, "resumed", now, &outputs)
    emptyInARow = 0
    guard instrumentIsHere else {
      // A circuit that was open and confirmed when the link went was not interrupted before it was to be closed.
      beginInterruption(now)
      phase = .away(since: awaySince ?? now.unix)
      voltageBeforeInterruption = lastVoltage
      tell(.interrupted, now, &outputs)
      return
    }
    beginCheck(hasPassedPreflight ? .personResume : .preflight, now, &outputs)
  }

  /// What stands in the way of a request; nil when handling it has an effect. `step` is the number of the step that the
  /// person means, where that matters.
  public func obstacle(to request: PersonRequest, step: Int32? = nil) -> PersonObstacle? {
    switch request {
    case .stop: return obstacleToStop
    case .pause: return canPause ? nil : obstacle
    case .skip:
      guard canSkip else { return obstacle }
      // A step that cannot begin has no row yet; its number is the next.
      let present = isStuck ? stepCount + 1 : stepCount
      return step == nil || step == present ? nil : .anotherStep(present)
    case .resume: return canResume ? nil : obstacle
    }
  }

  /// A fault that opens the circuit is settled first: its latch must not be lost to the stop.
  private var obstacleToStop: PersonObstacle? {
    switch phase {
    case .over: .over
    case .closing(_, .fault): .opening
    case .ready, .active, .closing, .committing, .paused, .held, .suspended, .away: nil
    }
  }

  private var obstacle: PersonObstacle {
    switch phase {
    case .ready: .notBegun
    case .active(.step): .goesOn
    case .active(.preflight), .active(.resumeCheck), .active(.personResume): .checking
    case .closing: .opening
    case .committing: .betweenSteps
    case .paused: .paused
    case .held: .held
    case .suspended: .suspended
    case .away: .away
    case .over: .over
    }
  }
}

extension RunPilot {
  /// The key of the step row that is open; nil when there is none.
  public var presentStepID: Int64? { setpoint?.stepID }

  /// A skip that was accepted before the daemon died, of a restored run: if the step is still the present one, it is over.
  public mutating func restoreSkip(of stepID: Int64, actor: String) {
    guard stepEnding == nil, let setpoint, setpoint.stepID == stepID,
      setpoint.kind != .openCircuitCheck, machine.step != nil
    else { return }
    stepEnding = .skip(actor: actor)
  }
}

extension RunPilot {
  /// The instrument that the run will be carried on, before it is attached: a run that was restored knows only what its
  /// checkpoint says.
  public mutating func serve(on instrument: InstrumentCapabilities) {
    settings.fit(instrument)
  }
}
