// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How long a port's thread waits for a store that refuses. Only time in which the thread turned counts: a machine that
// slept with readings in memory has not given the store a chance to take them.

internal import CyclerModel
internal import Quantities

/// Notices that the store has committed nothing for too long while something waits.
struct StoreVigil: Sendable {
  /// A thread turns at least twice a second; whatever is longer, it slept or stood still.
  static let longestTurn = TimeSpan(seconds: 1)

  /// A store that has committed nothing for so long, while something waits, cannot be waited for any longer.
  let patience: TimeSpan
  private var seenCommit: Int64 = 0
  private var turnedAt: HostInstant?
  private var waited = TimeSpan.zero

  /// A vigil that begins with the first turn.
  init(patience: TimeSpan) { self.patience = patience }

  /// Whether the patience is over.
  var isStuck: Bool { waited > patience }

  /// Takes a turn of the thread: the last batch that is on the disk, and how much waits.
  mutating func turn(committed: Int64, waiting: Int, at now: HostInstant) {
    let passed = turnedAt.map { now - $0 } ?? .zero
    turnedAt = now
    guard committed == seenCommit, waiting > 0 else {
      seenCommit = committed
      waited = .zero
      return
    }
    waited += min(passed, Self.longestTurn)
  }
}
