// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Dispatch

/// Where answers are computed that take long. Everything else in the daemon shares a thread a core, and two comparisons on
/// those would keep the watchdog from being told that all is well. Tasks keep their cancellation on it.
final class ComputingQueue: TaskExecutor {
  private let queue = DispatchQueue(label: "nacycler.computing", qos: .utility)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = asUnownedTaskExecutor()
    queue.async { job.runSynchronously(on: executor) }
  }

  /// Traps anywhere else.
  func preconditionIsCurrent() { dispatchPrecondition(condition: .onQueue(queue)) }
}
