// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The registry of everything that can go wrong or be worth noting while a cell is in our hands. The names are
// stable: they are stored, filtered on and looked up in docs/faults.md; a test fails when this list and that page
// disagree.

/// The stable dotted name of a fault or an event.
public enum FaultCode: String, Sendable, Hashable, CaseIterable {
  // The link to the instrument.
  case linkLost = "link.lost"
  case linkTimeout = "link.timeout"
  case linkGarbage = "link.garbage"
  case linkIdentity = "link.identity"
  case linkBusy = "link.busy"
  case portStalled = "port.stalled"
  case portUnusable = "port.unusable"
  // The instrument.
  case instrumentRefused = "instrument.refused"
  case instrumentError = "instrument.error"
  case instrumentOverload = "instrument.overload"
  case instrumentWrongDirection = "instrument.wrong_direction"
  case instrumentNoReading = "instrument.no_reading"
  case instrumentSetpointNotFollowed = "instrument.setpoint_not_followed"
  case instrumentFrozen = "instrument.frozen"
  case instrumentTimeBackwards = "instrument.time_backwards"
  case instrumentBoundReached = "instrument.bound_reached"
  case instrumentLeaseExpired = "instrument.lease_expired"
  // Limits.
  case limitVoltageHigh = "limit.voltage.high"
  case limitVoltageLow = "limit.voltage.low"
  case limitVoltageHighAtRest = "limit.voltage.high.at_rest"
  case limitVoltageLowAtRest = "limit.voltage.low.at_rest"
  case limitCurrentCharge = "limit.current.charge"
  case limitCurrentDischarge = "limit.current.discharge"
  case limitHalfCycleCharge = "limit.half_cycle_charge"
  case limitTemperatureHigh = "limit.temperature.high"
  case limitTemperatureLow = "limit.temperature.low"
  // Observers.
  case observerBound = "observer.bound"
  case observerUnbound = "observer.unbound"
  case observerSilent = "observer.silent"
  case observerSensor = "observer.sensor"
  // Steps.
  case holdCurrentReversed = "hold.current_reversed"
  case holdStartedFarAway = "hold.started_far_away"
  case preflightOutsideWindow = "preflight.outside_window"
  case preflightDrifting = "preflight.drifting"
  case preflightExactlyZero = "preflight.exactly_zero"
  case preflightNoReading = "preflight.no_reading"
  case preflightAllowed = "preflight.allowed_by_person"
  // Runs.
  case runStarted = "run.started"
  case runCompleted = "run.completed"
  case runStopAsked = "run.stop_asked"
  case runStopped = "run.stopped"
  case runPauseAsked = "run.pause_asked"
  case runPaused = "run.paused"
  case runResumed = "run.resumed"
  case runSkipAsked = "run.skip_asked"
  case runStepSkipped = "run.step_skipped"
  case runHeld = "run.held"
  case runSuspended = "run.suspended"
  case runInterrupted = "run.interrupted"
  case runGap = "run.gap"
  case runInterruptionTooLong = "run.interruption_too_long"
  case runVoltageChanged = "run.voltage_changed"
  case runNoProgress = "run.no_progress"
  case runConditionMet = "run.condition_met"
  case runRetentionUnknown = "run.retention_unknown"
  case runConditionHolds = "run.condition_holds"
  case runCapacityUnknown = "run.capacity_unknown"
  case runShareResolved = "run.share_resolved"
  case runVoltageAllowed = "run.voltage_allowed"
  case runTestDone = "run.test_done"
  case runSpectrumDone = "run.spectrum_done"
  case runAmendmentAsked = "run.amendment_asked"
  case runAmended = "run.amended"
  case runAmendmentRefused = "run.amendment_refused"
  case runCrashLoop = "run.crash_loop"
  case runQueued = "run.queued"
  case runNote = "run.note"
  // The data.
  case dataCutOffOvershoot = "data.cut_off_overshoot"
  // The store and the daemon.
  case storeFull = "store.full"
  case storeFailed = "store.failed"
  case storeReplaced = "store.replaced"
  case storeIncomplete = "store.incomplete"
  case storeWalHeld = "store.wal.held"
  case latchSet = "latch.set"
  case latchCleared = "latch.cleared"
  case daemonStarted = "daemon.started"
  case daemonStopping = "daemon.stopping"
  case clockDrift = "clock.drift"
}

/// How much a person should care.
public enum Severity: Int, Sendable, Hashable, CaseIterable {
  /// Belongs to the normal course.
  case info = 0
  /// Worth a look; the run goes on.
  case warning = 1
  /// The run does not go on, or a number is damaged.
  case alarm = 2
}

/// A fault or event with what was seen.
public struct Fault: Sendable, Hashable, Error {
  /// Which.
  public var code: FaultCode
  private var finding: Finding
  /// What was measured or said, with units, in one sentence. Put together each time: keep it rather than ask twice.
  public var detail: String { finding.words }
  /// A fault in words.
  public init(_ code: FaultCode, _ detail: String) {
    self.code = code
    finding = .said(detail)
  }
  /// A fault in numbers, which become words when somebody reads them.
  public init(_ code: FaultCode, _ finding: Finding) {
    self.code = code
    self.finding = finding
  }
  /// The same under another name.
  public init(_ code: FaultCode, as fault: Fault) {
    self.code = code
    finding = fault.finding
  }
}
