// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One open port is one operating-system thread (docs/contributors/threads.md): it may block in poll, it is never
// late because another port's work sits on a shared pool, and it dies with its port only.

internal import CNacycler
public import CyclerModel
internal import Glibc
internal import Synchronization

/// A named operating-system thread that runs one closure to its end.
///
/// It takes no asynchronous signals: those belong to the threads that know what to do with them.
public final class PortThread: Sendable {
  private enum Fate: Sendable {
    case running(pthread_t)
    case joined
  }

  private let fate: Mutex<Fate>
  private let finished: Finished

  /// Set by the thread itself as its last act; an object of its own, so that the thread does not keep its handle alive.
  private final class Finished: Sendable {
    let flag = Atomic<Bool>(false)
  }

  /// What the new thread finds at its start.
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    let finished: Finished
    init(name: String, body: @escaping @Sendable () -> Void, finished: Finished) {
      self.name = name
      self.body = body
      self.finished = finished
    }
  }

  private init(thread: pthread_t, finished: Finished) {
    fate = Mutex(.running(thread))
    self.finished = finished
  }

  deinit {
    // Nobody will join it any more: let the kernel clean up when it ends.
    if case .running(let thread) = fate.withLock({ $0 }) { pthread_detach(thread) }
  }

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: Shown by `top -H` and `gdb`; the first 15 bytes count.
  ///   - body: What it does. The thread ends when it returns.
  /// - Returns: The handle with which to wait for its end; dropping it lets the thread run on alone.
  /// - Throws: `port.unusable` when the system has no thread left.
  public static func start(name: String, body: @escaping @Sendable () -> Void) throws(Fault) -> PortThread {
    let finished = Finished()
    let start = Unmanaged.passRetained(Start(name: name, body: body, finished: finished))
    var thread = pthread_t()
    let refused = pthread_create(&thread, nil, threadEntry, start.toOpaque())
    guard refused == 0 else {
      start.release()
      throw Fault(.portUnusable, "no thread for \(name): \(SystemError(number: refused))")
    }
    return PortThread(thread: thread, finished: finished)
  }

  /// Whether the closure has returned.
  public var isFinished: Bool { finished.flag.load(ordering: .acquiring) }

  /// Waits until the closure has returned; any number of callers, any number of times. Blocks: never from async code,
  /// and never from the thread itself.
  public func join() {
    // The lock is held during the wait on purpose: a second caller waits for the first and then finds `joined`.
    fate.withLock { fate in
      guard case .running(let thread) = fate else { return }
      precondition(pthread_equal(thread, pthread_self()) == 0, "a thread cannot wait for its own end")
      pthread_join(thread, nil)
      fate = .joined
    }
  }

  /// The first function of the new thread.
  fileprivate static func run(_ context: UnsafeMutableRawPointer) {
    let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
    blockAsynchronousSignals()
    // A name is a convenience; the thread works without.
    _ = nacycler_thread_set_name(start.name)
    start.body()
    start.finished.flag.store(true, ordering: .releasing)
  }

  private static func blockAsynchronousSignals() {
    var blocked = sigset_t()
    sigfillset(&blocked)
    // These say that this very thread did something impossible; they must reach the crash handler.
    for own in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&blocked, own) }
    // Set, not added: whatever the starting thread had blocked, a crash here must not be.
    pthread_sigmask(SIG_SETMASK, &blocked, nil)
  }
}

private func threadEntry(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { PortThread.run(context) }
  return nil
}
