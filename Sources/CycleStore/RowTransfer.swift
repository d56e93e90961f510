// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Rows from one SQLite connection to another as they are: SQLite's own values, with no type between in which a bit could
// change, and with nothing made anew for each row. What is copied holds a transaction of the database that runs write to,
// so a row may cost no more than SQLite needs for it.

import Foundation
import GRDB
import GRDBSQLite

/// What becomes of a column on the way into another database.
enum ColumnChange {
  /// An integer is moved by so much; null stays null.
  case moved(by: Int64)
  /// It has this value in every row.
  case fixed(DatabaseValue)
  /// The same where there is a value; null stays null.
  case fixedUnlessNull(DatabaseValue)
  /// A key by that in the other database; null where there is none.
  case mapped([Int64: Int64])
  /// The row's number from 1.
  case counted
  /// It is not copied: the other database gives it a value.
  case left
}

/// One way of rows from a statement of one connection into a table of another.
struct RowTransfer {
  /// A place in the statement that inserts, from 1, with the place in the one that reads, from 0.
  private struct Binding {
    var target: Int32
    var source: Int32
    var change: ColumnChange?
  }

  private let select: Statement
  private let insert: Statement
  private let source: Database
  private let target: Database
  private let bindings: [Binding]
  private var count: Int64 = 0

  /// A transfer of what a statement finds.
  /// - Parameters:
  ///   - table: Where it goes.
  ///   - sql: A statement whose columns have the names of the table's.
  ///   - changes: The columns that do not stay as they are.
  init(
    into table: String, _ sql: String, _ arguments: StatementArguments = [], from source: Database,
    to target: Database, _ changes: [String: ColumnChange] = [:]
  ) throws {
    (self.source, self.target) = (source, target)
    select = try source.cachedStatement(sql: sql)
    try select.setArguments(arguments)
    var columns: [String] = []
    var bindings: [Binding] = []
    for (place, column) in select.columnNames.enumerated() {
      let change = changes[column]
      if case .left = change { continue }
      columns.append(column)
      bindings.append(Binding(target: Int32(columns.count), source: Int32(place), change: change))
    }
    insert = try target.cachedStatement(
      sql: """
        INSERT INTO \(table)(\(columns.joined(separator: ", ")))
        VALUES(\(columns.map { _ in "?" }.joined(separator: ", ")))
        """)
    self.bindings = bindings
  }

  /// The place of a column in the statement that reads, from 0; nil of one that it has not.
  func place(of column: String) -> Int? { select.columnNames.firstIndex(of: column) }

  /// Copies the rows, at most `limit`.
  /// - Parameter key: Places of columns whose values in the last row are wanted when the limit was reached.
  /// - Returns: How many there were, and the key of the last when there may be more.
  mutating func run(limit: Int = .max, key: [Int] = []) throws -> (count: Int, last: [DatabaseValue]?) {
    let (reading, writing) = (select.sqliteStatement, insert.sqliteStatement)
    defer {
      sqlite3_reset(reading)
      sqlite3_reset(writing)
      sqlite3_clear_bindings(writing)
    }
    var copied = 0
    while true {
      let result = sqlite3_step(reading)
      if result == SQLITE_DONE { return (copied, nil) }
      guard result == SQLITE_ROW else { throw Self.error(of: source) }
      (copied, count) = (copied + 1, count + 1)
      for binding in bindings { bind(binding, reading, writing) }
      let last = copied == limit ? key.map { DatabaseValue(sqliteStatement: reading, index: CInt($0)) } : nil
      guard sqlite3_step(writing) == SQLITE_DONE else { throw Self.error(of: target) }
      sqlite3_reset(writing)
      if let last { return (copied, last) }
    }
  }

  @inline(__always)
  private func bind(_ binding: Binding, _ reading: OpaquePointer, _ writing: OpaquePointer) {
    let place = binding.target
    switch binding.change {
    case nil, .left: sqlite3_bind_value(writing, place, sqlite3_column_value(reading, binding.source))
    case .fixed(let value): Self.bind(value, writing, place)
    case .counted: sqlite3_bind_int64(writing, place, count)
    case .moved, .fixedUnlessNull, .mapped:
      guard sqlite3_column_type(reading, binding.source) != SQLITE_NULL else {
        sqlite3_bind_null(writing, place)
        return
      }
      switch binding.change {
      case .moved(let shift):
        sqlite3_bind_int64(writing, place, sqlite3_column_int64(reading, binding.source) &+ shift)
      case .mapped(let keys):
        guard let key = keys[sqlite3_column_int64(reading, binding.source)] else {
          sqlite3_bind_null(writing, place)
          return
        }
        sqlite3_bind_int64(writing, place, key)
      case .fixedUnlessNull(let value): Self.bind(value, writing, place)
      case nil, .fixed, .counted, .left: break
      }
    }
  }

  private static func bind(_ value: DatabaseValue, _ statement: OpaquePointer, _ place: Int32) {
    // SQLite keeps a copy of its own.
    let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch value.storage {
    case .null: sqlite3_bind_null(statement, place)
    case .int64(let number): sqlite3_bind_int64(statement, place, number)
    case .double(let number): sqlite3_bind_double(statement, place, number)
    case .string(let text):
      // With a C string alone it would end at its first null character.
      sqlite3_bind_text(statement, place, text, Int32(clamping: text.utf8.count), copied)
    case .blob(let data):
      if data.isEmpty { sqlite3_bind_zeroblob(statement, place, 0) }
      data.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        _ = sqlite3_bind_blob(statement, place, start, Int32(clamping: bytes.count), copied)
      }
    }
  }

  static func error(of database: Database) -> DatabaseError {
    let connection = database.sqliteConnection
    return DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
      message: sqlite3_errmsg(connection).map { String(cString: $0) })
  }
}
