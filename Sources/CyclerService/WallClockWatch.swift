// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host has two clocks: a steady one, by which links are supervised and interruptions measured while the daemon runs,
// and the wall clock, which stands beside every record and measures interruptions of the daemon itself. Somebody who sets
// the wall clock makes the two disagree about the past; that is told.

internal import CyclerModel
internal import CyclingRun
internal import Quantities

/// Notices that the wall clock was set.
struct WallClockWatch: Sendable {
  /// Less is the work of a time service that keeps a clock right.
  static let tolerable = TimeSpan(seconds: 2)
  /// It is told once in so long at most.
  static let interval = TimeSpan(seconds: 3_600)

  private var offset: Int64?
  private var toldAt: HostInstant?

  /// Takes both clocks; `clock.drift` when they have moved against each other since the last word.
  mutating func look(_ now: RunMoment) -> Fault? {
    let present = now.unix.microseconds - now.host.microseconds
    guard let known = offset else {
      offset = present
      return nil
    }
    let step = present - known
    guard step.magnitude > UInt64(Self.tolerable.microseconds) else { return nil }
    if let toldAt, now.host - toldAt < Self.interval { return nil }
    offset = present
    toldAt = now.host
    let seconds = Double(step / 1_000) / 1_000
    return Fault(
      .clockDrift, "the wall clock moved by \(seconds) s against the steady clock: somebody or something has set it")
  }
}
