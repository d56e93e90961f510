// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A channel that has become free, and the protocol that waits for it.

internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Logging
internal import Quantities

extension Laboratory {
  func finished(_ run: Int64, _ number: Int, _ worker: PortWorker) async {
    guard let entry = channels.values.first(where: { $0.run == run }) else { return }
    await release(entry.id, after: run)
  }

  /// The channel is free: the next protocol in the cell's queue follows by itself when the run was completed.
  func release(_ channel: Int64, after run: Int64) async {
    // It may have been told twice, and the next run have come meanwhile.
    guard channels[channel]?.run == run || channels[channel]?.run == nil else { return }
    channels[channel]?.run = nil
    do {
      try await startNext(on: channel, after: run)
      unfinishedQueues[channel] = nil
    } catch {
      unfinishedQueues[channel] = UnfinishedQueue(run: run, said: nil)
      logger.error("the run after run \(run) cannot be started yet: \(error)")
    }
  }

  /// Goes on with the queues that the store kept from going on, unless it is known to refuse still.
  func startQueues() async {
    guard store.health.failure == nil else { return }
    for (channel, unfinished) in unfinishedQueues where unfinished.said?.isCommitted ?? true {
      await release(channel, after: unfinished.run)
    }
  }

  /// The next protocol in the queue follows by itself after a run that was completed; otherwise the queue is stopped,
  /// because nobody knows in what state the cell was left.
  func startNext(on channel: Int64, after run: Int64) async throws {
    let (last, open, latch) = try await store.read { view in
      (try view.run(run), try view.openRuns(), try view.latch(channel: channel))
    }
    let queue = open.filter { $0.channelId == channel && $0.runState == .queued }
    guard let next = queue.first, let entry = channels[channel] else { return }
    let at = now().unix
    guard last?.runState == .completed else {
      let reason = "run \(run) before it was not completed"
      try await store.write { edit in
        for waiting in queue {
          try edit.setState(of: waiting.runId, to: .stopped, at: at, reason: reason)
          try edit.addEvent(
            EventRow(
              at: at, run: waiting.runId, channel: channel, stepID: nil, stepTime: nil, code: .runStopped,
              severity: .warning, actor: "daemon", detail: "taken out of the queue: \(reason)"))
        }
      }
      return
    }
    let program: Program
    do {
      (program, _) = try await self.program(of: next)
    } catch let obstacle as CannotGoOn {
      return try await setAside(next, obstacle)
    }
    switch try await store.write({ try $0.begin(next, at: at) }) {
    case .begun(let firstCycle, let earlier):
      let start = StartSettings(stored: next.settings)
      var pilot = pilot(for: next.runId, program, entry, firstCycle, start, next.startedBy, after: earlier)
      await giveWaitingRevision(to: &pilot, of: next)
      if let latch {
        // Nothing is driven on a latched channel: a person clears it and resumes the run.
        var outputs = RunOutputs()
        let fault = Fault(FaultCode(rawValue: latch.fault) ?? .runHeld, latch.detail)
        pilot.holdRestored(fault, latches: false, at: now(), into: &outputs)
        keep(&outputs, of: pilot)
      }
      place(pilot)
    case .gone: try await startNext(on: channel, after: run)
    case .channelIsTaken: return
    }
  }
}

/// A queue that could not go on yet.
struct UnfinishedQueue: Sendable {
  /// The run that is over.
  var run: Int64
  /// What that run said last, which must be stored before it is known how it ended; nil when it is.
  var said: InletPlace?
}

/// What became of a queued run that was to begin.
private enum QueuedBeginning: Sendable {
  /// It begins; the cell's number of its first cycle.
  case begun(firstCycle: Int64, earlier: EarlierHalfCycle?)
  /// A person has stopped it in this moment.
  case gone
  /// Another run is on the channel.
  case channelIsTaken
}

extension StoreEdit {
  /// Begins a queued run, if it still waits and nothing else is on its channel.
  fileprivate func begin(_ queued: StoredRun, at: UnixInstant) throws -> QueuedBeginning {
    let open = try view.openRuns().filter { $0.channelId == queued.channelId }
    guard open.contains(where: { $0.runId == queued.runId && $0.runState == .queued }) else { return .gone }
    guard open.allSatisfy({ $0.runState == .queued }) else { return .channelIsTaken }
    let first = try view.nextCellCycleNumber(cell: queued.cellId)
    try setFirstCycleNumber(of: queued.runId, to: first)
    try setState(of: queued.runId, to: .preflight, at: at, reason: nil)
    return .begun(
      firstCycle: first, earlier: try view.earlierHalfCycle(cell: queued.cellId, before: queued.runId))
  }
}
