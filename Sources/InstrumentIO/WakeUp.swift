// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A thread that waits in poll for its port must also hear commands from other threads. It polls this counter beside
// the port; whoever has something to say puts it into a queue first and signals second.

internal import CNacycler
public import CyclerModel
internal import Glibc

/// Makes a thread that waits in `PortPoll.wait` return; may be signalled from any thread and from a signal handler.
///
/// Signals are not counted: any number of them before a drain is one wake-up.
public final class WakeUp: Sendable {
  /// The event counter; readable while a signal is pending. Owned by this object.
  let descriptor: CInt

  /// Makes a wake-up with no signal pending. Throws `port.unusable` when the process has no descriptor left.
  public init() throws(Fault) {
    let opened = nacycler_event_open()
    guard opened >= 0 else {
      throw Fault(.portUnusable, "no event counter for a port thread: \(SystemError(number: -opened))")
    }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// Wakes the waiting thread, or the next one to wait.
  public func signal() {
    // Fails only for a descriptor that is not an event counter, which this object rules out.
    _ = nacycler_event_signal(descriptor)
  }

  /// Takes the pending signals away; says whether there was one.
  @discardableResult public func drain() -> Bool { nacycler_event_drain(descriptor) == 1 }
}
