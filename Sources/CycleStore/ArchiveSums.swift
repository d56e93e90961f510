// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Each value of an archive is bounded by itself; what is made of them adds many. Sums that overflow stop the daemon, so the
// totals are bounded as well, and times must go forward.

import GRDB
import GRDBSQLite

/// Holds the totals of an archive to what a run can be.
enum ArchiveSums {
  /// 1,000 V, in nanovolts.
  private static let largestVoltage: Int64 = 1_000_000_000_000
  /// 10 kA, in picoamperes.
  private static let largestCurrent: Int64 = 10_000_000_000_000_000

  /// Checks all tables.
  /// - Throws: `ArchiveProblem` for a total or an order that no run has.
  static func check(_ database: Database) throws {
    for table in ["half_cycle", "efficiency_test"] {
      for column in try database.columns(in: table).map(\.name)
      where ["_nc", "_nj", "_us"].contains(where: column.hasSuffix) {
        // `total` counts in floating point and never overflows.
        let total = try Double.fetchOne(database, sql: "SELECT total(abs(\(column))) FROM \(table)") ?? 0
        guard total < ArchiveFormat.largestTotal else {
          throw ArchiveProblem.damaged("\(table).\(column) adds up to more than any run has")
        }
      }
    }
    let isBackwards = try Bool.fetchOne(
      database,
      sql: """
        SELECT EXISTS(SELECT 1 FROM (
          SELECT started_test_time_us AS time, lag(started_test_time_us) OVER (ORDER BY step_count) AS before FROM step)
        WHERE time < before)
        """)
    guard isBackwards == false else { throw ArchiveProblem.damaged("a step begins before the one in front of it") }
    try checkRecords(database)
  }

  /// One walk over the records in order, without an object for each.
  private static func checkRecords(_ database: Database) throws {
    let statement = try database.makeStatement(
      sql: """
        SELECT step_id, step_time_us, charge_nc, energy_nj, coalesce(voltage_nv, 0), coalesce(current_pa, 0) FROM record
        ORDER BY step_id, step_record_index
        """)
    let row = statement.sqliteStatement
    var (step, time, charge, energy): (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
    var (charges, energies) = (0.0, 0.0)
    while true {
      let result = sqlite3_step(row)
      if result == SQLITE_DONE { return }
      guard result == SQLITE_ROW else { throw RowTransfer.error(of: database) }
      let next = sqlite3_column_int64(row, 0)
      if next != step { (step, time, charge, energy) = (next, 0, 0, 0) }
      let present = (sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3))
      guard present.0 >= time else { throw ArchiveProblem.damaged("a record is earlier than the one in front of it") }
      charges += abs(Double(present.1) - Double(charge))
      energies += abs(Double(present.2) - Double(energy))
      guard charges < ArchiveFormat.largestTotal, energies < ArchiveFormat.largestTotal else {
        throw ArchiveProblem.damaged("the charge or the energy of its records is more than any run has")
      }
      guard sqlite3_column_int64(row, 4).magnitude <= largestVoltage.magnitude,
        sqlite3_column_int64(row, 5).magnitude <= largestCurrent.magnitude
      else { throw ArchiveProblem.damaged("a record has a voltage or a current that no instrument has") }
      (time, charge, energy) = present
    }
  }
}
