// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Passing a limit always opens the circuit and latches the channel. What becomes of the run is the protocol's choice.

/// What becomes of a run after one of its limits was passed.
public enum LimitAction: String, Sendable, Hashable, CaseIterable {
  /// It waits for a person.
  case hold
  /// It is over.
  case end
}

/// Kinds of limits.
public struct LimitKinds: OptionSet, Sendable, Hashable {
  /// One bit a kind.
  public var rawValue: UInt8
  /// From bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Of the voltage, at rest too.
  public static var voltage: LimitKinds { LimitKinds(rawValue: 1) }
  /// Of the current while charging.
  public static var chargeCurrent: LimitKinds { LimitKinds(rawValue: 2) }
  /// Of the current while discharging.
  public static var dischargeCurrent: LimitKinds { LimitKinds(rawValue: 4) }
  /// Of a half-cycle's charge.
  public static var halfCycleCharge: LimitKinds { LimitKinds(rawValue: 8) }
  /// Of empty half-cycles in a row.
  public static var emptyHalfCycles: LimitKinds { LimitKinds(rawValue: 16) }
  /// Of the temperature beside the cell.
  public static var temperature: LimitKinds { LimitKinds(rawValue: 32) }

  /// The kind of limit that a fault tells of; empty where it tells of none.
  public init(toldBy code: FaultCode) {
    switch code {
    case .limitVoltageHigh, .limitVoltageLow, .limitVoltageHighAtRest, .limitVoltageLowAtRest: self = .voltage
    case .limitCurrentCharge: self = .chargeCurrent
    case .limitCurrentDischarge: self = .dischargeCurrent
    case .limitHalfCycleCharge: self = .halfCycleCharge
    case .limitTemperatureHigh, .limitTemperatureLow: self = .temperature
    case .runNoProgress: self = .emptyHalfCycles
    case .linkLost, .linkTimeout, .linkGarbage, .linkIdentity, .linkBusy, .portStalled, .portUnusable,
      .instrumentRefused, .instrumentError, .instrumentOverload, .instrumentWrongDirection, .instrumentNoReading,
      .instrumentSetpointNotFollowed, .instrumentFrozen, .instrumentTimeBackwards, .instrumentBoundReached,
      .instrumentLeaseExpired, .observerBound, .observerUnbound, .observerSilent, .observerSensor,
      .holdCurrentReversed, .holdStartedFarAway, .preflightOutsideWindow, .preflightDrifting, .preflightExactlyZero,
      .preflightNoReading, .preflightAllowed, .runStarted, .runCompleted, .runStopAsked, .runStopped, .runPauseAsked,
      .runPaused, .runResumed, .runSkipAsked, .runStepSkipped, .runHeld, .runSuspended, .runInterrupted, .runGap,
      .runInterruptionTooLong, .runVoltageChanged, .runConditionMet, .runRetentionUnknown, .runConditionHolds,
      .runCapacityUnknown, .runShareResolved, .runVoltageAllowed, .runTestDone, .runSpectrumDone, .runAmendmentAsked,
      .runAmended, .runAmendmentRefused, .runCrashLoop, .runQueued, .runNote, .dataCutOffOvershoot, .storeFull,
      .storeFailed, .storeReplaced, .storeIncomplete, .storeWalHeld, .latchSet, .latchCleared, .daemonStarted,
      .daemonStopping, .clockDrift:
      self = []
    }
  }

  /// With a kind, or without it.
  public mutating func set(_ kind: LimitKinds, to action: LimitAction?) {
    switch action {
    case .end: insert(kind)
    case .hold: remove(kind)
    case nil: break
    }
  }
}
