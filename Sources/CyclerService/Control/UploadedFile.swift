// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CycleStore
import Foundation

/// A file that was sent, removed when nobody needs it any more.
actor UploadedFile {
  private nonisolated let queue = FileQueue(label: "upload")
  /// It waits for the disk.
  nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  nonisolated let path: String
  private var handle: FileHandle?
  private let folder: TransferFolder
  private var count: Int64 = 0
  /// How many bytes have been asked room for.
  private var granted: Int64
  /// Room is asked for by so many bytes when the sender did not say how many there are.
  private static let grant: Int64 = 16 << 20

  /// A place for a file; `open` makes it.
  /// - Parameter expected: How many bytes will come, as far as the sender says.
  init(in folder: TransferFolder, expecting expected: Int64?) {
    self.folder = folder
    path = folder.newFile("upload")
    granted = max(0, expected ?? 0)
  }

  deinit { queue.remove([path]) }

  /// Makes an empty file that nobody else can read.
  /// - Throws: `RequestRefused` when more bytes will come than an archive has, or there is no room for them.
  func open() throws {
    guard granted <= ArchiveLimits.mostBytes else { throw Self.tooLarge() }
    // The file, and then its rows in the database.
    try Self.orRefuse { try folder.checkRoom(for: 2 * granted) }
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw RequestRefused(TransferFolder.noRoom("no file can be made in \(folder.path)")) }
    self.handle = handle
  }

  /// Removes it now: whoever sends the next one finds the room free.
  func remove() {
    handle = nil
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Adds a piece.
  func append(_ bytes: [UInt8]) throws {
    count += Int64(bytes.count)
    guard count <= ArchiveLimits.mostBytes else { throw Self.tooLarge() }
    if count > granted {
      granted = count + Self.grant
      try Self.orRefuse { try folder.checkRoom(for: Self.grant) }
    }
    do {
      try handle?.write(contentsOf: bytes)
    } catch {
      throw RequestRefused(TransferFolder.noRoom("\(error.localizedDescription)"))
    }
    // Runs write to the same disk meanwhile.
    if count / Self.grant != (count - Int64(bytes.count)) / Self.grant {
      try Self.orRefuse { try folder.checkRoom(for: 0) }
    }
  }

  private static func orRefuse(_ check: () throws -> Void) throws {
    do { try check() } catch let problem as ArchiveProblem { throw RequestRefused(problem) }
  }

  private static func tooLarge() -> RequestRefused {
    RequestRefused(
      .tooLarge, code: "archive.too_large", message: "the archive has more than \(ArchiveLimits.mostBytes) bytes",
      hint: "no run is that long")
  }
}
