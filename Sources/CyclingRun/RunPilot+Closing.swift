// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a circuit comes to be opened by the host, and what follows once it is open. A wish and the end of a step may meet
// on the way: what has ended the step stays true whatever is asked for afterwards, and a fault is never forgotten for a
// wish.

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// Opens the circuit if anything is under way; otherwise does at once what the cause asks for.
  mutating func close(because cause: ClosingCause, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch phase {
    case .active(let purpose):
      outputs.commands.append(.openCircuit)
      setpoint?.closingAskedAt = now.host
      toldWhileClosing = nil
      if purpose == .step, let ending = cause.stepEnding { stepEnding = ending }
      phase = .closing(purpose, latched(cause, now, &outputs))
    case .closing(let purpose, let earlier):
      phase = .closing(purpose, merged(earlier, with: cause, now, &outputs))
    case .away(let since):
      // What ended the step before the link went has ended it, whatever is asked for now.
      settlePending(since, now, &outputs)
      switch (phase, cause) {
      case (.away, _), (.held, .stop): settle(cause, now, &outputs)
      default: break
      }
    case .paused, .held:
      // A run that waits without its instrument may have left a row open, which a step that is over closes with it.
      closeLeftRow(now, &outputs)
      settle(cause, now, &outputs)
    case .ready, .committing, .suspended:
      settle(cause, now, &outputs)
    case .over: break
    }
  }

  /// What is meant when something else was meant before. A stop stays a stop, with the latch of a fault that it meets.
  private mutating func merged(
    _ earlier: ClosingCause, with cause: ClosingCause, _ now: RunMoment, _ outputs: inout RunOutputs
  ) -> ClosingCause {
    switch (earlier, cause) {
    case (.fault(let fault, _), .stop):
      toldWhileClosing = fault
      note(fault.code, .alarm, fault.detail, now, &outputs)
      return cause
    case (.stop, .fault(let fault, let latches)):
      guard fault != toldWhileClosing else { return earlier }
      toldWhileClosing = fault
      note(fault.code, .alarm, fault.detail, now, &outputs)
      if latches { latch(fault, now, &outputs) }
      return earlier
    case (.condition, _), (.pause, _), (.stop, _), (.skip, _), (.suspend, _), (.fault, _):
      return cause.outranks(earlier) ? latched(cause, now, &outputs) : earlier
    }
  }

  /// A latch is on its way to the store before the circuit is known to be open: a crash in between must not lose it.
  /// What comes back has told its latch and tells it no second time.
  private mutating func latched(_ cause: ClosingCause, _ now: RunMoment, _ outputs: inout RunOutputs) -> ClosingCause {
    guard case .fault(let fault, latches: true) = cause else { return cause }
    latch(fault, now, &outputs)
    return .fault(fault, latches: false)
  }

  mutating func latch(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    outputs.entries.append(.latched(channel: identity.channel, run: identity.run, fault: fault, at: now.unix))
  }

  // MARK: - Once the circuit is open

  /// What follows once the circuit is open and the row is closed: first a step that is over is left, then the cause.
  mutating func settle(_ cause: ClosingCause, _ now: RunMoment, _ outputs: inout RunOutputs) {
    dropAwaiting(reason: cause.text, now, &outputs)
    // The limits of the step in which it happened decide, and the machine is about to leave it.
    let endsRun = endsRun(cause)
    if leaveEndedStep(now, &outputs), cause.letsRunGoOn, let (fault, latches) = reasonToWait {
      hold(fault, latches: latches, now, &outputs)
      return
    }
    follow(cause, endsRun: endsRun, now, &outputs)
  }

  /// Does what the cause asks for.
  /// - Parameter endsRun: Whether the fault that it may be ends the run.
  mutating func follow(_ cause: ClosingCause, endsRun: Bool, _ now: RunMoment, _ outputs: inout RunOutputs) {
    let circuit = instrumentIsHere ? "the circuit is open" : "the instrument is away, nothing is known of the circuit"
    switch cause {
    case .condition, .skip:
      takeNext(now, &outputs)
    case .pause(let actor):
      phase = .paused
      note(.runPaused, .info, actor: actor, "paused; \(circuit)", now, &outputs)
      tell(.paused, now, &outputs)
    case .stop(let actor):
      note(.runStopped, .info, actor: actor, "stopped", now, &outputs)
      finish(.stopped, reason: "stopped by \(actor)", now, &outputs)
    case .suspend:
      phase = .suspended
      note(.runSuspended, .info, "the daemon stops; \(circuit)", now, &outputs)
      tell(.suspended, now, &outputs)
    case .fault(let fault, let latches):
      if endsRun { end(by: fault, latches: latches, now, &outputs) } else { wait(for: fault, latches, now, &outputs) }
    }
  }

  /// A set-point that was prepared and not sent is not begun.
  mutating func dropAwaiting(reason: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard awaitingCommit != nil else { return }
    awaitingCommit = nil
    closeRow(reason: reason, now, &outputs)
  }

  /// Closes what the present step closes and moves the machine on, if something has ended the step; says whether.
  mutating func leaveEndedStep(_ now: RunMoment, _ outputs: inout RunOutputs) -> Bool {
    guard let ending = stepEnding else { return false }
    stepEnding = nil
    if case .skip(let actor) = ending {
      let what = setpoint == nil && !carried.isResumed ? machine.step.map { "\($0.path) skipped before it began" } : nil
      note(.runStepSkipped, .warning, actor: actor, what ?? "step skipped", now, &outputs)
      halfCycle?.isTruncated = true
    }
    let condition = ending.condition(of: machine.step)
    closeEdges(reason: ending.text, now, &outputs)
    // Whoever goes elsewhere does not come to the step that would have closed the half-cycle.
    if case .instruction? = condition?.target { closeHalfCycle(reason: ending.text, isTruncated: false, now, &outputs) }
    carried = CarriedStep()
    machine.advance(at: testTime, endedBy: condition)
    if machine.enteredCycle { cycleTimeBeforeStep = .zero }
    noteMetConditions(now, &outputs)
    noteAmendment(now, &outputs)
    return true
  }

  /// Tells which conditions were met, and where the run goes on.
  func noteMetConditions(_ now: RunMoment, _ outputs: inout RunOutputs) {
    for condition in machine.metConditions {
      let onwards: String
      switch condition.target {
      case .next: onwards = "the block is over"
      case .instruction: onwards = "the run goes on at its label"
      case .end: onwards = "the protocol is over"
      case .hold: onwards = "a person should look"
      }
      note(.runConditionMet, .info, "\(condition.text), after \(cyclesDone) cycles: \(onwards)", now, &outputs)
    }
  }

  /// Why only a person may go on from the step that has just been left.
  var reasonToWait: (fault: Fault, latches: Bool)? {
    if let fault = noProgress { return (fault, true) }
    return conditionToLookAt.map { ($0, false) }
  }

  /// The condition that asks for a person.
  private var conditionToLookAt: Fault? {
    machine.metConditions.first { $0.target == .hold }.map {
      Fault(.runConditionHolds, "\($0.text), after \(cyclesDone) cycles")
    }
  }

  /// Cycles that are over, when the machine has just moved.
  private var cyclesDone: Int64 { machine.enteredCycle ? machine.cycleNumber - 1 : machine.cycleNumber }

  /// Half-cycles that move nothing mean that the cell is not there any more.
  private var noProgress: Fault? {
    guard emptyInARow >= program.limits.emptyHalfCyclesInARow else { return nil }
    return Fault(
      .runNoProgress,
      "\(emptyInARow) half-cycles in a row moved hardly any charge: a broken contact, a dried-out cell, "
        + "or steps that go on behind their cut-off")
  }

  /// Begins what follows the step that was left. A cell that stood while nobody was awake is for the policy.
  mutating func takeNext(_ now: RunMoment, _ outputs: inout RunOutputs) {
    if machine.place == .completed {
      outputs.wantsCommit = true
      phase = .committing
    } else if let fault = standstill {
      voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
      doNotGoOn(fault, now, &outputs)
    } else {
      enterPlace(now, &outputs)
    }
  }

  /// Whether the protocol says that the run is over after the limit of which the fault tells.
  func endsRun(_ fault: Fault) -> Bool {
    let kind = LimitKinds(toldBy: fault.code)
    return !kind.isEmpty && (machine.step?.limits ?? program.limits).endingRun.contains(kind)
  }

  func endsRun(_ cause: ClosingCause?) -> Bool {
    if case .fault(let fault, _) = cause { endsRun(fault) } else { false }
  }

  /// Holds the run: the circuit is open and stays so until a person looks; or ends it, after a limit that says so.
  mutating func hold(_ fault: Fault, latches: Bool, _ now: RunMoment, _ outputs: inout RunOutputs) {
    if endsRun(fault) {
      end(by: fault, latches: latches, now, &outputs)
    } else {
      wait(for: fault, latches, now, &outputs)
    }
  }

  mutating func end(by fault: Fault, latches: Bool, _ now: RunMoment, _ outputs: inout RunOutputs) {
    note(fault.code, .alarm, fault.detail, now, &outputs)
    if latches { latch(fault, now, &outputs) }
    finish(.ended, reason: fault.code.rawValue, now, &outputs)
  }

  private mutating func wait(for fault: Fault, _ latches: Bool, _ now: RunMoment, _ outputs: inout RunOutputs) {
    phase = .held
    if revisionWaiting != nil, !isStepBegun { machine.bringAmendmentForward() }
    note(fault.code, .alarm, fault.detail, now, &outputs)
    tell(.held, now, &outputs, reason: fault.code.rawValue)
    if latches { latch(fault, now, &outputs) }
    outputs.wantsCommit = true
  }

  /// The last act of a run.
  mutating func finish(_ final: RunState, reason: String, _ now: RunMoment, _ outputs: inout RunOutputs) {
    closeLeftRow(now, &outputs)
    closeHalfCycle(reason: reason, isTruncated: true, now, &outputs)
    noteUnusedRevision(now, &outputs)
    phase = .over
    tell(final, now, &outputs, reason: reason)
    outputs.entries.append(.checkpointDropped(run: identity.run))
    outputs.wantsCommit = true
  }
}
