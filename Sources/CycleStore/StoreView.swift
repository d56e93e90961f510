// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The questions that the daemon and its clients ask. Each is one statement over one consistent state; long lists are
// read by cursor and limit, so that no reader keeps a transaction open for long.

public import CyclerModel
import Foundation
import GRDB
import Quantities

/// One consistent state of the database, valid inside the closure that it is handed to.
public struct StoreView {
  let database: Database

  // MARK: Instruments, channels, latches

  /// All instruments ever seen.
  public func instruments() throws -> [StoredInstrument] {
    try StoredInstrument.fetchAll(database, sql: "SELECT * FROM instrument ORDER BY instrument_id")
  }

  /// All channels ever seen on this machine; those of imported runs are elsewhere.
  public func channels() throws -> [StoredChannel] {
    try StoredChannel.fetchAll(
      database,
      sql: Self.channelSQL
        + "WHERE instrument_id NOT IN (SELECT instrument_id FROM instrument WHERE family LIKE 'archive:%') "
        + "ORDER BY channel_id")
  }

  /// A channel by its name.
  public func channel(named name: String) throws -> StoredChannel? {
    try StoredChannel.fetchOne(database, sql: Self.channelSQL + "WHERE name = ?", arguments: [name])
  }

  /// A channel by its instrument and its number there.
  func channel(instrument: Int64, number: Int64) throws -> StoredChannel? {
    try StoredChannel.fetchOne(
      database, sql: Self.channelSQL + "WHERE instrument_id = ? AND number = ?", arguments: [instrument, number])
  }

  /// The last alarm that says of this database that it has lost something.
  func loss() throws -> Fault? {
    let row = try Row.fetchOne(
      database,
      sql: "SELECT code, detail FROM event WHERE run_id IS NULL AND code IN (?, ?) ORDER BY event_id DESC LIMIT 1",
      arguments: [FaultCode.storeReplaced.rawValue, FaultCode.storeIncomplete.rawValue])
    guard let row, let code = FaultCode(rawValue: row["code"]) else { return nil }
    return Fault(code, row["detail"])
  }

  /// All latched channels. Read before any port is opened.
  public func latches() throws -> [StoredLatch] {
    try StoredLatch.fetchAll(database, sql: "SELECT * FROM latch ORDER BY channel_id")
  }

  /// The latch of a channel.
  public func latch(channel: Int64) throws -> StoredLatch? {
    try StoredLatch.fetchOne(database, kept: "SELECT * FROM latch WHERE channel_id = ?", [channel])
  }

  // MARK: Cells

  /// All cells with their newest revisions.
  public func cells() throws -> [StoredCell] {
    try StoredCell.fetchAll(database, sql: Self.cellSQL + "ORDER BY c.cell_id")
  }

  /// A cell by its key.
  public func cell(_ cell: Int64) throws -> StoredCell? {
    try StoredCell.fetchOne(database, sql: Self.cellSQL + "WHERE c.cell_id = ?", arguments: [cell])
  }

  /// A cell by its name, or else by its own number or barcode.
  public func cell(named name: String) throws -> StoredCell? {
    try StoredCell.fetchOne(
      database, sql: Self.cellSQL + "WHERE c.name = ?1 OR c.external_id = ?1 ORDER BY c.name = ?1 DESC LIMIT 1",
      arguments: [name])
  }

  /// The cells of a batch.
  public func cells(batch: String) throws -> [StoredCell] {
    try StoredCell.fetchAll(
      database, sql: Self.cellSQL + "WHERE b.name = ? ORDER BY c.cell_id", arguments: [batch])
  }

  /// The cell that is mounted on a channel.
  public func mountedCell(channel: Int64) throws -> StoredCell? {
    try StoredCell.fetchOne(database, kept: Self.cellSQL + "WHERE m.channel_id = ?", [channel])
  }

  /// The number that the cell's next cycle gets. A cycle that was begun has used its number once charge has flowed.
  public func nextCellCycleNumber(cell: Int64) throws -> Int64 {
    let last = try Int64.fetchOne(
      database,
      sql: """
        SELECT max(r.first_cycle_number - 1 + h.cycle_number) FROM run r JOIN half_cycle h USING(run_id)
        WHERE r.cell_id = ? AND h.charge_nc != 0
        """, arguments: [cell])
    return (last ?? 0) + 1
  }

  /// How the runs before that run left a cell; nil when none has moved any charge. What came last is told by the numbers of
  /// the cycles: a run with older cycles may have been taken in after one with newer ones. A half-cycle's end is stored as the
  /// text of the condition that ended it, so what it was about is read from there.
  public func earlierHalfCycle(cell: Int64, before run: Int64) throws -> EarlierHalfCycle? {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT h.direction, h.flags, h.end_reason,
          (SELECT s.kind FROM step s WHERE s.run_id = h.run_id AND s.half_cycle_id = h.half_cycle_id
            ORDER BY s.step_id DESC LIMIT 1) AS last_kind
        FROM half_cycle h JOIN run r USING(run_id)
        WHERE r.cell_id = ? AND r.run_id < ? AND h.end_reason IS NOT NULL
        ORDER BY r.first_cycle_number DESC, h.run_id DESC, h.number DESC
        """, arguments: [cell, run])
    while let row = try rows.next() {
      guard let direction = Direction(rawValue: row["direction"]) else { continue }
      let reason: String = row["end_reason"]
      let lastKind: String? = row["last_kind"]
      let earlier = EarlierHalfCycle(
        direction: direction, flags: DataFlags(rawValue: row["flags"]),
        endedAtVoltage: lastKind == StepKind.constantVoltage.rawValue
          || ["voltage ", "current ", "hold_time "].contains { reason.hasPrefix($0) })
      if let earlier { return earlier }
    }
    return nil
  }

  /// Whether a step has begun and nothing has ended it.
  public func isOpen(step: Int64) throws -> Bool {
    try Bool.fetchOne(database, sql: "SELECT end_reason IS NULL FROM step WHERE step_id = ?", arguments: [step])
      ?? false
  }

  // MARK: Runs

  /// All runs, the newest last.
  public func runs() throws -> [StoredRun] {
    try StoredRun.fetchAll(database, kept: Self.runSQL + "ORDER BY r.run_id")
  }

  /// The runs that may still do something to a cell: all whose state is not final.
  public func openRuns() throws -> [StoredRun] {
    try StoredRun.fetchAll(database, kept: Self.runSQL + "WHERE r.state NOT IN (\(Self.finalStates)) ORDER BY r.run_id")
  }

  /// A run.
  public func run(_ run: Int64) throws -> StoredRun? {
    try StoredRun.fetchOne(database, kept: Self.runSQL + "WHERE r.run_id = ?", [run])
  }

  /// The newest run of this laboratory that has begun; the newest of its own when none has. One that was taken in from an
  /// archive is only told when there is no other, so that nobody's `stop last` misses the run that goes on.
  public func lastBegunRun() throws -> StoredRun? {
    try StoredRun.fetchOne(
      database,
      sql: Self.runSQL + """
        ORDER BY r.run_id IN (SELECT run_id FROM run_import), r.started_unix_us IS NULL, r.run_id DESC LIMIT 1
        """)
  }

  /// The newest run.
  public func lastRun() throws -> StoredRun? {
    try StoredRun.fetchOne(database, sql: Self.runSQL + "ORDER BY r.run_id DESC LIMIT 1")
  }

  /// The runs of a cell, the oldest first.
  public func runs(cell: Int64) throws -> [StoredRun] {
    try StoredRun.fetchAll(database, sql: Self.runSQL + "WHERE r.cell_id = ? ORDER BY r.run_id", arguments: [cell])
  }

  /// The protocol that a run follows: its newest revision.
  public func `protocol`(run: Int64) throws -> StoredProtocol? {
    try StoredProtocol.fetchOne(
      database,
      sql: """
        SELECT p.protocol_id, p.source, q.listing, q.compiler_version
        FROM run_protocol q JOIN protocol p USING(protocol_id) WHERE q.run_id = ? ORDER BY q.revision DESC LIMIT 1
        """, arguments: [run])
  }

  /// All revisions of a run's protocol, the first first.
  public func revisions(run: Int64) throws -> [StoredRevision] {
    try StoredRevision.fetchAll(
      database,
      sql: """
        SELECT q.revision, q.from_step_id, q.amended_by, q.amended_unix_us, q.reason, q.refusal, p.source
        FROM run_protocol q JOIN protocol p USING(protocol_id) WHERE q.run_id = ? ORDER BY q.revision
        """, arguments: [run])
  }

  /// All checkpoints: the runs that a starting daemon must take care of.
  public func checkpoints() throws -> [StoredCheckpoint] {
    try Row.fetchAll(database, sql: "SELECT run_id, unix_us, state FROM checkpoint ORDER BY run_id").map {
      StoredCheckpoint(runId: $0[0], unixUs: $0[1], state: [UInt8]($0[2] as Data))
    }
  }

  /// The checkpoint of a run.
  public func checkpoint(run: Int64) throws -> StoredCheckpoint? {
    let sql = "SELECT run_id, unix_us, state FROM checkpoint WHERE run_id = ?"
    return try Row.fetchOne(database, sql: sql, arguments: [run]).map {
      StoredCheckpoint(runId: $0[0], unixUs: $0[1], state: [UInt8]($0[2] as Data))
    }
  }

  // MARK: What happened

  /// The steps of a run after the `after`-th.
  public func steps(run: Int64, after: Int64 = 0, limit: Int = 100_000) throws -> [StoredStep] {
    try StoredStep.fetchAll(
      database, kept: "SELECT * FROM step WHERE run_id = ? AND step_count > ? ORDER BY step_count LIMIT ?",
      [run, after, limit])
  }

  /// The half-cycles of a run.
  public func halfCycles(run: Int64) throws -> [StoredHalfCycle] {
    try StoredHalfCycle.fetchAll(
      database, sql: "SELECT * FROM half_cycle WHERE run_id = ? ORDER BY number", arguments: [run])
  }

  /// The tests of plating of a run.
  public func efficiencyTests(run: Int64) throws -> [StoredEfficiencyTest] {
    try StoredEfficiencyTest.fetchAll(
      database, sql: "SELECT * FROM efficiency_test WHERE run_id = ? ORDER BY number", arguments: [run])
  }

  /// The points of a run's impedance spectra in order; with a step's count only its.
  public func impedance(run: Int64, step: Int64? = nil) throws -> [StoredImpedance] {
    let first = RowIdentity.step(run: run, count: 0) + (step ?? 0)
    let last = step == nil ? RowIdentity.step(run: run + 1, count: 0) - 1 : first
    return try StoredImpedance.fetchAll(
      database,
      sql: """
        SELECT p.*, s.cycle_number, s.started_unix_us, s.started_test_time_us
        FROM impedance_point p JOIN step s USING(step_id)
        WHERE p.step_id BETWEEN ? AND ? ORDER BY p.step_id, p.number
        """, arguments: [first, last])
  }

  /// How many points of spectra a run has, and in how many steps.
  public func impedanceCounts(run: Int64) throws -> (points: Int, spectra: Int) {
    let row = try Row.fetchOne(
      database,
      sql: "SELECT count(*), count(DISTINCT step_id) FROM impedance_point WHERE step_id BETWEEN ? AND ?",
      arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0) - 1])
    return row.map { ($0[0], $0[1]) } ?? (0, 0)
  }

  /// The finished cycles of a run after cycle `after`, under the parameters of the run itself.
  public func cycles(run: Int64, after: Int64 = 0) throws -> [StoredCycle] {
    try StoredCycle.fetchAll(
      database,
      kept: """
        SELECT c.* FROM cycle c JOIN run USING(run_id, parameter_set_id)
        WHERE c.run_id = ? AND c.cycle_number > ? ORDER BY c.cycle_number
        """, [run, after])
  }

  /// The newest finished cycle of a run, under the parameters of the run itself.
  public func newestCycle(run: Int64) throws -> StoredCycle? {
    try StoredCycle.fetchOne(
      database,
      kept: """
        SELECT c.* FROM cycle c JOIN run USING(run_id, parameter_set_id)
        WHERE c.run_id = ? ORDER BY c.cycle_number DESC LIMIT 1
        """, [run])
  }

  /// The first cycle of a cell's life, whichever run it was in; its efficiency is the cell's initial one.
  public func firstCycle(cell: Int64) throws -> StoredCycle? {
    try StoredCycle.fetchOne(
      database,
      sql: """
        SELECT c.* FROM cycle c JOIN run r USING(run_id, parameter_set_id)
        WHERE r.cell_id = ? AND c.cell_cycle_number = 1 ORDER BY c.run_id LIMIT 1
        """, arguments: [cell])
  }

  /// Events after the one with key `after`, the oldest first; nil for `run` means all.
  public func events(run: Int64? = nil, after: Int64 = 0, limit: Int = 10_000) throws -> [StoredEvent] {
    let filter = run == nil ? "" : "run_id = :run AND "
    return try StoredEvent.fetchAll(
      database, kept: "SELECT * FROM event WHERE \(filter)event_id > :after ORDER BY event_id LIMIT :limit",
      run.map { ["run": $0, "after": after, "limit": limit] } ?? ["after": after, "limit": limit])
  }

  /// All events of some kinds that happened to a run, the oldest first, however many of other kinds lie between.
  public func events(run: Int64, of codes: [FaultCode]) throws -> [StoredEvent] {
    let marks = codes.map { _ in "?" }.joined(separator: ", ")
    return try StoredEvent.fetchAll(
      database, sql: "SELECT * FROM event WHERE run_id = ? AND code IN (\(marks)) ORDER BY event_id",
      arguments: [run] + StatementArguments(codes.map(\.rawValue)))
  }

  /// How often an event has happened to a run since an instant; for instance to notice a crash loop.
  public func eventCount(run: Int64, code: FaultCode, since: UnixInstant) throws -> Int {
    try Int.fetchOne(
      database, sql: "SELECT count(*) FROM event WHERE run_id = ? AND code = ? AND unix_us >= ?",
      arguments: [run, code.rawValue, since.microseconds]) ?? 0
  }
}

// MARK: - Records

extension StoreView {
  /// The records of the cursor's run that come after it, in order, at most `limit`.
  public func records(after cursor: RecordCursor, limit: Int) throws -> [RecordRow] {
    let end = RowIdentity.step(run: cursor.run + 1, count: 0)
    let statement = try database.cachedStatement(
      sql: """
        SELECT \(Self.recordColumns)
        FROM record WHERE (step_id, step_record_index) > (?, ?) AND step_id < ?
        ORDER BY step_id, step_record_index LIMIT ?
        """)
    return try RecordRow.all(of: statement, database, [cursor.stepID, cursor.index, end, Int64(limit)])
  }

  /// The place of a run's newest record; nil when it has none.
  public func lastRecord(run: Int64) throws -> RecordCursor? {
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT step_id, step_record_index FROM record WHERE step_id >= ? AND step_id < ?
          ORDER BY step_id DESC, step_record_index DESC LIMIT 1
          """), arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0)])
    return row.map { RecordCursor(stepID: $0[0], index: $0[1]) }
  }

  /// The place from which the last `count` records of a run follow.
  public func cursor(beforeLast count: Int, run: Int64) throws -> RecordCursor {
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT step_id, step_record_index FROM record WHERE step_id >= ? AND step_id < ?
          ORDER BY step_id DESC, step_record_index DESC LIMIT 1 OFFSET ?
          """), arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0), count])
    return row.map { RecordCursor(stepID: $0[0], index: $0[1]) } ?? RecordCursor(startOf: run)
  }

  /// How many records a run has.
  public func recordCount(run: Int64) throws -> Int {
    try Int.fetchOne(
      database, sql: "SELECT count(*) FROM record WHERE step_id >= ? AND step_id < ?",
      arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0)]) ?? 0
  }
}

// MARK: - SQL

extension StoreView {
  static let channelSQL = """
    SELECT channel.channel_id, instrument_id, number, name, cell_mount.cell_id, wiring
    FROM channel LEFT JOIN cell_mount USING(channel_id)

    """
  static let cellSQL = """
    SELECT c.cell_id, c.name, c.external_id, b.name AS batch, c.role, c.created_unix_us, c.retired_unix_us,
      v.revision, v.entered_unix_us, v.entered_by, v.reason, v.active_mass_ug, v.active_mass_basis,
      v.active_mass_uncertainty_ug, v.area_mm2_e3, v.nominal_charge_nc, v.electrolyte, v.counter_electrode, v.notes,
      m.channel_id
    FROM cell c
    JOIN cell_revision v ON v.cell_id = c.cell_id
      AND v.revision = (SELECT max(revision) FROM cell_revision WHERE cell_id = c.cell_id)
    LEFT JOIN batch b ON b.batch_id = c.batch_id
    LEFT JOIN cell_mount m ON m.cell_id = c.cell_id

    """
  /// The final states as a list of SQL literals.
  static let finalStates = RunState.allCases.filter(\.isFinal).map { "'\($0.rawValue)'" }.joined(separator: ", ")
  static let runSQL = """
    SELECT r.*, c.name AS cell_name, n.name AS channel_name
    FROM run r JOIN cell c USING(cell_id) JOIN channel n USING(channel_id)

    """
}

extension FetchableRecord {
  /// All rows of a statement that the connection keeps compiled: for what a live view asks ten times a second of every
  /// run, where compiling costs many times what running does.
  static func fetchAll(
    _ database: Database, kept sql: String, _ arguments: StatementArguments = []
  ) throws -> [Self] {
    try fetchAll(try database.cachedStatement(sql: sql), arguments: arguments)
  }

  /// The first row of such a statement.
  static func fetchOne(
    _ database: Database, kept sql: String, _ arguments: StatementArguments = []
  ) throws -> Self? {
    try fetchOne(try database.cachedStatement(sql: sql), arguments: arguments)
  }
}
