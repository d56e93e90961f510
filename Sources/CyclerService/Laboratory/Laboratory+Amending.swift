// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Another protocol for a run that is under way. It is compiled and judged like one that is started, stored as a revision,
// and only then given to the run, which goes over to it when a pass or a block is over. So a step never names a revision
// that the store does not have, and a daemon that dies meanwhile gives it to the run again.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingEngine
internal import CyclingProtocol
internal import CyclingRun
internal import InstrumentKit
internal import Logging
internal import Quantities

extension Laboratory {
  /// Amends a run's protocol; refused with the reason when the run cannot go on in it.
  func amend(_ known: StoredRun, _ request: AmendRequest, by requester: Requester) async throws -> AmendResponse {
    let run = try await reread(known)
    guard let state = run.runState, !state.isFinal else { throw RequestRefused(over: run) }
    if let reason = setAsideRuns[run.runId] {
      throw RequestRefused(
        .conflict, code: "run.set_aside", message: "run \(run.runId) cannot be taken up by this version: \(reason)",
        hint: "install the version that it was started with")
    }
    let amendment = try await prepare(request, for: run)
    var answer = AmendResponse(
      request_id: requester.requestID, run: run.runId, revision: nil, holds_from: "",
      warnings: try await warnings(of: amendment, for: run), changes: amendment.changes)
    // What cannot hold leaves nothing in the store.
    answer.holds_from = try await give(amendment.program, revision: nil, to: run, requester).word
    if request.dry_run == true { return answer }
    let revision = try await keep(amendment, of: run, requester)
    do {
      answer.holds_from = try await give(
        amendment.program, revision: Int32(clamping: revision), to: run, requester
      ).word
      answer.revision = revision
      return answer
    } catch {
      // The run has gone on meanwhile.
      let reason = (error as? RequestRefused)?.body.message ?? "\(error)"
      try await store.write { try $0.refuseRevision(revision, of: run.runId, because: reason) }
      throw error
    }
  }

  /// An amendment that only needs to be stored.
  private struct PreparedAmendment: Sendable {
    var source: String
    var listing: String
    var program: Program
    var reason: String?
    var present: Program
    var changes: [String]
  }

  /// What makes the rate of a step.
  private struct DrivenStep: Hashable {
    var action: ProgramStep.Action
    var share: String?
  }

  /// What a person should know of an amendment, besides what is said of every protocol.
  private func warnings(of amendment: PreparedAmendment, for run: StoredRun) async throws -> [String] {
    var found: [String] = []
    let waiting = try await store.read { try $0.revisions(run: run.runId) }.last { $0.waits(in: run) }
    if let waiting { found.append("revision \(waiting.revision), which waited, is given up for it") }
    if let reference = amendment.program.metrics.retentionReference {
      func driven(_ program: Program) -> Set<DrivenStep> {
        Set(
          program.steps.filter { $0.purpose == reference.purpose && $0.direction != .none }.map {
            DrivenStep(action: $0.action, share: $0.currentShare?.written)
          })
      }
      if !driven(amendment.program).subtracting(driven(amendment.present)).isEmpty {
        found.append(
          "the \(reference.purpose.rawValue) cycles are driven otherwise than \(reference.written), so their retention "
            + "against it tells of that too, and conditions on it judge it")
      }
    }
    return found + ProgramListing.warnings(of: amendment.program, instrument: limits(of: run))
  }

  /// The lines of two listings that only one of them has, in their order.
  private static func changes(from old: [String], to new: [String]) -> [String] {
    // A step's number is another one behind each step that is new.
    func text(_ line: String) -> Substring {
      let words = line.drop { $0 == " " }
      let behind = words.drop { $0.isNumber }
      return behind.count < words.count && behind.first == "." ? behind.dropFirst() : words
    }
    let difference = new.difference(from: old) { text($0) == text($1) }
    var removed: [Int: String] = [:]
    var inserted: [Int: String] = [:]
    for change in difference {
      switch change {
      case .remove(let place, let line, _): removed[place] = line
      case .insert(let place, let line, _): inserted[place] = line
      }
    }
    var lines: [String] = []
    var (mine, its) = (0, 0)
    while mine < old.count || its < new.count {
      if let line = removed[mine] {
        lines.append("- \(line)")
        mine += 1
      } else if let line = inserted[its] {
        lines.append("+ \(line)")
        its += 1
      } else {
        (mine, its) = (mine + 1, its + 1)
      }
    }
    return lines
  }

  private func prepare(_ request: AmendRequest, for run: StoredRun) async throws -> PreparedAmendment {
    try PersonText.check(request.reason, "reason")
    guard let document = try decode(try [request.protocol].setting(request.set ?? [])).first?.document,
      let cell = try await store.read({ try $0.cell(run.cellId) })
    else { throw RequestRefused(over: run) }
    try Self.checkRole(document, cell)
    if let name = document.cellName, name != cell.name {
      throw RequestRefused(
        .conflict, code: "amend.other_cell", message: "the protocol is for “\(name)”, the run cycles “\(cell.name)”",
        hint: "amend the run of that cell, or leave the name out")
    }
    let (present, values) = (
      try await program(of: run, revision: Int32(clamping: run.protocolRevision)).0, CellValues(of: run)
    )
    guard values.filled(from: document.values) == values else {
      throw RequestRefused(
        .conflict, code: "amend.cell_differs",
        message: "the file brings values of the cell that the run was started without",
        hint: "leave `active_mass`, `area` and `nominal_capacity` out, and name currents in amperes: one run's numbers "
          + "are computed from one set of values")
    }
    let limits = limits(of: run)
    switch document.compile(cell: values, instrument: limits) {
    case .failure(let found):
      throw RequestRefused(problems: found.problems.map { Problem($0, in: request.protocol.name) })
    case .success(let program):
      if let channel = channels[run.channelId], let lack = lackOfThermometer(for: program, on: channel) {
        throw RequestRefused(.conflict, code: "observer.missing", message: lack.message, hint: lack.hint)
      }
      guard program.metrics == present.metrics else {
        throw RequestRefused(
          .conflict, code: "amend.metrics_differ",
          message: "the run's cycles are told by other thresholds or another reference than the file's `metrics`",
          hint: "leave `metrics` as the run was started with: its cycles would not be comparable")
      }
      let known = values.filled(from: document.values)
      let listing = ProgramListing.lines(of: program, instrument: limits, cell: known)
      return PreparedAmendment(
        source: document.source, listing: listing.joined(separator: "\n"), program: program, reason: request.reason,
        present: present,
        changes: Self.changes(
          from: ProgramListing.lines(of: present, instrument: limits, cell: known), to: listing))
    }
  }

  /// What the run's instrument can do; nil while nobody knows.
  private func limits(of run: StoredRun) -> InstrumentLimits? {
    guard let capabilities = channels[run.channelId]?.instrument.capabilities, capabilities.channels > 0 else {
      return nil
    }
    return capabilities.limits
  }

  private func keep(_ amendment: PreparedAmendment, of run: StoredRun, _ requester: Requester) async throws -> Int64 {
    let at = now().unix
    return try await store.write { edit in
      guard try edit.view.run(run.runId)?.runState?.isFinal == false else { throw RequestRefused(over: run) }
      let protocolID = try edit.addProtocol(
        sha256: SHA256.digest(Array(amendment.source.utf8)), source: amendment.source)
      let revision = try edit.addRevision(
        RevisionEntry(
          run: run.runId, protocolID: protocolID, listing: amendment.listing, daemonVersion: NaCyclerVersion.text,
          amendedBy: requester.name, at: at, reason: amendment.reason))
      let why = amendment.reason.map { ": \($0)" } ?? ""
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runAmendmentAsked,
          severity: .info, actor: requester.name, detail: "revision \(revision) of the protocol asked for\(why)"))
      return revision
    }
  }

  /// Gives the run its new program, wherever it is.
  private func give(
    _ program: Program, revision: Int32?, to known: StoredRun, _ requester: Requester
  ) async throws -> AmendmentMoment {
    let deadline = ContinuousClock.now + Self.commandPatience
    var run = known
    while true {
      guard let state = run.runState, !state.isFinal else { throw RequestRefused(over: run) }
      // One in the queue gets it when it begins.
      if state == .queued, channels[run.channelId]?.run != run.runId { return .beginning }
      let ask = PersonAsk(run: run.runId, .amendment(program, revision: revision), actor: requester.name)
      switch await put(ask, to: run) {
      case .amends(let moment): return moment
      case .unfit(let obstacle): throw RequestRefused(unfit: run, obstacle)
      case .silent: throw RequestRefused(stalled: run)
      case .changing, .refused, .accepted: break
      }
      guard ContinuousClock.now < deadline else { throw RequestRefused(changing: run, store.health.trouble) }
      // It changes hands.
      try await Task.sleep(for: .milliseconds(20))
      run = try await reread(run)
    }
  }

  /// Gives a run that is taken up the newest revision that waits for it. One that cannot hold is noted and keeps nobody
  /// from going on.
  func giveWaitingRevision(to pilot: inout RunPilot, of run: StoredRun) async {
    guard let newest = try? await store.read({ try $0.revisions(run: run.runId) }).last, newest.waits(in: run),
      newest.revision > Int64(pilot.identity.protocolRevision)
    else { return }
    let reason: String
    do {
      _ = try pilot.amend(by: try compile(newest.source, of: run), revision: Int32(clamping: newest.revision))
      return
    } catch let obstacle as AmendmentObstacle {
      reason = obstacle.text
    } catch {
      reason = (error as? CannotGoOn)?.reason ?? "\(error)"
    }
    logger.warning("revision \(newest.revision) of run \(run.runId)'s protocol cannot hold: \(reason)")
    let at = now().unix
    try? await store.write { edit in
      try edit.refuseRevision(newest.revision, of: run.runId, because: reason)
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runAmendmentRefused,
          severity: .warning, actor: "daemon",
          detail: "revision \(newest.revision) of the protocol cannot hold: \(reason); the run goes on as before"))
    }
  }

  /// The programs of a run's revisions; one that does not compile any more is missing.
  func programs(of run: StoredRun) async -> [Int64: Program] {
    guard let revisions = try? await store.read({ try $0.revisions(run: run.runId) }) else { return [:] }
    return revisions.reduce(into: [:]) { $0[$1.revision] = try? compile($1.source, of: run) }
  }
}

extension CellValues {
  /// What a run's currents were computed from.
  init(of run: StoredRun) {
    self.init(
      activeMass: run.rateBasisMassUg.map { Mass(micrograms: $0) },
      area: run.rateBasisAreaMm2E3.map { Area(squareMillimetreThousandths: $0) },
      nominalCapacity: run.rateBasisChargeNc.map { Charge(nanocoulombs: $0) })
  }
}

extension AmendmentMoment {
  /// As answers say it.
  fileprivate var word: String {
    switch self {
    case .beginning: "beginning"
    case .nextCycle: "next_cycle"
    case .nextPass: "next_pass"
    case .nextBlock: "next_block"
    }
  }
}

extension RequestRefused {
  /// The run cannot go on in the protocol.
  fileprivate init(unfit run: StoredRun, _ obstacle: AmendmentObstacle) {
    let hint =
      switch obstacle {
      case .isOver: "start another run with `nactl start`"
      case .cycleForgotten: "name a cycle that is still to come, or none: then it is a share of the last one"
      case .isSuperseded: "look at `nactl show \(run.runId)`"
      case .doneDiffers: "change what is still to come; `nactl show \(run.runId) --listing` shows the present protocol"
      case .blockDiffers: "change the passes, the steps or the ends of the block, or what comes behind it"
      }
    self.init(
      .conflict, code: "amend.does_not_fit",
      message: "run \(run.runId) cannot go on in that protocol: \(obstacle.text)",
      hint: hint)
  }
}
