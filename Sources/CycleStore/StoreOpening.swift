// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Opening decides whether a file may be trusted with a cell's history. Another program's database and a newer schema
// are refused untouched; what is left of a damaged or emptied one is set aside, a new one begun, and every channel of it
// latched, because what was latched before is not known any more; and a database that does not confirm WAL and
// synchronous=FULL is not used at all.

import CyclerModel
import Foundation
import GRDB
import GRDBSQLite
import Glibc

/// How a store behaves; the defaults are the daemon's.
public struct StoreOptions: Sendable, Hashable {
  /// The time between two group commits, in milliseconds.
  public var tickMilliseconds = 100
  /// A write-ahead log of which more than so many bytes are held by readers is reported (`store.wal.held`).
  public var walHeldBytes: Int64 = 256 << 20
  /// The record table is checked at the start only while the file is smaller; a check reads the whole file.
  public var recordCheckBelowBytes: Int64 = 1 << 30
  /// How long `stop` keeps trying when the disk refuses.
  public var stopPatienceMilliseconds = 3_000
  /// How long a commit waits for a program that holds the database locked, before it is reported and tried again.
  public var lockPatienceMilliseconds = 1_000
  /// The daemon's behaviour.
  public init() {}
}

/// What was found when a store was opened.
public struct OpeningReport: Sendable, Hashable {
  /// There was no database yet, or the one that was there was damaged.
  public var isNew = false
  /// The schema version before this start; nil for a new file.
  public var migratedFrom: Int?
  /// Where a damaged database was put.
  public var setAsidePath: String?
  /// What was wrong with it.
  public var damage: String?
  /// What an alarm says about an earlier database whose cells, runs and latches this new one does not know.
  public var loss: String?
}

extension CycleStore {
  /// The name of the database file in the state directory.
  public static let fileName = "nacycler.sqlite"

  /// Opens the database of a state directory and brings it to the present schema.
  ///
  /// The caller holds the directory's lock: two stores on one directory are two daemons.
  ///
  /// - Throws: `StoreError` when the file belongs to another program or a newer version, or cannot be made durable.
  public static func open(at directory: String, options: StoreOptions = StoreOptions()) throws -> CycleStore {
    try makeDirectory(directory)
    let path = directory + "/" + fileName
    let remains = DatabaseRemains(directory: directory)
    var report = OpeningReport()
    if remains.isOnlyLogs {
      report.damage = "it was empty or gone, and its log was there"
      try remains.setAside()
    }
    let store: CycleStore
    do {
      store = try openFile(path, remains, options, &report)
    } catch let error as DatabaseError where isDamage(error) {
      report = OpeningReport()
      report.damage = error.message ?? "it is not a database"
      try remains.setAside()
      store = try openFile(path, remains, options, &report)
    }
    try remains.settle()
    return store
  }

  private static func openFile(
    _ path: String, _ remains: DatabaseRemains, _ options: StoreOptions, _ report: inout OpeningReport
  ) throws -> CycleStore {
    try makeFile(path)
    let found = try examine(path, options)
    report.isNew = found == 0
    let aside = found == 0 ? try remains.unsettled() : nil
    report.setAsidePath = aside
    report.loss = aside.map { loss($0, report.damage) }
    report.migratedFrom = found > 0 && found < Schema.version ? found : nil
    let pool = try DatabasePool(path: path, configuration: configuration(options))
    try pool.writeWithoutTransaction { database in
      try makeDurable(database)
      try migrate(database, from: found, loss: report.loss)
    }
    return CycleStore(pool: pool, options: options, opening: report)
  }

  // MARK: Files

  private static func makeDirectory(_ directory: String) throws {
    if mkdir(directory, 0o750) != 0, errno != EEXIST {
      throw StoreError.unusablePath(path: directory, reason: String(cString: strerror(errno)))
    }
  }

  /// Makes an empty file of mode 0640 where there is none: readers of the group may look, and cannot write.
  private static func makeFile(_ path: String) throws {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    if descriptor < 0 {
      guard errno == EEXIST else {
        throw StoreError.unusablePath(path: path, reason: String(cString: strerror(errno)))
      }
      return
    }
    // Not at the mercy of the umask; SQLite gives the log files the mode of the database.
    fchmod(descriptor, 0o640)
    Glibc.close(descriptor)
  }

  private static func loss(_ aside: String, _ damage: String?) -> String {
    """
    On \(Date.now.formatted(.iso8601.year().month().day())) the database was found damaged\(damage.map { " (\($0))" } ?? ""); what was left of it is \
    \(aside), and a new one was begun. Its runs, cells and latches are not known any more, so every channel is latched \
    until somebody has looked at its cell.
    """
  }

  // MARK: Examination

  /// Looks at a file without changing it: whose is it, how old, and is it whole?
  private static func examine(_ path: String, _ options: StoreOptions) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw StoreError.unusablePath(path: path, reason: String(cString: strerror(errno)))
    }
    if status.st_size == 0 { return 0 }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(Double(options.lockPatienceMilliseconds) / 1_000)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.unsafeRead { database in
      let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
      let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      if tables.isEmpty, application == 0, version == 0 { return 0 }
      guard application == Schema.applicationID else { throw StoreError.foreignDatabase(path: path) }
      guard version <= Schema.version else {
        throw StoreError.newerSchema(path: path, found: version, known: Schema.version)
      }
      try check(database, tables, isSmall: Int64(status.st_size) < options.recordCheckBelowBytes)
      return version
    }
  }

  /// SQLite's quick check of every table; the records only while the file is small enough to be read at a start.
  private static func check(_ database: Database, _ tables: [String], isSmall: Bool) throws {
    for table in tables where isSmall || table != "record" {
      let complaints = try String.fetchAll(database, sql: "PRAGMA quick_check(\(table.quotedDatabaseIdentifier))")
      guard complaints == ["ok"] else {
        throw DatabaseError(
          resultCode: .SQLITE_CORRUPT, message: "table \(table): \(complaints.first ?? "no answer")")
      }
    }
  }

  private static func isDamage(_ error: DatabaseError) -> Bool {
    error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
  }

  // MARK: Settings

  private static func configuration(_ options: StoreOptions) -> Configuration {
    var configuration = Configuration()
    configuration.label = "CycleStore"
    configuration.maximumReaderCount = 6
    configuration.busyMode = .timeout(Double(options.lockPatienceMilliseconds) / 1_000)
    configuration.prepareDatabase { database in
      // The log files stay after the last close, so that a reader without write permission can open the database
      // while no daemon runs.
      var isPersistent: Int32 = 1
      sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &isPersistent)
    }
    return configuration
  }

  /// Sets and reads back what law 3 rests on. GRDB leaves synchronous=NORMAL in WAL mode, where a power cut may take
  /// the last commits; so this comes after its own set-up.
  private static func makeDurable(_ database: Database) throws {
    try database.execute(
      sql: """
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 4000;
        PRAGMA journal_size_limit = 67108864;
        """)
    let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
    guard synchronous == 2 else {
      throw StoreError.notDurable(setting: "synchronous", found: "\(synchronous), not 2 (FULL)")
    }
    let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "nothing"
    guard journal == "wal" else { throw StoreError.notDurable(setting: "journal_mode", found: journal) }
  }

  // MARK: Migration

  /// All of it in one transaction, and with it the first event when a database was lost.
  private static func migrate(_ database: Database, from version: Int, loss: String?) throws {
    guard version < Schema.version else { return }
    try database.inTransaction(.immediate) {
      for next in version..<Schema.version { try database.execute(sql: Schema.steps[next]) }
      try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
      try database.execute(sql: "PRAGMA user_version = \(Schema.version)")
      if let loss {
        try StoreEdit(database: database).addEvent(
          EventRow(
            at: .now, run: nil, channel: nil, stepID: nil, stepTime: nil, code: .storeReplaced, severity: .alarm,
            actor: "daemon", detail: loss))
      }
      return .commit
    }
  }
}
