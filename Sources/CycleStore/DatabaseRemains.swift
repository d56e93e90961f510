// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Glibc

/// What is left of a database that cannot be used: it is set aside, and kept, under a name with the moment in it. Until
/// the new database has said so, the name also says that the loss has not been told: a daemon that ends in between finds
/// it at its next start.
struct DatabaseRemains {
  private static let unsettledMark = ".unreplaced-"
  private static let settledMark = ".damaged-"
  /// In this order: while only logs are left, the database has been moved already.
  private static let suffixes = ["", "-wal", "-shm", CommitMark.suffix]

  let directory: String
  private var path: String { directory + "/" + CycleStore.fileName }

  /// A database leaves its log, the log's index and its mark behind when it is closed; without a database beside them the
  /// rest is gone.
  var isOnlyLogs: Bool {
    var status = stat()
    let isThere = stat(path, &status) == 0 && status.st_size > 0
    return !isThere && (hasCommitted || Self.suffixes.dropFirst().dropLast().contains { access(path + $0, F_OK) == 0 })
  }

  /// Whether the mark says that there was something in the database.
  var hasCommitted: Bool { (CommitMark.read(path + CommitMark.suffix)?.commits ?? 0) > 0 }

  /// Keeps a copy of the log before SQLite writes over the part of it that it does not understand; nil when there is
  /// none to keep, or no room.
  func keepLog() -> String? {
    var status = stat()
    guard stat(path + "-wal", &status) == 0, status.st_size > 0 else { return nil }
    let target = path + Self.settledMark + "\(UnixInstant.now.microseconds)-wal"
    do {
      try FileManager.default.copyItem(atPath: path + "-wal", toPath: target)
    } catch {
      unlink(target)
      return nil
    }
    chmod(target, 0o440)
    return target
  }

  /// Moves database and logs; logs that were left behind follow their database.
  func setAside() throws {
    let begun = try names().filter { $0.hasPrefix(CycleStore.fileName + Self.unsettledMark) }
    let target =
      begun.first.map { directory + "/" + Self.database(of: $0) }
      ?? path + Self.unsettledMark + "\(UnixInstant.now.microseconds)"
    for suffix in Self.suffixes where access(path + suffix, F_OK) == 0 && access(target + suffix, F_OK) != 0 {
      try move(path + suffix, target + suffix)
      chmod(target + suffix, 0o440)
    }
    // An emptied database beside the log of one that was moved before.
    for suffix in Self.suffixes where access(path + suffix, F_OK) == 0 {
      try move(path + suffix, target + ".again-\(UnixInstant.now.microseconds)" + suffix)
    }
  }

  /// The file to look at, by its final name, when a loss has not been told yet.
  func unsettled() throws -> String? {
    let begun = try names().filter { $0.hasPrefix(CycleStore.fileName + Self.unsettledMark) }
    func rank(_ name: String) -> Int { Self.suffixes.lastIndex { name.hasSuffix($0) } ?? 0 }
    return begun.min { rank($0) < rank($1) }.map {
      directory + "/" + $0.replacing(Self.unsettledMark, with: Self.settledMark)
    }
  }

  /// The loss has been told: the remains get their final names.
  func settle() throws {
    for name in try names() where name.hasPrefix(CycleStore.fileName + Self.unsettledMark) {
      try move(directory + "/" + name, directory + "/" + name.replacing(Self.unsettledMark, with: Self.settledMark))
    }
  }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory) }

  private static func database(of name: String) -> String {
    for suffix in suffixes.dropFirst() where name.hasSuffix(suffix) { return String(name.dropLast(suffix.count)) }
    return name
  }

  private func move(_ old: String, _ new: String) throws {
    guard rename(old, new) == 0 else {
      throw StoreError.unusablePath(path: old, reason: String(cString: strerror(errno)))
    }
  }
}
