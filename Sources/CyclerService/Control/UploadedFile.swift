// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CycleStore
import Foundation

/// A file that was sent, removed when nobody needs it any more.
actor UploadedFile {
  nonisolated let path: String
  private let handle: FileHandle
  private let folder: TransferFolder
  private var count: Int64 = 0
  /// How many bytes have been asked room for.
  private var granted: Int64
  /// Room is asked for by so many bytes when the sender did not say how many there are.
  private static let grant: Int64 = 16 << 20

  /// An empty file that nobody else can read.
  /// - Parameter expected: How many bytes will come, as far as the sender says.
  /// - Throws: `RequestRefused` when they are more than an archive has, or there is no room for them.
  init(in folder: TransferFolder, expecting expected: Int64?) throws {
    self.folder = folder
    let expected = max(0, expected ?? 0)
    granted = expected
    guard expected <= ArchiveLimits.mostBytes else { throw Self.tooLarge() }
    // The file, and then its rows in the database.
    try Self.orRefuse { try folder.checkRoom(for: 2 * expected) }
    let path = folder.newFile("upload")
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw RequestRefused(TransferFolder.noRoom("no file can be made in \(folder.path)")) }
    self.path = path
    self.handle = handle
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a piece.
  func append(_ bytes: [UInt8]) throws {
    count += Int64(bytes.count)
    guard count <= ArchiveLimits.mostBytes else { throw Self.tooLarge() }
    if count > granted {
      granted = count + Self.grant
      try Self.orRefuse { try folder.checkRoom(for: Self.grant) }
    }
    do {
      try handle.write(contentsOf: bytes)
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
