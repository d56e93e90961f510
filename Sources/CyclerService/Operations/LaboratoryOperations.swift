// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the control server can ask for, answered from the store and the laboratory.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import CyclingRun
internal import Foundation
internal import InstrumentKit
internal import Quantities

/// The operations of one daemon.
struct LaboratoryOperations: CyclerOperations {
  let laboratory: Laboratory
  let store: CycleStore
  /// Where archives and snapshots lie while they are made.
  let transfers: TransferFolder
  /// One archive is made at a time: each needs room on the disk of the database.
  let exportSeat = Seat()
  /// The same of snapshots.
  let snapshotSeat = Seat()
  /// One comparison is made at a time: it holds the cycles of all its cells in memory.
  let comparisonSeat = Seat()
  let startedAt: UnixInstant
  /// For comparisons and curves.
  let computing = ComputingQueue()

  func status() async throws -> DaemonStatus {
    let active = try await store.read { try $0.openRuns().count }
    return DaemonStatus(
      daemon_version: NaCyclerVersion.text, started_unix_us: startedAt.microseconds, database_path: store.path,
      channels: await laboratory.sightings().count, runs_active: active,
      store_failure: store.health.trouble?.told)
  }

  // MARK: - Channels

  func channels() async throws -> ChannelList {
    let sightings = await laboratory.sightings()
    let circuits = await laboratory.circuits(of: sightings)
    let temperatures = await laboratory.observedTemperatures()
    let stored = try await store.read { view -> [Int64: StoredSight] in
      let latches = Dictionary(try view.latches().map { ($0.channelId, $0) }, uniquingKeysWith: { first, _ in first })
      let (cells, wirings) = (try view.mountedCellNames(), try view.wirings())
      return try sightings.reduce(into: [:]) { found, sighting in
        let (id, run) = (sighting.key, sighting.value.entry.run)
        found[id] = StoredSight(
          latch: latches[id], cell: cells[id], wiring: wirings[id],
          runState: try run.flatMap { try view.state(run: $0) },
          reading: try run.flatMap { try view.newestReading(run: $0) })
      }
    }
    let now = laboratory.now().unix
    let list = sightings.sorted { $0.key < $1.key }.map { id, pair in
      var status = ChannelStatus(pair.entry, stored[id] ?? StoredSight(), circuits[id] ?? .unknown, at: now)
      if let observed = temperatures[id] { status.take(observed) }
      return status
    }
    return ChannelList(
      channels: list, unusable_ports: await laboratory.portTroubles(),
      unmatched_ports: await laboratory.unmatchedPatterns.sorted(), store_failure: store.health.trouble?.told)
  }

  func clear(channel: String, _ request: ClearRequest, by requester: Requester) async throws -> Acknowledgement {
    try await laboratory.clear(channel, reason: request.reason, requester)
    return Acknowledgement(
      request_id: requester.requestID, message: "\(channel) is cleared; a held run goes on only with `nactl resume`",
      channel: channel)
  }

  func mount(channel: String, _ request: MountRequest, by requester: Requester) async throws -> Acknowledgement {
    let wiring = try request.wiring.map(Wiring.init(named:))
    if wiring != nil, request.cell == nil {
      throw RequestRefused(
        .malformed, code: "mount.no_cell", message: "the wiring is said together with the cell",
        hint: "nactl cell mount \(channel) CELL --wiring \(request.wiring ?? "")")
    }
    let displaced = try await translating {
      try await laboratory.mount(request.cell, wiring: wiring, on: channel, requester)
    }
    let how = wiring.map { ", \($0.rawValue)" } ?? ""
    var message = request.cell.map { "“\($0)” is on \(channel)\(how)" } ?? "\(channel) holds no cell"
    if let other = displaced.channel { message += "; \(other), where it was, holds none now" }
    if let cell = displaced.cell { message += "; “\(cell)” was taken off" }
    return Acknowledgement(request_id: requester.requestID, message: message, channel: channel)
  }

  // MARK: - Cells

  func cells() async throws -> CellList {
    CellList(cells: try await store.read { view in try view.cells().map { try view.status(of: $0) } })
  }

  func cell(named name: String) async throws -> CellStatus {
    guard let found = try await store.read({ view in try view.cell(named: name).map { try view.status(of: $0) } })
    else { throw Self.noCell(name) }
    return found
  }

  func addCells(_ cells: [CellRequest], by requester: Requester) async throws -> CellList {
    let at = laboratory.now().unix
    let roles = try cells.map { request -> CellRole in
      guard let role = CellRole(rawValue: request.role) else {
        throw RequestRefused(
          .malformed, code: "cell.unknown_role", message: "“\(request.role)” is no role of a cell",
          hint: "one of \(CellRole.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return role
    }
    let entries = try cells.map { request in
      try CellNumbers.check(name: request.cell)
      try CellNumbers.check(ownID: request.external_id, batch: request.batch)
      return try CellEntry(request)
    }
    return try await translating {
      try await store.write { edit in
        var added: [CellStatus] = []
        for ((request, entry), role) in zip(zip(cells, entries), roles) {
          let cell = try edit.addCell(
            name: request.cell, externalID: request.external_id, batch: request.batch, role: role, entry,
            by: requester.name, at: at)
          added.append(try edit.view.status(of: cell))
        }
        return CellList(cells: added)
      }
    }
  }

  func reviseCell(
    named name: String, _ request: CellRevisionRequest, by requester: Requester
  ) async throws -> CellStatus {
    let at = laboratory.now().unix
    try CellNumbers.check(ownID: request.external_id, batch: request.batch)
    return try await translating {
      try await store.write { edit in
        guard let cell = try edit.view.cell(named: name) else { throw Self.noCell(name) }
        var entry = CellEntry(cell)
        try entry.take(request)
        guard
          entry != CellEntry(cell) || request.external_id.map({ $0 != cell.externalId ?? "" }) ?? false
            || request.batch.map({ $0 != cell.batch ?? "" }) ?? false
        else {
          throw RequestRefused(
            .malformed, code: "cell.nothing_to_change", message: "cell “\(name)” already has all that",
            hint: "name a value that shall be another; an empty text takes one away")
        }
        let revised = try edit.reviseCell(
          cell.cellId, entry, externalID: request.external_id, batch: request.batch, by: requester.name,
          reason: request.reason, at: at)
        return try edit.view.status(of: revised)
      }
    }
  }

  private static func noCell(_ name: String) -> RequestRefused {
    RequestRefused(
      .notFound, code: "cell.not_found", message: "there is no cell “\(name)”",
      hint: "`nactl cell list` shows the cells")
  }

  // MARK: - Protocols and runs

  func check(_ request: CheckRequest) async throws -> CheckResponse {
    let entry = try await request.channel.asyncMap { try await laboratory.channel(named: $0) }
    var cell = try await checkedCell(request.cell)
    // The cell that a start on the channel would take.
    if cell == nil, let entry { cell = try await store.read { try $0.mountedCell(channel: entry.id) } }
    let limits = entry.flatMap { $0.worker == nil ? nil : $0.instrument.capabilities.limits }
    try CellNumbers.check(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
    let said = CellValues(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
    var answers: [CheckedProtocol] = []
    for source in try request.protocols.setting(request.set ?? []) {
      switch ProtocolDecoder.decode(Array(source.text.utf8)) {
      case .failure(let found): answers.append(CheckedProtocol(source.name, found))
      case .success(let document):
        try Laboratory.checkRole(document, cell)
        let values = try CellValues(cell, said)
        switch document.compile(cell: values, instrument: limits) {
        case .failure(let found): answers.append(CheckedProtocol(source.name, found, document))
        case .success(let program):
          var answer = CheckedProtocol(source.name, program, limits, values.filled(from: document.values))
          await judgeThermometer(program, entry, &answer)
          Self.judgeHardwareLimits(entry, &answer)
          answers.append(answer)
        }
      }
    }
    return CheckResponse(valid: answers.allSatisfy(\.problems.isEmpty), protocols: answers)
  }

  /// What a start on the channel would be refused for, unless a person agrees. One whose instrument is away is not judged.
  private static func judgeHardwareLimits(_ entry: ChannelEntry?, _ answer: inout CheckedProtocol) {
    guard let entry, entry.worker != nil,
      let refusal = entry.instrument.capabilities.checkHardwareLimits(entry.name, accepted: false)
    else { return }
    answer.warnings.append(
      Problem(
        protocol_name: answer.name, path: "",
        message: refusal.body.message + ": `nactl start` there needs --accept-no-hardware-limits",
        hint: "choose another channel, or agree to it at the start; the run keeps your word"))
  }

  private func checkedCell(_ name: String?) async throws -> StoredCell? {
    guard let name else { return nil }
    guard let cell = try await store.read({ try $0.cell(named: name) }) else { throw Self.noCell(name) }
    return cell
  }

  func start(_ request: StartRequest, by requester: Requester) async throws -> StartResponse {
    try await translating { try await laboratory.start(request, by: requester) }
  }

  func runs(active: Bool) async throws -> RunList {
    let runs = try await store.read { view in
      try (active ? view.openRuns() : view.runs()).map { run in
        let closed = try view.newestCycle(run: run.runId)?.cycleNumber
        let present = try view.newestRecord(of: run.runId)?.step.cycleNumber
        return RunStatus(run, cycle: present ?? closed, cycleCount: nil)
      }
    }
    return RunList(runs: runs.sorted { $0.run > $1.run }, store_failure: store.health.trouble?.told)
  }

  func run(_ reference: RunReference) async throws -> RunDetail {
    let run = try await stored(reference)
    let programs = await laboratory.programs(of: run)
    let sighting = await laboratory.sightings()[run.channelId]
    var circuit = CyclerModel.CircuitState.unknown
    if let sighting { circuit = await laboratory.circuit(of: sighting.entry, sighting.sighting) }
    let instrument = sighting.map { "\($0.entry.instrument.model) \($0.entry.instrument.serial)" }
    let seen = circuit
    return try await store.read { view in
      try RunDetail(run, programs, view, instrument: instrument ?? run.instrumentSpecification, circuit: seen)
    }
  }

  func cycles(of reference: RunReference) async throws -> CycleTable {
    let run = try await stored(reference)
    return try await store.read { view in try CycleTable(run, view) }
  }

  func impedance(of reference: RunReference, step: Int64?) async throws -> ImpedanceTable {
    let run = try await stored(reference)
    return try await store.read { view in
      ImpedanceTable(
        run: run.runId, cell: run.cellName,
        points: try view.impedance(run: run.runId, step: step).map { ImpedanceFrame($0) })
    }
  }

  func events(of reference: RunReference, after event: Int64, limit: Int) async throws -> EventList {
    let run = try await stored(reference)
    return try await store.read { view in
      EventList(
        events: try view.events(run: run.runId, after: event, limit: limit).map {
          EventFrame($0, channel: run.channelName, cell: run.cellName)
        })
    }
  }

  func note(_ request: NoteRequest, on reference: RunReference, by requester: Requester) async throws -> Acknowledgement
  {
    let run = try await stored(reference)
    try await laboratory.note(request.text, on: run, requester)
    return Acknowledgement(request_id: requester.requestID, message: "noted", run: run.runId)
  }

  func command(
    _ command: RunCommand, _ request: CommandRequest, on reference: RunReference, by requester: Requester
  ) async throws -> Acknowledgement {
    let run = try await stored(reference)
    if request.step != nil, command != .skip {
      throw RequestRefused(
        .malformed, code: "run.step_without_skip", message: "\(command.rawValue) is of the run, not of a step",
        hint: "leave the step out")
    }
    try Self.checkAllowance(request, of: command)
    let remark = try await laboratory.command(command, on: run, requester, request)
    let next =
      command == .resume ? "; it goes on when its open circuit is as it should be: nactl show \(run.runId)" : ""
    let message = "\(command.rawValue) accepted for run \(run.runId)\(next)" + (remark.map { "; \($0)" } ?? "")
    return Acknowledgement(
      request_id: requester.requestID, message: message, run: run.runId, channel: run.channelName)
  }

  func amend(_ request: AmendRequest, on reference: RunReference, by requester: Requester) async throws -> AmendResponse
  {
    let run = try await stored(reference)
    return try await laboratory.amend(run, request, by: requester)
  }

  private static func checkAllowance(_ request: CommandRequest, of command: RunCommand) throws {
    guard let reason = request.allow_voltage else { return }
    if command != .resume {
      throw RequestRefused(
        .malformed, code: "run.voltage_without_resume", message: "\(command.rawValue) needs no voltage allowed",
        hint: "`allow_voltage` goes with `resume`; leave it out")
    }
    try PersonText.requireAllowance(reason)
  }

  // MARK: - Streams

  func stream(_ request: StreamRequest) async throws -> AsyncThrowingStream<[StreamFrame], any Error> {
    let run = try await request.run.asyncMap { try await stored($0) }
    let place = try await store.read { try StreamCursor(of: request, run: run, in: $0) }
    let operations = self
    let live = LiveStream(
      store: store, request: request, run: run?.runId, from: place,
      compile: { await operations.laboratory.programs(of: $0) })
    return AsyncThrowingStream { try await live.next() }
  }

  func export(_ reference: RunReference, as format: ControlAPI.ExportFormat) async throws
    -> AsyncThrowingStream<[UInt8], any Error>
  {
    let run = try await stored(reference)
    if format == .archive { return try await archive(of: run) }
    let export = try await store.export(run: run.runId, formatNamed: format.rawValue)
    return AsyncThrowingStream { try await export.next() }
  }

  func snapshot(by requester: Requester) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    guard let seat = snapshotSeat.take() else {
      throw RequestRefused(
        .unavailable, code: "snapshot.busy", message: "another snapshot is being made", hint: "wait until it is done")
    }
    let copy = try SnapshotCopy(of: store, in: transfers)
    return AsyncThrowingStream {
      if let piece = try await copy.next() { return piece }
      // Before the reader sees the end, so that it can ask for the next one.
      seat.end()
      return nil
    }
  }

  // MARK: - Finding

  func stored(_ reference: RunReference) async throws -> StoredRun {
    let run = try await store.read { view in
      switch reference {
      case .number(let number): try view.run(number)
      case .last: try view.lastBegunRun()
      }
    }
    guard let run else {
      switch reference {
      case .number(let number):
        throw RequestRefused(
          .notFound, code: "run.not_found", message: "there is no run \(number)", hint: "`nactl runs` shows the runs")
      case .last:
        throw RequestRefused(
          .notFound, code: "run.not_found", message: "no run has begun yet", hint: "start one with `nactl start`")
      }
    }
    return run
  }

  /// Store errors that a person caused, as refusals.
  private func translating<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as StoreError {
      switch error {
      case .unknown(let kind, let name):
        throw RequestRefused(.notFound, code: "\(kind).not_found", message: "there is no \(kind) “\(name)”")
      case .taken(let kind, let name):
        throw RequestRefused(
          .conflict, code: "\(kind).exists", message: "there is already a \(kind) “\(name)”",
          hint: "choose another name, or edit that one")
      case .inUse(let kind, let name, let run):
        throw RequestRefused(
          .conflict, code: "\(kind).in_use", message: "the \(kind) “\(name)” is in use by run \(run)",
          hint: "stop that run first")
      case .notWritten(let failure):
        throw RequestRefused(
          .unavailable, code: failure.code.rawValue, message: failure.detail,
          hint: "nothing was done; make room, then ask again")
      case .foreignDatabase, .newerSchema, .notDurable, .unusablePath, .stopped: throw error
      }
    }
  }
}

extension Optional where Wrapped: Sendable {
  fileprivate func asyncMap<Value>(_ transform: (Wrapped) async throws -> Value) async rethrows -> Value? {
    guard let self else { return nil }
    return try await transform(self)
  }
}
