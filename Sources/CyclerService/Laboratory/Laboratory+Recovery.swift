// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What happens before the first port is opened: latches and the runs that were not over are read, each run is put back
// as it stood at its last acknowledged reading, and a run that the daemon seems to crash over is held.

internal import CellMetrics
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import CyclingRun
internal import InstrumentKit
internal import Logging
internal import MethodSCRIPTDriver
internal import Quantities

extension Laboratory {
  /// A run that was active in so many starts …
  static let crashLoopStarts = 3
  /// … within this time is held (hazard rule 3).
  static let crashLoopTime = TimeSpan(seconds: 600)

  func recover() async throws {
    let known = try await store.read { view in
      (
        channels: try view.channels(), instruments: try view.instruments(), runs: try view.openRuns(),
        checkpoints: try view.checkpoints(), latches: try view.latches(), observers: try view.observers()
      )
    }
    for channel in known.channels {
      guard let instrument = known.instruments.first(where: { $0.instrumentId == channel.instrumentId }) else {
        continue
      }
      channels[channel.channelId] = ChannelEntry(channel, of: instrument)
    }
    for observer in known.observers { takeUp(observer) }
    for run in known.runs where run.runState != .queued || known.checkpoints.contains(where: { $0.runId == run.runId })
    {
      let checkpoint = known.checkpoints.first { $0.runId == run.runId }
      let latch = known.latches.first { $0.channelId == run.channelId }
      do {
        try await recover(run, checkpoint, latch)
      } catch let obstacle as CannotGoOn {
        try await setAside(run, obstacle)
      }
    }
    try await takeUpQueues(known.runs)
  }

  /// A daemon that died between two runs of a queue left the second without a first.
  private func takeUpQueues(_ runs: [StoredRun]) async throws {
    let queued = runs.filter { $0.runState == .queued }
    for channel in Set(queued.map(\.channelId)) where channels[channel]?.run == nil {
      let last = try await store.read { view in
        try view.runs().last { $0.channelId == channel && $0.runState?.isFinal == true }
      }
      if let last { try await startNext(on: channel, after: last.runId) }
    }
  }

  private func recover(_ run: StoredRun, _ checkpoint: StoredCheckpoint?, _ latch: StoredLatch?) async throws {
    guard let entry = channels[run.channelId] else { return }
    channels[run.channelId]?.run = run.runId
    channels[run.channelId]?.lostAt = now()
    let revision = try Self.revision(of: checkpoint)
    let (program, settings) = try await program(of: run, revision: revision)
    let identity = RunIdentity(
      run: run.runId, channel: run.channelId, instrumentChannel: entry.number,
      earlierCellCycles: run.firstCycleNumber - 1, protocolRevision: revision, startedBy: run.startedBy,
      earlierHalfCycle: try await earlierHalfCycle(of: run.cellId, before: run.runId))
    var pilot = try pilot(identity, program, settings, checkpoint)
    await giveWaitingRevision(to: &pilot, of: run)
    var outputs = RunOutputs()
    if let actor = try await stopActor(of: run) {
      pilot.handle(.person(.stop, actor: actor), at: now(), into: &outputs)
      keep(&outputs, of: pilot)
      if pilot.isOver {
        channels[run.channelId]?.run = nil
        return
      }
    }
    if let asked = try await skipAsked(of: run), let step = asked.stepId {
      pilot.restoreSkip(of: step, actor: asked.actor)
    }
    let pausing = try await pauseActor(of: run)
    if let latch, run.runState != .held {
      let fault = Fault(FaultCode(rawValue: latch.fault) ?? .runHeld, latch.detail)
      pilot.holdRestored(fault, latches: false, at: now(), into: &outputs)
    } else if checkpoint == nil, run.runState == .held {
      let fault = Fault(.runHeld, "it was held before it had begun: \(run.stateReason ?? "")")
      pilot.holdRestored(fault, latches: false, at: now(), into: &outputs)
    } else if let pausing {
      if checkpoint != nil { pilot.handle(.person(.pause, actor: pausing), at: now(), into: &outputs) }
    } else if try await isCrashLoop(run) {
      let detail = "the daemon started \(Self.crashLoopStarts) times within 10 minutes while this run was active"
      pilot.holdRestored(Fault(.runCrashLoop, detail), latches: false, at: now(), into: &outputs)
    }
    keep(&outputs, of: pilot)
    waiting[run.channelId] = WaitingRun(pilot: pilot, said: InletPlace(in: inlet))
    // One that had said nothing yet has stood since it was asked for.
    let asked = UnixInstant(microseconds: run.startedUnixUs ?? run.createdUnixUs)
    beginAlone(run.channelId, since: RunMoment(host: now().host, unix: min(asked, now().unix)))
    if checkpoint == nil, let pausing { pauseWaiting(run.channelId, pausing) }
  }

  /// A run that has only now begun, without its instrument, is paused as it was asked before the daemon ended.
  private func pauseWaiting(_ channel: Int64, _ actor: String) {
    guard var waitingRun = waiting[channel] else { return }
    var outputs = RunOutputs()
    waitingRun.pilot.handle(.person(.pause, actor: actor), at: now(), into: &outputs)
    keep(&outputs, of: waitingRun.pilot)
    waitingRun.said = InletPlace(in: inlet)
    waiting[channel] = waitingRun
  }

  /// The run as it stood at its last acknowledged reading, or as it stood before it had said anything.
  private func pilot(
    _ identity: RunIdentity, _ program: Program, _ settings: RunSettings, _ checkpoint: StoredCheckpoint?
  ) throws -> RunPilot {
    guard let checkpoint else {
      return RunPilot(identity: identity, program: program, settings: settings, instrumentIsHere: false)
    }
    do throws(ByteReader.Malformed) {
      return try RunPilot(
        identity: identity, program: program, settings: settings, checkpoint: checkpoint.state,
        since: UnixInstant(microseconds: checkpoint.unixUs))
    } catch {
      throw CannotGoOn("its checkpoint is of another version or damaged (byte \(error.offset))")
    }
  }

  /// Who asked for a stop that the daemon did not live to carry out: one that was carried out, and one after which a
  /// person resumed the run, is not meant any more.
  func stopActor(of run: StoredRun) async throws -> String? {
    try await actor(of: run, whoAsked: .runStopAsked, isDone: .runStopped)
  }

  /// Who asked for a pause that the daemon did not live to carry out. A run that is paused already takes no second one.
  func pauseActor(of run: StoredRun) async throws -> String? {
    try await actor(of: run, whoAsked: .runPauseAsked, isDone: .runPaused)
  }

  /// A request to skip a step whose end this daemon's predecessor did not live to tell.
  private func skipAsked(of run: StoredRun) async throws -> StoredEvent? {
    try await store.read { view in
      guard let asked = try view.events(run: run.runId, of: [.runSkipAsked]).last, let step = asked.stepId,
        try view.isOpen(step: step)
      else { return nil }
      return asked
    }
  }

  private func earlierHalfCycle(of cell: Int64, before run: Int64) async throws -> EarlierHalfCycle? {
    try await store.read { try $0.earlierHalfCycle(cell: cell, before: run) }
  }

  private func actor(of run: StoredRun, whoAsked asked: FaultCode, isDone done: FaultCode) async throws -> String? {
    let events = try await store.read { try $0.events(run: run.runId, of: [asked, done, .runResumed]) }
    guard let last = events.lastIndex(where: { $0.code != FaultCode.runResumed.rawValue }),
      events[last].code == asked.rawValue
    else { return nil }
    // A request is stored at once and what a run says with the next batch: the later one of the two may lie before the
    // other. Only a resumption that is later in both is one of a person who knew of the request.
    let isResumed = events[last...].contains { $0.isResumptionByPerson && $0.unixUs > events[last].unixUs }
    return isResumed ? nil : events[last].actor
  }

  /// Counts this start for an active run and says whether there were too many.
  private func isCrashLoop(_ run: StoredRun) async throws -> Bool {
    guard let state = run.runState else { return false }
    switch state {
    case .running, .preflight, .interrupted: break
    case .queued, .paused, .held, .suspended, .completed, .stopped, .ended: return false
    }
    let at = now().unix
    let since = UnixInstant(microseconds: at.microseconds - Self.crashLoopTime.microseconds)
    return try await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .daemonStarted,
          severity: .info, actor: "daemon", detail: "the daemon started while the run was active"))
      let resumed = try edit.view.events(run: run.runId, of: [.runResumed])
        .last { $0.isResumptionByPerson }
      let from = max(since.microseconds, resumed?.unixUs ?? 0)
      return try edit.view.eventCount(run: run.runId, code: .daemonStarted, since: UnixInstant(microseconds: from))
        >= Self.crashLoopStarts
    }
  }

  /// The revision of its protocol that a run was in; the first where it has said nothing yet.
  private static func revision(of checkpoint: StoredCheckpoint?) throws -> Int32 {
    do throws(ByteReader.Malformed) {
      return try checkpoint.map { bytes throws(ByteReader.Malformed) in
        try RunPilot.protocolRevision(ofCheckpoint: bytes.state)
      } ?? 1
    } catch {
      throw CannotGoOn("its checkpoint is damaged (byte \(error.offset))")
    }
  }

  /// The program of a stored run, compiled again from the text and the values that it was started with.
  /// - Parameter revision: which of its protocols.
  func program(of run: StoredRun, revision: Int32 = 1) async throws -> (Program, RunSettings) {
    let revisions = try await store.read { try $0.revisions(run: run.runId) }
    guard let text = revisions.first(where: { $0.revision == Int64(revision) })?.source else {
      throw CannotGoOn("revision \(revision) of its protocol is not in the store")
    }
    return (try compile(text, of: run), settings(StartSettings(stored: run.settings), nil))
  }

  /// A run's protocol, compiled for what the run was started with.
  func compile(_ text: String, of run: StoredRun) throws -> Program {
    let values = CellValues(of: run)
    switch ProtocolDecoder.decode(Array(text.utf8)).flatMap({ $0.compile(cell: values, instrument: nil) }) {
    case .failure(let found):
      throw CannotGoOn("its protocol does not compile any more: \(found.problems.first?.message ?? "")")
    case .success(let program): return program
    }
  }

  func settings(_ start: StartSettings, _ capabilities: InstrumentCapabilities?) -> RunSettings {
    var settings = RunSettings()
    settings.lease = configuration.lease
    settings.observerPatience = configuration.observerPatience
    settings.allowedVoltageReason = start.allowedVoltageReason
    settings.isOnResistor = start.isOnResistor ?? false
    if let capabilities { settings.fit(capabilities) }
    return settings
  }

  /// Stores what a run without an instrument has to say, with its checkpoint.
  func keep(_ outputs: inout RunOutputs, of pilot: RunPilot) {
    guard !outputs.entries.isEmpty || !outputs.records.isEmpty else { return }
    var batch = JournalBatch(records: outputs.records, entries: outputs.entries)
    var pilot = pilot
    var writer = ByteWriter()
    if pilot.checkpoint(into: &writer) {
      batch.entries.append(.checkpoint(run: pilot.identity.run, at: now().unix, state: writer.bytes))
    }
    inlet.push(&batch)
    inlet.requestCommit()
    outputs.removeAll()
  }
}

extension StoredEvent {
  /// Whether a person let the run go on, as against the protocol's policy.
  fileprivate var isResumptionByPerson: Bool { code == FaultCode.runResumed.rawValue && actor != "daemon" }
}

extension ChannelEntry {
  /// A channel that is only known from the store, with what its driver knows of the model.
  fileprivate init(_ channel: StoredChannel, of instrument: StoredInstrument) {
    let capabilities = InstrumentFamilies.named(instrument.family)?.capabilities(ofModel: instrument.model)
    self.init(
      id: channel.channelId, name: channel.name, number: Int(channel.number),
      instrument: InstrumentIdentity(
        family: instrument.family, model: instrument.model, serial: instrument.serial,
        firmware: instrument.firmware ?? "", capabilities: capabilities ?? .unknown))
  }
}

extension InstrumentCapabilities {
  /// Of an instrument that is only known from the store.
  static let unknown = InstrumentCapabilities(
    channels: 0, kinds: [], voltage: VoltageWindow(from: .zero, to: .zero), maximumCurrent: .zero, currentRanges: [],
    shortestReadingInterval: TimeSpan(milliseconds: 10), voltageErrorPartsPerMillion: 0, voltageOffsetError: .zero,
    holdsBounds: false, hasLease: false, openCircuit: .disconnectedBlind)
}
