// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What `tail` follows. A stream holds a place in the store and nothing else: each time its reader is ready it reads on
// from there, so a slow reader costs nothing, a resumed one misses nothing and sees nothing twice, and no one sees
// anything before its commit.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol

/// The state of one live stream.
actor LiveStream {
  /// Records read at a time: some 100 ms of a very fast run.
  private static let batch = 1_000

  private let store: CycleStore
  private let request: StreamRequest
  private let compile: @Sendable (StoredRun) async -> Program?
  private var place: StreamCursor
  private var readers: [Int64: RunReader] = [:]
  private var states: [Int64: String] = [:]
  private var hasSaidReady = false
  private let only: Int64?
  private var commits: AsyncStream<CommitNotice>.AsyncIterator

  init(
    store: CycleStore, request: StreamRequest, run: Int64?, from place: StreamCursor,
    compile: @escaping @Sendable (StoredRun) async -> Program?
  ) {
    self.store = store
    self.request = request
    self.compile = compile
    self.place = place
    only = run
    commits = store.commits(concerning: run).makeAsyncIterator()
  }

  /// The next frames; nil when the stream is over.
  func next() async throws -> [StreamFrame]? {
    while !Task.isCancelled {
      let runs = try await openReaders()
      let (frames, isDrained) = try await read(runs)
      if !frames.isEmpty { return frames }
      guard isDrained else { continue }
      if !hasSaidReady {
        hasSaidReady = true
        return [StreamFrame(cursor: place, body: .ready)]
      }
      if !request.follow || only != nil && runs.allSatisfy({ $0.runState?.isFinal ?? true }) { return nil }
      guard await waitForCommit() else { return nil }
    }
    return nil
  }

  private func waitForCommit() async -> Bool {
    var iterator = commits
    let notice = await iterator.next(isolation: self)
    commits = iterator
    return notice != nil
  }

  /// The runs that are shown now.
  private func openReaders() async throws -> [StoredRun] {
    let only = only
    let known = Set(readers.keys)
    let runs = try await store.read { view -> [StoredRun] in
      if let only { return try view.run(only).map { [$0] } ?? [] }
      // Runs that were open a moment ago have a last word to say.
      let open = try view.openRuns()
      let gone = try known.subtracting(open.map(\.runId)).compactMap { try view.run($0) }
      return open + gone
    }
    for run in runs where readers[run.runId] == nil {
      readers[run.runId] = RunReader(run: run, program: await compile(run))
    }
    return runs
  }

  /// Frames after the present place, and whether there is nothing more.
  private func read(_ runs: [StoredRun]) async throws -> ([StreamFrame], Bool) {
    let input = (place: place, readers: readers, kinds: request.kinds, only: only)
    let result = try await store.read { view -> Batch in
      var batch = Batch(place: input.place, readers: input.readers)
      for run in runs { try batch.add(run, input.kinds, view, limit: Self.batch) }
      if input.kinds.contains(.events), batch.isDrained { try batch.addEvents(input.only, runs, view) }
      return batch
    }
    place = result.place
    readers = result.readers
    var frames = result.frames
    for run in runs where states[run.runId] != run.state && result.isDrained {
      states[run.runId] = run.state
      let status = RunStatus(
        run, cycle: place[run: run.runId].cycleNumber, cycleCount: readers[run.runId]?.program?.cycleCount)
      frames.append(StreamFrame(cursor: place, body: .run(status)))
    }
    return (frames, result.isDrained)
  }

  /// What one look at the store yields.
  private struct Batch: Sendable {
    var place: StreamCursor
    var readers: [Int64: RunReader]
    var frames: [StreamFrame] = []
    var isDrained = true

    init(place: StreamCursor, readers: [Int64: RunReader]) {
      self.place = place
      self.readers = readers
    }

    mutating func add(_ run: StoredRun, _ kinds: Set<StreamRequest.Kind>, _ view: StoreView, limit: Int) throws {
      guard var reader = readers[run.runId] else { return }
      var at = place[run: run.runId]
      var cycles = kinds.contains(.cycles) ? try view.cycles(run: run.runId, after: at.cycleNumber)[...] : []
      func show(_ cycle: StoredCycle) {
        at.cycleNumber = cycle.cycleNumber
        place[run: run.runId] = at
        frames.append(StreamFrame(cursor: place, body: .cycle(CycleFrame(cycle, cell: run.cellName))))
      }
      if kinds.contains(.records) {
        let cursor = RecordCursor(
          stepID: RowIdentity.step(run: run.runId, count: at.stepCount), index: Int64(at.recordIndex))
        let records = try view.records(after: cursor, limit: limit)
        if records.count == limit { isDrained = false }
        for record in records {
          // A cycle is told before the first record of the next one.
          if let number = try reader.step(record.stepID, in: view)?.cycleNumber {
            while let cycle = cycles.first, cycle.cycleNumber < number { show(cycles.removeFirst()) }
          }
          at.stepCount = Int32(truncatingIfNeeded: record.stepID & (1 << RowIdentity.countBits - 1))
          at.recordIndex = record.index
          place[run: run.runId] = at
          if let frame = try reader.frame(record, in: view) {
            frames.append(StreamFrame(cursor: place, body: .record(frame)))
          }
        }
      }
      if isDrained { for cycle in cycles { show(cycle) } }
      readers[run.runId] = reader
    }

    mutating func addEvents(_ only: Int64?, _ runs: [StoredRun], _ view: StoreView) throws {
      let channels = Dictionary(
        try view.channels().map { ($0.channelId, $0.name) }, uniquingKeysWith: { first, _ in first })
      for event in try view.events(run: only, after: place.event, limit: 500) {
        place.event = event.eventId
        let frame = EventFrame(
          event, channel: event.channelId.flatMap { channels[$0] },
          cell: runs.first { $0.runId == event.runId }?.cellName)
        frames.append(StreamFrame(cursor: place, body: .event(frame)))
      }
    }
  }
}
