// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Dispatch
import Synchronization

/// Wakes the writer thread. Ringing is cheap, never blocks and never allocates; rings before an answer count as one.
final class Doorbell: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let isRung = Atomic<Bool>(false)

  /// Lets a waiting `wait` return, or the next one.
  func ring() {
    if !isRung.exchange(true, ordering: .sequentiallyConsistent) { semaphore.signal() }
  }

  /// Waits for a ring, at most until `deadline`. The flag falls before the caller looks at its work, so work that was
  /// laid down before a ring is always seen.
  func wait(until deadline: DispatchTime) {
    _ = semaphore.wait(timeout: deadline)
    isRung.store(false, ordering: .sequentiallyConsistent)
  }
}
