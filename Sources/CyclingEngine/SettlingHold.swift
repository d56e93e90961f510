// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What the current of a hold that was taken up again has moved against its direction since.
struct SettlingHold: Sendable, Hashable {
  private var first: TimeSpan?
  private var last = TimeSpan.zero
  // pA, a magnitude; zero while the current flows as it should.
  private var back: Int64 = 0
  // pA·µs, which are 1e-18 C.
  private var moved: Int128 = 0

  /// How long the hold has lasted at its newest reading.
  var lasted = TimeSpan.zero
  /// What has flowed back, in nC.
  var movedBack: Int128 { moved / 1_000_000_000 }

  /// Takes the next reading of the hold. Between two readings the larger of their reversed currents counts.
  mutating func take(_ time: TimeSpan, _ current: Current, _ direction: Direction) {
    let begin = first ?? time
    let reversed = max(direction == .charge ? 0 - current.picoamperes : current.picoamperes, 0)
    if first != nil { moved += Int128(max(reversed, back)) * Int128(max((time - last).microseconds, 0)) }
    (first, last, back) = (begin, time, reversed)
    lasted = time - begin
  }
}
