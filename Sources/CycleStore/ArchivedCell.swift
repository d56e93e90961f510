// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import GRDB

/// What an archive says of its cell and channel, read once and before the writer of the database is asked: it has runs to
/// serve, and must not wait for a file of somebody else's.
struct ArchivedCell: Sendable {
  /// First and last number of a run's cycles in the life of its cell.
  static let span = "r.first_cycle_number AS first_cycle, r.first_cycle_number - 1 + max(h.cycle_number) AS last_cycle"
  /// Cycles in which charge has flowed; the others have used no number.
  static let counted =
    "FROM run r JOIN half_cycle h USING(run_id) WHERE h.cycle_number IS NOT NULL AND h.charge_nc != 0"

  var role: String
  var createdUnixUs: Int64
  /// What people said of it, the oldest first; each by its columns.
  var revisions: [[String: DatabaseValue]]
  /// The family of the instrument and the name of the channel.
  var family: String
  var channel: String
  /// The numbers of its cycles in the cell's life; nil when none has used one.
  var cycles: ClosedRange<Int64>?

  /// Reads an archive.
  /// - Throws: `ArchiveProblem` when it names no cell or no channel.
  init(in database: Database) throws {
    guard let cell = try Row.fetchOne(database, sql: "SELECT role, created_unix_us FROM cell"),
      let origin = try Row.fetchOne(
        database, sql: "SELECT i.family, n.name FROM channel n JOIN instrument i USING(instrument_id)")
    else { throw ArchiveProblem.damaged("it names no cell or no channel") }
    (role, createdUnixUs) = (cell["role"], cell["created_unix_us"])
    (family, channel) = (origin[0], origin[1])
    revisions = try Row.fetchAll(database, sql: "SELECT * FROM cell_revision ORDER BY revision").map { row in
      Dictionary(row.map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first })
    }
    let row = try Row.fetchOne(database, sql: "SELECT \(Self.span) \(Self.counted) GROUP BY r.run_id")
    if let row, let first: Int64 = row["first_cycle"], let last: Int64 = row["last_cycle"], first <= last {
      cycles = first...last
    }
  }
}
