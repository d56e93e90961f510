// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Synchronization
import Testing

@testable import CycleStore

/// Hears of failures without polling.
private final class FailureWaiter: Sendable {
  private let stream: AsyncStream<StoreFailure>
  let continuation: AsyncStream<StoreFailure>.Continuation
  init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded) }
  func next() async -> StoreFailure? {
    var iterator = stream.makeAsyncIterator()
    return await iterator.next()
  }
}

extension Configuration {
  /// Another program, which may leave a transaction open.
  fileprivate static var stranger: Configuration {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    return configuration
  }
}

extension CycleStore {
  /// A disk with so many more pages of room.
  fileprivate func leaveRoom(pages: Int) throws {
    try pool.writeWithoutTransaction { database in
      let used = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      try database.execute(sql: "PRAGMA max_page_count = \(used + pages)")
    }
  }
}

@Suite struct FailureTests {
  @Test func aFullDiskKeepsEverythingAcknowledgesNothingAndGoesOnWhenThereIsRoom() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (commits, failures) = (CommitWaiter(), FailureWaiter())
    let inlet = store.makeInlet(
      name: "port", capacity: 5_000, onCommit: { commits.continuation.yield($0) },
      onFailure: { failures.continuation.yield($0) })
    try store.start()
    try store.leaveRoom(pages: 2)
    var batch = JournalBatch(records: bench.records(0..<4_000), entries: [.stepStarted(bench.step(1))])
    #expect(!inlet.isFull)
    inlet.push(&batch)
    inlet.requestCommit()
    let failure = try #require(await failures.next())
    #expect(failure.code == .storeFull)
    #expect(store.health.failure?.code == .storeFull)
    #expect(inlet.committedSequence == 0)
    batch.records = bench.records(4_000..<6_000)
    inlet.push(&batch)
    #expect(inlet.isFull, "now the run must pause; what was pushed is kept all the same")
    #expect(try store.readNow { try $0.recordCount(run: bench.run) } == 0)
    try store.leaveRoom(pages: 100_000)
    await commits.wait(for: 2)
    #expect(!inlet.isFull)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    let run = bench.run
    let (records, events) = try again.readNow {
      (try $0.records(after: RecordCursor(startOf: run), limit: 10_000), try $0.events())
    }
    #expect(records == Array(bench.records(0..<6_000)))
    #expect(events.last?.code == "store.full")
    again.stopAndWait()
  }

  @Test func aControlRequestOnAFullDiskIsRefusedAndLeavesNothing() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    try store.start()
    try store.leaveRoom(pages: 0)
    let error = await #expect(throws: StoreError.self) {
      try await store.write { edit in
        for index in 0..<10_000 { try edit.addEvent(OpeningTests.note("note \(index)")) }
      }
    }
    guard case .notWritten(let failure) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failure.code == .storeFull)
    #expect(try store.readNow { try $0.events() }.isEmpty)
    await store.stop()
  }

  @Test func aBatchThatBreaksARuleStopsOnlyItsOwnInlet() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (good, bad) = (try Bench(store, number: 1), try Bench(store, number: 2))
    let failures = FailureWaiter()
    let (healthy, waiter) = store.inletWithWaiter()
    let broken = store.makeInlet(name: "broken", onFailure: { failures.continuation.yield($0) })
    // The same record twice can only be a fault of the program; nothing may hide it.
    var batch = JournalBatch(records: [bad.record(0), bad.record(0)], entries: [.stepStarted(bad.step(1))])
    broken.push(&batch)
    batch = JournalBatch(records: good.records(0..<10), entries: [.stepStarted(good.step(1))])
    healthy.push(&batch)
    try store.start()
    await waiter.wait(for: 1)
    let failure = try #require(await failures.next())
    #expect(failure.code == .storeFailed)
    #expect(failure.detail.contains("UNIQUE constraint failed"))
    #expect(broken.committedSequence == 0)
    batch.records = good.records(10..<20)
    await waiter.wait(for: healthy.push(&batch))
    let health = store.health
    #expect(health.failure == nil, "everybody else is stored")
    let apart = try #require(health.setApart)
    #expect(apart.detail.hasPrefix("3 rows of broken wait: ") && health.trouble == apart)
    let report = await store.stop()
    #expect(report.unsavedCount == 3, "said, not hidden")
    let again = try CycleStore.open(at: scratch.path + "/state")
    #expect(try again.readNow { try $0.recordCount(run: good.run) } == 20)
    #expect(try again.readNow { try $0.recordCount(run: bad.run) } == 0)
    again.stopAndWait()
  }

  /// Records are stored many in one statement; one that breaks a rule is named all the same, and nothing of its batch is
  /// stored.
  @Test(arguments: [3, 17, 40])
  func aRecordThatBreaksARuleIsNamedAmongMany(_ place: Int) async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (good, bad) = (try Bench(store, number: 1), try Bench(store, number: 2))
    let failures = FailureWaiter()
    let (healthy, waiter) = store.inletWithWaiter()
    let broken = store.makeInlet(name: "broken", onFailure: { failures.continuation.yield($0) })
    var batch = JournalBatch(records: bad.records(0..<50), entries: [.stepStarted(bad.step(1))])
    batch.records.insert(bad.record(Int32(place) - 1), at: place)
    broken.push(&batch)
    batch = JournalBatch(records: good.records(0..<50), entries: [.stepStarted(good.step(1))])
    healthy.push(&batch)
    try store.start()
    await waiter.wait(for: 1)
    let failure = try #require(await failures.next())
    #expect(failure.detail.contains("index \(place - 1))"), "\(failure.detail)")
    let report = await store.stop()
    #expect(report.unsavedCount == 52)
    let again = try CycleStore.open(at: scratch.path + "/state")
    let stored = try again.readNow { view in
      try (good: view.recordCount(run: good.run), bad: view.recordCount(run: bad.run))
    }
    #expect(stored == (50, 0))
    again.stopAndWait()
  }

  /// While it is found out whose batch breaks a rule, what else goes wrong concerns everybody.
  @Test func aFullDiskIsToldAlsoWhileABatchIsSetApart() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (good, bad) = (try Bench(store, number: 1), try Bench(store, number: 2))
    let commits = CommitWaiter()
    let failures = FailureWaiter()
    let broken = store.makeInlet(name: "broken")
    let healthy = store.makeInlet(
      name: "healthy", onCommit: { commits.continuation.yield($0) }, onFailure: { failures.continuation.yield($0) })
    var batch = JournalBatch(records: [bad.record(0), bad.record(0)], entries: [.stepStarted(bad.step(1))])
    broken.push(&batch)
    batch = JournalBatch(records: good.records(0..<4_000), entries: [.stepStarted(good.step(1))])
    healthy.push(&batch)
    try store.leaveRoom(pages: 2)
    try store.start()
    #expect(try #require(await failures.next()).code == .storeFull)
    #expect(store.health.failure?.code == .storeFull && store.health.trouble?.code == .storeFull)
    try store.leaveRoom(pages: 100_000)
    await commits.wait(for: 1)
    #expect(try store.readNow { try $0.recordCount(run: good.run) } == 4_000)
    await store.stop()
  }

  @Test func anEntryForAnUnknownRunIsAFailureAndNotSilence() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let failures = FailureWaiter()
    let inlet = store.makeInlet(name: "port", onFailure: { failures.continuation.yield($0) })
    try store.start()
    var batch = JournalBatch(
      records: [], entries: [.runState(run: 77, .running, at: Bench.start, reason: nil)])
    inlet.push(&batch)
    #expect(await failures.next()?.detail == "There is no run 77.")
    await store.stop()
  }

  @Test func aLockedDatabaseIsReportedAndWaitedFor() async throws {
    let scratch = try ScratchDirectory()
    var options = StoreOptions()
    options.lockPatienceMilliseconds = 50
    let store = try CycleStore.open(at: scratch.path + "/state", options: options)
    let bench = try Bench(store)
    let (commits, failures) = (CommitWaiter(), FailureWaiter())
    let inlet = store.makeInlet(
      name: "port", onCommit: { commits.continuation.yield($0) }, onFailure: { failures.continuation.yield($0) })
    let intruder = try DatabaseQueue(path: store.path, configuration: .stranger)
    try await intruder.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    try store.start()
    var batch = JournalBatch(records: bench.records(0..<5), entries: [.stepStarted(bench.step(1))])
    inlet.push(&batch)
    inlet.requestCommit()
    let failure = try #require(await failures.next())
    #expect(failure.code == .storeFailed)
    #expect(failure.detail.contains("locked"))
    try await intruder.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    await commits.wait(for: 1)
    #expect(try store.readNow { try $0.recordCount(run: bench.run) } == 5)
    await store.stop()
  }

  @Test func aReaderThatForgetsItsTransactionIsReported() async throws {
    let scratch = try ScratchDirectory()
    var options = StoreOptions()
    options.walHeldBytes = 200_000
    let store = try CycleStore.open(at: scratch.path + "/state", options: options)
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    let notices = store.commits()
    let reader = try DatabaseQueue(path: store.path, configuration: .stranger)
    try await reader.writeWithoutTransaction { database in
      try database.execute(sql: "BEGIN")
      _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM run")
    }
    var batch = JournalBatch(records: bench.records(0..<20_000), entries: [.stepStarted(bench.step(1))])
    await waiter.wait(for: inlet.push(&batch))
    for await _ in notices where try store.readNow({ try $0.events() }).contains(where: { $0.code == "store.wal.held" })
    {
      break
    }
    #expect(store.health.isWalHeld)
    #expect(store.health.walBytes > 200_000)
    try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    await store.stop()
  }
}
