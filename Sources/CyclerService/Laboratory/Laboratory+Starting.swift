// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a request to runs: which cell is on which channel, what the protocol becomes with that cell's values, and all
// of it stored in one transaction before the first circuit is measured. Several runs start all or none.

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import CyclingRun
internal import Foundation
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

extension Laboratory {
  /// One channel and the cell that shall be cycled on it.
  struct Target {
    var channel: ChannelEntry
    var cell: StoredCell?
  }

  /// One protocol, decoded.
  struct NamedDocument {
    var name: String
    var document: ProtocolDocument
  }

  func start(_ request: StartRequest, by requester: Requester) async throws -> StartResponse {
    if let reason = request.allow_voltage { try PersonText.requireAllowance(reason) }
    try CellNumbers.check(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
    let documents = try decode(try request.protocols.setting(request.set ?? []))
    let targets = try await targets(of: request)
    let reserved = targets.map(\.channel.id)
    // Without a pause between asking and taking: two starts at once must not both find the channel free.
    for target in targets where channels[target.channel.id]?.isReserved == true {
      throw RequestRefused(.conflict, code: "channel.busy", message: "\(target.channel.name) is just being started")
    }
    for channel in reserved { channels[channel]?.isReserved = true }
    do {
      return try await start(documents, on: targets, request, requester)
    } catch {
      for channel in reserved { channels[channel]?.isReserved = false }
      throw error
    }
  }

  func decode(_ sources: [ProtocolSource]) throws -> [NamedDocument] {
    guard !sources.isEmpty else {
      throw RequestRefused(
        .malformed, code: "start.no_protocol", message: "no protocol was given", hint: "give at least one protocol file"
      )
    }
    var documents: [NamedDocument] = []
    var problems: [Problem] = []
    for source in sources {
      switch ProtocolDecoder.decode(Array(source.text.utf8)) {
      case .success(let document): documents.append(NamedDocument(name: source.name, document: document))
      case .failure(let found): problems += found.problems.map { Problem($0, in: source.name) }
      }
    }
    guard problems.isEmpty else { throw RequestRefused(problems: problems) }
    return documents
  }

  // MARK: - Channels and cells

  private func targets(of request: StartRequest) async throws -> [Target] {
    let cells = try await store.read { view in try request.cells.map { (name: $0, cell: try view.cell(named: $0)) } }
    for (name, cell) in cells where cell == nil {
      throw RequestRefused(
        .notFound, code: "cell.not_found", message: "there is no cell “\(name)”",
        hint: "`nactl cell list` shows the cells, `nactl cell add` registers one")
    }
    let named = try request.channels.map(channel(named:))
    let chosen: [Target]
    switch (named.count, cells.count) {
    case (0, 0): chosen = [Target(channel: try onlyIdleChannel(), cell: nil)]
    case (0, _): chosen = try cells.map { try mounted($0.cell) }
    case (_, 0): chosen = named.map { Target(channel: $0, cell: nil) }
    case let (channelCount, cellCount) where channelCount == cellCount:
      chosen = zip(named, cells).map { Target(channel: $0, cell: $1.cell) }
    case let (channelCount, cellCount):
      throw RequestRefused(
        .malformed, code: "start.uneven", message: "\(channelCount) channels and \(cellCount) cells cannot be paired",
        hint: "give as many cells as channels, in the same order, or only one of the two lists")
    }
    guard Set(chosen.map(\.channel.id)).count == chosen.count else {
      throw RequestRefused(.malformed, code: "start.channel_twice", message: "a channel is named twice")
    }
    var targets: [Target] = []
    for target in chosen {
      targets.append(try await checked(target, request))
    }
    return targets
  }

  func channel(named name: String) throws -> ChannelEntry {
    if let found = channels.values.first(where: { $0.name == name }) { return found }
    throw RequestRefused(
      .notFound, code: "channel.not_found", message: "there is no channel “\(name)”",
      hint: "`nactl channels` shows the channels")
  }

  private func onlyIdleChannel() throws -> ChannelEntry {
    let idle = channels.values.filter { $0.worker != nil && $0.run == nil && !$0.isReserved }
    if idle.count == 1, let only = idle.first { return only }
    throw RequestRefused(
      .conflict, code: "start.which_channel",
      message: idle.isEmpty ? "no channel is idle" : "\(idle.count) channels are idle",
      hint: idle.isEmpty
        ? "`nactl channels` shows what they do" : "choose with --channels, or name the cell with --cells")
  }

  private func mounted(_ cell: StoredCell?) throws -> Target {
    if let cell, let id = cell.channelId, let channel = channels[id] { return Target(channel: channel, cell: cell) }
    throw RequestRefused(
      .conflict, code: "cell.not_mounted", message: "the cell “\(cell?.name ?? "")” is on no channel",
      hint: "`nactl cell mount CHANNEL CELL`, or give --channels beside --cells")
  }

  /// A channel that can take a run: there, not latched, and free or busy with the same cell.
  private func checked(_ target: Target, _ request: StartRequest) async throws -> Target {
    let channel = target.channel
    let (latch, mountedCell, open) = try await store.read { view in
      (try view.latch(channel: channel.id), try view.mountedCell(channel: channel.id), try view.openRuns())
    }
    if let latch {
      throw RequestRefused(
        .conflict, code: "channel.latched", message: "\(channel.name) is latched: \(latch.fault): \(latch.detail)",
        hint: "look at the cell, then `nactl clear \(channel.name) --reason TEXT`")
    }
    guard channel.worker != nil else {
      throw away(
        "channel.away", "the instrument of \(channel.name) is not connected",
        hint: "`nactl channels` shows where it was last")
    }
    let capabilities = channel.instrument.capabilities
    if let refusal = capabilities.checkHardwareLimits(channel.name, accepted: request.accept_no_hardware_limits) {
      throw refusal
    }
    var chosen = target
    let run = open.last { $0.channelId == channel.id }
    if request.isOnResistor { try Self.requireNoCell(channel.name, mountedCell, run) }
    if let run, chosen.cell == nil { chosen.cell = try await store.read { try $0.cell(run.cellId) } }
    if chosen.cell == nil { chosen.cell = mountedCell }
    if let run, run.cellId != chosen.cell?.cellId {
      throw RequestRefused(
        .conflict, code: "channel.busy", message: "\(channel.name) cycles “\(run.cellName)” in run \(run.runId)",
        hint: "stop that run first, or start on another channel")
    }
    if channels[channel.id]?.isReserved == true {
      throw RequestRefused(.conflict, code: "channel.busy", message: "\(channel.name) is just being started")
    }
    return chosen
  }

  /// Where a resistor is to be measured no cell may be, and none that waits for its next run.
  private static func requireNoCell(_ channel: String, _ mounted: StoredCell?, _ run: StoredRun?) throws {
    if let run {
      throw RequestRefused(
        .conflict, code: "channel.busy", message: "\(channel) cycles “\(run.cellName)” in run \(run.runId)",
        hint: "stop that run first, or try another channel")
    }
    guard let mounted else { return }
    throw RequestRefused(
      .conflict, code: "channel.holds_cell", message: "\(channel) holds the cell “\(mounted.name)”",
      hint: "connect the resistor in its place, then say so with `nactl cell mount \(channel)`")
  }

  // MARK: - Storing and beginning

  private func start(
    _ documents: [NamedDocument], on targets: [Target], _ request: StartRequest, _ requester: Requester
  ) async throws -> StartResponse {
    let prepared = try prepare(documents, targets, request)
    try requireThermometers(prepared, targets)
    let warnings = warnings(targets, prepared)
    var settings = StartSettings()
    settings.allowedVoltageReason = request.allow_voltage
    settings.acceptsNoHardwareLimits = request.accept_no_hardware_limits
    settings.isOnResistor = request.on_resistor
    let stored = try await keep(prepared, targets, settings, requester)
    var begun: Set<Int64> = []
    for (run, plan) in zip(stored, prepared) {
      let target = targets[plan.target]
      guard run.state == RunState.preflight.rawValue, begun.insert(target.channel.id).inserted else { continue }
      place(
        pilot(for: run.run, plan.program, target.channel, run.firstCycle, settings, requester.name, after: run.earlier))
    }
    for target in targets { channels[target.channel.id]?.isReserved = false }
    return StartResponse(
      request_id: requester.requestID,
      runs: zip(stored, prepared).map { run, plan in
        StartedRun(
          run: run.run, uuid: run.uuid, channel: targets[plan.target].channel.name, cell: run.cell,
          cell_registered: run.isNewCell, title: plan.title, state: run.state, queue_position: run.queuePosition)
      }, warnings: warnings + Self.displaced(stored, targets, prepared))
  }

  /// Who meant another channel should notice.
  private static func displaced(_ runs: [KeptRun], _ targets: [Target], _ prepared: [PreparedRun]) -> [String] {
    zip(runs, prepared).compactMap { run, plan in
      run.displaced.map { "“\($0)” was on \(targets[plan.target].channel.name) and was taken off for “\(run.cell)”" }
    }
  }

  private func warnings(_ targets: [Target], _ prepared: [PreparedRun]) -> [String] {
    var warnings: [String] = []
    for target in targets where !target.channel.instrument.capabilities.hasLease {
      warnings.append("\(target.channel.name) stays on if this machine dies: its instrument has no lease")
    }
    for target in targets {
      guard let hole = target.channel.instrument.capabilities.leaseHole else { continue }
      warnings.append("\(target.channel.name): \(hole)")
    }
    for plan in prepared {
      let limits = targets[plan.target].channel.instrument.capabilities.limits
      warnings += ProgramListing.warnings(of: plan.program, instrument: limits)
    }
    return warnings
  }

  func pilot(
    for run: Int64, _ program: Program, _ channel: ChannelEntry, _ firstCycle: Int64, _ start: StartSettings,
    _ person: String, after earlier: EarlierHalfCycle?
  ) -> RunPilot {
    RunPilot(
      identity: RunIdentity(
        run: run, channel: channel.id, instrumentChannel: channel.number, earlierCellCycles: firstCycle - 1,
        protocolRevision: 1, startedBy: person, earlierHalfCycle: earlier),
      program: program,
      settings: settings(start, channel.instrument.capabilities),
      instrumentIsHere: true)
  }

  /// A run as it was stored.
  private struct KeptRun: Sendable {
    var run: Int64
    var uuid: String
    var cell: String
    var isNewCell: Bool
    var state: String
    var queuePosition: Int?
    var firstCycle: Int64
    var earlier: EarlierHalfCycle?
    /// The cell that had to leave the channel.
    var displaced: String?
  }

  private func keep(
    _ prepared: [PreparedRun], _ targets: [Target], _ settings: StartSettings, _ requester: Requester
  ) async throws -> [KeptRun] {
    let at = now().unix
    let text = try settings.stored
    let channels = targets.map { (id: $0.channel.id, name: $0.channel.name, model: $0.channel.instrument.model) }
    let known = targets.map(\.cell)
    return try await store.write { edit in
      var cells = known
      var kept: [KeptRun] = []
      for plan in prepared {
        let channel = channels[plan.target]
        let isNew = cells[plan.target] == nil
        let cell = try edit.cell(
          cells[plan.target], named: plan.cellName, role: plan.role, values: plan.values, by: requester.name, at: at)
        cells[plan.target] = cell
        var displaced: String?
        if settings.isOnResistor == true {
          let elsewhere = try edit.view.openRuns().first { $0.cellId == cell.cellId && $0.channelId != channel.id }
          if let elsewhere { throw StoreError.inUse(kind: "cell", name: cell.name, run: elsewhere.runId) }
        } else if cell.channelId != channel.id {
          displaced = try edit.view.mountedCell(channel: channel.id)?.name
          try edit.mount(cell: cell.cellId, channel: channel.id, by: requester.name, at: at)
        }
        let before = try edit.view.openRuns().filter { $0.channelId == channel.id }
        let isQueued = !before.isEmpty
        let firstCycle = try edit.view.nextCellCycleNumber(cell: cell.cellId)
        let protocolID = try edit.addProtocol(
          sha256: SHA256.digest(Array(plan.source.utf8)), source: plan.source)
        var entry = RunEntry(
          uuid: UUID().uuidString.lowercased(), title: plan.title, cell: cell.cellId, cellRevision: cell.revision,
          channel: channel.id, state: isQueued ? .queued : .preflight, at: at, startedBy: requester.name,
          protocolID: protocolID, definitionsVersion: MetricDefinitions.version,
          parameters: plan.program.metrics.stored, firstCycleNumber: firstCycle, daemonVersion: NaCyclerVersion.text,
          instrumentSpecification: channel.model)
        entry.listing = plan.listing
        entry.queuePosition = isQueued ? Int64(before.count) : nil
        entry.rateBasisMassUg = plan.values.activeMass?.micrograms
        entry.rateBasisAreaMm2E3 = plan.values.area?.squareMillimetreThousandths
        entry.rateBasisChargeNc = plan.values.nominalCapacity?.nanocoulombs
        entry.settings = text
        let run = try edit.addRun(entry)
        kept.append(
          KeptRun(
            run: run, uuid: entry.uuid, cell: cell.name, isNewCell: isNew, state: entry.state.rawValue,
            queuePosition: entry.queuePosition.map(Int.init), firstCycle: firstCycle,
            earlier: try edit.view.earlierHalfCycle(cell: cell.cellId, before: run), displaced: displaced))
      }
      return kept
    }
  }
}
