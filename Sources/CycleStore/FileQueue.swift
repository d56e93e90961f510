// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Dispatch
internal import Foundation

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

  /// Removes files that nobody reads any more, some time soon; what is not there is passed over.
  public func remove(_ paths: [String]) {
    queue.async { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
  }

  /// Traps anywhere else.
  func preconditionIsCurrent() { dispatchPrecondition(condition: .onQueue(queue)) }
}
