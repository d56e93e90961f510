// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What happens around an interruption: the instrument goes away, comes back, perhaps tells of a set-point that ran on
// without us; the open circuit is measured and compared; the protocol's policy decides (hazard rules 3, 5, 7, 19).

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// A cell whose open circuit drifts more than this during the pre-flight has not settled or has no contact.
  static let tolerableDrift = Voltage(millivolts: 50)
  /// A cell that stands further than this from where it was left is perhaps another cell.
  static let tolerableChange = Voltage(millivolts: 500)
  /// Silence for so many reading intervals, plus `silenceMargin`, means that the link is of no use.
  static let toleratedSilentIntervals: Int64 = 3
  /// For a busy host, a slow instrument and the upload of a script.
  static let silenceMargin = TimeSpan(seconds: 5)

  // MARK: - Going away

  mutating func instrumentLost(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    instrumentIsHere = false
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
    case .condition, .skip, .stop:
      pendingCause = cause
      leave(now, &outputs)
    case .pause, .suspend, .fault:
      closeLeftRow(now, &outputs)
      settle(cause, now, &outputs)
    }
  }

  private mutating func leave(_ now: RunMoment, _ outputs: inout RunOutputs) {
    dropAwaiting(reason: FaultCode.runInterrupted.rawValue, now, &outputs)
    phase = .away(since: now.unix)
    voltageBeforeInterruption = lastVoltage
    halfCycle?.row.flags.insert(.interrupted)
    tell(.interrupted, now, &outputs)
    note(
      .runInterrupted, .warning, "interrupted; the protocol's policy decides when the instrument is back", now, &outputs
    )
  }

  /// The instrument is there but opened the circuit by itself, in order.
  mutating func interruptedHere(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    note(fault.code, .warning, fault.detail, now, &outputs)
    voltageBeforeInterruption = lastVoltage
    let silence = longestSilence
    longestSilence = .zero
    guard silence <= program.onInterruption.resumeWithin else {
      let detail =
        "this machine or the daemon stood still for \(silence.microseconds / 1_000_000) s, longer than the protocol's \(program.onInterruption.resumeWithin.microseconds / 1_000_000) s"
      doNotGoOn(Fault(.runInterruptionTooLong, detail), now, &outputs)
      return
    }
    tell(.interrupted, now, &outputs)
    beginCheck(.resumeCheck, now, &outputs)
  }

  /// The store was so late with the commit before a step that the cell has stood unattended for too long (hazard rule
  /// 3): a full disk over a weekend is an interruption too.
  mutating func stoodTooLong(_ waited: TimeSpan, _ now: RunMoment, _ outputs: inout RunOutputs) {
    voltageBeforeInterruption = lastVoltage
    dropAwaiting(reason: FaultCode.runInterruptionTooLong.rawValue, now, &outputs)
    let detail =
      "nothing could be stored for \(waited.microseconds / 1_000_000) s, longer than the protocol's \(program.onInterruption.resumeWithin.microseconds / 1_000_000) s"
    doNotGoOn(Fault(.runInterruptionTooLong, detail), now, &outputs)
  }

  /// The instrument told how a set-point of an earlier connection ended.
  mutating func adopt(_ token: SetpointToken, _ reading: Reading?, _ openedAt: TimeSpan?) {
    guard case .away = phase, var active = setpoint, active.token == token else { return }
    guard active.isDriven else {
      setpoint?.isAccountedFor = true
      return
    }
    guard active.isClosed, let openedAt, let zero = active.zero, openedAt >= active.lastReading?.time ?? zero else {
      return
    }
    let lastTime = active.lastReading?.time ?? zero
    let before = active.integrator.charge
    if let reading, reading.time > (active.lastReading?.time ?? zero) {
      active.integrator.reading(reading)
      active.lastReading = reading
    }
    active.circuitOpened(openedAt)
    active.isAccountedFor = true
    active.unheard = openedAt - lastTime
    active.flags.insert(.gap)
    setpoint = active
    halfCycle?.row.flags.insert(.gap)
    noteGap((active.integrator.charge - before).magnitude)
  }

  // MARK: - Coming back

  mutating func instrumentReady(_ now: RunMoment, _ outputs: inout RunOutputs) {
    instrumentIsHere = true
    guard case .away(let since) = phase else {
      // A paused or held run may have lost its link before the row of its last set-point was closed.
      if setpoint != nil, isCircuitOpen { closeLeftRow(now, &outputs) }
      return
    }
    closeLeftRow(now, &outputs)
    settlePending(since, now, &outputs)
    guard case .away = phase else { return }
    guard hasPassedPreflight else {
      beginCheck(.preflight, now, &outputs)
      return
    }
    let policy = program.onInterruption
    let away = now.unix - since
    note(.runGap, .warning, "the instrument was away for \(away.microseconds / 1_000) ms", now, &outputs)
    // A clock that went back says nothing about how long it was (hazard rule 3).
    if away > policy.resumeWithin || away < .zero {
      let detail =
        "away for \(away.microseconds / 1_000_000) s, longer than the protocol's \(policy.resumeWithin.microseconds / 1_000_000) s"
      doNotGoOn(Fault(.runInterruptionTooLong, detail), now, &outputs)
      return
    }
    beginCheck(.resumeCheck, now, &outputs)
  }

  /// Does what was meant when the link or the daemon went. The step that had ended is left, and no more: whether the run
  /// goes on is for the policy.
  mutating func settlePending(_ since: UnixInstant, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let cause = pendingCause else { return }
    pendingCause = nil
    closeLeftRow(now, &outputs)
    switch cause {
    case .condition(let text): closeEdges(reason: text, &outputs)
    case .skip(let actor): skipped(by: actor, now, &outputs)
    case .pause, .stop, .suspend, .fault:
      settle(cause, now, &outputs)
      return
    }
    guard leaveStep(now, &outputs) else { return }
    if machine.place == .completed { enterPlace(now, &outputs) } else { phase = .away(since: since) }
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
      closeRow(reason: FaultCode.runInterrupted.rawValue, now, &outputs)
      // The test's time goes on while nobody counts the step's (hazard rule 22).
      testTimeAt = min(now.host, lastHeard + active.unheard)
    }
    restoredFrom = nil
  }

  /// A reading may have been late by as much as is tolerated without a word, and the lease renewed at its arrival.
  private func gapBound(_ active: ActiveSetpoint) -> Charge {
    let late = active.readingInterval * Self.toleratedSilentIntervals + Self.silenceMargin
    // An instrument that goes over to holding while nobody listens may begin a lease anew, once.
    let leases: Int64 = active.kind == .constantCurrent ? 1 : 2
    let time = settings.lease * leases + late + active.readingInterval + active.readingInterval
    // pA · µs / 1e9 = nC, rounded up.
    let product = Int128(active.largestCurrent.picoamperes) * Int128(time.microseconds)
    return Charge(nanocoulombs: Int64(clamping: product / 1_000_000_000 + 1))
  }

  mutating func doNotGoOn(_ fault: Fault, _ now: RunMoment, _ outputs: inout RunOutputs) {
    switch program.onInterruption.otherwise {
    case .hold: hold(fault, latches: false, now, &outputs)
    case .end:
      note(fault.code, .alarm, fault.detail, now, &outputs)
      finish(.ended, reason: fault.code.rawValue, now, &outputs)
    }
  }

  // MARK: - The open circuit before a closed one

  mutating func judgeCheck(
    _ purpose: SetpointPurpose, _ active: ActiveSetpoint, _ end: SetpointEnd, _ now: RunMoment,
    _ outputs: inout RunOutputs
  ) {
    switch end {
    case .cutOff: break
    case .bound(let fault), .failed(let fault):
      settle(.fault(fault, latches: true), now, &outputs)
      return
    case .leaseExpired, .requested:
      beginCheck(purpose, now, &outputs)
      return
    }
    guard let first = active.firstVoltage, let low = active.lowestVoltage, let high = active.highestVoltage,
      let last = active.lastReading?.voltage
    else {
      refuse(Fault(.preflightNoReading, "the open circuit could not be measured"), purpose, now, &outputs)
      return
    }
    switch purpose {
    case .preflight: judgePreflight(first: first, low: low, high: high, last: last, now, &outputs)
    case .resumeCheck: judgeResumption(last, now, &outputs)
    case .personResume: judgePersonsResumption(last, now, &outputs)
    case .step: break
    }
  }

  private mutating func judgePreflight(
    first: Voltage, low: Voltage, high: Voltage, last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    if let fault = preflightFault(low: low, high: high, last: last) {
      guard let reason = settings.allowedVoltageReason else {
        refuse(fault, .preflight, now, &outputs)
        return
      }
      note(.preflightAllowed, .warning, actor: identity.startedBy, "\(fault.detail); allowed: \(reason)", now, &outputs)
    }
    hasPassedPreflight = true
    goOn(now, &outputs)
  }

  private func preflightFault(low: Voltage, high: Voltage, last: Voltage) -> Fault? {
    if low == .zero, high == .zero {
      return Fault(.preflightExactlyZero, "the open circuit is exactly 0 V: no cell, or the leads are shorted")
    }
    if (high - low) > Self.tolerableDrift {
      let drift = (high - low).nanovolts
      return Fault(
        .preflightDrifting,
        "the open circuit moved by \(drift) nV in the pre-flight: a lead is open or the cell is not at rest")
    }
    let window = program.expectOpenCircuit
    guard !window.contains(last) else { return nil }
    let isReversed = window.contains(-last)
    let cause = isReversed ? "the leads are probably reversed" : "a wrong cell, a short or an open lead"
    return Fault(
      .preflightOutsideWindow,
      "the open circuit is \(last.nanovolts) nV, outside \(window.from.nanovolts) … \(window.to.nanovolts) nV: \(cause)"
    )
  }

  private mutating func judgeResumption(_ last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard mayGoOn(at: last) else {
      doNotGoOn(Fault(.runVoltageChanged, "\(last.nanovolts) nV at open circuit, outside the limits"), now, &outputs)
      return
    }
    if let before = voltageBeforeInterruption, (before - last).magnitude > Self.tolerableChange {
      let detail = "\(last.nanovolts) nV at open circuit, \(before.nanovolts) nV before: perhaps another cell"
      doNotGoOn(Fault(.runVoltageChanged, detail), now, &outputs)
      return
    }
    note(.runResumed, .info, "goes on by the protocol's policy at \(last.nanovolts) nV", now, &outputs)
    goOn(now, &outputs)
  }

  /// Inside the limits, or where a fresh cell may stand.
  private func mayGoOn(at voltage: Voltage) -> Bool {
    isInsideLimits(voltage) || isFresh && freshWindow.contains(voltage)
  }

  private var freshWindow: VoltageWindow {
    Self.freshWindow(of: program, isAllowed: settings.allowedVoltageReason != nil)
  }

  /// A person answers for the cell being the same one, but not for a voltage outside the limits.
  private mutating func judgePersonsResumption(_ last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard mayGoOn(at: last) else {
      let detail = "\(last.nanovolts) nV at open circuit, outside the limits; the run does not go on"
      refuse(Fault(.runVoltageChanged, detail), .personResume, now, &outputs)
      return
    }
    goOn(now, &outputs)
  }

  private mutating func goOn(_ now: RunMoment, _ outputs: inout RunOutputs) {
    enterPlace(now, &outputs)
  }

  private mutating func refuse(
    _ fault: Fault, _ purpose: SetpointPurpose, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    if purpose == .preflight {
      note(fault.code, .alarm, fault.detail, now, &outputs)
      finish(.ended, reason: fault.code.rawValue, now, &outputs)
    } else {
      hold(fault, latches: false, now, &outputs)
    }
  }

  // MARK: - Supervision of the link

  /// Asks for a tick when a reading or an answer is due, and gives the link up when it stays away.
  mutating func supervise(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard instrumentIsHere, let heardAt = setpoint?.heardAt, let interval = setpoint?.readingInterval else { return }
    switch phase {
    case .active, .closing: break
    case .ready, .committing, .paused, .held, .suspended, .away, .over: return
    }
    let since = setpoint?.closingAskedAt ?? heardAt
    let due = since + interval * Self.toleratedSilentIntervals + Self.silenceMargin
    if now.host < due {
      outputs.wakeAt = due
    } else {
      outputs.resetLink = Fault(
        .linkTimeout, "no answer for \((now.host - since).microseconds / 1_000) ms; the link is closed and opened again"
      )
    }
  }
}
