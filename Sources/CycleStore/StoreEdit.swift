// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What people and the starting daemon change. Every change of a cell is a new revision with a name and a reason, and
// every latch and its clearing is an event; nothing here is ever overwritten silently.

public import CyclerModel
import Foundation
import GRDB

/// One transaction that changes the database, valid inside the closure that it is handed to.
public struct StoreEdit {
  let database: Database
  /// What the database holds, with the changes made so far.
  public var view: StoreView { StoreView(database: database) }

  // MARK: Instruments and channels

  /// Finds or registers an instrument by family and serial number and keeps its newest model name and firmware.
  public func upsertInstrument(
    family: String, model: String, serial: String, firmware: String?, at: UnixInstant
  ) throws -> Int64 {
    try database.execute(
      sql: """
        INSERT INTO instrument(family, model, serial, firmware, first_seen_unix_us) VALUES(?, ?, ?, ?, ?)
        ON CONFLICT(family, serial) DO UPDATE SET
          model = excluded.model, firmware = coalesce(excluded.firmware, firmware)
        """, arguments: [family, model, serial, firmware, at.microseconds])
    return try key("SELECT instrument_id FROM instrument WHERE family = ? AND serial = ?", [family, serial])
  }

  /// Finds or registers a channel of an instrument; an existing one keeps its key and takes the new name.
  ///
  /// A new channel of a database that has lost something is latched: what was lost may have had it latched.
  public func upsertChannel(instrument: Int64, number: Int64, name: String, at: UnixInstant) throws -> Int64 {
    if let other = try view.channel(named: name) {
      guard (other.instrumentId, other.number) == (instrument, number) else {
        throw StoreError.taken(kind: "channel", name: name)
      }
      return other.channelId
    }
    let known = try view.channel(instrument: instrument, number: number)
    try database.execute(
      sql: """
        INSERT INTO channel(instrument_id, number, name) VALUES(?, ?, ?)
        ON CONFLICT(instrument_id, number) DO UPDATE SET name = excluded.name
        """, arguments: [instrument, number, name])
    if let known { return known.channelId }
    let channel = database.lastInsertedRowID
    if let loss = try view.loss() {
      try setLatch(channel: channel, run: nil, fault: loss, at: at, actor: "daemon")
    }
    return channel
  }

  // MARK: Latches

  /// Latches a channel, with an event. A channel that is latched already keeps its first fault.
  public func setLatch(channel: Int64, run: Int64?, fault: Fault, at: UnixInstant, actor: String) throws {
    try JournalWriter.latch(channel: channel, run: run, fault: fault, at: at, actor: actor, in: database)
  }

  /// Removes a latch in the name of a person and with a reason, both kept in an event. No run goes on by it.
  ///
  /// - Throws: `StoreError.unknown` when the channel is not latched.
  public func clearLatch(channel: Int64, person: String, reason: String, at: UnixInstant) throws {
    guard let latch = try view.latch(channel: channel) else {
      throw StoreError.unknown(kind: "latch on channel", name: "\(channel)")
    }
    try database.execute(sql: "DELETE FROM latch WHERE channel_id = ?", arguments: [channel])
    try addEvent(
      EventRow(
        at: at, run: latch.runId, channel: channel, stepID: nil, stepTime: nil, code: .latchCleared,
        severity: .warning, actor: person, detail: "\(latch.fault) cleared: \(reason)"))
  }

  // MARK: Cells

  /// Registers a cell and returns it.
  ///
  /// - Throws: `StoreError.taken` when the name or the own number is in use.
  public func addCell(
    name: String, externalID: String? = nil, batch: String? = nil, role: CellRole, _ entry: CellEntry,
    by person: String, reason: String = "registered", at: UnixInstant
  ) throws -> StoredCell {
    if try view.cell(named: name) != nil { throw StoreError.taken(kind: "cell", name: name) }
    if let externalID, try view.cell(named: externalID) != nil {
      throw StoreError.taken(kind: "cell", name: externalID)
    }
    try database.execute(
      sql: "INSERT INTO cell(name, external_id, batch_id, role, created_unix_us) VALUES(?, ?, ?, ?, ?)",
      arguments: [
        name, externalID.flatMap(Self.orNull), try batch.flatMap(Self.orNull).map(batchKey), role.rawValue,
        at.microseconds,
      ])
    return try addRevision(database.lastInsertedRowID, 1, entry, person, reason, at)
  }

  /// Enters a new revision of a cell and returns it. Runs keep the revision that they were started with. A new own id or
  /// batch belongs to the cell; the revision's reason names what they were. An empty one takes them away.
  ///
  /// - Throws: `StoreError.taken` when the own id is another cell's.
  public func reviseCell(
    _ cell: Int64, _ entry: CellEntry, externalID: String? = nil, batch: String? = nil, by person: String,
    reason: String, at: UnixInstant
  ) throws -> StoredCell {
    let found = try existing(cell)
    var reason = reason
    if let externalID, externalID != found.externalId ?? "" {
      if !externalID.isEmpty, let other = try view.cell(named: externalID), other.cellId != cell {
        throw StoreError.taken(kind: "cell", name: externalID)
      }
      try database.execute(
        sql: "UPDATE cell SET external_id = ? WHERE cell_id = ?", arguments: [Self.orNull(externalID), cell])
      reason += "; own id \(found.externalId ?? "none") became \(Self.orNull(externalID) ?? "none")"
    }
    if let batch, batch != found.batch ?? "" {
      try database.execute(
        sql: "UPDATE cell SET batch_id = ? WHERE cell_id = ?", arguments: [try Self.orNull(batch).map(batchKey), cell])
      reason += "; batch \(found.batch ?? "none") became \(Self.orNull(batch) ?? "none")"
    }
    return try addRevision(cell, found.revision + 1, entry, person, reason, at)
  }

  /// Mounts a cell on a channel; whatever was on the channel, and wherever the cell was before, is taken off.
  ///
  /// - Throws: `StoreError.inUse` while a run that is not over holds the channel or the cell.
  public func mount(cell: Int64, channel: Int64, by person: String, at: UnixInstant) throws {
    let found = try existing(cell)
    for run in try view.openRuns() where run.channelId == channel || run.cellId == cell {
      if run.channelId == channel, run.cellId == cell { continue }
      if run.cellId == cell { throw StoreError.inUse(kind: "cell", name: found.name, run: run.runId) }
      throw StoreError.inUse(kind: "channel", name: run.channelName, run: run.runId)
    }
    try database.execute(
      sql: "DELETE FROM cell_mount WHERE channel_id = ? OR cell_id = ?", arguments: [channel, cell])
    try database.execute(
      sql: "INSERT INTO cell_mount(channel_id, cell_id, mounted_unix_us, mounted_by) VALUES(?, ?, ?, ?)",
      arguments: [channel, cell, at.microseconds, person])
  }

  private func existing(_ cell: Int64) throws -> StoredCell {
    guard let found = try view.cell(cell) else { throw StoreError.unknown(kind: "cell", name: "\(cell)") }
    return found
  }

  private static func orNull(_ text: String) -> String? { text.isEmpty ? nil : text }

  private func batchKey(_ name: String) throws -> Int64 {
    try database.execute(sql: "INSERT INTO batch(name) VALUES(?) ON CONFLICT(name) DO NOTHING", arguments: [name])
    return try key("SELECT batch_id FROM batch WHERE name = ?", [name])
  }

  private func addRevision(
    _ cell: Int64, _ revision: Int64, _ entry: CellEntry, _ person: String, _ reason: String, _ at: UnixInstant
  ) throws -> StoredCell {
    try database.execute(
      sql: """
        INSERT INTO cell_revision(
          cell_id, revision, entered_unix_us, entered_by, reason, active_mass_ug, active_mass_basis,
          active_mass_uncertainty_ug, area_mm2_e3, nominal_charge_nc, electrolyte, counter_electrode, notes)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        cell, revision, at.microseconds, person, reason, entry.activeMassUg, entry.activeMassBasis,
        entry.activeMassUncertaintyUg, entry.areaMm2E3, entry.nominalChargeNc, entry.electrolyte,
        entry.counterElectrode, entry.notes,
      ])
    return try existing(cell)
  }

  // MARK: Protocols and runs

  /// Finds or stores a protocol by the SHA-256 (32 bytes) of its text.
  public func addProtocol(sha256: [UInt8], source: String) throws -> Int64 {
    try database.execute(
      sql: "INSERT INTO protocol(sha256, source) VALUES(?, ?) ON CONFLICT(sha256) DO NOTHING",
      arguments: [Data(sha256), source])
    return try key("SELECT protocol_id FROM protocol WHERE sha256 = ?", [Data(sha256)])
  }

  /// Stores a new run with revision 1 of its protocol and returns its number.
  public func addRun(_ run: RunEntry) throws -> Int64 {
    let parameterSet = try addParameterSet(run.definitionsVersion, run.parameters)
    let started = run.state == .queued ? nil : run.at.microseconds
    try database.execute(
      sql: """
        INSERT INTO run(
          run_id, uuid, title, cell_id, cell_revision, channel_id, parameter_set_id, state, state_unix_us,
          queue_position,
          created_unix_us, started_unix_us, started_by, rate_basis_charge_nc, rate_basis_mass_ug,
          rate_basis_area_mm2_e3, first_cycle_number, daemon_version, instrument_specification, settings, wiring)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
          (SELECT wiring FROM channel WHERE channel_id = ?))
        """,
      arguments: [
        try nextRunNumber(), run.uuid, run.title, run.cell, run.cellRevision, run.channel, parameterSet,
        run.state.rawValue,
        run.at.microseconds, run.queuePosition, run.at.microseconds, started, run.startedBy, run.rateBasisChargeNc,
        run.rateBasisMassUg, run.rateBasisAreaMm2E3, run.firstCycleNumber, run.daemonVersion,
        run.instrumentSpecification, run.settings, run.channel,
      ])
    let number = database.lastInsertedRowID
    try database.execute(
      sql: """
        INSERT INTO run_protocol(run_id, revision, protocol_id, listing, compiler_version) VALUES(?, 1, ?, ?, ?)
        """, arguments: [number, run.protocolID, run.listing, run.daemonVersion])
    return number
  }

  /// Changes a run's state from the control side, for instance of a run that waits in the queue.
  public func setState(of run: Int64, to state: RunState, at: UnixInstant, reason: String?) throws {
    try JournalWriter.setState(of: run, to: state, at: at, reason: reason, in: database)
  }

  /// Sets the cell's cycle number of a run's cycle 1, which is known for certain only when a queued run begins.
  public func setFirstCycleNumber(of run: Int64, to number: Int64) throws {
    try JournalWriter.changeOne(
      database, "run", run, "UPDATE run SET first_cycle_number = ? WHERE run_id = ?", [number, run])
  }

  /// Finds or stores a set of metric parameters.
  public func addParameterSet(_ definitionsVersion: String, _ parameters: String) throws -> Int64 {
    try database.execute(
      sql: """
        INSERT INTO parameter_set(definitions_version, parameters) VALUES(?, ?)
        ON CONFLICT(definitions_version, parameters) DO NOTHING
        """, arguments: [definitionsVersion, parameters])
    return try key(
      "SELECT parameter_set_id FROM parameter_set WHERE definitions_version = ? AND parameters = ?",
      [definitionsVersion, parameters])
  }

  /// Closes what a run left open and nobody will go on with: its step, and its half-cycle, of which nobody knows more
  /// than that it was cut short.
  public func closeAbandoned(run: Int64, reason: String) throws {
    let flags: DataFlags = [.truncated, .gap, .chargeUnknown]
    try database.execute(
      sql: """
        UPDATE half_cycle SET end_reason = ?, gap_charge_nc = NULL, flags = flags | ?
        WHERE run_id = ? AND end_reason IS NULL
        """, arguments: [reason, flags.rawValue, run])
    try database.execute(
      sql: "UPDATE step SET end_reason = ? WHERE run_id = ? AND end_reason IS NULL", arguments: [reason, run])
  }

  /// Removes the checkpoint of a run that is over.
  public func dropCheckpoint(run: Int64) throws {
    try database.execute(sql: "DELETE FROM checkpoint WHERE run_id = ?", arguments: [run])
  }

  // MARK: Events

  /// Stores an event and returns its key.
  @discardableResult
  public func addEvent(_ event: EventRow) throws -> Int64 {
    try JournalWriter.insert(event, into: database)
    return database.lastInsertedRowID
  }

  /// Notes that a person has seen an event.
  public func acknowledge(event: Int64, by person: String, at: UnixInstant) throws {
    try JournalWriter.changeOne(
      database, "event", event, "UPDATE event SET acknowledged_by = ?, acknowledged_unix_us = ? WHERE event_id = ?",
      [person, at.microseconds, event])
  }

  private func key(_ sql: String, _ arguments: StatementArguments) throws -> Int64 {
    guard let key = try Int64.fetchOne(database, sql: sql, arguments: arguments) else {
      throw StoreError.unknown(kind: "row of", name: sql)
    }
    return key
  }
}
