// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Notices an instrument that has fallen silent, and tells that from a machine that was asleep itself.

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// Silence for so many reading intervals, plus `silenceMargin`, means that the link is of no use.
  static let toleratedSilentIntervals: Int64 = 3
  /// For a busy host, a slow instrument and the upload of a script.
  static let silenceMargin = TimeSpan(seconds: 5)

  /// A pilot that is called so much later than it asked for was not awake itself: what was said meanwhile is only being
  /// read, so the instrument gets its time once more.
  static let oversleepMargin = TimeSpan(seconds: 1)

  /// Asks for a tick when a reading or an answer is due, and gives the link up when it stays away.
  mutating func supervise(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard instrumentIsHere, let (since, interval, point) = setpoint?.silence() else { return }
    switch phase {
    case .active, .closing: break
    case .ready, .committing, .paused, .held, .suspended, .away, .over: return
    }
    let patience = interval * Self.toleratedSilentIntervals + Self.silenceMargin + point
    var due = since + patience
    if now.host - due > Self.oversleepMargin, overslept ?? since <= since { overslept = now.host }
    if let overslept, overslept > since { due = overslept + patience }
    if now.host < due {
      outputs.wakeAt = due
    } else {
      outputs.resetLink = Fault(
        .linkTimeout, "no answer for \((now.host - since).shown()); the link is closed and opened again"
      )
    }
  }
}
