// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Glibc
import InstrumentIO
import Quantities
import Synchronization
import Testing

@Suite("Signals that end the process", .serialized) struct StopSignalsTests {
  /// Holds up threads until it is opened.
  private final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    let waiting = Atomic<Int>(0)
    func pass() {
      waiting.add(1, ordering: .sequentiallyConsistent)
      while !isOpen.load(ordering: .acquiring) { usleep(500) }
    }
    func open() { isOpen.store(true, ordering: .releasing) }
  }

  @Test("SIGTERM and SIGINT are acted on while every thread of the cooperative pool is busy, each time that they come")
  func blockedPool() throws {
    let acts = try Mailbox<Int>()
    let count = Atomic<Int>(0)
    let gate = Gate()
    let signals = try StopSignals { acts.put(count.add(1, ordering: .relaxed).newValue) }
    defer {
      gate.open()
      signals.end()
    }
    let width = sysconf(CInt(_SC_NPROCESSORS_ONLN))
    for _ in 0..<2 * width { Task.detached { gate.pass() } }
    // One thread of the pool may be this test's own. Where other tests have taken the rest, it is as busy.
    let deadline = HostClock.now() + TimeSpan(seconds: 1)
    while gate.waiting.load(ordering: .sequentiallyConsistent) < width - 1, HostClock.now() < deadline { usleep(100) }
    for (number, signal) in [SIGTERM, SIGINT, SIGTERM].enumerated() {
      kill(getpid(), signal)
      #expect(acts.first { $0 == number + 1 } != nil)
    }
  }
}
