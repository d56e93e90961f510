// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What happens around an interruption: the instrument goes away and comes back, or this machine stood still without
// anything having gone; the protocol's policy decides (hazard rules 3, 5, 7, 21).

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
public import Quantities

extension RunPilot {
  // MARK: - Going away

  mutating func instrumentLost(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    instrumentIsHere = false
    switch phase {
    case .active, .closing, .committing: beginInterruption(now)
    case .ready, .paused, .held, .suspended, .away, .over: break
    }
    switch phase {
    case .active:
      note(fault.code, .warning, fault.detail, now, &outputs)
      leave(now, &outputs)
    case .closing(_, let cause):
      note(fault.code, .warning, fault.detail, now, &outputs)
      leave(during: cause, now, &outputs)
    case .committing:
      // A program that is done needs no instrument any more.
      if machine.place == .completed { enterPlace(now, &outputs) } else { leave(now, &outputs) }
    case .ready, .paused, .held, .suspended, .away, .over: break
    }
  }

  /// The link went while the circuit was being opened: what was meant stays meant.
  private mutating func leave(during cause: ClosingCause, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch cause {
    case .condition, .skip:
      leave(now, &outputs)
    case .stop:
      pendingCause = cause
      leave(now, &outputs)
    case .pause, .suspend, .fault:
      voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
      // The row and a step that is over stay open: the instrument may still tell how it ended, and why.
      follow(cause, endsRun: endsRun(cause), now, &outputs)
    }
  }

  private mutating func leave(_ now: RunMoment, _ outputs: inout RunOutputs) {
    dropAwaiting(reason: FaultCode.runInterrupted.rawValue, now, &outputs)
    phase = .away(since: awaySince ?? now.unix)
    voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
    halfCycle?.row.flags.insert(.interrupted)
    tell(.interrupted, now, &outputs)
    note(
      .runInterrupted, .warning, "interrupted; the protocol's policy decides when the instrument is back", now, &outputs
    )
  }

  /// The instrument is there but opened the circuit by itself, in order.
  mutating func interruptedHere(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    note(fault.code, .warning, fault.detail, now, &outputs)
    voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
    if let fault = standstill {
      doNotGoOn(fault, now, &outputs)
      return
    }
    beginInterruption(now)
    tell(.interrupted, now, &outputs)
    beginCheck(.resumeCheck, now, &outputs)
  }

  /// The store was so late with the commit before a step that the cell has stood unattended for too long (hazard rule
  /// 3): a full disk over a weekend is an interruption too.
  mutating func stoodTooLong(_ waited: TimeSpan, _ now: RunMoment, _ outputs: inout RunOutputs) {
    voltageBeforeInterruption = voltageBeforeInterruption ?? lastVoltage
    dropAwaiting(reason: FaultCode.runInterruptionTooLong.rawValue, now, &outputs)
    let detail =
      "nothing could be stored for \(waited.microseconds / 1_000_000) s, longer than the protocol's \(program.onInterruption.resumeWithin.microseconds / 1_000_000) s"
    doNotGoOn(Fault(.runInterruptionTooLong, detail), now, &outputs)
  }

  /// The longest time in which nothing was heard that is not an interruption: what the protocol grants, and in any case
  /// what supervision of the link does.
  var longestStandstill: TimeSpan {
    max(program.onInterruption.resumeWithin, readingInterval * Self.toleratedSilentIntervals + Self.silenceMargin)
  }

  /// This machine or the daemon stood still within the present set-point for longer than an interruption may last: what
  /// is read then is old, and the cell has stood since.
  var standstill: Fault? {
    guard longestSilence > longestStandstill else { return nil }
    let detail =
      "this machine or the daemon stood still for \(longestSilence.microseconds / 1_000_000) s, longer than the protocol's \(program.onInterruption.resumeWithin.microseconds / 1_000_000) s"
    return Fault(.runInterruptionTooLong, detail)
  }

  /// From now on the step is interrupted, unless it is already.
  mutating func beginInterruption(_ now: RunMoment) {
    guard awaySince == nil else { return }
    awaySince = now.unix
    awaySinceHost = now.host
  }

  /// The interruption is over: a step goes on, or a person answers for the cell. Until then its beginning and the voltage
  /// at which the cell was left stay what they are, however often the link comes and goes meanwhile: otherwise the check
  /// of the cell that is found would compare it with itself.
  mutating func forgetInterruption() {
    awaySince = nil
    awaySinceHost = nil
    voltageBeforeInterruption = nil
  }

  // MARK: - Coming back

  mutating func instrumentReady(_ now: RunMoment, _ outputs: inout RunOutputs) {
    instrumentIsHere = true
    observing.beginsAnew(at: now.host)
    switch phase {
    case .away(let since): comeBack(since, now, &outputs)
    case .paused, .held, .suspended:
      // A person answers for a run that was paused or held; one that only the daemon left goes on by itself.
      if phase != .suspended { forgetInterruption() }
      // Its link may have gone before the row of its last set-point was closed.
      closeLeftRow(now, &outputs)
      settleWhileWaiting(now, &outputs)
    case .ready, .active, .closing, .committing, .over: break
    }
  }

  /// What the instrument told of a step that a waiting run had left to it.
  private mutating func settleWhileWaiting(_ now: RunMoment, _ outputs: inout RunOutputs) {
    let endsRun = endsRun(pendingCause)
    let hasLeft = leaveEndedStep(now, &outputs)
    if let cause = pendingCause, cause.isFault {
      pendingCause = nil
      follow(cause, endsRun: endsRun, now, &outputs)
    } else if hasLeft, phase != .held, let (fault, latches) = reasonToWait {
      // Whoever paused the run could not know of it, nor could who stopped the daemon.
      hold(fault, latches: latches, now, &outputs)
    }
  }

  /// What the gaps of the present half-cycle can have cost.
  private var unseenCharge: String {
    guard let halfCycle, halfCycle.row.flags.contains(.gap) else { return "" }
    guard let charge = halfCycle.gapCharge else { return "; how much charge passed unseen is not known" }
    return "; up to \(charge.shown()) passed unseen in this half-cycle"
  }

  private mutating func comeBack(_ since: UnixInstant, _ now: RunMoment, _ outputs: inout RunOutputs) {
    closeLeftRow(now, &outputs)
    settlePending(since, now, &outputs)
    guard case .away = phase else { return }
    // A program that is done needs no policy any more.
    if machine.place == .completed { return enterPlace(now, &outputs) }
    let policy = program.onInterruption
    let away = awaySinceHost.map { now.host - $0 } ?? (now.unix - since)
    note(.runGap, .warning, "the instrument was away for \(away.shown())\(unseenCharge)", now, &outputs)
    // A clock that went back says nothing about how long it was (hazard rule 3).
    if away > policy.resumeWithin || away < .zero {
      let detail =
        away < .zero
        ? "away for a time that nobody knows: the clock went back by \((.zero - away).shown()) meanwhile"
        : "away for \(away.shown()), longer than the protocol's \(policy.resumeWithin.shown())"
      doNotGoOn(Fault(.runInterruptionTooLong, detail), now, &outputs)
      return
    }
    beginCheck(hasPassedPreflight ? .resumeCheck : .preflight, now, &outputs)
  }

  /// Does what was meant when the link or the daemon went. The step that had ended is left, and no more: whether the run
  /// goes on is for the policy.
  mutating func settlePending(_ since: UnixInstant, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard pendingCause != nil || stepEnding != nil else { return }
    closeLeftRow(now, &outputs)
    if let cause = pendingCause {
      pendingCause = nil
      settle(cause, now, &outputs)
      return
    }
    if leaveEndedStep(now, &outputs), let (fault, latches) = reasonToWait {
      hold(fault, latches: latches, now, &outputs)
    } else if machine.place == .completed {
      enterPlace(now, &outputs)
    } else {
      phase = .away(since: since)
    }
  }

  /// Closes the row that was open when the instrument went away.
  mutating func closeLeftRow(_ now: RunMoment, _ outputs: inout RunOutputs) {
    let lastHeard: HostInstant
    if let restoredFrom {
      lastHeard = HostInstant(microseconds: now.host.microseconds - max(0, (now.unix - restoredFrom).microseconds))
      if setpoint == nil { testTimeAt = lastHeard }
    } else {
      lastHeard = setpoint?.heardAt ?? now.host
    }
    if let active = setpoint {
      if active.isDriven, !active.isAccountedFor {
        // The instrument kept no account: current flowed for no longer than the lease after the last reading, if we
        // saw all readings; after a restart of the daemon even that is not known.
        missCharge(bound: restoredFrom == nil ? gapBound(active) : nil, active)
      }
      closeRow(reason: stepEnding?.text ?? FaultCode.runInterrupted.rawValue, now, &outputs)
      // The test's time goes on while nobody counts the step's (hazard rule 22).
      if active.hasTimeZero || restoredFrom != nil { testTimeAt = min(now.host, lastHeard + active.unheard) }
    }
    restoredFrom = nil
  }

  private func gapBound(_ active: ActiveSetpoint) -> Charge {
    // pA · µs / 1e9 = nC, rounded up.
    let product = Int128(active.largestCurrent.picoamperes) * Int128(active.longestAlone.microseconds)
    return Charge(nanocoulombs: Int64(clamping: product / 1_000_000_000 + 1))
  }

  /// How long after the last word between host and instrument current may still flow, while the circuit is not
  /// confirmed open; zero when the run has left nothing that drives any.
  public var longestAlone: TimeSpan {
    guard let active = setpoint, active.isDriven else { return .zero }
    // The daemon before this one may have gone on to a hold that its last checkpoint does not know.
    return restoredFrom == nil
      ? active.longestAlone
      : RunSettings.longestAlone(lease: active.lease, readingInterval: active.readingInterval) + active.longestPoint
  }

  mutating func doNotGoOn(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch program.onInterruption.otherwise {
    case .hold: hold(fault, latches: false, now, &outputs)
    case .end:
      note(fault.code, .alarm, fault.detail, now, &outputs)
      finish(.ended, reason: fault.code.rawValue, now, &outputs)
    }
  }
}
