// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an archive is: an SQLite file with the shape of the database itself that holds one run and all that it refers to,
// under numbers of its own. Everything in it follows from the run, so that two databases that hold the same run write the
// same bytes. docs/archives.md describes it for those who read it.

import CyclerModel
import GRDB

/// The file form of a run.
enum ArchiveFormat {
  /// `PRAGMA application_id`: the letters NaCA.
  static let applicationID: Int64 = 0x4E61_4341
  /// The layout beside the schema's version; it rises when old readers would misunderstand new files.
  static let version: Int64 = 1
  /// The first schema that had archives.
  static let firstSchema = 11
  /// SQLite's usual size of a page, always the same so that files are.
  static let pageSize = 4_096
  /// The table beside those of the schema.
  static let headTable = """
    CREATE TABLE archive(format INTEGER NOT NULL, program_version TEXT NOT NULL, checksum TEXT NOT NULL) STRICT
    """
  /// More rows than this beside the measurements are not taken in: they come in one transaction, and runs wait for it.
  static let mostRows: Int64 = 100_000
  /// Each row of these is looked at by itself while the database waits, so there may be fewer: more protocols are none that
  /// a run was amended to, and more of the others nobody enters.
  static let few = [
    "protocol": "protocols", "parameter_set": "parameter sets", "cell_revision": "revisions of its cell",
  ]
  /// More of each of them are not taken in.
  static let mostOfFew: Int64 = 1_000
  /// Results that are as large as they come: a product of many efficiencies above one has no bound but that it is finite.
  static let unboundedResults: Set<String> = ["coulombic_efficiency_product"]
  /// More bytes of text than this beside the measurements are not taken in; all of it is held in memory.
  static let mostText = 64 << 20
  /// Totals of charges, energies and times of a run stay below this, so that any of them can be added and subtracted.
  static let largestTotal = 4e18
  /// The run, its cell, batch, instrument and channel have this number in an archive.
  static let only: Int64 = 1

  /// A table with its order.
  struct Table: Sendable {
    var name: String
    /// Its key, in order.
    var keys: [String]
    /// Columns whose values are `RowIdentity` keys, and move with the run's number.
    var rowKeys: Set<String> = []
  }

  /// What there is little of; it is read in one transaction.
  static let small = [
    Table(name: "batch", keys: ["batch_id"]), Table(name: "cell", keys: ["cell_id"]),
    Table(name: "cell_revision", keys: ["cell_id", "revision"]), Table(name: "instrument", keys: ["instrument_id"]),
    Table(name: "channel", keys: ["channel_id"]), Table(name: "protocol", keys: ["protocol_id"]),
    Table(name: "parameter_set", keys: ["parameter_set_id"]), Table(name: "run", keys: ["run_id"]),
    Table(name: "run_protocol", keys: ["run_id", "revision"]),
    Table(name: "cycle", keys: ["run_id", "parameter_set_id", "cycle_number"]),
    Table(name: "run_summary", keys: ["run_id", "parameter_set_id"]),
    Table(name: "recount", keys: ["run_id", "parameter_set_id"]),
    Table(name: "efficiency_test", keys: ["run_id", "number"]), Table(name: "event", keys: ["event_id"]),
  ]
  /// What grows with the run and never changes once the run is over, and refers to the run.
  static let steps = [
    Table(name: "half_cycle", keys: ["half_cycle_id"], rowKeys: ["half_cycle_id"]),
    Table(name: "step", keys: ["step_id"], rowKeys: ["step_id", "half_cycle_id"]),
  ]
  /// The same, referring to steps alone.
  static let measurements = [
    Table(name: "record", keys: ["step_id", "step_record_index"], rowKeys: ["step_id"]),
    Table(name: "auxiliary_record", keys: ["step_id", "quantity", "step_time_us"], rowKeys: ["step_id"]),
    Table(name: "temperature_record", keys: ["step_id", "step_time_us"], rowKeys: ["step_id"]),
    Table(name: "impedance_point", keys: ["step_id", "number"], rowKeys: ["step_id"]),
  ]
  /// All that may hold rows; the others are there, and empty.
  static var filled: [Table] { small + steps + measurements }

  /// Makes the tables of a new archive, or of an older shape of one.
  static func makeTables(in database: Database, schema steps: some Sequence<String> = Schema.steps) throws {
    for step in steps { try database.execute(sql: step) }
    // It counts the commits of a database that lives.
    try database.execute(sql: "DELETE FROM commit_mark")
    try database.execute(sql: headTable)
  }

  /// Every table, index and view with its text, to be compared.
  static func shape(of database: Database) throws -> [String] {
    try String.fetchAll(
      database, sql: "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema"
    ).sorted()
  }

  /// What `shape(of:)` says of a whole archive.
  static func expectedShape(schema steps: some Sequence<String>) throws -> [String] {
    let memory = try DatabaseQueue()
    return try memory.write { database in
      try makeTables(in: database, schema: steps)
      return try shape(of: database)
    }
  }
}
