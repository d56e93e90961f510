// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is asked again and again while runs go on: by streams that follow them and by people who look at all channels.
// No answer costs more the longer a run has gone on.

public import CyclerModel
import GRDB
import GRDBSQLite
import Quantities

extension StoreView {
  /// The runs that may still do something to a cell, and all whose number is above `newest`.
  public func openRuns(andAfter newest: Int64) throws -> [StoredRun] {
    try StoredRun.fetchAll(
      database,
      kept: Self.runSQL + "WHERE r.run_id > ? OR r.state NOT IN (\(Self.finalStates)) ORDER BY r.run_id", [newest])
  }

  /// The place from which the last `count` events follow; nil for `run` means all.
  public func eventCursor(beforeLast count: Int, run: Int64? = nil) throws -> Int64 {
    let filter = run == nil ? "" : "WHERE run_id = :run "
    return try Int64.fetchOne(
      database, sql: "SELECT event_id FROM event \(filter)ORDER BY event_id DESC LIMIT 1 OFFSET :count",
      arguments: run.map { ["run": $0, "count": count] } ?? ["count": count]) ?? 0
  }

  /// The names of the mounted cells by the keys of their channels.
  public func mountedCellNames() throws -> [Int64: String] {
    let rows = try Row.fetchAll(
      database.cachedStatement(sql: "SELECT m.channel_id, c.name FROM cell_mount m JOIN cell c USING(cell_id)"))
    return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
  }

  /// How the leads of channels go to their cells, where somebody has said it, by the channels' keys.
  public func wirings() throws -> [Int64: String] {
    let rows = try Row.fetchAll(
      database.cachedStatement(sql: "SELECT channel_id, wiring FROM channel WHERE wiring IS NOT NULL"))
    return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
  }

  /// The state of a run; nil when there is no such run.
  public func state(run: Int64) throws -> String? {
    try String.fetchOne(
      database.cachedStatement(sql: "SELECT state FROM run WHERE run_id = ?"), arguments: [run])
  }

  /// The newest record of a run, and when it was taken.
  public func newestReading(run: Int64) throws -> (record: RecordRow, at: UnixInstant)? {
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT \(Self.recordColumns), started_unix_us FROM record JOIN step USING(step_id)
          WHERE step_id >= ? AND step_id < ? ORDER BY step_id DESC, step_record_index DESC LIMIT 1
          """), arguments: [RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0)])
    guard let row else { return nil }
    let record = RecordRow(row)
    return (record, UnixInstant(microseconds: row[8] + record.stepTime.microseconds))
  }

  /// What `RecordRow.init` reads, in its order.
  static let recordColumns =
    "step_id, step_record_index, step_time_us, voltage_nv, current_pa, charge_nc, energy_nj, flags"
}

extension RecordRow {
  /// Runs a statement over `recordColumns` that the connection keeps, with SQLite's own calls: it is what every live view
  /// asks of every run.
  static func all(of statement: Statement, _ database: Database, _ arguments: [Int64]) throws -> [RecordRow] {
    let handle = statement.sqliteStatement
    defer { sqlite3_reset(handle) }
    for (place, argument) in arguments.enumerated() {
      guard sqlite3_bind_int64(handle, Int32(place + 1), argument) == SQLITE_OK else { throw error(of: database) }
    }
    var records: [RecordRow] = []
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: records.append(RecordRow(handle))
      case SQLITE_DONE: return records
      default: throw error(of: database)
      }
    }
  }

  /// The columns of a record of a known step.
  static let columnsOfStep = "step_record_index, step_time_us, voltage_nv, current_pa, charge_nc, energy_nj, flags"

  static func error(of database: Database) -> DatabaseError {
    let connection = database.sqliteConnection
    return DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
      message: sqlite3_errmsg(connection).map { String(cString: $0) })
  }

  /// Reads `recordColumns` of the row on which a statement stands.
  private init(_ statement: SQLiteStatement) {
    func known(_ column: Int32) -> Int64? {
      sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : sqlite3_column_int64(statement, column)
    }
    self.init(
      stepID: sqlite3_column_int64(statement, 0), index: sqlite3_column_int(statement, 1),
      stepTime: TimeSpan(microseconds: sqlite3_column_int64(statement, 2)),
      voltage: known(3).map(Voltage.init(nanovolts:)), current: known(4).map(Current.init(picoamperes:)),
      charge: Charge(nanocoulombs: sqlite3_column_int64(statement, 5)),
      energy: Energy(nanojoules: sqlite3_column_int64(statement, 6)),
      flags: DataFlags(rawValue: sqlite3_column_int64(statement, 7)))
  }

  /// Reads `columnsOfStep` as an aggregate function is given them.
  @inline(__always)
  init(_ values: UnsafeMutablePointer<OpaquePointer?>, stepID: Int64) {
    // Nothing reads as zero too, so only a zero is worth a second call.
    func known(_ column: Int) -> Int64? {
      let value = sqlite3_value_int64(values[column])
      return value == 0 && sqlite3_value_type(values[column]) == SQLITE_NULL ? nil : value
    }
    self.init(
      stepID: stepID, index: sqlite3_value_int(values[0]),
      stepTime: TimeSpan(microseconds: sqlite3_value_int64(values[1])),
      voltage: known(2).map(Voltage.init(nanovolts:)), current: known(3).map(Current.init(picoamperes:)),
      charge: Charge(nanocoulombs: sqlite3_value_int64(values[4])),
      energy: Energy(nanojoules: sqlite3_value_int64(values[5])),
      flags: DataFlags(rawValue: sqlite3_value_int64(values[6])))
  }

  /// Reads `recordColumns` by their place.
  init(_ row: Row) {
    self.init(
      stepID: row[0], index: row[1], stepTime: TimeSpan(microseconds: row[2]),
      voltage: (row[3] as Int64?).map(Voltage.init(nanovolts:)),
      current: (row[4] as Int64?).map(Current.init(picoamperes:)), charge: Charge(nanocoulombs: row[5]),
      energy: Energy(nanojoules: row[6]), flags: DataFlags(rawValue: row[7]))
  }
}
