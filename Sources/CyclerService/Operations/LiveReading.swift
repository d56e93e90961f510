// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The place of a live stream, the runs that it follows, and what of them is still to be looked at. A run leaves once it
// is over and its last word was said, so neither the state nor the cursors grow with the history of the laboratory.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel

/// What one live stream has read and what it has to read.
struct LiveReading: Sendable {
  /// Frames of one look at about so many runs or fewer: what a reader who does not read makes the daemon hold.
  private static let batch = 1_000
  /// The least of a run in one look, so that many runs are not read one record at a time.
  private static let leastOfRun = 16
  private static let eventBatch = 500

  /// After everything that was handed out.
  private(set) var place: StreamCursor
  private let kinds: Set<StreamRequest.Kind>
  private let only: Int64?
  private var readers: [Int64: RunReader] = [:]
  private var toldStates: [Int64: String] = [:]
  private var hasBegun = false

  // What is due: set by a commit's notice, cleared by a look that has seen the end.
  /// Any run may have come or changed.
  private var anyRow = true
  /// Runs whose rows are to be read.
  private var dueRows: Set<Int64> = []
  /// Runs whose records and cycles are to be read.
  private var dueRuns: Set<Int64> = []
  /// Runs of which cycles may have come.
  private var dueCycles: Set<Int64> = []
  private var areEventsDue: Bool
  /// Runs whose state is to be told when all else is.
  private var dueStates: Set<Int64> = []

  init(kinds: Set<StreamRequest.Kind>, only: Int64?, from place: StreamCursor) {
    self.kinds = kinds
    self.only = only
    self.place = place
    areEventsDue = kinds.contains(.events)
  }

  var hasNothingDue: Bool { !hasUnreadRows && dueRuns.isEmpty && !areEventsDue && dueStates.isEmpty }
  var hasUnreadRows: Bool { anyRow || !dueRows.isEmpty }
  /// Whether nothing more can come of the runs that are followed.
  var areAllOver: Bool { readers.values.allSatisfy { $0.run.isOver } }

  // MARK: - Runs

  /// Notes what a commit has touched.
  mutating func take(_ notice: CommitNotice) {
    if notice.hasEvents, kinds.contains(.events) { areEventsDue = true }
    guard let runs = notice.runs else {
      anyRow = true
      return
    }
    for run in runs where only == nil || only == run {
      guard readers[run] != nil else {
        // Otherwise it was over, and told so, before.
        if place.mayFollow(run) { dueRows.insert(run) }
        continue
      }
      dueRuns.insert(run)
      if notice.changedRuns.contains(run) {
        dueRows.insert(run)
        dueCycles.insert(run)
      }
    }
  }

  /// The rows that are due.
  mutating func rows(in view: StoreView) throws -> [StoredRun] {
    defer {
      anyRow = false
      dueRows.removeAll(keepingCapacity: true)
    }
    if let only { return try view.run(only).map { [$0] } ?? [] }
    guard anyRow else { return try dueRows.sorted().compactMap { try view.run($0) } }
    // Those that were begun, and perhaps ended, since; those that a cursor or the last look left under way.
    let come = try view.openRuns(andAfter: place.newestRun)
    let known = Set(readers.keys).union(place.runs.map(\.run)).subtracting(come.map(\.runId))
    return try come + known.sorted().compactMap { try view.run($0) }
  }

  /// Takes the present row of a run that is followed; false when it is not, or another revision of its protocol has come.
  mutating func renew(_ run: StoredRun) -> Bool {
    guard readers[run.runId] != nil else { return false }
    readers[run.runId]?.run = run
    if readers[run.runId]?.isOutdated == true { return false }
    markDue(run)
    return true
  }

  /// Begins to follow a run at its place.
  mutating func follow(_ reader: RunReader) {
    readers[reader.run.runId] = reader
    if only == nil { place.newestRun = max(place.newestRun, reader.run.runId) }
    markDue(reader.run)
  }

  private mutating func markDue(_ run: StoredRun) {
    dueRuns.insert(run.runId)
    dueCycles.insert(run.runId)
    if toldStates[run.runId] != run.state { dueStates.insert(run.runId) }
  }

  // MARK: - Looking

  /// The next frames, at most about a batch, in an order that a person can follow: a run's records and cycles, then
  /// events, then the states that runs have come to. Frames carry cursors at the beginning of the stream and at the
  /// end of each look.
  mutating func look(at view: StoreView) throws -> [StreamFrame] {
    var frames: [StreamFrame] = []
    let limit = max(Self.leastOfRun, Self.batch / max(1, dueRuns.count))
    for run in dueRuns.sorted() where try read(run, view, limit: limit, into: &frames) {
      dueRuns.remove(run)
      dueCycles.remove(run)
    }
    if dueRuns.isEmpty, areEventsDue { areEventsDue = try !readEvents(view, into: &frames) }
    if dueRuns.isEmpty, !areEventsDue { tellStates(into: &frames) }
    if !frames.isEmpty { frames[frames.count - 1].cursor = place }
    return frames
  }

  private mutating func show(_ body: StreamFrame.Body, into frames: inout [StreamFrame]) {
    frames.append(StreamFrame(cursor: hasBegun ? nil : place, body: body))
    hasBegun = true
  }

  /// Reads on in a run; says whether its end was reached.
  private mutating func read(
    _ run: Int64, _ view: StoreView, limit: Int, into frames: inout [StreamFrame]
  ) throws -> Bool {
    // Taken out meanwhile: a reader in a dictionary is copied for each thing that is asked of it.
    guard var reader = readers.removeValue(forKey: run) else { return true }
    defer { readers[run] = reader }
    var at = place[run: run]
    var records: [RecordRow] = []
    if kinds.contains(.records) { records = try view.records(after: RecordCursor(at), limit: limit) }
    // A record of a new step can be ahead of the notice that says what came with it.
    let isInNewStep = records.last.map { $0.stepID != RecordCursor(at).stepID } ?? false
    let mayHaveCycles = kinds.contains(.cycles) && (isInNewStep || dueCycles.contains(run))
    var cycles = mayHaveCycles ? try view.cycles(run: run, after: at.cycleNumber)[...] : []
    for record in records {
      // A cycle is told before the first record of the next one.
      if let number = try reader.cycleNumber(of: record.stepID, in: view) {
        while let cycle = cycles.first, cycle.cycleNumber < number {
          show(cycles.removeFirst(), of: reader.run, at: &at, into: &frames)
        }
      }
      at.stepCount = Int32(truncatingIfNeeded: RowIdentity.count(of: record.stepID))
      at.recordIndex = record.index
      // The first frame of a stream tells its place; of the others only the last of a look does.
      if !hasBegun { place[run: run] = at }
      if let frame = try reader.frame(record, in: view) { show(.record(frame), into: &frames) }
    }
    if !records.isEmpty { place[run: run] = at }
    guard records.count < limit || !kinds.contains(.records) else { return false }
    for cycle in cycles { show(cycle, of: reader.run, at: &at, into: &frames) }
    return true
  }

  private mutating func show(
    _ cycle: StoredCycle, of run: StoredRun, at runPlace: inout StreamCursor.RunPlace, into frames: inout [StreamFrame]
  ) {
    runPlace.cycleNumber = cycle.cycleNumber
    place[run: cycle.runId] = runPlace
    show(.cycle(CycleFrame(cycle, cell: run.cellName)), into: &frames)
  }

  /// Reads on in the events; says whether the end was reached.
  private mutating func readEvents(_ view: StoreView, into frames: inout [StreamFrame]) throws -> Bool {
    let events = try view.events(run: only, after: place.event, limit: Self.eventBatch)
    guard !events.isEmpty else { return true }
    let channels = Dictionary(
      try view.channels().map { ($0.channelId, $0.name) }, uniquingKeysWith: { first, _ in first })
    for event in events {
      place.event = event.eventId
      let cell = try event.runId.flatMap { try readers[$0]?.run.cellName ?? view.run($0)?.cellName }
      show(.event(EventFrame(event, channel: event.channelId.flatMap { channels[$0] }, cell: cell)), into: &frames)
    }
    return events.count < Self.eventBatch
  }

  /// Tells the states that have changed; a run that is over is then followed no longer.
  private mutating func tellStates(into frames: inout [StreamFrame]) {
    for number in dueStates.sorted() {
      guard let reader = readers[number] else { continue }
      toldStates[number] = reader.run.state
      let isOver = reader.run.isOver
      if isOver, only == nil {
        readers[number] = nil
        toldStates[number] = nil
      }
      let status = RunStatus(
        reader.run, cycle: place[run: number].cycleNumber, cycleCount: reader.program?.cycleCount)
      if isOver, only == nil { place.leave(number) }
      show(.run(status), into: &frames)
    }
    dueStates.removeAll(keepingCapacity: true)
  }
}

extension StreamCursor {
  /// Where a stream begins: after its cursor, or so many rows before the end, or at the beginning of the runs that are
  /// not over.
  init(of request: StreamRequest, run: StoredRun?, in view: StoreView) throws {
    let database = try view.databaseID()
    if let after = request.after {
      let isOfOther = !after.database.isEmpty && after.database != database
      guard !isOfOther, after.event <= (try view.eventCursor(beforeLast: 0)),
        after.newestRun <= (try view.lastRun()?.runId ?? 0)
      else {
        throw RequestRefused(
          .malformed, code: "stream.cursor_unknown",
          message: isOfOther
            ? "the cursor \(after) is a place in another database than the daemon's"
            : "this database has not come as far as the cursor \(after)",
          hint: "begin without a cursor; if the database was replaced or has lost something, an alarm says so")
      }
      self = after
      self.database = database
      return
    }
    let runs = try run.map { [$0] } ?? view.openRuns()
    let newest = try run == nil ? view.lastRun()?.runId : nil
    self.init(event: 0, runs: runs.map { RunPlace(run: $0.runId) }, newestRun: newest ?? 0)
    self.database = database
    guard let last = request.last else { return }
    for run in runs {
      let cursor = try view.cursor(beforeLast: last, run: run.runId)
      let cycles = try view.cycles(run: run.runId)
      self[run: run.runId] = RunPlace(
        run: run.runId, stepCount: Int32(RowIdentity.count(of: cursor.stepID)),
        recordIndex: Int32(cursor.index), cycleNumber: cycles.dropLast(last).last?.cycleNumber ?? 0)
    }
    event = try view.eventCursor(beforeLast: last, run: run?.runId)
  }
}

extension StoredRun {
  /// Whether nothing more will happen in it. A state of nobody's making ends nothing that can be waited for.
  fileprivate var isOver: Bool { runState?.isFinal ?? true }
}

extension RecordCursor {
  /// A stream's place in a run as the store counts it.
  init(_ place: StreamCursor.RunPlace) {
    self.init(stepID: RowIdentity.step(run: place.run, count: place.stepCount), index: Int64(place.recordIndex))
  }
}
