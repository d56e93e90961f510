// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CNacycler
internal import Glibc

/// Waiting for an event counter or a descriptor.
enum EventWait {
  /// Waits for a signal on the counter, which is taken off it, or until the time is over (negative: for ever).
  static func wait(for event: Int32, microseconds: Int64) {
    _ = readable(event, microseconds: microseconds)
    _ = nacycler_event_drain(event)
  }

  /// Whether the descriptor can be read, or was hung up, within the time (negative: for ever).
  static func readable(_ descriptor: Int32, microseconds: Int64) -> Bool {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 1) { waited in
      waited[0] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return nacycler_poll(waited.baseAddress, 1, microseconds) > 0
    }
  }
}
