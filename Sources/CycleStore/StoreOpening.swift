// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Opening decides whether a file may be trusted with a cell's history. Another program's database and a newer schema
// are refused untouched; what is left of a damaged or emptied one is set aside and a new one begun; one that has lost
// commits is used on. In both cases every channel is latched, because what was latched before is not known any more. A
// database that does not confirm WAL and synchronous=FULL is not used at all.

public import CyclerModel
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
  /// The alarm about what this database does not know any more: `store.replaced` when it begins anew in the place of
  /// another, `store.incomplete` when it lacks the newest commits.
  public var loss: Fault?
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
    report.isNew = found.version == 0
    if report.isNew, remains.hasCommitted {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "nothing was in it, and its log is gone")
    }
    let marked = CommitMark.read(path + CommitMark.suffix)
    var keptLog: String?
    if report.isNew {
      report.setAsidePath = try remains.unsettled()
      report.loss = report.setAsidePath.map { replaced($0, report.damage) }
    } else if let lack = lack(found, marked) {
      keptLog = remains.keepLog()
      report.loss = incomplete(lack, keptLog: keptLog)
    }
    report.migratedFrom = !report.isNew && found.version < Schema.version ? found.version : nil
    do {
      let pool = try DatabasePool(path: path, configuration: configuration(options))
      let mark = try CommitMark(path: path + CommitMark.suffix)
      try pool.writeWithoutTransaction { database in
        try makeDurable(database)
        try prepare(database, mark, from: found, marked, report)
      }
      return CycleStore(pool: pool, mark: mark, options: options, opening: report)
    } catch {
      // The next attempt makes another copy; on a full disk they must not pile up.
      if let keptLog { unlink(keptLog) }
      throw error
    }
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

  private static func replaced(_ aside: String, _ damage: String?) -> Fault {
    Fault(
      .storeReplaced,
      """
      On \(today) the database was found damaged\(damage.map { " (\($0))" } ?? ""); what was left of it is \
      \(aside), and a new one was begun. Its runs, cells and latches are not known any more, so every channel is latched \
      until somebody has looked at its cell.
      """)
  }

  private static func incomplete(_ lack: String, keptLog: String?) -> Fault {
    Fault(
      .storeIncomplete,
      """
      On \(today) the database was found to lack what was committed last: \(lack). \
      \(keptLog.map { "Its log as it was found is kept as \($0). " } ?? "")Runs may have gone further than it says, and a \
      latch may be missing, so every channel is latched until somebody has looked at its cell.
      """)
  }

  private static var today: String { Date.now.formatted(.iso8601.year().month().day()) }

  /// What speaks against a database being whole; nil when nothing does.
  private static func lack(_ found: Examination, _ marked: CommitMark.Place?) -> String? {
    guard found.version >= Schema.firstVersionWithMark else {
      // The mark that is made before a database gets its first one says 0.
      guard let marked, marked.commits > 0 else { return nil }
      return "it is of an older version than the one that was used here last"
    }
    guard let place = found.place else { return "its count of commits is gone" }
    guard let marked else {
      return "the file \(fileName)\(CommitMark.suffix), which tells how far it has come, is gone"
    }
    if place.database != marked.database { return "it is not the database that was used here last" }
    let missing = marked.commits - place.commits
    guard missing > 0 else { return nil }
    return """
      its last \(missing == 1 ? "commit is" : "\(missing) commits are") missing, because its log was removed, cut off or \
      damaged, or because an older copy was put in its place
      """
  }

  // MARK: Examination

  /// What is known of a file before anything is changed.
  private struct Examination {
    /// 0 of an empty one.
    var version = 0
    var place: CommitMark.Place?
  }

  /// Looks at a file without changing it: whose is it, how old, and is it whole?
  private static func examine(_ path: String, _ options: StoreOptions) throws -> Examination {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw StoreError.unusablePath(path: path, reason: String(cString: strerror(errno)))
    }
    if status.st_size == 0 { return Examination() }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(Double(options.lockPatienceMilliseconds) / 1_000)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.unsafeRead { database in
      let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
      let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      if tables.isEmpty, application == 0, version == 0 { return Examination() }
      guard application == Schema.applicationID else { throw StoreError.foreignDatabase(path: path) }
      guard version <= Schema.version else {
        throw StoreError.newerSchema(path: path, found: version, known: Schema.version)
      }
      try check(database, tables, isSmall: Int64(status.st_size) < options.recordCheckBelowBytes)
      let place = version < Schema.firstVersionWithMark ? nil : try StoreView(database: database).commitPlace()
      return Examination(version: version, place: place)
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
      try RecordPage.register(in: database)
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
        PRAGMA temp_store = MEMORY;
        """)
    // A commit must not depend on room for a temporary file on another disk: what a statement of many rows would undo is
    // a few pages.
    let temporary = try Int.fetchOne(database, sql: "PRAGMA temp_store") ?? -1
    guard temporary == 2 else {
      throw StoreError.notDurable(setting: "temp_store", found: "\(temporary), not 2 (MEMORY)")
    }
    let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
    guard synchronous == 2 else {
      throw StoreError.notDurable(setting: "synchronous", found: "\(synchronous), not 2 (FULL)")
    }
    let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "nothing"
    guard journal == "wal" else { throw StoreError.notDurable(setting: "journal_mode", found: journal) }
  }

  // MARK: Migration

  /// Brings the schema up to date and says what was lost, all in one transaction. The mark of a database that has none
  /// yet is made before: without it a whole database would be taken for a maimed one.
  private static func prepare(
    _ database: Database, _ mark: CommitMark, from found: Examination, _ marked: CommitMark.Place?,
    _ report: OpeningReport
  ) throws {
    let isFirst = found.version < Schema.firstVersionWithMark
    // One that has lost something is not the same any more: a reader's place in it means nothing.
    let isOther = isFirst || report.loss != nil
    // A crash in between must neither hide a loss nor, once it is told, tell it twice.
    let tellsAgain = report.loss != nil && !report.isNew
    var place = isOther ? CommitMark.drawn() : found.place ?? CommitMark.drawn()
    if isOther { try mark.settle(at: CommitMark.Place(database: place.database, commits: tellsAgain ? 1 : 0)) }
    if found.version < Schema.version || isOther {
      let least = max(marked?.commits ?? 0, found.place?.commits ?? 0)
      try database.inTransaction(.immediate) {
        for next in found.version..<Schema.version { try database.execute(sql: Schema.steps[next]) }
        try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(Schema.version)")
        if let loss = report.loss { try tell(loss, StoreEdit(database: database)) }
        let counted = try Int64.fetchOne(database, sql: "SELECT commits FROM commit_mark") ?? 0
        place.commits = max(counted, least) + 1
        try database.execute(sql: "DELETE FROM commit_mark")
        try database.execute(
          sql: "INSERT INTO commit_mark VALUES(?, ?)", arguments: [place.database, place.commits])
        return .commit
      }
    }
    try mark.settle(at: place, isWritten: place == marked)
  }

  private static func tell(_ loss: Fault, _ edit: StoreEdit) throws {
    try edit.addEvent(
      EventRow(
        at: .now, run: nil, channel: nil, stepID: nil, stepTime: nil, code: loss.code, severity: .alarm,
        actor: "daemon", detail: loss.detail))
    for channel in try edit.view.channels() {
      try edit.setLatch(channel: channel.channelId, run: nil, fault: loss, at: .now, actor: "daemon")
    }
  }
}
