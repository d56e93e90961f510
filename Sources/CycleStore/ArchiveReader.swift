// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Opens a file that somebody says is an archive. Nothing in it is believed: its first bytes are looked at before SQLite
// is, then its tables, indices and views must be to the letter those that this program makes, so that no trigger or view
// of another hand is ever run, and then each value is held to what a run can be.

public import CyclerModel
import Foundation
import GRDB
import GRDBSQLite

/// An archive that was found to be one, whole, and of a run that is over.
public final class ArchiveReader: Sendable {
  /// What it holds, as far as people and the store must know it beforehand.
  public struct Content: Sendable, Hashable {
    /// The run's identity across databases.
    public var uuid: String
    /// Title of its protocol.
    public var title: String
    /// The cell's name.
    public var cell: String
    /// The laboratory's own number of it.
    public var externalID: String?
    /// Its batch.
    public var batch: String?
    /// Its role.
    public var role: CellRole
    /// The version of the program that wrote the archive.
    public var programVersion: String
    /// Over all its values.
    public var checksum: String
    /// How many records there are.
    public var records: Int64
    /// What people have said of the cell, for the caller to judge, the oldest first.
    public var revisions: [Revision]
    /// Digests and texts of its protocols, for the caller to compare.
    public var protocols: [Source]
    /// A protocol's text under its digest.
    public struct Source: Sendable, Hashable {
      /// As stored.
      public var sha256: [UInt8]
      /// The text.
      public var text: String
    }
    /// What was said of the cell at one time.
    public struct Revision: Sendable, Hashable {
      /// From 1.
      public var number: Int64
      /// Who said it.
      public var enteredBy: String
      /// Why.
      public var reason: String
      /// What was said.
      public var entry: CellEntry
    }
  }

  /// What it holds.
  public let content: Content
  let queue: DatabaseQueue

  /// Opens a file and reads all of it once.
  /// - Throws: `ArchiveProblem` when it is no archive, of another version, damaged, or holds what no run has.
  public convenience init(path: String) async throws { try await self.init(path: path, schema: Schema.steps) }

  /// The same for a program with that schema.
  init(path: String, schema steps: [String]) async throws {
    let found = try Self.examine(path, known: steps.count)
    // The checksum is over the values as they were written, in the shape of then.
    let proven = found < steps.count ? try Self.bringUpToDate(path, from: found, to: steps) : nil
    var configuration = Self.configuration
    configuration.readonly = true
    (queue, content) = try await Self.open(path, configuration, steps, proven: proven)
  }

  /// How a file of somebody else's is opened.
  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "ArchiveReader"
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;")
      // A longer value is an error before it is in memory.
      sqlite3_limit(database.sqliteConnection, SQLITE_LIMIT_LENGTH, ArchiveChecksum.longestValue)
    }
    return configuration
  }

  private static func open(
    _ path: String, _ configuration: Configuration, _ steps: [String], proven: String?
  ) async throws -> (DatabaseQueue, Content) {
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      let content = try await queue.read { database in
        try checkShape(database, schema: steps)
        return try read(database, proven: proven)
      }
      return (queue, content)
    } catch let error as DatabaseError {
      throw ArchiveProblem.damaged(error.message ?? "SQLite cannot read it")
    }
  }

  // MARK: The first look

  /// The header of an SQLite file (sqlite.org/fileformat2.html, section 1.3).
  private enum Header {
    static let magic = Array("SQLite format 3\0".utf8)
    static let length = 100
  }

  /// The version of its schema.
  private static func examine(_ path: String, known: Int) throws -> Int {
    guard let handle = FileHandle(forReadingAtPath: path), let data = try handle.read(upToCount: Header.length) else {
      throw notAnArchive("it is empty")
    }
    let head = Array(data)
    guard head.count == Header.length, head.starts(with: Header.magic) else {
      throw notAnArchive("it is no SQLite database")
    }
    func number(_ place: Int) -> Int64 { head[place..<place + 4].reduce(0) { $0 << 8 | Int64($1) } }
    switch number(68) {
    case ArchiveFormat.applicationID: break
    case Schema.applicationID: throw notAnArchive("it is a whole database of NaCycler and not one run of it")
    default: throw notAnArchive("it is a database of another program")
    }
    // A database with a log beside it is not whole by itself.
    guard head[18] == 1, head[19] == 1 else { throw ArchiveProblem.damaged("it says that it has a log beside it") }
    let version = Int(number(60))
    guard version <= known else {
      throw ArchiveProblem(
        .file, "archive.newer", "the archive has schema \(version), this program knows up to \(known)",
        hint: "install a version of nacyclerd at least as new as the one that wrote it")
    }
    guard version >= ArchiveFormat.firstSchema else {
      throw ArchiveProblem.damaged("it has schema \(version), which had no archives")
    }
    return version
  }

  private static func notAnArchive(_ why: String) -> ArchiveProblem {
    ArchiveProblem(
      .file, "archive.not_an_archive", "the file is no archive of a run: \(why)",
      hint: "`nactl export RUN --format archive -o FILE.nacycler` writes one")
  }

  /// Proves an archive of an older program in its own shape and brings it to the present one; the file is the daemon's
  /// own copy.
  /// - Returns: Its checksum.
  private static func bringUpToDate(_ path: String, from version: Int, to steps: [String]) throws -> String {
    do {
      var configuration = Self.configuration
      configuration.foreignKeysEnabled = false
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      // A copy that is half changed is thrown away, so it needs no journal beside it.
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = OFF") }
      let checksum = try queue.write { database in
        try checkShape(database, schema: steps[..<version])
        let checksum = try prove(database).checksum
        for step in steps[version...] { try database.execute(sql: step) }
        return checksum
      }
      try queue.close()
      return checksum
    } catch let error as DatabaseError {
      throw ArchiveProblem.damaged(error.message ?? "SQLite cannot read it")
    }
  }

  private static func checkShape(_ database: Database, schema steps: some Sequence<String>) throws {
    guard try ArchiveFormat.shape(of: database) == ArchiveFormat.expectedShape(schema: steps) else {
      throw ArchiveProblem.damaged("its tables, indices, views or triggers are not those of an archive")
    }
  }

  // MARK: The second look

  /// - Parameter proven: The checksum, when it was compared before the file was brought up to date.
  private static func read(_ database: Database, proven: String?) throws -> Content {
    let (checksum, rows, programVersion) = try prove(database, isProven: proven != nil)
    let broken = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check")
    if let broken { throw ArchiveProblem.damaged("a row of \(broken[0] as String) refers to nothing") }
    try checkSense(database, rows)
    try ArchiveSums.check(database)
    return try content(of: database, rows, proven ?? checksum, programVersion: programVersion)
  }

  /// Holds a file to SQLite's own check, to what is taken in at most, and to its checksum.
  private static func prove(_ database: Database, isProven: Bool = false) throws -> (
    checksum: String, rows: [String: Int64], programVersion: String
  ) {
    let complaints = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
    guard complaints == ["ok"] else { throw ArchiveProblem.damaged(complaints.first ?? "SQLite finds no end") }
    let head = try Row.fetchAll(database, sql: "SELECT format, program_version, checksum FROM archive")
    guard head.count == 1, let format: Int64 = head[0]["format"] else { throw ArchiveProblem.damaged("it has no head") }
    guard format <= ArchiveFormat.version else {
      throw ArchiveProblem(
        .file, "archive.newer", "the archive has format \(format), this program knows \(ArchiveFormat.version)",
        hint: "install a version of nacyclerd at least as new as the one that wrote it")
    }
    try ArchiveSize(ofArchive: database).check()
    let (checksum, rows) = try ArchiveChecksum.of(database, mostText: ArchiveFormat.mostText)
    guard isProven || checksum.text == head[0]["checksum"] as String else {
      throw ArchiveProblem.damaged("its values are not those that were written")
    }
    return (checksum.text, rows, head[0]["program_version"])
  }

  private static func content(
    of database: Database, _ rows: [String: Int64], _ checksum: String, programVersion: String
  ) throws -> Content {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT r.uuid, r.title, c.name, c.external_id, b.name AS batch, c.role
        FROM run r JOIN cell c USING(cell_id) LEFT JOIN batch b USING(batch_id)
        """)
    guard let row, let role = CellRole(rawValue: row["role"]) else {
      throw ArchiveProblem.damaged("its cell has no role that is known")
    }
    let sources = try Row.fetchAll(database, sql: "SELECT sha256, source FROM protocol ORDER BY protocol_id").map {
      Content.Source(sha256: [UInt8]($0["sha256"] as Data), text: $0["source"])
    }
    return Content(
      uuid: row["uuid"], title: row["title"], cell: row["name"], externalID: row["external_id"], batch: row["batch"],
      role: role, programVersion: programVersion, checksum: checksum, records: rows["record"] ?? 0,
      revisions: try revisions(of: database), protocols: sources)
  }

  private static func revisions(of database: Database) throws -> [Content.Revision] {
    try Row.fetchAll(database, sql: "SELECT * FROM cell_revision ORDER BY revision").map { row in
      var entry = CellEntry()
      entry.activeMassUg = row["active_mass_ug"]
      entry.activeMassBasis = row["active_mass_basis"]
      entry.activeMassUncertaintyUg = row["active_mass_uncertainty_ug"]
      entry.areaMm2E3 = row["area_mm2_e3"]
      entry.nominalChargeNc = row["nominal_charge_nc"]
      entry.electrolyte = row["electrolyte"]
      entry.counterElectrode = row["counter_electrode"]
      entry.notes = row["notes"]
      return Content.Revision(
        number: row["revision"], enteredBy: row["entered_by"], reason: row["reason"], entry: entry)
    }
  }

  /// What SQLite cannot know: one run, that is over, with rows of its own and of nothing else.
  private static func checkSense(_ database: Database, _ rows: [String: Int64]) throws {
    let singles = ["cell", "instrument", "channel", "run"]
    for table in singles where rows[table] != 1 {
      throw ArchiveProblem.damaged("it holds \(rows[table] ?? 0) rows of \(table), not one")
    }
    for table in ["latch", "cell_mount", "observer", "checkpoint", "run_import", "commit_mark"] {
      guard try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") == 0 else {
        throw ArchiveProblem.damaged("it holds rows of \(table)")
      }
    }
    let steps = RowIdentity.step(run: ArchiveFormat.only, count: 0)
    let end = RowIdentity.step(run: ArchiveFormat.only + 1, count: 0)
    let rules = [
      "run": """
      run_id = 1 AND state IN (\(StoreView.finalStates)) AND length(uuid) = 36 AND uuid NOT GLOB '*[^0-9a-f-]*'
      AND first_cycle_number BETWEEN 1 AND 1000000000000 AND queue_position IS NULL
      AND cell_revision IN (SELECT revision FROM cell_revision)
      AND coalesce(rate_basis_charge_nc, 1) > 0 AND coalesce(rate_basis_mass_ug, 1) > 0
      AND coalesce(rate_basis_area_mm2_e3, 1) > 0
      """,
      "cell": "cell_id = 1", "cell_revision": "cell_id = 1 AND revision >= 1",
      "instrument": "instrument_id = 1 AND family NOT LIKE 'archive:%'", "channel": "channel_id = 1",
      "protocol": "length(sha256) = 32",
      "half_cycle": """
      half_cycle_id = \(steps) + number AND number BETWEEN 1 AND 16777215 AND direction IN (-1, 0, 1)
      AND (cycle_number IS NULL OR cycle_number BETWEEN 1 AND 1000000000000)
      """,
      "step": """
      step_id = \(steps) + step_count AND step_count BETWEEN 1 AND 16777215 AND direction IN (-1, 0, 1)
      AND started_test_time_us >= 0 AND (ended_test_time_us IS NULL OR ended_test_time_us >= started_test_time_us)
      AND kind IN (\(StepKind.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")))
      """,
      "record": "step_record_index BETWEEN 0 AND 2147483647 AND step_time_us >= 0",
      "cycle": "cycle_number BETWEEN 1 AND 1000000000000",
      "event": "severity BETWEEN 0 AND 2 AND run_id = 1",
    ]
    for (table, rule) in rules.sorted(by: { $0.key < $1.key }) {
      let strange = try Int.fetchOne(database, sql: "SELECT EXISTS(SELECT 1 FROM \(table) WHERE NOT (\(rule)))")
      guard strange == 0 else { throw ArchiveProblem.damaged("a row of \(table) is none that a run has") }
    }
    let last = try Int64.fetchOne(
      database, sql: "SELECT max(first_cycle_number - 1 + h.cycle_number) FROM run JOIN half_cycle h USING(run_id)")
    guard last ?? 0 <= 1_000_000_000_000 else { throw ArchiveProblem.damaged("it numbers cycles as no cell has them") }
    for table in ArchiveFormat.measurements {
      let strange = try Int.fetchOne(
        database,
        sql: """
          SELECT EXISTS(SELECT 1 FROM \(table.name) WHERE step_id <= ? OR step_id >= ?)
          OR EXISTS(SELECT 1 FROM \(table.name) m LEFT JOIN step s USING(step_id) WHERE s.step_id IS NULL)
          """, arguments: [steps, end])
      guard strange == 0 else { throw ArchiveProblem.damaged("a row of \(table.name) belongs to no step") }
    }
  }
}
