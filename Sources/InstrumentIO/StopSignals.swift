// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What must happen the moment the process is told to end cannot wait for a turn on a shared pool: a thread of its own
// waits for the signal and acts on it. It does not end the process.

internal import CNacycler
public import CyclerModel
internal import Glibc
internal import Synchronization

/// Calls a closure on a thread of its own each time SIGTERM or SIGINT comes; signals that come while it runs are one.
///
/// There is one of these in a process at a time: signals belong to the process.
public final class StopSignals: Sendable {
  private static let signals = [SIGTERM, SIGINT]

  private let wake: WakeUp
  private let thread: PortThread
  private let isOver: Flag

  private final class Flag: Sendable {
    let isUp = Atomic<Bool>(false)
  }

  /// Begins to take the signals; `act` must not wait for anything slow. Throws `port.unusable` when the process has no
  /// descriptor or no thread left.
  public init(_ act: @escaping @Sendable () -> Void) throws(Fault) {
    let wake = try WakeUp()
    let isOver = Flag()
    thread = try PortThread.start(name: "signals") {
      while !isOver.isUp.load(ordering: .acquiring) {
        if PortPoll.wait(port: nil, wake: wake, timeout: nil).contains(.woken), !isOver.isUp.load(ordering: .acquiring)
        {
          act()
        }
      }
    }
    // Fails only for a number that is no signal.
    for signal in Self.signals { _ = nacycler_event_on_signal(signal, wake.descriptor) }
    (self.wake, self.isOver) = (wake, isOver)
  }

  /// Gives the signals back their usual effect and ends the thread.
  public func end() {
    for signal in Self.signals { _ = nacycler_signal_default(signal) }
    isOver.isUp.store(true, ordering: .releasing)
    wake.signal()
  }
}
