// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What people ask of a run: stop, pause, resume, skip. The run itself answers, on whichever thread it is just then, so
// "accepted" means that it has taken the request. What it cannot do is refused with the reason.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Logging

extension Laboratory {
  /// A circuit that is being opened, or a run that changes hands, is waited for so long; clients wait longer.
  static let commandPatience = Duration.seconds(10)
  /// A port's thread turns at least twice a second.
  static let threadPatience = Duration.seconds(3)

  /// Carries out a command; returns what else the person should know.
  func command(
    _ command: RunCommand, on run: StoredRun, _ requester: Requester, _ request: CommandRequest = CommandRequest()
  ) async throws -> String? {
    var remarks = command == .stop && run.runState != .queued ? (try? await whatWaits(behind: run)) ?? [] : []
    let stepID = try await carryOut(command, run, requester, request)
    do {
      // The row of the step that is skipped must be stored before the request that names it.
      if command == .skip { _ = await waitForCommit(of: lastWords(on: run.channelId), patience: Self.threadPatience) }
      try await keepRequest(command, run, requester, stepID)
      if let reason = request.reason, !reason.isEmpty {
        // Whatever its spelling: a stop is not refused for that.
        try await note("\(command.rawValue): \(PersonText.readable(reason))", on: run, requester)
      }
    } catch {
      // The cell comes first: a store that refuses must not keep a circuit closed.
      logger.error("store.failed: \(command.rawValue) of run \(run.runId) cannot be recorded: \(error)")
      remarks.append("it cannot be recorded just now: \((error as? StoreError)?.message ?? "\(error)")")
    }
    return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
  }

  /// A queue ends with a run that is not completed.
  private func whatWaits(behind run: StoredRun) async throws -> [String] {
    let waiting = try await store.read { try $0.openRuns() }
      .filter { $0.channelId == run.channelId && $0.runState == .queued }.map { "\($0.runId)" }
    guard !waiting.isEmpty else { return [] }
    return ["with it ends its queue: run \(waiting.joined(separator: ", "))"]
  }

  private func carryOut(
    _ command: RunCommand, _ known: StoredRun, _ requester: Requester, _ request: CommandRequest
  ) async throws -> Int64? {
    let deadline = ContinuousClock.now + Self.commandPatience
    var run = known
    while true {
      guard let state = run.runState, !state.isFinal else { throw RequestRefused(over: run) }
      if let reason = setAsideRuns[run.runId] {
        try await commandSetAside(command, run, reason, requester)
        return nil
      }
      if state == .queued, channels[run.channelId]?.run != run.runId {
        try await commandQueued(command, run, requester)
        return nil
      }
      if command == .resume {
        // What the run said last must be stored before its state and its latch are judged.
        guard await waitForCommit(of: lastWords(on: run.channelId), patience: Self.commandPatience) else {
          throw RequestRefused(changing: run, store.health.trouble)
        }
        run = try await reread(run)
        if !(run.runState?.isFinal ?? true) { try await checkLatch(of: run) }
      }
      let answer = await answer(of: run, to: command, requester, request)
      switch answer {
      case .accepted(let stepID): return stepID
      case .refused(.over), .changing: break
      case .refused(.opening) where command != .skip: break
      case .refused(let obstacle): throw RequestRefused(command, run, obstacle)
      case .silent: throw RequestRefused(stalled: run)
      case .amends, .unfit: break
      }
      guard ContinuousClock.now < deadline else { throw RequestRefused(changing: run, store.health.trouble) }
      // It changes hands, or its circuit is being opened: a matter of milliseconds to seconds.
      try await Task.sleep(for: .milliseconds(20))
      run = try await reread(run)
    }
  }

  /// What the run of a channel has said so far, and where.
  private func lastWords(on channel: Int64) -> InletPlace? {
    waiting[channel]?.said ?? channels[channel]?.worker?.inlet.map(InletPlace.init)
  }

  func reread(_ run: StoredRun) async throws -> StoredRun {
    try await store.read { try $0.run(run.runId) } ?? run
  }

  private func answer(
    of run: StoredRun, to command: RunCommand, _ requester: Requester, _ request: CommandRequest
  ) async -> PersonAnswer {
    let ask = PersonAsk(
      run: run.runId, .request(PersonRequest(command)), actor: requester.name,
      expected: command == .resume ? run.runState : nil, step: request.step,
      allowedVoltageReason: request.allow_voltage)
    return await put(ask, to: run)
  }

  /// Puts a request to the run, on whichever thread it is.
  func put(_ ask: PersonAsk, to run: StoredRun) async -> PersonAnswer {
    guard let entry = channels[run.channelId] else { return .changing }
    if waiting[run.channelId]?.pilot.identity.run == run.runId { return await answerWaiting(run, ask) }
    guard let worker = entry.worker else { return .changing }
    return await worker.answer(to: ask, channel: entry.number, patience: Self.threadPatience)
  }

  /// The instrument is away: the run itself takes the request here, and what it says is stored from here.
  private func answerWaiting(_ run: StoredRun, _ ask: PersonAsk) async -> PersonAnswer {
    guard var waitingRun = waiting[run.channelId], waitingRun.pilot.identity.run == run.runId,
      waitingRun.maySpeak(by: inlet)
    else { return .changing }
    var outputs = RunOutputs()
    guard ask.put(to: &waitingRun.pilot, at: now(), into: &outputs) else {
      // A revision that it has taken waits in the run itself.
      waiting[run.channelId] = waitingRun
      return await ask.answer
    }
    keep(&outputs, of: waitingRun.pilot)
    waitingRun.said = InletPlace(in: inlet)
    if waitingRun.pilot.isOver {
      waiting[run.channelId] = nil
      await release(run.channelId, after: run.runId)
    } else {
      waiting[run.channelId] = waitingRun
    }
    return await ask.answer
  }

  /// What takes the current off a cell or ends a step is committed before it is acknowledged, where the store takes it:
  /// then it is carried out even if the daemon dies before the run has said a word of it. A resumption that is lost
  /// leaves the circuit open, and the run's state says so.
  private func keepRequest(
    _ command: RunCommand, _ run: StoredRun, _ requester: Requester, _ stepID: Int64?
  ) async throws {
    let code: FaultCode
    switch command {
    case .stop: code = .runStopAsked
    case .pause: code = .runPauseAsked
    case .skip: code = .runSkipAsked
    case .resume: return
    }
    let at = now().unix
    _ = try await store.write { edit in
      guard try edit.view.run(run.runId)?.runState?.isFinal != true else { return }
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: stepID, stepTime: nil, code: code, severity: .info,
          actor: requester.name, detail: "\(command.rawValue) asked for"))
    }
  }

  private func checkLatch(of run: StoredRun) async throws {
    guard let latch = try await store.read({ try $0.latch(channel: run.channelId) }) else { return }
    throw RequestRefused(
      .conflict, code: "channel.latched", message: "\(run.channelName) is latched: \(latch.fault): \(latch.detail)",
      hint: "look at the cell, then `nactl clear \(run.channelName) --reason TEXT`; resuming is a second act")
  }

  /// A run in the queue has done nothing yet.
  private func commandQueued(_ command: RunCommand, _ run: StoredRun, _ requester: Requester) async throws {
    guard command == .stop else {
      throw RequestRefused(
        .conflict, code: "run.queued", message: "run \(run.runId) waits in the queue",
        hint: "it can be stopped; it begins when the run before it is completed")
    }
    let at = now().unix
    let isStopped = try await store.write { edit in
      // It may have begun in this moment.
      guard try edit.view.run(run.runId)?.runState == .queued else { return false }
      try edit.setState(of: run.runId, to: .stopped, at: at, reason: "stopped by \(requester.name) in the queue")
      return true
    }
    guard isStopped else { throw RequestRefused(changing: run, nil) }
  }
}

extension PersonRequest {
  /// The request behind a command.
  init(_ command: RunCommand) {
    switch command {
    case .stop: self = .stop
    case .pause: self = .pause
    case .resume: self = .resume
    case .skip: self = .skip
    }
  }
}

extension RequestRefused {
  /// The run is over.
  init(over run: StoredRun) {
    self.init(
      .conflict, code: "run.over", message: "run \(run.runId) is over: \(run.endReason ?? run.state)",
      hint: "start another run with `nactl start`")
  }

  /// The run could not be asked in time.
  init(changing run: StoredRun, _ failure: StoreFailure?) {
    guard let failure else {
      self.init(
        .conflict, code: "run.changing", message: "run \(run.runId) is just changing; nothing was done",
        hint: "look with `nactl show \(run.runId)` and ask again")
      return
    }
    self.init(
      .unavailable, code: failure.code.rawValue,
      message: "run \(run.runId) waits for the store; nothing was done. \(failure.detail)",
      hint: "mend the store, then ask again")
  }

  /// The thread that owns the run does not turn.
  init(stalled run: StoredRun) {
    self.init(
      .unavailable, code: FaultCode.portStalled.rawValue,
      message: "the thread of \(run.channelName)'s port does not answer; nothing was done",
      hint: "unplug the instrument, which disconnects the cell, plug it in and ask again")
  }

  /// The run cannot do that now.
  init(_ command: RunCommand, _ run: StoredRun, _ obstacle: PersonObstacle) {
    let number = run.runId
    let (what, hint) =
      switch obstacle {
      case .notBegun: ("has not begun", "`nactl stop \(number)` takes it back")
      case .opening: ("is just opening its circuit", "look with `nactl show \(number)` and ask again")
      case .betweenSteps: ("is between two steps", "ask again in a moment")
      case .checking: ("measures the open circuit; no step is under way", "ask again when it has gone on")
      case .goesOn: ("goes on", "nothing needs to be done for it to go on")
      case .paused: ("is paused", "`nactl resume \(number)` goes on, `nactl stop \(number)` ends it")
      case .held:
        ("is held", "`nactl show \(number)` says why; `nactl resume \(number)` goes on, `nactl stop \(number)` ends it")
      case .suspended: ("is suspended: the daemon stops", "ask again when the daemon is back")
      case .away: ("waits for its instrument", "it goes on by itself; `nactl pause` and `nactl stop` are possible")
      case .over: ("is over", "start another run with `nactl start`")
      case .anotherStep(let present):
        ("is in step \(present) by now", "look with `nactl show \(number)`; `--step \(present)` skips that one")
      }
    let code =
      switch command {
      case .stop: "run.not_stoppable"
      case .pause: "run.not_pausable"
      case .resume: "run.not_resumable"
      case .skip: "run.not_skippable"
      }
    self.init(
      .conflict, code: code, message: "run \(number) \(what); \(command.rawValue) would do nothing", hint: hint)
  }
}
