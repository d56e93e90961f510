// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// SQLite cannot tell a write-ahead log that was removed, cut off or damaged from one that never held more: it goes on
// from the older state, in which a latch or a held run may be missing, and says nothing. So commits are counted twice:
// in the database, inside each transaction, and after it in a small file beside the database. A database that has come
// less far than the file says has lost something.

import Foundation
import GRDB
import Glibc
import Synchronization

/// Counts the commits of one database; used by one writer at a time.
///
/// The file may be behind the database, after a crash by one commit and after a power cut by those of the last seconds
/// that only held readings; it is never ahead of a whole one.
final class CommitMark: Sendable {
  /// How far a database has come.
  struct Place: Sendable, Hashable {
    /// Tells this database from others: eight hexadecimal digits, drawn when it was begun.
    var database: String
    /// How many transactions were committed since.
    var commits: Int64
  }

  /// What the file's name adds to the database's.
  static let suffix = "-mark"

  private let path: String
  private let descriptor: Int32
  private let place = Mutex(Place(database: "", commits: 0))

  /// Opens the file, or makes an empty one.
  init(path: String) throws {
    self.path = path
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw StoreError.unusablePath(path: path, reason: String(cString: strerror(errno))) }
    fchmod(descriptor, 0o640)
  }

  /// Says durably how far the database has come, unless the file says so already.
  func settle(at place: Place, isWritten: Bool = false) throws {
    guard isWritten || write(place) && fsync(descriptor) == 0 && Self.syncDirectory(of: path) else {
      throw StoreError.unusablePath(path: path, reason: String(cString: strerror(errno)))
    }
    self.place.withLock { $0 = place }
  }

  deinit { Glibc.close(descriptor) }

  /// A new database's place.
  static func drawn() -> Place {
    let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
    return Place(database: String(repeating: "0", count: 8 - digits.count) + digits, commits: 0)
  }

  /// Carries out one counted transaction; `body` is given its number. When it throws, nothing is stored or counted.
  func commit<Value>(_ database: Database, _ body: (Int64) throws -> Value) throws -> Value {
    var next = place.withLock { $0 }
    next.commits += 1
    var value: Value?
    try database.inTransaction(.immediate) {
      value = try body(next.commits)
      try database.cachedStatement(sql: "UPDATE commit_mark SET commits = ?").execute(arguments: [next.commits])
      return .commit
    }
    place.withLock { $0 = next }
    // When the disk refuses, the file is only behind; the next commit writes it again.
    _ = write(next)
    guard let value else { throw StoreError.stopped }
    return value
  }

  /// Makes the count survive a power cut too. Called after commits that hold more than readings.
  func sync() { fdatasync(descriptor) }

  // MARK: The file

  private static let opening = "NaCycler database "
  private static let middle = " has committed "

  /// One line of constant length, so that it lies in one sector and each writing covers the last.
  private func write(_ place: Place) -> Bool {
    let digits = "\(place.commits)"
    let number = String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    let line = Array("\(Self.opening)\(place.database)\(Self.middle)\(number) times.\n".utf8)
    return pwrite(descriptor, line, line.count, 0) == line.count
  }

  /// What a file says; nil when there is none, or none that can be read.
  static func read(_ path: String) -> Place? {
    guard let data = FileManager.default.contents(atPath: path), data.count < 256 else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    guard text.hasPrefix(opening), text.hasSuffix(" times.\n"), let middle = text.range(of: middle) else { return nil }
    let database = text[..<middle.lowerBound].dropFirst(opening.count)
    guard database.count == 8, let commits = Int64(text[middle.upperBound...].prefix { $0.isNumber }) else {
      return nil
    }
    return Place(database: String(database), commits: commits)
  }

  private static func syncDirectory(of path: String) -> Bool {
    let directory = Glibc.open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return false }
    defer { Glibc.close(directory) }
    return fsync(directory) == 0
  }
}

extension StoreView {
  /// How far this database has come.
  func commitPlace() throws -> CommitMark.Place? {
    try Row.fetchOne(database, sql: "SELECT database_id, commits FROM commit_mark").map {
      CommitMark.Place(database: $0["database_id"], commits: $0["commits"])
    }
  }

  /// Tells this database from others, and from the state that it had before something of it was lost.
  public func databaseID() throws -> String {
    try String.fetchOne(database, sql: "SELECT database_id FROM commit_mark") ?? ""
  }
}
