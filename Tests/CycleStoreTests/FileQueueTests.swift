// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

@testable import CycleStore

/// An actor that waits for the disk.
private actor Worker {
  nonisolated let queue = FileQueue(label: "test")
  nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }
  func work(on other: Worker?) async -> Int {
    queue.preconditionIsCurrent()
    let more = await other?.work(on: nil) ?? 0
    queue.preconditionIsCurrent()
    return more + 1
  }
}

@Suite struct FileQueueTests {
  /// Its work, and what goes on after something was waited for, take no thread that others need.
  @Test func anActorStaysOnIt() async {
    let (one, other) = (Worker(), Worker())
    #expect(await one.work(on: other) == 2)
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<100 { group.addTask { await one.work(on: other) } }
      for await count in group { #expect(count == 2) }
    }
  }

  /// What is to be removed is gone before whatever is asked of the queue afterwards.
  @Test func filesAreRemovedInTurn() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let worker = Worker()
    worker.queue.remove([path, path + ".never"])
    #expect(await worker.work(on: nil) == 1)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
