// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Writes a run and all that it refers to into a file that any SQLite tool opens and another daemon takes in
// (docs/archives.md). Numbers are those of the archive, and nothing in it tells of the database that it came from or of
// the hour of writing: the same run gives the same file wherever it is.

import CyclerModel
import Foundation
import GRDB

/// An archive that is made when its first piece is asked for, and removed with its last reader.
public actor RunArchive {
  private nonisolated let queue = FileQueue(label: "archive")
  /// It waits for the disk.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  private let store: CycleStore
  private let run: Int64
  private let programVersion: String
  private let folder: TransferFolder
  private let file: String
  private var handle: FileHandle?
  private var isOver = false

  /// Rows that are copied in one read transaction.
  private static let page = 20_000
  /// Bytes a piece.
  private static let piece = 1 << 18
  /// Bytes a record, in the archive and in the copy that it is put in order from.
  private static let bytesARecord: Int64 = 100
  /// Bytes a step with its half-cycle and what else grows with them, in both.
  private static let bytesAStep: Int64 = 1_000

  /// An archive of a run that is over.
  /// - Parameters:
  ///   - programVersion: The version of the program that writes it.
  ///   - folder: Where it lies until it is read.
  /// - Throws: `ArchiveProblem` of a run that goes on: its records would be cut off anywhere. The same of one that nobody
  ///   would take in: it is found out before the first piece, because whoever reads pieces is told nothing more.
  public init(run: Int64, of store: CycleStore, programVersion: String, in folder: TransferFolder) async throws {
    guard let stored = try await store.read({ try $0.run(run) }) else {
      throw StoreError.unknown(kind: "run", name: "\(run)")
    }
    guard stored.runState?.isFinal == true else {
      throw ArchiveProblem(
        .conflict, "archive.run_goes_on", "run \(run) is \(stored.state); an archive holds a whole run",
        hint: "wait until it is over, or export it as json, csv or bdf meanwhile")
    }
    do {
      try await store.read { try ArchiveSize(of: run, in: $0.database).check() }
      try await ArchiveSums.check(run: run, in: store)
    } catch let problem as ArchiveProblem {
      throw problem.ofWriting(run)
    }
    self.store = store
    self.run = run
    self.programVersion = programVersion
    self.folder = folder
    file = folder.newFile("nacycler")
    try folder.checkRoom(for: try await store.read { try RunArchive.size(of: run, in: $0.database) })
  }

  deinit { queue.remove([file, draft]) }

  private func remove() {
    handle = nil
    for file in [file, draft] { try? FileManager.default.removeItem(atPath: file) }
  }

  /// The archive before its rows are put in order.
  private nonisolated var draft: String { file + ".draft" }

  /// An upper estimate of the bytes that making it needs. Records are counted by the last index of each step.
  private static func size(of run: Int64, in database: Database) throws -> Int64 {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT count(*), total((SELECT max(step_record_index) + 1 FROM record r WHERE r.step_id = s.step_id))
        FROM step s WHERE run_id = ?
        """, arguments: [run])
    let (steps, records): (Int64, Double) = row.map { ($0[0], $0[1]) } ?? (0, 0)
    return steps * bytesAStep + Int64(records) * bytesARecord + 1 << 20
  }

  /// The next piece; nil after the last.
  public func next() async throws -> [UInt8]? {
    if isOver { return nil }
    if handle == nil {
      try await make()
      handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
    }
    guard let data = try handle?.read(upToCount: Self.piece), !data.isEmpty else {
      // Its room is free before the reader sees the end.
      remove()
      isOver = true
      return nil
    }
    return Array(data)
  }

  private func make() async throws {
    var configuration = Configuration()
    configuration.label = "RunArchive"
    configuration.foreignKeysEnabled = false
    // Nobody else sees the file, and a half one is thrown away.
    configuration.prepareDatabase { database in
      try database.execute(
        sql: """
          PRAGMA page_size = \(ArchiveFormat.pageSize);
          PRAGMA journal_mode = OFF;
          PRAGMA synchronous = OFF;
          """)
    }
    let archive = try DatabaseQueue(path: draft, configuration: configuration)
    try await archive.write { try ArchiveFormat.makeTables(in: $0) }
    let run = run
    try await store.read { view in
      try archive.write { try SmallTables(of: run, in: view.database).copy(to: $0) }
    }
    for table in ArchiveFormat.steps + ArchiveFormat.measurements {
      var copy = RowCopy(
        table, from: run, to: ArchiveFormat.only, replaced: table.rowKeys.count > 0 ? Self.replaced(in: table) : [:])
      while true {
        try Task.checkCancellation()
        // Runs need the disk more than whoever reads this.
        try folder.checkRoom(for: 0)
        let present = copy
        let (next, count) = try await store.read { view in
          var copy = present
          let count = try archive.write { try copy.page(from: view.database, to: $0, limit: Self.page) }
          return (copy, count)
        }
        copy = next
        if count < Self.page { break }
      }
    }
    let version = programVersion
    try await archive.write { database in
      let checksum = try ArchiveChecksum.of(database).checksum
      try database.execute(
        sql: "INSERT INTO archive VALUES(?, ?, ?)", arguments: [ArchiveFormat.version, version, checksum.text])
      try database.execute(
        sql: """
          PRAGMA application_id = \(ArchiveFormat.applicationID);
          PRAGMA user_version = \(Schema.version);
          """)
    }
    // Into another file of the folder: a VACUUM in place would copy through the machine's temporary folder.
    try folder.checkRoom(forCopyOf: draft)
    let ordered = file
    try await archive.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [ordered]) }
    try archive.close()
    try FileManager.default.removeItem(atPath: draft)
    try settle()
  }

  /// Steps and half-cycles say their run.
  private static func replaced(in table: ArchiveFormat.Table) -> [String: Int64] {
    ArchiveFormat.steps.contains { $0.name == table.name } ? ["run_id": ArchiveFormat.only] : [:]
  }

  /// Counters of SQLite's own that tell how often the file was written and by which version of SQLite (the file format's
  /// bytes 24, 92 and 96): the same in every archive.
  private func settle() throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    for (offset, value) in [(24, 1), (92, 1), (96, 3_037_000)] as [(UInt64, UInt32)] {
      try handle.seek(toOffset: offset)
      try handle.write(contentsOf: withUnsafeBytes(of: value.bigEndian) { Data($0) })
    }
    try handle.close()
  }
}

/// All of a run but its measurements, with the numbers of an archive, as it stands in one transaction.
struct SmallTables {
  private var rows: [(table: String, columns: [String], values: [DatabaseValue])] = []

  /// Reads what a run consists of.
  init(of run: Int64, in database: Database) throws {
    let only = ArchiveFormat.only.databaseValue
    guard let stored = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE run_id = ?", arguments: [run]) else {
      throw StoreError.unknown(kind: "run", name: "\(run)")
    }
    let cell: Int64 = stored["cell_id"]
    let channel: Int64 = stored["channel_id"]
    let origin = try Row.fetchOne(database, sql: "SELECT * FROM run_import WHERE run_id = ?", arguments: [run])
    try add("batch", "SELECT b.* FROM batch b JOIN cell c USING(batch_id) WHERE c.cell_id = ?", [cell], database) {
      ["batch_id": only, "notes": $0["notes"]]
    }
    try add("cell", "SELECT * FROM cell WHERE cell_id = ?", [cell], database) { row in
      let batch: DatabaseValue = row["batch_id"]
      return ["cell_id": only, "batch_id": batch.isNull ? .null : only]
    }
    try add(
      "cell_revision", "SELECT * FROM cell_revision WHERE cell_id = ? ORDER BY revision", [cell], database
    ) { _ in ["cell_id": only] }
    try add(
      "instrument", "SELECT i.* FROM instrument i JOIN channel c USING(instrument_id) WHERE c.channel_id = ?",
      [channel], database
    ) { row in
      [
        "instrument_id": only, "family": origin.map { $0["instrument_family"] as DatabaseValue } ?? row["family"],
        // When a database first saw it is no matter of the run; what the run knows of it begins with the run.
        "first_seen_unix_us": stored["created_unix_us"],
      ]
    }
    try add("channel", "SELECT * FROM channel WHERE channel_id = ?", [channel], database) { row in
      let wiring: DatabaseValue = stored["wiring"]
      return [
        // Its wiring now is not the run's, which has its own.
        "channel_id": only, "instrument_id": only, "wiring": wiring,
        "name": origin.map { $0["channel_name"] as DatabaseValue } ?? row["name"],
      ]
    }
    let protocols = try addNumbered(
      "protocol", "protocol_id",
      """
      SELECT p.* FROM protocol p JOIN run_protocol q USING(protocol_id) WHERE q.run_id = ?
      GROUP BY protocol_id ORDER BY min(q.revision)
      """, [run], database)
    let sets = try addNumbered(
      "parameter_set", "parameter_set_id",
      """
      SELECT * FROM parameter_set WHERE parameter_set_id IN (
        SELECT parameter_set_id FROM run WHERE run_id = ?1 UNION SELECT parameter_set_id FROM cycle WHERE run_id = ?1
        UNION SELECT parameter_set_id FROM recount WHERE run_id = ?1)
      ORDER BY definitions_version, parameters
      """, [run], database)
    func set(_ row: Row) -> DatabaseValue { sets[row["parameter_set_id"]]?.databaseValue ?? .null }
    let shift = RowIdentity.step(run: ArchiveFormat.only - run, count: 0)
    func moved(_ row: Row, _ column: String) -> DatabaseValue {
      (row[column] as Int64?).map { ($0 + shift).databaseValue } ?? .null
    }
    try add("run", "SELECT * FROM run WHERE run_id = ?", [run], database) { row in
      ["run_id": only, "cell_id": only, "channel_id": only, "parameter_set_id": set(row), "queue_position": .null]
    }
    try add("run_protocol", "SELECT * FROM run_protocol WHERE run_id = ? ORDER BY revision", [run], database) { row in
      [
        "run_id": only, "protocol_id": protocols[row["protocol_id"]]?.databaseValue ?? .null,
        "from_step_id": moved(row, "from_step_id"),
      ]
    }
    try add("cycle", "SELECT * FROM cycle WHERE run_id = ?", [run], database) { row in
      ["run_id": only, "parameter_set_id": set(row)]
    }
    try add("run_summary", "SELECT * FROM run_summary WHERE run_id = ?", [run], database) { row in
      ["run_id": only, "parameter_set_id": set(row)]
    }
    try add("recount", "SELECT * FROM recount WHERE run_id = ?", [run], database) { row in
      ["run_id": only, "parameter_set_id": set(row), "last_step_id": moved(row, "last_step_id")]
    }
    try add("efficiency_test", "SELECT * FROM efficiency_test WHERE run_id = ?", [run], database) { _ in
      ["run_id": only]
    }
    var event: Int64 = 0
    try add("event", "SELECT * FROM event WHERE run_id = ? ORDER BY event_id", [run], database) { row in
      event += 1
      let place: Int64? = row["channel_id"]
      return [
        "event_id": event.databaseValue, "run_id": only, "channel_id": place == channel ? only : .null,
        "step_id": moved(row, "step_id"),
      ]
    }
  }

  /// Writes them in the order of their keys, so that equal rows are equal files.
  func copy(to archive: Database) throws {
    for row in rows {
      try archive.cachedStatement(
        sql: """
          INSERT INTO \(row.table)(\(row.columns.joined(separator: ", ")))
          VALUES(\(row.columns.map { _ in "?" }.joined(separator: ", ")))
          """
      ).execute(arguments: StatementArguments(row.values))
    }
  }

  private mutating func add(
    _ table: String, _ sql: String, _ arguments: StatementArguments, _ database: Database,
    _ other: (Row) -> [String: DatabaseValue]
  ) throws {
    for row in try Row.fetchAll(database, sql: sql, arguments: arguments) {
      let replaced = other(row)
      let columns = Array(row.columnNames)
      rows.append((table, columns, columns.map { replaced[$0] ?? row[$0] }))
    }
  }

  /// The same with keys from 1 in the order of the statement.
  /// - Returns: The new keys by the old ones.
  private mutating func addNumbered(
    _ table: String, _ key: String, _ sql: String, _ arguments: StatementArguments, _ database: Database
  ) throws -> [Int64: Int64] {
    var keys: [Int64: Int64] = [:]
    try add(table, sql, arguments, database) { row in
      let number = Int64(keys.count + 1)
      keys[row[key]] = number
      return [key: number.databaseValue]
    }
    return keys
  }
}
