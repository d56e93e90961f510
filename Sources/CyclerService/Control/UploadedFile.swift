// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Foundation

/// A file that was sent, removed when nobody needs it any more.
actor UploadedFile {
  nonisolated let path: String
  private let handle: FileHandle
  private var count: Int64 = 0

  /// An empty file that nobody else can read.
  init() throws {
    let path =
      FileManager.default.temporaryDirectory.appendingPathComponent("nacycler-\(UUID().uuidString).upload").path
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw Self.noRoom("no temporary file can be made") }
    self.path = path
    self.handle = handle
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a piece.
  func append(_ bytes: [UInt8]) throws {
    count += Int64(bytes.count)
    guard count <= ArchiveLimits.mostBytes else {
      throw RequestRefused(
        .tooLarge, code: "archive.too_large", message: "the archive has more than \(ArchiveLimits.mostBytes) bytes",
        hint: "no run is that long")
    }
    do { try handle.write(contentsOf: bytes) } catch { throw Self.noRoom("\(error.localizedDescription)") }
  }

  private static func noRoom(_ why: String) -> RequestRefused {
    RequestRefused(
      .unavailable, code: "archive.no_room", message: "the archive cannot be kept while it is looked at: \(why)",
      hint: "make room in the daemon's temporary directory")
  }
}
