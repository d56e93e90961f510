// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Archives and snapshots lie in a file while they are made or looked at. The machine's temporary folder is often memory, which counts
// against the daemon's own; the disk of the database must never become full, because runs stop then. So they have a folder
// of their own beside the database, and room is asked for before anything is written.

import Foundation
import Glibc

/// Where archives on their way in and out, and snapshots on their way out, lie; nothing in it outlives a daemon.
public struct TransferFolder: Sendable, Hashable {
  /// What is left to the database at least, unless a tenth of the disk is less.
  private static let largestReserve: Int64 = 1 << 30

  /// The folder.
  public let path: String

  /// The folder of a state directory.
  public init(stateDirectory: String) { path = stateDirectory + "/transfers" }

  /// Makes it, and removes what an earlier daemon left. The caller holds the state directory's lock.
  /// - Throws: An error of the file system.
  public func empty() throws {
    // What lies there is ours; a link to elsewhere is removed itself.
    if mkdir(path, 0o700) != 0, isFolder {
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        try FileManager.default.removeItem(atPath: path + "/" + name)
      }
      return
    }
    guard !isFolder else { return }
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  private var isFolder: Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// A path in it that is nobody else's.
  public func newFile(_ ending: String) -> String { path + "/" + UUID().uuidString + "." + ending }

  /// Makes sure that so many bytes fit, and that the database has room beside them.
  /// - Throws: `ArchiveProblem` when they do not.
  public func checkRoom(for need: Int64) throws {
    // Somebody may have removed it; of anything else in its place the next call tells.
    _ = mkdir(path, 0o700)
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
      throw Self.noRoom("\(path) cannot be used: \(String(cString: strerror(errno)))")
    }
    let block = Int64(clamping: disk.f_frsize)
    func bytes(_ blocks: some BinaryInteger) -> Int64 {
      let (product, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(by: block)
      return overflow ? .max : product
    }
    let (free, reserve) = (bytes(disk.f_bavail), Self.reserve(of: bytes(disk.f_blocks)))
    guard free >= reserve, free - reserve >= max(0, need) else {
      throw Self.noRoom(
        "\(max(0, need) >> 20) MiB are needed and \(reserve >> 20) MiB stay the database's, but \(free >> 20) MiB are free"
      )
    }
  }

  /// Makes sure that a copy of a database fits, with what its log holds and the database does not yet.
  /// - Throws: `ArchiveProblem` when it does not.
  public func checkRoom(forCopyOfDatabase database: String) throws {
    var need: Int64 = 0
    for file in [database, database + "-wal"] {
      var status = stat()
      // Without a log there is nothing in it; a database that is gone, reading it tells.
      if stat(file, &status) == 0 { need += Int64(status.st_size) }
    }
    try checkRoom(for: need)
  }

  /// Makes sure that what a file holds fits once more.
  /// - Throws: `ArchiveProblem` when it does not.
  public func checkRoom(forCopyOf file: String) throws {
    var status = stat()
    guard stat(file, &status) == 0 else { throw Self.noRoom("\(file) is gone") }
    try checkRoom(for: Int64(status.st_size))
  }

  /// What is left free of a disk of that size.
  static func reserve(of size: Int64) -> Int64 { min(largestReserve, size / 10) }

  /// What is said when there is no room.
  public static func noRoom(_ why: String) -> ArchiveProblem {
    ArchiveProblem(
      .room, "archive.no_room", "there is no room for it beside the database: \(why)",
      hint: "make room on the disk of the daemon's state directory")
  }
}
