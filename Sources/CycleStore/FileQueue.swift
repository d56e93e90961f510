// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Dispatch

/// Where an actor works that waits for the disk: writing, reading and removing files of gigabytes. On the threads that
/// everything in the daemon shares, one a core, it would keep the others waiting.
public final class FileQueue: SerialExecutor {
  private let queue: DispatchQueue

  /// A queue of its own.
  /// - Parameter label: Who works on it, for whoever looks at the threads.
  public init(label: String) { queue = DispatchQueue(label: "nacycler.\(label)", qos: .utility) }

  /// Runs a piece of an actor's work after those before it.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  /// Traps where the caller is not on it.
  public func checkIsolated() { preconditionIsCurrent() }

  /// Traps anywhere else.
  func preconditionIsCurrent() { dispatchPrecondition(condition: .onQueue(queue)) }
}
