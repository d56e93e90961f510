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
  /// Waits until everything that was said by then is committed; says whether it came to that before the store refused or
  /// patience was over.
  func waitForCommit(of place: InletPlace?, patience: Duration) async -> Bool {
    guard let place else { return true }
    let deadline = ContinuousClock.now + patience
    place.inlet.requestCommit()
    while !place.isCommitted {
      guard store.health.trouble == nil, ContinuousClock.now < deadline else { return false }
      try? await Task.sleep(for: .milliseconds(2))
    }
    return true
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
    try await store.write { edit in
      try edit.clearLatch(channel: entry.id, person: requester.name, reason: reason, at: at)
    }
  }

  /// What had to leave its place when a cell was mounted.
  struct Displaced {
    /// The cell that was on the channel.
    var cell: String?
    /// The channel that the cell was on.
    var channel: String?
  }

  func mount(
    _ cellName: String?, wiring: Wiring?, on name: String, _ requester: Requester
  ) async throws -> Displaced {
    let entry = try channel(named: name)
    let at = now().unix
    let busy = entry.run
    return try await store.write { edit in
      var displaced = Displaced(cell: try edit.view.mountedCell(channel: entry.id)?.name)
      guard let cellName else {
        if let busy { throw StoreError.inUse(kind: "channel", name: name, run: busy) }
        try edit.unmount(channel: entry.id)
        return displaced
      }
      guard let cell = try edit.view.cell(named: cellName) else {
        throw StoreError.unknown(kind: "cell", name: cellName)
      }
      if displaced.cell == cell.name { displaced.cell = nil }
      displaced.channel =
        try edit.view.channels().first { $0.cellId == cell.cellId && $0.channelId != entry.id }?.name
      try edit.mount(cell: cell.cellId, channel: entry.id, by: requester.name, at: at)
      if let wiring { try edit.setWiring(of: entry.id, to: wiring) }
      return displaced
    }
  }

  /// What is known of all channels, for people to look at.
  func sightings() -> [Int64: (entry: ChannelEntry, sighting: ChannelSighting?)] {
    channels.mapValues { entry in (entry, entry.worker?.sighting(channel: entry.number)) }
  }

  /// What keeps ports from being used, by name.
  func portTroubles() -> [UnusablePort] {
    var faults = unusablePorts
    for worker in roster.stalled(at: now().host) {
      faults[worker.path] = Fault(.portStalled, "the thread of \(worker.path) does not answer")
    }
    return faults.sorted { $0.key < $1.key }.map { UnusablePort(port: $0.key, $0.value) }
  }

  /// The circuits of all channels.
  func circuits(of sightings: [Int64: (entry: ChannelEntry, sighting: ChannelSighting?)]) -> [Int64:
    CyclerModel.CircuitState]
  {
    sightings.mapValues { circuit(of: $0.entry, $0.sighting) }
  }

  /// The circuit of a channel, never shown as open without a confirmation (hazard rule 7).
  func circuit(of entry: ChannelEntry, _ sighting: ChannelSighting?) -> CyclerModel.CircuitState {
    if let worker = entry.worker, worker.isStalled(at: now().host) { return .unknown }
    if let sighting, entry.worker != nil { return sighting.circuit }
    guard let lostAt = entry.lostAt, entry.instrument.capabilities.hasLease else { return .unknown }
    if let run = entry.run, setAsideRuns[run] != nil { return .unknown }
    // The run knows what it left behind, and with which lease; otherwise it may have been anything.
    let left = waiting[entry.id]?.pilot.longestAlone ?? .zero
    let alone = left > .zero ? left : RunSettings.longestAlone(lease: configuration.lease)
    // By the steady clock: the calendar may have been put forward.
    guard now().host - lostAt.host >= alone else { return .unknown }
    return .openLeaseExpired(UnixInstant(microseconds: lostAt.unix.microseconds + alone.microseconds))
  }
}

extension Laboratory {
  /// Keeps a warning that concerns all channels.
  func tell(_ fault: Fault) async {
    logger.warning("\(fault.code.rawValue): \(fault.detail)")
    let at = now().unix
    _ = try? await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: nil, channel: nil, stepID: nil, stepTime: nil, code: fault.code, severity: .warning,
          actor: "daemon", detail: fault.detail))
    }
  }

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
