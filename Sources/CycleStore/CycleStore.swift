// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The one place where measurements and the state of runs are kept. It promises that what it acknowledges survives a
// power cut: WAL with synchronous=FULL, one writer thread, and the checkpoint of a run in the transaction of the
// records that it follows from. It does not decide what is worth keeping, and it knows nothing of instruments.

import CyclerModel
import Dispatch
import GRDB
import GRDBSQLite
import Glibc
import Synchronization

/// The database of a state directory, with its writer thread.
public final class CycleStore: Sendable {
  /// What was found when the store was opened.
  public let opening: OpeningReport
  /// The database file.
  public let path: String
  let pool: DatabasePool
  private let mark: CommitMark
  let options: StoreOptions
  private let shared = WriterShared()

  init(pool: DatabasePool, mark: CommitMark, options: StoreOptions, opening: OpeningReport) {
    self.pool = pool
    self.mark = mark
    self.options = options
    self.opening = opening
    path = pool.path
  }

  // MARK: The writer thread

  /// Starts the writer thread. Until then only `writeNow`, `read` and `readNow` do anything.
  public func start() throws {
    let isFirst = shared.state.withLock { state in
      defer { state.isStarted = true }
      return !state.isStarted
    }
    guard isFirst else { throw StoreError.taken(kind: "writer thread of", name: path) }
    let (pool, mark, shared, options) = (pool, mark, shared, options)
    let body = ThreadBody {
      var writer = StoreWriter(pool: pool, mark: mark, shared: shared, options: options)
      let report = writer.run()
      Self.finish(pool, shared, report)
    }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    guard result == 0 else {
      throw StoreError.unusablePath(path: path, reason: "no thread could be started (error \(result))")
    }
    pthread_detach(thread)
  }

  /// Commits what waits, ends the writer thread and closes the database. Calling it again returns the same report.
  @discardableResult
  public func stop() async -> StopReport {
    await withCheckedContinuation { continuation in beginStop { continuation.resume(returning: $0) } }
  }

  /// The same for code that may block its thread.
  @discardableResult
  public func stopAndWait() -> StopReport {
    let done = DispatchSemaphore(value: 0)
    let report = Mutex<StopReport?>(nil)
    beginStop { result in
      report.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    return report.withLock { $0 } ?? StopReport(unsavedCount: 0, failure: nil)
  }

  private func beginStop(_ whenDone: @escaping @Sendable (StopReport) -> Void) {
    let (report, hasThread) = shared.state.withLock { state -> (StopReport?, Bool) in
      if let report = state.stopReport { return (report, true) }
      state.isStopping = true
      state.whenStopped.append(whenDone)
      return (nil, state.isStarted)
    }
    if let report { return whenDone(report) }
    if hasThread {
      shared.doorbell.ring()
    } else {
      Self.finish(pool, shared, StopReport(unsavedCount: 0, failure: nil))
    }
  }

  private static func finish(_ pool: DatabasePool, _ shared: WriterShared, _ report: StopReport) {
    // Best effort on the way out: what is committed is safe in the log, moving it only spares the next start.
    _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    try? pool.close()
    let (waiters, subscribers, jobs) = shared.state.withLock { state in
      defer {
        state.whenStopped = []
        state.subscribers = [:]
        state.jobs = []
      }
      state.isStopped = true
      state.stopReport = report
      return (state.whenStopped, state.subscribers, state.jobs)
    }
    for job in jobs { job(nil) }
    for subscriber in subscribers.values { subscriber.continuation.finish() }
    for waiter in waiters { waiter(report) }
  }

  /// How the store is doing.
  public var health: StoreHealth { shared.state.withLock { $0.health } }

  // MARK: Sources and observers

  /// Opens a way in for one source.
  ///
  /// - Parameters:
  ///   - name: who pushes, for messages.
  ///   - capacity: how many records and entries may wait before `isFull`.
  ///   - onCommit: called on the writer thread after each commit that holds something of this inlet, with the number
  ///     of the last push that it holds. It must be short, for instance write to an eventfd.
  ///   - onFailure: called on the writer thread when a commit fails for a new reason. What was pushed is kept and
  ///     tried again; the next `onCommit` says that all is well.
  public func makeInlet(
    name: String, capacity: Int = 1 << 20, onCommit: @escaping @Sendable (Int64) -> Void = { _ in },
    onFailure: @escaping @Sendable (StoreFailure) -> Void = { _ in }
  ) -> StoreInlet {
    let inlet = StoreInlet(
      name: name, capacity: capacity, doorbell: shared.doorbell, onCommit: onCommit, onFailure: onFailure)
    shared.state.withLock { $0.newInlets.append(inlet) }
    return inlet
  }

  /// A signal after each commit, or only after those that concern `run`. Notices that were not read are joined to one:
  /// whoever follows runs reads on from its own cursors. The stream ends when the store stops.
  public func commits(concerning run: Int64? = nil) -> AsyncStream<CommitNotice> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: CommitNotice.self, bufferingPolicy: .bufferingNewest(1))
    let (number, isStopped) = shared.state.withLock { state in
      state.nextSubscriber += 1
      if !state.isStopped { state.subscribers[state.nextSubscriber] = (run, continuation) }
      return (state.nextSubscriber, state.isStopped)
    }
    let shared = shared
    continuation.onTermination = { _ in
      // Taken out before it is released: a continuation that is released under the lock would ask for it again.
      let taken = shared.state.withLock { $0.subscribers.removeValue(forKey: number) }
      _ = taken
    }
    if isStopped { continuation.finish() }
    return stream
  }

  // MARK: Reading and writing

  /// Reads one consistent state of what is committed, without blocking the caller's thread or the writer.
  public func read<Value: Sendable>(
    _ body: @escaping @Sendable (StoreView) throws -> Value
  ) async throws -> Value {
    try await pool.read { try body(StoreView(database: $0)) }
  }

  /// The same for start-up code and for threads that may block.
  public func readNow<Value>(_ body: (StoreView) throws -> Value) throws -> Value {
    try pool.read { try body(StoreView(database: $0)) }
  }

  /// Carries out a request of a person in a transaction of its own, on the writer thread and between two batches.
  /// When it throws, nothing of it is stored.
  public func write<Value: Sendable>(
    _ body: @escaping @Sendable (StoreEdit) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let (mark, shared) = (mark, shared)
      let isOpen = shared.state.withLock { state in
        guard state.isStarted, !state.isStopping else { return false }
        state.jobs.append { database in
          guard let database else { return continuation.resume(throwing: StoreError.stopped) }
          let result = Result { try Self.edit(database, mark, body) }
          if case .success = result { shared.announceAnything() }
          continuation.resume(with: result)
        }
        return true
      }
      if isOpen { shared.doorbell.ring() } else { continuation.resume(throwing: StoreError.stopped) }
    }
  }

  /// The same for start-up code and for threads that may block; it works before `start` too.
  public func writeNow<Value>(_ body: (StoreEdit) throws -> Value) throws -> Value {
    let value = try pool.writeWithoutTransaction { try Self.edit($0, mark, body) }
    shared.announceAnything()
    return value
  }

  private static func edit<Value>(
    _ database: Database, _ mark: CommitMark, _ body: (StoreEdit) throws -> Value
  ) throws -> Value {
    do {
      let value = try mark.commit(database) { _ in try body(StoreEdit(database: database)) }
      mark.sync()
      return value
    } catch let error as DatabaseError {
      throw StoreError.notWritten(StoreFailure(error))
    }
  }
}

/// Carries a thread's work through C.
private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// What was committed since the notice before.
public struct CommitNotice: Sendable, Hashable {
  /// Rises by one a commit since the store was opened.
  public var sequence: Int64
  /// The runs of which something was written; nil when it may be anything of any.
  public var runs: Set<Int64>?
  /// Those of which more was written than records and checkpoints: their state, steps, half-cycles, cycles or events.
  public var changedRuns: Set<Int64> = []
  /// Whether events were stored.
  public var hasEvents = false

  /// Takes up an earlier notice that nobody has read.
  mutating func join(_ earlier: CommitNotice) {
    if let others = earlier.runs { runs?.formUnion(others) } else { runs = nil }
    changedRuns.formUnion(earlier.changedRuns)
    hasEvents = hasEvents || earlier.hasEvents
  }
}

/// How the store ended.
public struct StopReport: Sendable, Hashable {
  /// Records and entries that could not be written and are lost; they were never acknowledged.
  public var unsavedCount: Int
  /// Why.
  public var failure: StoreFailure?
}

extension UnixInstant {
  /// The host's wall clock.
  static var now: UnixInstant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UnixInstant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }
}
