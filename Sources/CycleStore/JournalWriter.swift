// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Turns one batch into rows. The records go through SQLite's own binding calls on a statement that GRDB keeps: it is
// the one loop whose speed decides how many channels a daemon can carry. Everything else is plain GRDB.

import CyclerModel
import Foundation
import GRDB
import GRDBSQLite
import Quantities

/// Writes journal batches inside a transaction that the caller opened. Keeps what the transaction touched.
struct JournalWriter {
  /// The runs of which something was written since `reset`.
  private(set) var touchedRuns: Set<Int64> = []
  /// Those of which more was written than records and checkpoints.
  private(set) var changedRuns: Set<Int64> = []
  /// Whether an event was written.
  private(set) var hasEvents = false
  private var lastCheckpoints: [(run: Int64, at: UnixInstant, state: [UInt8])] = []

  /// Forgets what was touched, and what an earlier transaction left behind.
  mutating func reset() {
    lastCheckpoints.removeAll(keepingCapacity: true)
    touchedRuns.removeAll(keepingCapacity: true)
    changedRuns.removeAll(keepingCapacity: true)
    hasEvents = false
  }

  private mutating func noteChange(of run: Int64) {
    touchedRuns.insert(run)
    changedRuns.insert(run)
  }

  /// Writes `batch`, except for its checkpoints: of each run `finish` writes the last of all batches.
  mutating func write(_ batch: borrowing JournalBatch, to database: Database) throws {
    for entry in batch.entries { try write(entry, to: database) }
    if !batch.records.isEmpty { try write(records: batch.records, to: database) }
  }

  /// Writes what the batches have left, in the same transaction.
  mutating func finish(commitSequence: Int64, to database: Database) throws {
    for checkpoint in lastCheckpoints {
      try write(checkpoint.state, of: checkpoint.run, at: checkpoint.at, commitSequence, to: database)
    }
  }

  /// The bytes of a checkpoint begin with their own version; this number says only that they do.
  static let checkpointFormat: Int64 = 1

  private func write(
    _ state: [UInt8], of run: Int64, at: UnixInstant, _ commitSequence: Int64, to database: Database
  ) throws {
    let statement = try database.cachedStatement(sql: Self.upsertCheckpoint).sqliteStatement
    // SQLite reads the bytes where they are, and has let go of them when they leave.
    try state.withUnsafeBytes { bytes in
      defer {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
      }
      let bound =
        sqlite3_bind_int64(statement, 1, run) | sqlite3_bind_int64(statement, 2, Self.checkpointFormat)
        | sqlite3_bind_int64(statement, 3, commitSequence) | sqlite3_bind_int64(statement, 4, at.microseconds)
        | sqlite3_bind_blob(statement, 5, bytes.baseAddress, Int32(bytes.count), nil)
      guard bound == SQLITE_OK, sqlite3_step(statement) == SQLITE_DONE else {
        throw Self.error(of: database, "storing the checkpoint of run \(run)")
      }
    }
  }

  // MARK: Records

  /// So many rows go into one statement where a source has as many: a quarter less work a row than one at a time. Rows of
  /// several sources lie on as many pages, which SQLite would copy for the case that the statement fails.
  private static let rowsTogether = 16

  private mutating func write(records: ContiguousArray<RecordRow>, to database: Database) throws {
    var place = 0
    if records.count >= Self.rowsTogether {
      let together = try database.cachedStatement(sql: Self.insertRecords).sqliteStatement
      while records.count - place >= Self.rowsTogether {
        let rows = records[place..<place + Self.rowsTogether]
        if !Self.insert(rows, by: together) { try insertSingly(rows, afterTheyFailedIn: database) }
        place += Self.rowsTogether
      }
    }
    try insertSingly(records[place...], into: database)
    noteRuns(of: records)
  }

  /// A statement that broke a rule has stored nothing; one row at a time tells which of them it was. After any other
  /// failure SQLite may have ended the transaction, and nothing more may be written.
  private func insertSingly(_ records: ArraySlice<RecordRow>, afterTheyFailedIn database: Database) throws {
    let error = Self.error(of: database, "storing records of step \(records.first?.stepID ?? 0)")
    guard error.resultCode == .SQLITE_CONSTRAINT, database.isInsideTransaction else { throw error }
    try insertSingly(records, into: database)
  }

  private func insertSingly(_ records: ArraySlice<RecordRow>, into database: Database) throws {
    guard !records.isEmpty else { return }
    let statement = try database.cachedStatement(sql: Self.insertRecord).sqliteStatement
    for place in records.indices where !Self.insert(records[place...place], by: statement) {
      let record = records[place]
      throw Self.error(of: database, "storing a record (step \(record.stepID), index \(record.index))")
    }
  }

  /// Stores so many records as the statement has rows; false when SQLite refuses.
  private static func insert(_ records: ArraySlice<RecordRow>, by statement: OpaquePointer) -> Bool {
    var bound = SQLITE_OK
    var place: Int32 = 0
    for record in records {
      bound |= bind(record, after: place, to: statement)
      place += 8
    }
    guard bound == SQLITE_OK, sqlite3_step(statement) == SQLITE_DONE else {
      sqlite3_reset(statement)
      return false
    }
    return sqlite3_reset(statement) == SQLITE_OK
  }

  @inline(__always)
  private static func bind(_ record: RecordRow, after place: Int32, to statement: OpaquePointer) -> Int32 {
    sqlite3_bind_int64(statement, place + 1, record.stepID)
      | sqlite3_bind_int64(statement, place + 2, Int64(record.index))
      | sqlite3_bind_int64(statement, place + 3, record.stepTime.microseconds)
      | bind(record.voltage?.nanovolts, at: place + 4, of: statement)
      | bind(record.current?.picoamperes, at: place + 5, of: statement)
      | sqlite3_bind_int64(statement, place + 6, record.charge.nanocoulombs)
      | sqlite3_bind_int64(statement, place + 7, record.energy.nanojoules)
      | sqlite3_bind_int64(statement, place + 8, record.flags.rawValue)
  }

  private mutating func noteRuns(of records: ContiguousArray<RecordRow>) {
    var run: Int64 = -1
    for record in records where record.stepID >> RowIdentity.countBits != run {
      run = record.stepID >> RowIdentity.countBits
      touchedRuns.insert(run)
    }
  }

  private static func bind(_ value: Int64?, at place: Int32, of statement: OpaquePointer) -> Int32 {
    if let value { sqlite3_bind_int64(statement, place, value) } else { sqlite3_bind_null(statement, place) }
  }

  private static func error(of database: Database, _ doing: String) -> DatabaseError {
    let connection = database.sqliteConnection
    let text = sqlite3_errmsg(connection).map { String(cString: $0) } ?? "no message"
    return DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)), message: "\(text), \(doing)")
  }

  // MARK: Entries

  private mutating func write(_ entry: JournalEntry, to database: Database) throws {
    switch entry {
    case .stepStarted(let step): try write(step, to: database)
    case .stepBegan(let stepID, let at, let testTime):
      noteChange(of: stepID >> RowIdentity.countBits)
      try Self.changeOne(
        database, "step", stepID, "UPDATE step SET started_unix_us = ?, started_test_time_us = ? WHERE step_id = ?",
        [at.microseconds, testTime.microseconds, stepID])
    case .stepEnded(let stepID, let endedTestTime, let reason):
      noteChange(of: stepID >> RowIdentity.countBits)
      try Self.changeOne(
        database, "step", stepID, "UPDATE step SET ended_test_time_us = ?, end_reason = ? WHERE step_id = ?",
        [endedTestTime.microseconds, reason, stepID])
    case .temperature(let stepID, let stepTime, let temperature):
      touchedRuns.insert(stepID >> RowIdentity.countBits)
      try database.cachedStatement(sql: Self.upsertTemperature).execute(arguments: [
        stepID, stepTime.microseconds, temperature?.millidegrees,
      ])
    case .halfCycleOpened(let row), .halfCycleUpdated(let row): try write(row, to: database)
    case .cycleClosed(let run, let summary): try write(summary, run: run, to: database)
    case .summaryUpdated(let run, let summary): try write(summary, run: run, to: database)
    case .testUpdated(let row): try write(row, to: database)
    case .impedancePoint(let row): try write(row, to: database)
    case .amended(let run, let revision, let fromStepID):
      try change(revision, of: run, "from_step_id = ?, refusal = NULL", fromStepID.databaseValue, in: database)
      try Self.changeOne(
        database, "run", run, "UPDATE run SET protocol_revision = ? WHERE run_id = ?", [Int64(revision), run])
    case .amendmentRefused(let run, let revision, let reason):
      try change(revision, of: run, "refusal = ?", reason.databaseValue, in: database)
    case .runState(let run, let state, let at, let reason):
      noteChange(of: run)
      try Self.setState(of: run, to: state, at: at, reason: reason, in: database)
    case .latched(let channel, let run, let fault, let at):
      try Self.latch(channel: channel, run: run, fault: fault, at: at, in: database)
      hasEvents = true
      if let run { noteChange(of: run) }
    case .event(let event):
      hasEvents = true
      if let run = event.run { noteChange(of: run) }
      try Self.insert(event, into: database)
    case .checkpoint(let run, let at, let state):
      touchedRuns.insert(run)
      lastCheckpoints.removeAll { $0.run == run }
      lastCheckpoints.append((run, at, state))
    case .checkpointDropped(let run):
      noteChange(of: run)
      lastCheckpoints.removeAll { $0.run == run }
      try database.cachedStatement(sql: "DELETE FROM checkpoint WHERE run_id = ?").execute(arguments: [run])
    }
  }

  private mutating func change(
    _ revision: Int32, of run: Int64, _ what: String, _ value: DatabaseValue, in database: Database
  ) throws {
    noteChange(of: run)
    try Self.changeOne(
      database, "revision", Int64(revision), "UPDATE run_protocol SET \(what) WHERE run_id = ? AND revision = ?",
      [value, run, Int64(revision)])
  }

  private mutating func write(_ step: StepRow, to database: Database) throws {
    noteChange(of: step.run)
    try database.cachedStatement(sql: Self.insertStep).execute(arguments: [
      step.stepID, step.run, Int64(step.stepCount), Int64(step.protocolRevision), Int64(step.programIndex),
      step.programPath, step.kind.rawValue, Int64(step.direction.rawValue), step.halfCycleID, step.cycleNumber,
      step.startedAt.microseconds, step.startedTestTime.microseconds, step.startCharge.nanocoulombs,
      step.rangeCurrent?.picoamperes,
    ])
  }

  private mutating func write(_ row: HalfCycleRow, to database: Database) throws {
    noteChange(of: row.run)
    try database.cachedStatement(sql: Self.upsertHalfCycle).execute(arguments: [
      row.halfCycleID, row.run, Int64(row.number), row.cycleNumber, Int64(row.direction.rawValue),
      row.purpose?.rawValue, row.label, row.charge.nanocoulombs, row.reverseCharge.nanocoulombs,
      row.energy.nanojoules, row.constantVoltageCharge.nanocoulombs, row.plateauCharge?.nanocoulombs,
      row.gapCharge?.nanocoulombs, row.endReason, row.flags.rawValue, row.activeTime?.microseconds,
      row.endVoltage?.nanovolts, row.endNetCharge?.nanocoulombs,
    ])
    try Self.write(row.detail, of: row.halfCycleID, to: database)
  }

  private mutating func write(_ cycle: CycleSummary, run: Int64, to database: Database) throws {
    noteChange(of: run)
    try Self.changeOne(
      database, "run", run, Self.upsertCycle,
      [
        cycle.cycleNumber, cycle.cellCycleNumber, cycle.purpose?.rawValue, cycle.label,
        cycle.chargeCapacity?.ampereHours, cycle.dischargeCapacity?.ampereHours, cycle.chargeEnergy?.wattHours,
        cycle.dischargeEnergy?.wattHours, cycle.coulombicEfficiency, cycle.sodiationPlateauCharge?.ampereHours,
        cycle.sodiationPlateauRatio, cycle.desodiationPlateauCharge?.ampereHours, cycle.desodiationPlateauRatio,
        cycle.retention, cycle.cumulativeIrreversibleCharge?.ampereHours, cycle.flags.rawValue,
      ] + arguments(of: cycle.series) + [run])
    try Self.write(cycle.detail, ofCycle: cycle.cycleNumber, run: run, to: database)
  }

  private mutating func write(_ test: EfficiencyTestRow, to database: Database) throws {
    noteChange(of: test.run)
    try database.cachedStatement(sql: Self.upsertTest).execute(arguments: [
      test.run, Int64(test.number), test.kind.rawValue, test.label, Int64(test.cycles),
      test.reservoirCharge.nanocoulombs, test.platedCharge.nanocoulombs, test.strippedCharge.nanocoulombs,
      test.coulombicEfficiency, test.flags.rawValue,
    ])
  }

  private mutating func write(_ row: ImpedanceRow, to database: Database) throws {
    noteChange(of: row.stepID >> RowIdentity.countBits)
    let point = row.point
    try database.cachedStatement(sql: Self.insertImpedance).execute(arguments: [
      row.stepID, Int64(row.number), row.stepTime.microseconds, point.frequency.microhertz, point.real.count,
      point.imaginary.count, point.voltage?.nanovolts, point.current?.picoamperes, row.flags.rawValue,
    ])
  }

  // MARK: Rows that the control side writes too

  /// Runs a statement that must change exactly one row, and otherwise names what is missing.
  static func changeOne(
    _ database: Database, _ kind: String, _ id: Int64, _ sql: String, _ arguments: StatementArguments
  ) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
    guard database.changesCount == 1 else { throw StoreError.unknown(kind: kind, name: "\(id)") }
  }

  /// Stores a run's state; the first start and the end are kept apart from later changes.
  static func setState(
    of run: Int64, to state: RunState, at: UnixInstant, reason: String?, in database: Database
  ) throws {
    let begins =
      switch state {
      case .preflight, .running: true
      case .queued, .paused, .interrupted, .held, .suspended, .completed, .stopped, .ended: false
      }
    try changeOne(
      database, "run", run, updateState,
      [
        "state": state.rawValue, "reason": reason, "at": at.microseconds, "run": run, "begins": begins,
        "final": state.isFinal, "queued": state == .queued,
      ])
  }

  /// Stores an event.
  static func insert(_ event: EventRow, into database: Database) throws {
    try database.cachedStatement(sql: insertEvent).execute(arguments: [
      event.at.microseconds, event.run, event.channel, event.stepID, event.stepTime?.microseconds,
      event.code.rawValue, Int64(event.severity.rawValue), event.actor, event.detail,
    ])
  }

  /// Latches a channel and says so in an event. A channel that is latched already keeps its first fault, the cause.
  static func latch(
    channel: Int64, run: Int64?, fault: Fault, at: UnixInstant, actor: String = "daemon", in database: Database
  ) throws {
    try database.cachedStatement(sql: insertLatch).execute(arguments: [
      channel, fault.code.rawValue, run, at.microseconds, fault.detail,
    ])
    guard database.changesCount == 1 else { return }
    let event = EventRow(
      at: at, run: run, channel: channel, stepID: nil, stepTime: nil, code: .latchSet, severity: .alarm, actor: actor,
      detail: "\(fault.code.rawValue): \(fault.detail)")
    try insert(event, into: database)
  }
}

// MARK: - SQL

extension JournalWriter {
  private static let insertRecord = insertRecords(1)
  private static let insertRecords = insertRecords(rowsTogether)
  private static func insertRecords(_ count: Int) -> String {
    """
    INSERT INTO record(
      step_id, step_record_index, step_time_us, voltage_nv, current_pa, charge_nc, energy_nj, flags)
    VALUES \(Array(repeating: "(?, ?, ?, ?, ?, ?, ?, ?)", count: count).joined(separator: ", "))
    """
  }
  private static let insertStep = """
    INSERT INTO step(
      step_id, run_id, step_count, protocol_revision, program_index, program_path, kind, direction, half_cycle_id,
      cycle_number, started_unix_us, started_test_time_us, start_charge_nc, current_range_pa)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """
  private static let upsertHalfCycle = """
    INSERT INTO half_cycle(
      half_cycle_id, run_id, number, cycle_number, direction, purpose, label, charge_nc, reverse_charge_nc, energy_nj,
      constant_voltage_charge_nc, plateau_charge_nc, gap_charge_nc, end_reason, flags,
      active_time_us, end_voltage_nv, end_net_charge_nc)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(half_cycle_id) DO UPDATE SET
      charge_nc = excluded.charge_nc, reverse_charge_nc = excluded.reverse_charge_nc, energy_nj = excluded.energy_nj,
      constant_voltage_charge_nc = excluded.constant_voltage_charge_nc,
      plateau_charge_nc = excluded.plateau_charge_nc, gap_charge_nc = excluded.gap_charge_nc,
      end_reason = excluded.end_reason, flags = excluded.flags, active_time_us = excluded.active_time_us,
      end_voltage_nv = excluded.end_voltage_nv, end_net_charge_nc = excluded.end_net_charge_nc
    """
  private static let upsertCycle = """
    INSERT INTO cycle(
      run_id, parameter_set_id, cycle_number, cell_cycle_number, purpose, label, charge_capacity_ah,
      discharge_capacity_ah, charge_energy_wh, discharge_energy_wh, coulombic_efficiency,
      sodiation_plateau_capacity_ah, sodiation_plateau_ratio, desodiation_plateau_capacity_ah,
      desodiation_plateau_ratio, retention, cumulative_irreversible_capacity_ah, flags,
      \(seriesColumns.joined(separator: ", ")))
    SELECT run_id, parameter_set_id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(marks(seriesColumns)) FROM run WHERE run_id = ?
    ON CONFLICT(run_id, parameter_set_id, cycle_number) DO UPDATE SET
      cell_cycle_number = excluded.cell_cycle_number, purpose = excluded.purpose, label = excluded.label,
      charge_capacity_ah = excluded.charge_capacity_ah, discharge_capacity_ah = excluded.discharge_capacity_ah,
      charge_energy_wh = excluded.charge_energy_wh, discharge_energy_wh = excluded.discharge_energy_wh,
      coulombic_efficiency = excluded.coulombic_efficiency,
      sodiation_plateau_capacity_ah = excluded.sodiation_plateau_capacity_ah,
      sodiation_plateau_ratio = excluded.sodiation_plateau_ratio,
      desodiation_plateau_capacity_ah = excluded.desodiation_plateau_capacity_ah,
      desodiation_plateau_ratio = excluded.desodiation_plateau_ratio, retention = excluded.retention,
      cumulative_irreversible_capacity_ah = excluded.cumulative_irreversible_capacity_ah,
      flags = excluded.flags, \(updates(seriesColumns))
    """
  private static let upsertTest = """
    INSERT INTO efficiency_test(
      run_id, number, kind, label, cycles, reservoir_charge_nc, plated_charge_nc, stripped_charge_nc,
      coulombic_efficiency, flags)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(run_id, number) DO UPDATE SET
      cycles = excluded.cycles, reservoir_charge_nc = excluded.reservoir_charge_nc,
      plated_charge_nc = excluded.plated_charge_nc, stripped_charge_nc = excluded.stripped_charge_nc,
      coulombic_efficiency = excluded.coulombic_efficiency, flags = excluded.flags
    """
  private static let upsertTemperature = """
    INSERT INTO temperature_record(step_id, step_time_us, temperature_mdegc) VALUES(?, ?, ?)
    ON CONFLICT(step_id, step_time_us) DO UPDATE SET temperature_mdegc = excluded.temperature_mdegc
    """
  private static let insertImpedance = """
    INSERT INTO impedance_point(
      step_id, number, step_time_us, frequency_uhz, real_uohm, imaginary_uohm, voltage_nv, current_pa, flags)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
    """
  private static let upsertCheckpoint = """
    INSERT INTO checkpoint(run_id, format, commit_sequence, unix_us, state) VALUES(?, ?, ?, ?, ?)
    ON CONFLICT(run_id) DO UPDATE SET
      format = excluded.format, commit_sequence = excluded.commit_sequence, unix_us = excluded.unix_us,
      state = excluded.state
    """
  private static let updateState = """
    UPDATE run SET state = :state, state_reason = :reason, state_unix_us = :at,
      queue_position = CASE WHEN :queued THEN queue_position END,
      started_unix_us = CASE WHEN :begins THEN coalesce(started_unix_us, :at) ELSE started_unix_us END,
      ended_unix_us = CASE WHEN :final THEN :at END,
      end_reason = CASE WHEN :final THEN :reason END
    WHERE run_id = :run
    """
  private static let insertEvent = """
    INSERT INTO event(unix_us, run_id, channel_id, step_id, step_time_us, code, severity, actor, detail)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
    """
  private static let insertLatch = """
    INSERT INTO latch(channel_id, fault, run_id, raised_unix_us, detail) VALUES(?, ?, ?, ?, ?)
    ON CONFLICT(channel_id) DO NOTHING
    """
}
