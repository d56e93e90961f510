// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import ControlAPI
internal import CycleStore
internal import Foundation

/// A consistent copy of the database, made when its first piece is asked for and removed with its last reader.
actor SnapshotCopy {
  private nonisolated let queue = FileQueue(label: "snapshot")
  /// It waits for the disk.
  nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  private let store: CycleStore
  private let folder: TransferFolder
  private let file: String
  private var handle: FileHandle?
  private var isOver = false

  /// A copy of what that store holds, in that folder until it is read.
  /// - Throws: `RequestRefused` when the disk has no room for it beside what stays the database's.
  init(of store: CycleStore, in folder: TransferFolder) throws {
    self.store = store
    self.folder = folder
    file = folder.newFile("sqlite")
    try checkRoom()
  }

  deinit { queue.remove([file, file + ".partial"]) }

  private func remove() {
    handle = nil
    for file in [file, file + ".partial"] { try? FileManager.default.removeItem(atPath: file) }
  }

  /// The next 256 KiB; nil after the last.
  func next() async throws -> [UInt8]? {
    if isOver { return nil }
    if handle == nil {
      try await store.snapshot(to: file)
      handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
    }
    guard let data = try handle?.read(upToCount: 1 << 18), !data.isEmpty else {
      // Its room is free before the reader sees the end.
      remove()
      isOver = true
      return nil
    }
    return Array(data)
  }

  private nonisolated func checkRoom() throws {
    do { try folder.checkRoom(forCopyOfDatabase: store.path) } catch let problem as ArchiveProblem {
      throw RequestRefused(
        .unavailable, code: "snapshot.no_room", message: problem.message,
        hint: "make room on the disk of the daemon's state directory; where the copy goes to does not matter")
    }
  }
}
