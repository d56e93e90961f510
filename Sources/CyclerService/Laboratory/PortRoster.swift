// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// All port threads, reachable without an actor: when the daemon is told to stop, every cell is made safe on the signal
// itself, before any client, service or store is waited for.

internal import CyclerModel
internal import InstrumentIO
internal import Quantities
internal import Synchronization

/// The threads of all open ports.
final class PortRoster: Sendable {
  private struct State {
    var workers: [PortWorker] = []
    var isStopping = false
  }
  private let state = Mutex(State())

  /// Adds a thread; false once the daemon stops, and then the port must not be opened.
  func add(_ worker: PortWorker) -> Bool {
    state.withLock { state in
      guard !state.isStopping else { return false }
      state.workers.append(worker)
      return true
    }
  }

  /// Forgets a thread that has ended.
  func remove(_ worker: PortWorker) { state.withLock { $0.workers.removeAll { $0 === worker } } }

  /// The thread of a port.
  func worker(at path: String) -> PortWorker? { state.withLock { $0.workers.first { $0.path == path } } }

  /// Whether the daemon stops.
  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// All threads.
  var workers: [PortWorker] { state.withLock { $0.workers } }

  /// Makes every cell safe and ends every thread; returns at once. Told again it does nothing: a thread's patience with
  /// its instrument runs from the first time.
  func suspendAll() {
    let workers = state.withLock { state in
      defer { state.isStopping = true }
      return state.isStopping ? [] : state.workers
    }
    for worker in workers { worker.send(.suspendAndEnd) }
  }

  /// Threads that do not turn: each is that port's fault alone (hazard rule 21).
  func stalled(at now: HostInstant) -> [PortWorker] { workers.filter { $0.isStalled(at: now) } }
}
