// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Rows from one SQLite connection to another as they are: SQLite's own values, with no type between in which a bit could
// change. Only keys that carry the run's number move with it.

import CyclerModel
import GRDB
import GRDBSQLite

/// Copies a table that is too large for one transaction, page by page in the order of its key.
struct RowCopy {
  let table: ArchiveFormat.Table
  /// Added to each key that carries the run's number.
  let shift: Int64
  /// The values of other columns in the copy.
  var replaced: [String: Int64] = [:]
  /// The keys of the run, half open, in the source.
  let range: Range<Int64>
  /// The key of the last row that was copied.
  private var last: [DatabaseValue]?

  /// A copy of the rows of one run.
  init(_ table: ArchiveFormat.Table, from run: Int64, to other: Int64, replaced: [String: Int64] = [:]) {
    self.table = table
    self.replaced = replaced
    shift = RowIdentity.step(run: other - run, count: 0)
    range = RowIdentity.step(run: run, count: 0)..<RowIdentity.step(run: run + 1, count: 0)
  }

  /// Copies the next rows, at most `limit`.
  /// - Returns: How many there were.
  mutating func page(from source: Database, to target: Database, limit: Int) throws -> Int {
    let keys = table.keys.joined(separator: ", ")
    let marks = table.keys.map { _ in "?" }.joined(separator: ", ")
    let place = last == nil ? "\(table.keys[0]) >= ?" : "(\(keys)) > (\(marks))"
    let select = try source.cachedStatement(
      sql: "SELECT * FROM \(table.name) WHERE \(place) AND \(table.keys[0]) < ? ORDER BY \(keys) LIMIT ?")
    let values = last ?? [range.lowerBound.databaseValue]
    try select.setArguments(
      StatementArguments(values + [range.upperBound.databaseValue, limit.databaseValue]))
    let columns = select.columnNames
    let insert = try target.cachedStatement(
      sql: """
        INSERT INTO \(table.name)(\(columns.joined(separator: ", ")))
        VALUES(\(columns.map { _ in "?" }.joined(separator: ", ")))
        """)
    let keyPlaces = table.keys.compactMap { columns.firstIndex(of: $0) }
    return try copy(select.sqliteStatement, insert.sqliteStatement, columns, keyPlaces, limit, source, target)
  }

  private mutating func copy(
    _ select: OpaquePointer, _ insert: OpaquePointer, _ columns: [String], _ keys: [Int], _ limit: Int,
    _ source: Database, _ target: Database
  ) throws -> Int {
    defer {
      sqlite3_reset(select)
      sqlite3_reset(insert)
      sqlite3_clear_bindings(insert)
    }
    enum Source { case same, moved, fixed(Int64) }
    let sources: [Source] = columns.map { column in
      if let value = replaced[column] { return .fixed(value) }
      return table.rowKeys.contains(column) ? .moved : .same
    }
    var count = 0
    while true {
      let result = sqlite3_step(select)
      if result == SQLITE_DONE { return count }
      guard result == SQLITE_ROW else { throw Self.error(of: source) }
      count += 1
      for (column, from) in sources.enumerated() {
        let place = Int32(column)
        switch from {
        case .same: sqlite3_bind_value(insert, place + 1, sqlite3_column_value(select, place))
        case .fixed(let value): sqlite3_bind_int64(insert, place + 1, value)
        case .moved:
          if sqlite3_column_type(select, place) == SQLITE_NULL {
            sqlite3_bind_null(insert, place + 1)
          } else {
            sqlite3_bind_int64(insert, place + 1, sqlite3_column_int64(select, place) &+ shift)
          }
        }
      }
      // A page that is not full is the last.
      if count == limit { last = keys.map { DatabaseValue(sqliteStatement: select, index: CInt($0)) } }
      guard sqlite3_step(insert) == SQLITE_DONE else { throw Self.error(of: target) }
      sqlite3_reset(insert)
    }
  }

  static func error(of database: Database) -> DatabaseError {
    let connection = database.sqliteConnection
    return DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
      message: sqlite3_errmsg(connection).map { String(cString: $0) })
  }
}
