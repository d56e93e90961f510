// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Each value of an archive is bounded by itself; what is made of them adds many. Sums that overflow stop the daemon, so the
// totals are bounded as well, and times must go forward.

import CyclerModel
import GRDB
import GRDBSQLite

/// Holds the totals of an archive to what a run can be.
enum ArchiveSums {
  /// 1,000 V, in nanovolts.
  private static let largestVoltage: Int64 = 1_000_000_000_000
  /// 10 kA, in picoamperes.
  private static let largestCurrent: Int64 = 10_000_000_000_000_000

  /// Records that are walked over in one read transaction of a database that runs write to, some 20 ms.
  private static let page = 1 << 16

  /// Checks an archive.
  /// - Throws: `ArchiveProblem` for a total or an order that no run has.
  static func check(_ database: Database) throws {
    try checkSteps(of: ArchiveFormat.only, in: database)
    var walk = RecordWalk(run: ArchiveFormat.only)
    while try walk.page(in: database, limit: page) {}
  }

  /// Checks a run that will be an archive.
  /// - Throws: The same.
  static func check(run: Int64, in store: CycleStore) async throws {
    try await store.read { try checkSteps(of: run, in: $0.database) }
    var walk = RecordWalk(run: run)
    while true {
      try Task.checkCancellation()
      let present = walk
      let (next, isMore) = try await store.read { view in
        var walk = present
        let isMore = try walk.page(in: view.database, limit: page)
        return (walk, isMore)
      }
      if !isMore { return }
      walk = next
    }
  }

  private static func checkSteps(of run: Int64, in database: Database) throws {
    for table in ["half_cycle", "efficiency_test"] {
      for column in try database.columns(in: table).map(\.name)
      where ["_nc", "_nj", "_us"].contains(where: column.hasSuffix) {
        // `total` counts in floating point and never overflows.
        let total =
          try Double.fetchOne(
            database, sql: "SELECT total(abs(\(column))) FROM \(table) WHERE run_id = ?", arguments: [run]) ?? 0
        guard total < ArchiveFormat.largestTotal else {
          throw ArchiveProblem.damaged("\(table).\(column) adds up to more than any run has")
        }
      }
    }
    let backwards = try Int64.fetchOne(
      database,
      sql: """
        SELECT step_count FROM (
          SELECT step_count, started_test_time_us AS time, lag(started_test_time_us) OVER (ORDER BY step_count) AS before
          FROM step WHERE run_id = ?)
        WHERE time < before LIMIT 1
        """, arguments: [run])
    if let backwards { throw ArchiveProblem.damaged("step \(backwards) begins before the one in front of it") }
  }

  /// A walk over the records in order, without an object for each.
  private struct RecordWalk: Sendable {
    private let end: Int64
    private var (step, index): (Int64, Int64)
    private var (time, charge, energy): (Int64, Int64, Int64) = (0, 0, 0)
    private var (charges, energies) = (0.0, 0.0)

    init(run: Int64) {
      end = RowIdentity.step(run: run + 1, count: 0)
      (step, index) = (RowIdentity.step(run: run, count: 0), -1)
    }

    /// Walks over the next records, at most `limit`.
    /// - Returns: Whether there may be more.
    mutating func page(in database: Database, limit: Int) throws -> Bool {
      let statement = try database.cachedStatement(
        sql: """
          SELECT step_id, step_record_index, step_time_us, charge_nc, energy_nj, coalesce(voltage_nv, 0),
            coalesce(current_pa, 0)
          FROM record WHERE (step_id, step_record_index) > (?, ?) AND step_id < ?
          ORDER BY step_id, step_record_index LIMIT ?
          """)
      try statement.setArguments([step, index, end, limit])
      let row = statement.sqliteStatement
      defer { sqlite3_reset(row) }
      for _ in 0..<limit {
        let result = sqlite3_step(row)
        if result == SQLITE_DONE { return false }
        guard result == SQLITE_ROW else { throw RowTransfer.error(of: database) }
        try take(row)
      }
      return true
    }

    private mutating func take(_ row: OpaquePointer) throws {
      let next = sqlite3_column_int64(row, 0)
      if next != step { (step, time, charge, energy) = (next, 0, 0, 0) }
      index = sqlite3_column_int64(row, 1)
      let present = (sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3), sqlite3_column_int64(row, 4))
      func place() -> String { "record \(index) of step \(RowIdentity.count(of: step))" }
      guard present.0 >= time else { throw ArchiveProblem.damaged("\(place()) is earlier than the one in front of it") }
      charges += abs(Double(present.1) - Double(charge))
      energies += abs(Double(present.2) - Double(energy))
      guard charges < ArchiveFormat.largestTotal, energies < ArchiveFormat.largestTotal else {
        throw ArchiveProblem.damaged("the charge or the energy of its records is more than any run has")
      }
      guard sqlite3_column_int64(row, 5).magnitude <= largestVoltage.magnitude,
        sqlite3_column_int64(row, 6).magnitude <= largestCurrent.magnitude
      else { throw ArchiveProblem.damaged("\(place()) has a voltage or a current that no instrument has") }
      (time, charge, energy) = present
    }
  }
}
