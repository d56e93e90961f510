// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What grows with a run is copied in pages. Only keys that carry the run's number move with it.

import CyclerModel
import GRDB

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
    let sql = "SELECT * FROM \(table.name) WHERE \(place) AND \(table.keys[0]) < ? ORDER BY \(keys) LIMIT ?"
    var changes = replaced.mapValues { ColumnChange.fixed($0.databaseValue) }
    for column in table.rowKeys { changes[column] = .moved(by: shift) }
    let values = last ?? [range.lowerBound.databaseValue]
    var transfer = try RowTransfer(
      into: table.name, sql,
      StatementArguments(values + [range.upperBound.databaseValue, limit.databaseValue]), from: source, to: target,
      changes)
    let (count, end) = try transfer.run(limit: limit, key: table.keys.compactMap { transfer.place(of: $0) })
    if let end { last = end }
    return count
  }
}
