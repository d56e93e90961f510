// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The writer thread. One group commit a tick serves all inlets, so the price of an fsync is paid once however many
// channels run. What fails stays in memory and is tried again with growing pauses; nothing is acknowledged before the
// commit that holds it. A batch that breaks a rule of the schema is set apart, so that it stops only its own inlet.

import CyclerModel
import Dispatch
import GRDB
import Glibc
import GRDBSQLite
import Synchronization

/// What the rest of the program shares with the writer thread.
final class WriterShared: Sendable {
  /// A request of the control side, answered on the writer thread.
  typealias Job = @Sendable (Database?) -> Void

  struct State {
    var newInlets: [StoreInlet] = []
    var jobs: [Job] = []
    var isStarted = false
    var isStopping = false
    var isStopped = false
    var health = StoreHealth(failure: nil, setApart: nil, walBytes: 0, isWalHeld: false, rounds: 0, commits: 0)
    var subscribers: [Int: (run: Int64?, continuation: AsyncStream<CommitNotice>.Continuation)] = [:]
    var nextSubscriber = 0
    var whenStopped: [@Sendable (StopReport) -> Void] = []
    var stopReport: StopReport?
  }

  let doorbell = Doorbell()
  let state = Mutex(State())
}

/// The body of the writer thread; nothing else touches it.
struct StoreWriter: ~Copyable {
  private struct Source {
    let inlet: StoreInlet
    var batch = JournalBatch()
    var sequence: Int64 = 0
    /// Why its batch is tried apart from the others: it breaks a rule of the schema.
    var apart: StoreFailure?
    var isSetApart: Bool { apart != nil }
  }

  private let pool: DatabasePool
  private let mark: CommitMark
  private let shared: WriterShared
  private let options: StoreOptions
  private var sources: [Source] = []
  private var journal = JournalWriter()
  /// Whether a commit of this round held more than readings.
  private var mustSyncMark = false
  private var failingSince: DispatchTime?
  private var failure: StoreFailure?
  private var retryAt = DispatchTime.now()
  private var retryPauseMilliseconds = 0
  private var setApartRetryAt = DispatchTime.now()
  private var walLookAt = DispatchTime.now()
  private var isWalHeld = false

  init(pool: DatabasePool, mark: CommitMark, shared: WriterShared, options: StoreOptions) {
    self.pool = pool
    self.mark = mark
    self.shared = shared
    self.options = options
  }

  /// Goes round until it is told to stop and everything is on the disk, or until that has failed for too long.
  mutating func run() -> StopReport {
    var stopBy: DispatchTime?
    while true {
      shared.doorbell.wait(until: .now() + .milliseconds(options.tickMilliseconds))
      let isStopping = shared.state.withLock { $0.isStopping }
      if isStopping, stopBy == nil { stopBy = .now() + .milliseconds(options.stopPatienceMilliseconds) }
      round(isStopping: isStopping)
      guard let stopBy else { continue }
      let left = sources.reduce(0) { $0 + $1.inlet.waitingCount }
      if left == 0 || DispatchTime.now() >= stopBy {
        return StopReport(unsavedCount: left, failure: left == 0 ? nil : failure)
      }
    }
  }

  private mutating func round(isStopping: Bool) {
    let (inlets, jobs) = shared.state.withLock { state in
      state.health.rounds += 1
      defer {
        state.newInlets = []
        state.jobs = []
      }
      return (state.newInlets, state.jobs)
    }
    for inlet in inlets { sources.append(Source(inlet: inlet)) }
    if !jobs.isEmpty { pool.writeWithoutTransaction { database in for job in jobs { job(database) } } }
    gather()
    if isStopping || DispatchTime.now() >= retryAt { commitTogether() }
    commitSetApart(isStopping: isStopping)
    if mustSyncMark { mark.sync() }
    mustSyncMark = false
    sources.removeAll { $0.inlet.isClosed && $0.batch.isEmpty && !$0.inlet.hasNews }
    watchLog()
  }

  // MARK: Commit

  private mutating func gather() {
    for place in sources.indices where sources[place].batch.isEmpty {
      guard let sequence = sources[place].inlet.take(into: &sources[place].batch) else { continue }
      sources[place].sequence = sequence
      // Nothing to write: all that came before is on the disk already.
      if sources[place].batch.isEmpty { sources[place].inlet.acknowledge(sequence, count: 0) }
    }
  }

  private mutating func commitTogether() {
    let places = sources.indices.filter { !sources[$0].batch.isEmpty && !sources[$0].isSetApart }
    guard !places.isEmpty else { return }
    do {
      try commit(places)
      recover()
    } catch {
      let failure = StoreFailure(error)
      if failure.isRuleBroken { commitOneByOne(places) } else { fail(failure, places) }
    }
  }

  /// Finds out whose batch breaks a rule; the others are committed.
  private mutating func commitOneByOne(_ places: [Int]) {
    var hasCommitted = false
    for place in places {
      let failure = commitAlone(place)
      if let failure, !failure.isRuleBroken { fail(failure, [place]) }
      if failure == nil { hasCommitted = true }
    }
    if hasCommitted { recover() }
    tellWhoIsApart()
  }

  private mutating func commitSetApart(isStopping: Bool) {
    guard isStopping || DispatchTime.now() >= setApartRetryAt else { return }
    for place in sources.indices where sources[place].isSetApart { _ = commitAlone(place) }
    tellWhoIsApart()
  }

  /// Commits one source's batch by itself; says why it failed. One that breaks a rule stays apart, is reported and tried
  /// again later.
  private mutating func commitAlone(_ place: Int) -> StoreFailure? {
    do {
      try commit([place])
      sources[place].apart = nil
      return nil
    } catch {
      let failure = StoreFailure(error)
      setApartRetryAt = .now() + .milliseconds(Self.longestPauseMilliseconds)
      if failure.isRuleBroken, !sources[place].isSetApart {
        sources[place].apart = failure
        sources[place].inlet.report(failure)
      }
      return failure
    }
  }

  /// What waits apart is for people to see: nobody else would know of it.
  private func tellWhoIsApart() {
    let apart = sources.filter(\.isSetApart)
    var told: StoreFailure?
    if let first = apart.first, var failure = first.apart {
      let waiting = apart.reduce(0) { $0 + $1.inlet.waitingCount }
      failure.detail = "\(waiting) rows of \(apart.map(\.inlet.name).joined(separator: ", ")) wait: \(failure.detail)"
      told = failure
    }
    shared.state.withLock { $0.health.setApart = told }
  }

  private mutating func commit(_ places: [Int]) throws {
    journal.reset()
    try pool.writeWithoutTransaction { database in
      try mark.commit(database) { number in
        for place in places { try journal.write(sources[place].batch, to: database) }
        try journal.finish(commitSequence: number, to: database)
      }
    }
    mustSyncMark = mustSyncMark || journal.hasEvents || !journal.changedRuns.isEmpty
    for place in places {
      let count = sources[place].batch.count
      sources[place].batch.removeAll()
      sources[place].inlet.acknowledge(sources[place].sequence, count: count)
    }
    shared.announce(journal.touchedRuns, changed: journal.changedRuns, hasEvents: journal.hasEvents)
  }

  // MARK: Failure

  /// SQLite's page, as the databases are made.
  private static let pageBytes: Int64 = 4_096
  /// The longest pause between two attempts; long enough to spare a sick disk, short enough to go on soon.
  private static let longestPauseMilliseconds = 2_000

  private mutating func fail(_ failure: StoreFailure, _ places: [Int]) {
    retryPauseMilliseconds = min(
      max(retryPauseMilliseconds * 2, options.tickMilliseconds), Self.longestPauseMilliseconds)
    retryAt = .now() + .milliseconds(retryPauseMilliseconds)
    let isNews = self.failure?.code != failure.code
    self.failure = failure
    if failingSince == nil { failingSince = .now() }
    shared.state.withLock { $0.health.failure = failure }
    if isNews { for place in places { sources[place].inlet.report(failure) } }
  }

  /// After a commit that worked: says in an event for how long nothing could be stored.
  private mutating func recover() {
    guard let failure, let since = failingSince else { return }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - since.uptimeNanoseconds) / 1e9
    self.failure = nil
    failingSince = nil
    retryPauseMilliseconds = 0
    shared.state.withLock { $0.health.failure = nil }
    let tenths = Int64((seconds * 10).rounded())
    note(
      failure.code, .alarm,
      "Nothing could be stored for \(tenths / 10).\(tenths % 10) s; all that waited is stored now. \(failure.detail)")
  }

  /// Stores an event of the store's own. When even that fails there is nobody left to tell but `health`.
  private mutating func note(_ code: FaultCode, _ severity: Severity, _ detail: String) {
    let event = EventRow(
      at: .now, run: nil, channel: nil, stepID: nil, stepTime: nil, code: code, severity: severity, actor: "daemon",
      detail: detail)
    do {
      try pool.writeWithoutTransaction { database in
        try mark.commit(database) { _ in try JournalWriter.insert(event, into: database) }
      }
      mustSyncMark = true
      shared.announceAnything()
    } catch {
      shared.state.withLock { $0.health.failure = StoreFailure(error) }
    }
  }

  // MARK: The write-ahead log

  /// A reader that forgets to end its transaction keeps the log from being reused, and it grows for ever.
  private mutating func watchLog() {
    guard DispatchTime.now() >= walLookAt else { return }
    walLookAt = .now() + .seconds(1)
    var status = stat()
    let bytes = stat(pool.path + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    var isHeld = false
    if bytes > options.walHeldBytes { isHeld = unusedLogBytes() > options.walHeldBytes }
    shared.state.withLock { state in
      state.health.walBytes = bytes
      state.health.isWalHeld = isHeld
    }
    if isHeld, !isWalHeld {
      note(
        .storeWalHeld, .warning,
        """
        A program that reads the database has kept a transaction open; the write-ahead log has grown to \
        \(bytes / 1_048_576) MiB. Close it, or use `nactl snapshot` for long analyses.
        """)
    }
    isWalHeld = isHeld
  }

  /// How many bytes of the log cannot be moved into the database because somebody still reads an older state.
  private func unusedLogBytes() -> Int64 {
    var frames: Int32 = 0
    var moved: Int32 = 0
    let result = pool.writeWithoutTransaction { database in
      sqlite3_wal_checkpoint_v2(database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved)
    }
    guard result == SQLITE_OK else { return 0 }
    return Int64(frames - moved) * Self.pageBytes
  }
}

extension WriterShared {
  /// Tells the subscribers that a person's request was committed, which may concern everybody.
  func announceAnything() { announce(nil, changed: [], hasEvents: true) }

  /// Tells the subscribers what was committed. Each keeps one notice that it has not read; a further one is joined to it.
  func announce(_ runs: Set<Int64>?, changed: Set<Int64>, hasEvents: Bool) {
    state.withLock { state in
      state.health.commits += 1
      let notice = CommitNotice(
        sequence: state.health.commits, runs: runs, changedRuns: changed, hasEvents: hasEvents)
      for subscriber in state.subscribers.values {
        if let run = subscriber.run, let runs, !runs.contains(run) { continue }
        // The buffer holds one: what the new notice drives out was not read. Only this function yields, under the lock.
        guard case .dropped(let unread) = subscriber.continuation.yield(notice) else { continue }
        var joined = notice
        joined.join(unread)
        subscriber.continuation.yield(joined)
      }
    }
  }
}
