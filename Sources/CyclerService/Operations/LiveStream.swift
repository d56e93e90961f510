// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What `tail` follows. A stream holds a place in the store and nothing else: each time its reader is ready it reads on
// from there, so a slow reader costs nothing, a resumed one misses nothing and sees nothing twice, and no one sees
// anything before its commit. What it reads is what the commits since have touched, however many runs there are.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import Synchronization

/// The state of one live stream.
actor LiveStream {
  /// Between two looks at what was committed at least this long: a person sees no difference.
  private static let shortestPause = Duration.milliseconds(200)
  /// After a look that took long, so many times as long: one who follows a full laboratory costs a two-hundredth of a
  /// core and what the connection takes, on a slow machine as on a fast one.
  private static let pauseToLook = 200
  /// But not more than this: a person who watches waits no longer.
  private static let longestPause = Duration.seconds(1)

  private let store: CycleStore
  private let request: StreamRequest
  private let compile: @Sendable (StoredRun) async -> [Int64: Program]
  private let reading: Reading
  private var hasSaidReady = false
  private var lookedAt = ContinuousClock.now
  private var pause = LiveStream.shortestPause
  private let only: Int64?
  private var commits: AsyncStream<CommitNotice>.AsyncIterator

  /// Shared with the store's reading threads, one look at a time, so that nothing is copied for a look.
  private final class Reading: Sendable {
    let state: Mutex<LiveReading>
    init(_ state: LiveReading) { self.state = Mutex(state) }
  }

  init(
    store: CycleStore, request: StreamRequest, run: Int64?, from place: StreamCursor,
    compile: @escaping @Sendable (StoredRun) async -> [Int64: Program]
  ) {
    self.store = store
    self.request = request
    self.compile = compile
    only = run
    reading = Reading(LiveReading(kinds: request.kinds, only: run, from: place))
    // Before the first look, so that no commit falls between.
    commits = store.commits(concerning: run).makeAsyncIterator()
  }

  /// The next frames; nil when the stream is over.
  func next() async throws -> [StreamFrame]? {
    while !Task.isCancelled {
      if reading.state.withLock({ $0.hasNothingDue }) {
        if !hasSaidReady {
          hasSaidReady = true
          return [StreamFrame(cursor: reading.state.withLock { $0.place }, body: .ready)]
        }
        if !request.follow || only != nil && reading.state.withLock({ $0.areAllOver }) { return nil }
        // Commits that come meanwhile are joined to one notice.
        try await Task.sleep(until: lookedAt + pause)
        guard let notice = await nextNotice() else { return nil }
        reading.state.withLock { $0.take(notice) }
      }
      lookedAt = .now
      try await meetRuns()
      let reading = reading
      let frames = try await store.read { view in try reading.state.withLock { try $0.look(at: view) } }
      pause = min(max((.now - lookedAt) * Self.pauseToLook, Self.shortestPause), Self.longestPause)
      if !frames.isEmpty { return frames }
    }
    return nil
  }

  private func nextNotice() async -> CommitNotice? {
    var iterator = commits
    let notice = await iterator.next(isolation: self)
    commits = iterator
    return notice
  }

  /// Reads the rows of runs that are new or have changed. Their programs are compiled outside of the store's threads.
  private func meetRuns() async throws {
    guard reading.state.withLock({ $0.hasUnreadRows }) else { return }
    let reading = reading
    let rows = try await store.read { view in try reading.state.withLock { try $0.rows(in: view) } }
    for run in rows {
      if reading.state.withLock({ $0.renew(run) }) { continue }
      let reader = RunReader(run: run, programs: await compile(run))
      reading.state.withLock { $0.follow(reader) }
    }
  }
}
