// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Brings an archive's run into this database. Its measurements come first, page by page through the writer, so that no
// run that goes on waits for long; nobody sees them, because what shows a record goes by its step. One last transaction
// stores the run with all that refers to it. A daemon that dies in between leaves measurements under a number that no
// other run gets, and removes them when it starts again.

public import CyclerModel
import Foundation
import GRDB

/// How an archive is taken in.
public struct ArchiveImport: Sendable {
  /// Rows that are copied or removed in one transaction, some 30 ms.
  private static let page = 20_000
  /// In front of the family of an instrument that is known from an archive: it is never the one on a port.
  static let familyPrefix = "archive:"

  let archive: ArchiveReader
  let store: CycleStore
  /// Who asks.
  let person: String
  /// The name that its cell gets here; nil: its own.
  let cellName: String?

  /// An import of an archive.
  public init(of archive: ArchiveReader, into store: CycleStore, by person: String, asCell cellName: String?) {
    self.archive = archive
    self.store = store
    self.person = person
    self.cellName = cellName
  }

  /// Carries it out.
  /// - Returns: The run's number here.
  /// - Throws: `ArchiveProblem` when it does not fit, `CancellationError` when nobody waits for it any more. Nothing is
  ///   left behind then.
  public func run(at now: @Sendable () -> UnixInstant) async throws -> Int64 {
    let begun = now()
    let this = self
    // What can be known of the archive alone is found out before the writer is asked.
    let facts = try await archive.queue.read { try ArchivedCell(in: $0) }
    let run = try await store.write { edit in try this.begin(facts, in: edit, at: begun) }
    do {
      for table in ArchiveFormat.measurements { try await copy(table, to: run) }
      try Task.checkCancellation()
      let at = now()
      try await store.write { edit in try this.finish(run, facts, in: edit, at: at) }
      return run
    } catch {
      // What cannot be removed now is removed at the next start.
      try? await store.removeImport(run)
      throw error
    }
  }

  private func copy(_ table: ArchiveFormat.Table, to run: Int64) async throws {
    var copy = RowCopy(table, from: ArchiveFormat.only, to: run)
    let queue = archive.queue
    while true {
      try Task.checkCancellation()
      let present = copy
      let (next, count) = try await store.write { edit in
        var copy = present
        let count = try queue.read { try copy.page(from: $0, to: edit.database, limit: Self.page) }
        return (copy, count)
      }
      copy = next
      if count < Self.page { return }
    }
  }

  /// Takes a number for the run.
  private func begin(_ facts: ArchivedCell, in edit: StoreEdit, at: UnixInstant) throws -> Int64 {
    _ = try fit(facts, in: edit)
    let run = try edit.nextRunNumber()
    try edit.database.execute(
      sql: """
        INSERT INTO run_import(
          run_id, begun_unix_us, imported_by, archive_checksum, archive_version, instrument_family, channel_name,
          cell_name)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run, at.microseconds, person, archive.content.checksum, archive.content.programVersion, facts.family,
        facts.channel, archive.content.cell,
      ])
    return run
  }

  /// Stores all but the measurements, with which the run is there.
  private func finish(_ run: Int64, _ facts: ArchivedCell, in edit: StoreEdit, at: UnixInstant) throws {
    let database = edit.database
    let known = try fit(facts, in: edit)
    try archive.queue.read { source in
      let cell = try takeCell(known, from: source, in: edit)
      let channel = try takeChannel(from: source, in: database)
      let protocols = try takeUnique(
        "protocol", "protocol_id", same: ["sha256"], from: source, in: database)
      let sets = try takeUnique(
        "parameter_set", "parameter_set_id", same: ["definitions_version", "parameters"], from: source, in: database)
      let shift = RowIdentity.step(run: run - ArchiveFormat.only, count: 0)
      let number = ColumnChange.fixed(run.databaseValue)
      let set = ColumnChange.mapped(sets)
      let (here, moved) = (channel.databaseValue, ColumnChange.moved(by: shift))
      try Self.copy(
        "run", from: source, to: database,
        ["run_id": number, "cell_id": .fixed(cell.databaseValue), "channel_id": .fixed(here), "parameter_set_id": set])
      try Self.copy(
        "run_protocol", from: source, to: database,
        ["run_id": number, "protocol_id": .mapped(protocols), "from_step_id": moved])
      for table in ArchiveFormat.steps {
        var copy = RowCopy(table, from: ArchiveFormat.only, to: run, replaced: ["run_id": run])
        while try copy.page(from: source, to: database, limit: Self.page) == Self.page {}
      }
      for table in ["cycle", "run_summary"] {
        try Self.copy(table, from: source, to: database, ["run_id": number, "parameter_set_id": set])
      }
      try Self.copy(
        "recount", from: source, to: database, ["run_id": number, "parameter_set_id": set, "last_step_id": moved])
      try Self.copy("efficiency_test", from: source, to: database, ["run_id": number])
      try Self.copy(
        "event", from: source, to: database,
        ["event_id": .left, "run_id": number, "channel_id": .fixedUnlessNull(here), "step_id": moved])
    }
    try JournalWriter.changeOne(
      database, "import", run, "UPDATE run_import SET imported_unix_us = ? WHERE run_id = ?", [at.microseconds, run])
  }

  // MARK: What is here already

  /// Whether the run fits in here.
  /// - Returns: Its cell, when it is here already.
  private func fit(_ facts: ArchivedCell, in edit: StoreEdit) throws -> StoredCell? {
    let content = archive.content
    if let run = try Int64.fetchOne(
      edit.database, sql: "SELECT run_id FROM run WHERE uuid = ?", arguments: [content.uuid])
    {
      throw ArchiveProblem(
        .conflict, "archive.run_exists", "the run of the archive is here already: it is run \(run)",
        hint: "nactl show \(run)")
    }
    let name = cellName ?? content.cell
    guard let cell = try edit.view.cell(namedExactly: name) else {
      if let own = content.externalID, let other = try edit.view.cell(named: own) {
        throw ArchiveProblem(
          .conflict, "archive.own_id_taken", "the own id “\(own)” of the archive's cell is cell “\(other.name)” here",
          hint: "give that one another first: nactl cell edit \(other.name) --own-id …")
      }
      if let other = try edit.view.cell(named: name) {
        throw ArchiveProblem(
          .conflict, "archive.own_id_taken", "“\(name)” is the own id of cell “\(other.name)” here",
          hint: "take the archive in under another name: --as-cell NAME")
      }
      return nil
    }
    guard try isSame(cell, facts, in: edit) else {
      throw ArchiveProblem(
        .conflict, "archive.cell_differs",
        "there is another cell “\(name)” here: role, registration or what people have said of it differ",
        hint: "take the archive in under another name: --as-cell NAME")
    }
    if let open = try edit.view.openRuns().first(where: { $0.cellId == cell.cellId }) {
      throw ArchiveProblem(
        .conflict, "archive.cell_in_use", "cell “\(name)” is in run \(open.runId), which is not over",
        hint: "wait for that run: its cycles are counted on from those that are known")
    }
    try checkCycles(facts.cycles, of: cell, in: edit)
    return cell
  }

  /// A cell is the same when it was registered at the same moment for the same role, and what people have said of it is
  /// the same as far as both know.
  private func isSame(_ cell: StoredCell, _ facts: ArchivedCell, in edit: StoreEdit) throws -> Bool {
    guard facts.role == cell.role, facts.createdUnixUs == cell.createdUnixUs else { return false }
    let ours = try Row.fetchAll(
      edit.database, sql: "SELECT * FROM cell_revision WHERE cell_id = ? ORDER BY revision", arguments: [cell.cellId])
    return zip(ours, facts.revisions).allSatisfy { our, their in
      our.columnNames.allSatisfy { $0 == "cell_id" || our[$0] as DatabaseValue == their[$0] }
    }
  }

  /// A cell has each of its cycles once.
  private func checkCycles(_ theirs: ClosedRange<Int64>?, of cell: StoredCell, in edit: StoreEdit) throws {
    guard let theirs else { return }
    let ours = try Row.fetchAll(
      edit.database,
      sql: "SELECT r.run_id, \(ArchivedCell.span) \(ArchivedCell.counted) AND r.cell_id = ? GROUP BY r.run_id",
      arguments: [cell.cellId])
    let (first, last) = (theirs.lowerBound, theirs.upperBound)
    for run in ours where (run["first_cycle"] as Int64) <= last && (run["last_cycle"] as Int64) >= first {
      throw ArchiveProblem(
        .conflict, "archive.cycles_overlap",
        "cycles \(first) to \(last) of cell “\(cell.name)” are in run \(run["run_id"] as Int64) here already",
        hint: "a cell has each cycle once; take the archive in as another cell: --as-cell NAME")
    }
  }

  // MARK: Taking over

  private func takeCell(_ known: StoredCell?, from source: Database, in edit: StoreEdit) throws -> Int64 {
    let database = edit.database
    guard let known else {
      var batch = DatabaseValue.null
      if let row = try Row.fetchOne(source, sql: "SELECT name, notes FROM batch") {
        try database.execute(
          sql: "INSERT INTO batch(name, notes) VALUES(?, ?) ON CONFLICT(name) DO NOTHING",
          arguments: [row["name"] as String, row["notes"] as String])
        batch =
          try DatabaseValue.fetchOne(
            database, sql: "SELECT batch_id FROM batch WHERE name = ?", arguments: [row["name"] as String]) ?? .null
      }
      let name = (cellName ?? archive.content.cell).databaseValue
      try Self.copy(
        "cell", from: source, to: database, ["cell_id": .left, "name": .fixed(name), "batch_id": .fixed(batch)])
      let cell = database.lastInsertedRowID
      try Self.copy("cell_revision", from: source, to: database, ["cell_id": .fixed(cell.databaseValue)])
      return cell
    }
    var newer = try RowTransfer(
      into: "cell_revision", "SELECT * FROM cell_revision WHERE revision > ? ORDER BY revision", [known.revision],
      from: source, to: database, ["cell_id": .fixed(known.cellId.databaseValue)])
    _ = try newer.run()
    return known.cellId
  }

  /// The instrument and the channel, apart from those on this machine's ports.
  private func takeChannel(from source: Database, in database: Database) throws -> Int64 {
    guard let row = try Row.fetchOne(source, sql: "SELECT * FROM instrument"),
      let channel = try Row.fetchOne(source, sql: "SELECT * FROM channel")
    else { throw ArchiveProblem.damaged("it names no channel") }
    let (family, serial): (String, String) = (Self.familyPrefix + row["family"], row["serial"])
    try database.execute(
      sql: """
        INSERT INTO instrument(family, model, serial, firmware, first_seen_unix_us) VALUES(?, ?, ?, ?, ?)
        ON CONFLICT(family, serial) DO NOTHING
        """,
      arguments: [
        family, row["model"] as String, serial, row["firmware"] as String?, row["first_seen_unix_us"] as Int64,
      ])
    let instrument = try Int64.fetchOne(
      database, sql: "SELECT instrument_id FROM instrument WHERE family = ? AND serial = ?",
      arguments: [family, serial])
    let (number, name): (Int64, String) = (channel["number"], channel["name"])
    if let known = try Int64.fetchOne(
      database, sql: "SELECT channel_id FROM channel WHERE instrument_id = ? AND number = ?",
      arguments: [instrument, number])
    {
      return known
    }
    var unique = "\(name) of \(serial)"
    while try Int.fetchOne(database, sql: "SELECT 1 FROM channel WHERE name = ?", arguments: [unique]) != nil {
      unique += "'"
    }
    try database.execute(
      sql: "INSERT INTO channel(instrument_id, number, name, wiring) VALUES(?, ?, ?, ?)",
      arguments: [instrument, number, unique, channel["wiring"] as String?])
    return database.lastInsertedRowID
  }

  /// Rows that are one here when they say the same.
  /// - Returns: The keys here by those in the archive.
  private func takeUnique(
    _ table: String, _ key: String, same columns: [String], from source: Database, in database: Database
  ) throws -> [Int64: Int64] {
    var keys: [Int64: Int64] = [:]
    for row in try Row.fetchAll(source, sql: "SELECT * FROM \(table)") {
      let rule = columns.map { "\($0) = ?" }.joined(separator: " AND ")
      let values = columns.map { row[$0] as DatabaseValue }
      let known = try Int64.fetchOne(
        database, sql: "SELECT \(key) FROM \(table) WHERE \(rule)", arguments: StatementArguments(values))
      if let known {
        keys[row[key]] = known
      } else {
        var transfer = try RowTransfer(
          into: table, "SELECT * FROM \(table) WHERE \(key) = ?", [row[key] as Int64], from: source, to: database,
          [key: .left])
        _ = try transfer.run()
        keys[row[key]] = database.lastInsertedRowID
      }
    }
    return keys
  }

  private static func copy(
    _ table: String, from source: Database, to database: Database, _ changes: [String: ColumnChange]
  ) throws {
    let keys = ArchiveFormat.small.first { $0.name == table }?.keys.joined(separator: ", ") ?? "1"
    var transfer = try RowTransfer(
      into: table, "SELECT * FROM \(table) ORDER BY \(keys)", from: source, to: database, changes)
    _ = try transfer.run()
  }
}

// MARK: - What is left of one that was broken off

extension CycleStore {
  /// Removes what imports have left that were broken off by the end of a daemon. It goes on in pages, beside runs.
  public func removeBrokenImports() async throws {
    let runs = try await read { view in
      try Int64.fetchAll(view.database, sql: "SELECT run_id FROM run_import WHERE imported_unix_us IS NULL")
    }
    for run in runs { try await removeImport(run) }
  }

  fileprivate func removeImport(_ run: Int64) async throws {
    let (first, end) = (RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0))
    for table in ArchiveFormat.measurements {
      let keys = table.keys.joined(separator: ", ")
      var count = ArchiveImport.removedTogether
      while count == ArchiveImport.removedTogether {
        count = try await write { edit in
          try edit.database.execute(
            sql: """
              DELETE FROM \(table.name) WHERE (\(keys)) IN (
                SELECT \(keys) FROM \(table.name) WHERE step_id > ? AND step_id < ?
                LIMIT \(ArchiveImport.removedTogether))
              """, arguments: [first, end])
          return edit.database.changesCount
        }
      }
    }
    try await write { edit in
      try edit.database.execute(
        sql: "DELETE FROM run_import WHERE run_id = ? AND imported_unix_us IS NULL", arguments: [run])
    }
  }
}

extension ArchiveImport {
  /// Rows that are removed in one transaction.
  static let removedTogether = 20_000
}

extension StoreView {
  /// A cell by its name alone.
  func cell(namedExactly name: String) throws -> StoredCell? {
    try StoredCell.fetchOne(database, sql: Self.cellSQL + "WHERE c.name = ?", arguments: [name])
  }

  /// Where a run came from; nil of one that was run here.
  public func origin(run: Int64) throws -> StoredOrigin? {
    try StoredOrigin.fetchOne(
      database, sql: "SELECT * FROM run_import WHERE run_id = ? AND imported_unix_us IS NOT NULL", arguments: [run])
  }
}

/// Where a run came from that was taken in.
public struct StoredOrigin: StoredRow, Codable, Sendable, Hashable {
  /// The run.
  public var runId: Int64
  /// When it was taken in.
  public var importedUnixUs: Int64
  /// By whom.
  public var importedBy: String
  /// The archive's checksum.
  public var archiveChecksum: String
  /// The version of the program that wrote it.
  public var archiveVersion: String
  /// The name of its channel there.
  public var channelName: String
  /// The name of its cell there.
  public var cellName: String
}

extension StoreEdit {
  /// The number of the next run: also those of imports that are under way are taken.
  func nextRunNumber() throws -> Int64 {
    try Int64.fetchOne(
      database,
      sql: """
        SELECT 1 + max(coalesce((SELECT max(run_id) FROM run), 0), coalesce((SELECT max(run_id) FROM run_import), 0))
        """) ?? 1
  }
}
