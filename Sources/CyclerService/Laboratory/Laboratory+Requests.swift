// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What people ask of runs and channels that exist.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import Quantities

extension Laboratory {
  func command(_ command: RunCommand, on run: StoredRun, _ requester: Requester, reason: String?) async throws {
    guard let state = run.runState, !state.isFinal else {
      throw RequestRefused(
        .conflict, code: "run.over", message: "run \(run.runId) is over: \(run.endReason ?? run.state)",
        hint: "start another run with `nactl start`")
    }
    if command == .resume { try await checkResumption(of: run, state) }
    if let reason, !reason.isEmpty {
      try await note("\(command.rawValue): \(reason)", on: run, requester)
    }
    if state == .queued, channels[run.channelId]?.run != run.runId {
      try await commandQueued(command, run, requester)
      return
    }
    let request: PersonRequest =
      switch command {
      case .stop: .stop
      case .pause: .pause
      case .resume: .resume
      case .skip: .skip
      }
    if command == .stop { try await keepStop(run, requester) }
    if let worker = channels[run.channelId]?.worker {
      worker.send(
        .person(channel: channels[run.channelId]?.number ?? 0, run: run.runId, request, actor: requester.name))
    } else {
      try await handleWaiting(run, request, requester)
    }
  }

  /// A stop that was acknowledged is carried out even if the daemon dies before the run has: it is committed first.
  private func keepStop(_ run: StoredRun, _ requester: Requester) async throws {
    let at = now().unix
    _ = try await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runStopped,
          severity: .info,
          actor: requester.name, detail: Self.stopAsked))
    }
  }

  /// The detail of the event of a stop that was asked for, as against carried out.
  static let stopAsked = "stop asked for"

  private func checkResumption(of run: StoredRun, _ state: RunState) async throws {
    guard state == .paused || state == .held else {
      throw RequestRefused(
        .conflict, code: "run.not_resumable", message: "run \(run.runId) is \(state.rawValue), neither paused nor held",
        hint: "nothing needs to be done for it to go on")
    }
    if let latch = try await store.read({ try $0.latch(channel: run.channelId) }) {
      throw RequestRefused(
        .conflict, code: "channel.latched", message: "\(run.channelName) is latched: \(latch.fault): \(latch.detail)",
        hint: "look at the cell, then `nactl clear \(run.channelName) --reason TEXT`; resuming is a second act")
    }
  }

  /// A run in the queue has done nothing yet.
  private func commandQueued(_ command: RunCommand, _ run: StoredRun, _ requester: Requester) async throws {
    guard command == .stop else {
      throw RequestRefused(
        .conflict, code: "run.queued", message: "run \(run.runId) waits in the queue",
        hint: "it can be stopped; it begins when the run before it is completed")
    }
    let at = now().unix
    try await store.write { edit in
      try edit.setState(of: run.runId, to: .stopped, at: at, reason: "stopped by \(requester.name) in the queue")
    }
  }

  /// The instrument is away: the run itself takes the request here, and what it says is stored from here.
  private func handleWaiting(_ run: StoredRun, _ request: PersonRequest, _ requester: Requester) async throws {
    // What the port's thread said last must be stored before what is said here.
    await settleStore()
    guard var waitingRun = waiting[run.channelId], waitingRun.pilot.identity.run == run.runId else {
      throw RequestRefused(
        .conflict, code: "run.changing", message: "run \(run.runId) is just changing hands",
        hint: "look with `nactl show \(run.runId)` and ask again")
    }
    var outputs = RunOutputs()
    waitingRun.pilot.handle(.person(request, actor: requester.name), at: now(), into: &outputs)
    keep(&outputs, of: waitingRun.pilot)
    if waitingRun.pilot.isOver {
      waiting[run.channelId] = nil
      await release(run.channelId, after: run.runId)
    } else {
      waiting[run.channelId] = waitingRun
    }
  }

  /// Returns when everything that any thread has pushed so far is committed: the writer takes requests before batches, so
  /// the second of two finds the batches of the first one's round written.
  func settleStore() async {
    for _ in 0..<2 { _ = try? await store.write { _ in true } }
  }

  func note(_ text: String, on run: StoredRun, _ requester: Requester) async throws {
    let at = now().unix
    _ = try await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runNote, severity: .info,
          actor: requester.name, detail: text))
    }
  }

  func clear(_ name: String, reason: String, _ requester: Requester) async throws {
    let entry = try channel(named: name)
    let at = now().unix
    guard try await store.read({ try $0.latch(channel: entry.id) }) != nil else {
      throw RequestRefused(.conflict, code: "channel.not_latched", message: "\(name) is not latched")
    }
    guard reason.contains(where: { !$0.isWhitespace }) else {
      throw RequestRefused(
        .malformed, code: "clear.no_reason", message: "a latch is cleared with a reason",
        hint: "`nactl clear \(name) --reason \"contact replaced\"`")
    }
    try await store.write { edit in
      try edit.clearLatch(channel: entry.id, person: requester.name, reason: reason, at: at)
    }
  }

  func mount(_ cellName: String?, on name: String, _ requester: Requester) async throws {
    let entry = try channel(named: name)
    let at = now().unix
    let busy = entry.run
    try await store.write { edit in
      guard let cellName else {
        if let busy { throw StoreError.inUse(kind: "channel", name: name, run: busy) }
        try edit.unmount(channel: entry.id)
        return
      }
      guard let cell = try edit.view.cell(named: cellName) else {
        throw StoreError.unknown(kind: "cell", name: cellName)
      }
      try edit.mount(cell: cell.cellId, channel: entry.id, by: requester.name, at: at)
    }
  }

  /// What is known of all channels, for people to look at.
  func sightings() -> [Int64: (entry: ChannelEntry, sighting: ChannelSighting?)] {
    channels.mapValues { entry in (entry, entry.worker?.sighting(channel: entry.number)) }
  }

  /// The circuit of a channel, never shown as open without a confirmation (hazard rule 7).
  func circuit(of entry: ChannelEntry, _ sighting: ChannelSighting?) -> CyclerModel.CircuitState {
    if let sighting, entry.worker != nil { return sighting.circuit }
    guard let lostAt = entry.lostAt, entry.instrument.capabilities.hasLease else { return .unknown }
    let expiry = UnixInstant(microseconds: lostAt.microseconds + configuration.lease.microseconds)
    return expiry <= now().unix ? .openLeaseExpired(expiry) : .unknown
  }
}

extension Laboratory {
  /// A port's thread has not been seen alive: its instruments' leases run out, the others go on.
  func portStalled(_ path: String) async {
    logger.critical("port.stalled: the thread of \(path) does not answer")
    let at = now().unix
    let affected = channels.values.filter { $0.worker?.path == path }
    _ = try? await store.write { edit in
      for entry in affected {
        try edit.addEvent(
          EventRow(
            at: at, run: entry.run, channel: entry.id, stepID: nil, stepTime: nil, code: .portStalled,
            severity: .alarm, actor: "daemon", detail: "the thread of \(path) does not answer"))
      }
    }
  }
}
