// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import CycleStore

/// An actor that waits for the disk.
private actor Worker {
  nonisolated let queue = FileQueue(label: "test")
  nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }
  private let end: AsyncStream<Bool>.Continuation

  init(end: AsyncStream<Bool>.Continuation) { self.end = end }

  isolated deinit {
    queue.preconditionIsCurrent()
    end.yield(true)
    end.finish()
  }

  func work(on other: Worker?) async -> Int {
    queue.preconditionIsCurrent()
    let more = await other?.work(on: nil) ?? 0
    queue.preconditionIsCurrent()
    return more + 1
  }
}

@Suite struct FileQueueTests {
  /// Its work, what goes on after something was waited for, and its end take no thread that others need.
  @Test func anActorStaysOnIt() async {
    let (ends, end) = AsyncStream<Bool>.makeStream()
    do {
      let (one, other) = (Worker(end: end), Worker(end: AsyncStream<Bool>.makeStream().continuation))
      #expect(await one.work(on: other) == 2)
      await withTaskGroup(of: Int.self) { group in
        for _ in 0..<100 { group.addTask { await one.work(on: other) } }
        for await count in group { #expect(count == 2) }
      }
    }
    // Its deinitialiser traps elsewhere.
    var count = 0
    for await _ in ends { count += 1 }
    #expect(count == 1)
  }
}
