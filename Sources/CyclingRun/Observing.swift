// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What a run knows of the temperature beside its cell, and what of it is stored. No part of a checkpoint: after an
/// interruption the thermometer is asked and not the memory.
struct Observing: Sendable, Hashable {
  /// A change of so much is stored, less is the sensor's noise …
  static let storedChange = Temperature(millidegrees: 50)
  /// … and one that hardly changes so often.
  static let storedInterval = TimeSpan(seconds: 60)
  /// A run is told once a second. One that was not told for so long was not awake itself: what the thermometer has said
  /// meanwhile is only being read, and it gets its time once more.
  static let oversleepMargin = TimeSpan(seconds: 5)

  /// How warm it is; nil while nobody has said it for too long.
  private(set) var temperature: Temperature?
  /// When it was said.
  private(set) var heardAt: HostInstant?
  /// Since when somebody should have said it: a run that is taken up gives its thermometer the usual patience.
  private(set) var expectedSince: HostInstant?
  /// When the run was last told anything of it.
  private var lookedAt: HostInstant?
  /// What was stored last.
  private var stored: Stored?
  /// Whether a daemon before this one may have stored something that would be read on.
  private var isTakenUp = false

  private struct Stored: Sendable, Hashable {
    var stepID: Int64
    var stepTime: TimeSpan
    var temperature: Temperature?
    var at: HostInstant
  }

  /// The run was begun by another daemon.
  mutating func isRestored() { isTakenUp = true }

  /// The run begins, or goes on with its instrument.
  mutating func beginsAnew(at now: HostInstant) { expectedSince = now }

  /// Takes what the thermometer said last; what is older than `patience` is not known any more.
  mutating func take(_ seen: ObservedTemperature?, at now: HostInstant, patience: TimeSpan) {
    if let lookedAt, now - lookedAt > Self.oversleepMargin { expectedSince = now }
    lookedAt = now
    if let seen, now - seen.arrivedAt <= patience {
      temperature = seen.temperature
      heardAt = seen.arrivedAt
    } else {
      temperature = nil
    }
  }

  /// For how long nobody has said how warm it is; nil while it is known.
  func silence(at now: HostInstant) -> TimeSpan? {
    guard temperature == nil, let expectedSince else { return nil }
    return now - max(heardAt ?? expectedSince, expectedSince)
  }

  /// Whether what is known now should be stored at that moment of a step; if so, it counts as stored. A step has at most
  /// one value a moment, and one that is not known is stored only where one was known before, or may have been.
  mutating func shouldStore(stepID: Int64, stepTime: TimeSpan, at now: HostInstant) -> Bool {
    if let stored {
      let isLater = stored.stepID != stepID || stepTime > stored.stepTime
      guard isLater, isDue(after: stored, stepID, now) else { return false }
    } else if temperature == nil, !isTakenUp {
      return false
    }
    stored = Stored(stepID: stepID, stepTime: stepTime, temperature: temperature, at: now)
    return true
  }

  private func isDue(after stored: Stored, _ stepID: Int64, _ now: HostInstant) -> Bool {
    guard let temperature, let before = stored.temperature else {
      // Known again, or not any more; what stays unknown is told once.
      return temperature != stored.temperature
    }
    return stored.stepID != stepID || now - stored.at >= Self.storedInterval
      || (temperature - before).magnitude >= Self.storedChange
  }
}
