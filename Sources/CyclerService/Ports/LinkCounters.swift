// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities
internal import Synchronization

/// What a port's thread has counted on its line, for people to look at.
struct LinkCounts: Sendable, Hashable {
  var receivedBytes: Int64 = 0
  var sentBytes: Int64 = 0
  var readings: Int64 = 0
  var damagedMessages: Int64 = 0
  var losses: Int64 = 0
  /// nil: none has come.
  var lastByteAt: HostInstant?
}

/// Where the thread leaves its counts, once a turn; nobody waits for anybody. Each number stands for itself and only one thread
/// writes, so relaxed loads and stores are enough, and a reader may see numbers of two turns.
final class LinkCounters: Sendable {
  private let receivedBytes = Atomic<Int64>(0)
  private let sentBytes = Atomic<Int64>(0)
  private let readings = Atomic<Int64>(0)
  private let damagedMessages = Atomic<Int64>(0)
  private let losses = Atomic<Int64>(0)
  /// Microseconds of the host's clock; negative: none has come.
  private let lastByteAt = Atomic<Int64>(-1)

  /// Publishes; on the port's thread.
  func post(_ counts: LinkCounts) {
    receivedBytes.store(counts.receivedBytes, ordering: .relaxed)
    sentBytes.store(counts.sentBytes, ordering: .relaxed)
    readings.store(counts.readings, ordering: .relaxed)
    damagedMessages.store(counts.damagedMessages, ordering: .relaxed)
    losses.store(counts.losses, ordering: .relaxed)
    lastByteAt.store(counts.lastByteAt?.microseconds ?? -1, ordering: .relaxed)
  }

  /// What was published last.
  var counts: LinkCounts {
    let last = lastByteAt.load(ordering: .relaxed)
    return LinkCounts(
      receivedBytes: receivedBytes.load(ordering: .relaxed), sentBytes: sentBytes.load(ordering: .relaxed),
      readings: readings.load(ordering: .relaxed), damagedMessages: damagedMessages.load(ordering: .relaxed),
      losses: losses.load(ordering: .relaxed), lastByteAt: last < 0 ? nil : HostInstant(microseconds: last))
  }
}
