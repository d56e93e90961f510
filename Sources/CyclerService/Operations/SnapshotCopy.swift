// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CycleStore
internal import Foundation

/// A consistent copy of the database, made when its first piece is asked for and removed with its last reader.
actor SnapshotCopy {
  private let store: CycleStore
  private let file = FileManager.default.temporaryDirectory.appendingPathComponent(
    "nacycler-\(UUID().uuidString).sqlite")
  private var handle: FileHandle?

  /// A copy of what that store holds.
  init(of store: CycleStore) { self.store = store }

  deinit { try? FileManager.default.removeItem(at: file) }

  /// The next 256 KiB; nil after the last.
  func next() async throws -> [UInt8]? {
    if handle == nil {
      try await store.snapshot(to: file.path)
      handle = try FileHandle(forReadingFrom: file)
    }
    guard let data = try handle?.read(upToCount: 1 << 18), !data.isEmpty else { return nil }
    return Array(data)
  }
}
