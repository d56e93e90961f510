// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Synchronization
import Testing

@testable import CycleStore

@Suite struct CommitTests {
  @Test func aPushIsAcknowledgedOnlyWhenAnotherConnectionCanReadIt() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let file = store.path
    // The callback runs on the writer thread, right after the commit; a connection of its own looks at the file.
    let seen = Mutex<[Int]>([])
    let waiter = CommitWaiter()
    let run = bench.run
    let inlet = store.makeInlet(name: "test") { sequence in
      var configuration = Configuration()
      configuration.readonly = true
      let count =
        (try? DatabaseQueue(path: file, configuration: configuration).read {
          try Int.fetchOne($0, sql: "SELECT count(*) FROM record WHERE step_id >> 24 = ?", arguments: [run])
        }) ?? -1
      seen.withLock { $0.append(count) }
      waiter.continuation.yield(sequence)
    }
    try store.start()
    #expect(inlet.committedSequence == 0)
    var batch = JournalBatch(records: bench.records(0..<100), entries: [.stepStarted(bench.step(1))])
    let first = inlet.push(&batch)
    #expect(first == 1)
    #expect(batch.isEmpty)
    inlet.requestCommit()
    await waiter.wait(for: 1)
    #expect(seen.withLock { $0 } == [100])
    #expect(inlet.committedSequence == 1)
    #expect(inlet.waitingCount == 0)
    #expect(inlet.push(&batch) == 2, "an empty push has a number too")
    inlet.requestCommit()
    await waiter.wait(for: 2)
    #expect(await store.stop() == StopReport(unsavedCount: 0, failure: nil))
  }

  @Test(arguments: [UInt64](1...8))
  func whateverIsPushedIsThereExactlyOnce(seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    try store.start()
    let benches = try (1...4).map { try Bench(store, number: $0) }
    let inlets = benches.map { _ in store.makeInlet(name: "test") }
    var next = [Int32](repeating: 0, count: 4)
    var batch = JournalBatch()
    for place in 0..<4 {
      batch.entries.append(.stepStarted(benches[place].step(1)))
      inlets[place].push(&batch)
    }
    for _ in 0..<300 {
      let place = Int(random.next() % 4)
      let count = Int32(random.next() % 40)
      batch.records.append(contentsOf: benches[place].records(next[place]..<next[place] + count))
      next[place] += count
      inlets[place].push(&batch)
      if random.next() % 16 == 0 { inlets[place].requestCommit() }
    }
    // Stopping commits what waits.
    #expect(await store.stop().unsavedCount == 0, "seed \(seed)")
    let again = try CycleStore.open(at: scratch.path + "/state")
    for place in 0..<4 {
      let records = try again.readNow {
        try $0.records(after: RecordCursor(startOf: benches[place].run), limit: 100_000)
      }
      #expect(records == Array(benches[place].records(0..<next[place])), "seed \(seed), inlet \(place)")
    }
    again.stopAndWait()
  }

  @Test func aCheckpointIsNeverApartFromItsRecords() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(records: [], entries: [.stepStarted(bench.step(1))])
    inlet.push(&batch)
    for index in Int32(0)..<50 {
      batch.records.append(bench.record(index))
      batch.entries.append(.checkpoint(run: bench.run, at: Bench.start, state: [UInt8(index)]))
      let sequence = inlet.push(&batch)
      inlet.requestCommit()
      if index % 10 == 0 { await waiter.wait(for: sequence) }
      // What a kill at this moment would leave: the files as they are, opened elsewhere.
      let (records, checkpoint) = try store.readNow {
        (try $0.recordCount(run: bench.run), try $0.checkpoint(run: bench.run))
      }
      #expect(records == checkpoint.map { Int($0.state[0]) + 1 } ?? 0)
    }
    await store.stop()
  }

  @Test func aKillLosesNothingAcknowledgedAndKeepsNothingHalf() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(records: [], entries: [.stepStarted(bench.step(1))])
    var copies: [(directory: String, acknowledged: Int64)] = []
    for round in Int32(0)..<20 {
      batch.records.append(contentsOf: bench.records(round * 50..<round * 50 + 50))
      batch.entries.append(.checkpoint(run: bench.run, at: Bench.start, state: [UInt8(round)]))
      let sequence = inlet.push(&batch)
      inlet.requestCommit()
      if round % 3 != 2 { await waiter.wait(for: sequence) }
      let acknowledged = inlet.committedSequence
      let copy = scratch.path + "/copy-\(round)"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
      // So little fits in the log many times over, so the database itself does not change between the two copies.
      for suffix in ["-wal", ""] {
        try FileManager.default.copyItem(
          atPath: store.path + suffix, toPath: copy + "/" + CycleStore.fileName + suffix)
      }
      copies.append((copy, acknowledged))
    }
    await store.stop()
    for copy in copies {
      let survivor = try CycleStore.open(at: copy.directory)
      #expect(survivor.opening.damage == nil)
      let (records, checkpoint) = try survivor.readNow {
        (try $0.records(after: RecordCursor(startOf: bench.run), limit: 10_000), try $0.checkpoint(run: bench.run))
      }
      #expect(records.count >= Int(copy.acknowledged) * 50)
      #expect(records.count == checkpoint.map { (Int($0.state[0]) + 1) * 50 } ?? 0)
      #expect(records == Array(bench.records(0..<Int32(records.count))))
      survivor.stopAndWait()
    }
  }

  @Test func halfCyclesAreReplacedAndCyclesKeptUnderTheRunsParameters() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, _) = store.inletWithWaiter()
    try store.start()
    var half = bench.halfCycle(1, cycle: 1, .discharge, charge: 0)
    var cycle = CycleSummary(cycleNumber: 1, cellCycleNumber: 1, purpose: .formation, label: nil)
    cycle.dischargeCapacity = Charge(nanocoulombs: 3_600_000_000)
    var step = bench.step(1)
    step.halfCycleID = half.halfCycleID
    step.cycleNumber = 1
    // The step names its half-cycle before that is stored: the order within a batch does not matter.
    var batch = JournalBatch(records: [], entries: [.stepStarted(step), .halfCycleOpened(half)])
    inlet.push(&batch)
    half.charge = Charge(nanocoulombs: 3_600_000_000)
    half.plateauCharge = Charge(nanocoulombs: 2_000_000_000)
    half.gapCharge = nil
    half.endReason = "voltage <= 10 mV"
    half.flags = .gap
    batch.entries = [
      .halfCycleUpdated(half), .cycleClosed(run: bench.run, cycle),
      .stepEnded(stepID: step.stepID, endedTestTime: TimeSpan(seconds: 5), reason: "voltage <= 10 mV"),
      .runState(run: bench.run, .completed, at: UnixInstant(microseconds: 9), reason: "end of the program"),
      .checkpoint(run: bench.run, at: Bench.start, state: [1]), .checkpointDropped(run: bench.run),
    ]
    inlet.push(&batch)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    try again.readNow { view in
      let halves = try view.halfCycles(run: bench.run)
      #expect(halves.count == 1)
      #expect(halves.first?.chargeNc == 3_600_000_000)
      #expect(halves.first?.plateauChargeNc == 2_000_000_000)
      #expect(halves.first?.gapChargeNc == nil)
      #expect(halves.first?.flags == DataFlags.gap.rawValue)
      let cycles = try view.cycles(run: bench.run)
      #expect(cycles.count == 1)
      #expect(cycles.first?.dischargeCapacityAh == 0.001)
      #expect(cycles.first?.chargeCapacityAh == nil, "incomplete is null, never zero")
      #expect(cycles.first?.coulombicEfficiency == nil)
      #expect(try view.steps(run: bench.run).first?.endedTestTimeUs == 5_000_000)
      let run = try view.run(bench.run)
      #expect(run?.runState == .completed)
      #expect(run?.endReason == "end of the program")
      #expect(run?.endedUnixUs == 9)
      #expect(run?.startedUnixUs == Bench.start.microseconds)
      #expect(try view.checkpoints().isEmpty)
      #expect(try view.openRuns().isEmpty)
      #expect(try view.nextCellCycleNumber(cell: bench.cell) == 2)
    }
    again.stopAndWait()
  }

  @Test func observersHearOfTheirRunOnly() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (first, second) = (try Bench(store, number: 1), try Bench(store, number: 2))
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    let stream = store.commits(concerning: second.run)
    var batch = JournalBatch(records: [], entries: [.stepStarted(first.step(1))])
    await waiter.wait(for: inlet.push(&batch))
    batch.entries = [.stepStarted(second.step(1))]
    inlet.push(&batch)
    for await notice in stream {
      #expect(notice.runs == [second.run])
      break
    }
    await store.stop()
    var iterator = store.commits().makeAsyncIterator()
    #expect(await iterator.next() == nil, "a stopped store ends its streams")
  }

  @Test func readersSeeWholeTransactionsWhileTheWriterWrites() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(records: [], entries: [.stepStarted(bench.step(1))])
    inlet.push(&batch)
    let isDone = Flag()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<2 {
        group.addTask {
          var cursor = RecordCursor(startOf: bench.run)
          var count = 0
          while true {
            let last = isDone.isUp
            let from = cursor
            let page = try await store.read { try $0.records(after: from, limit: 777) }
            for record in page {
              #expect(record.index == Int32(count), "in order, none twice, none left out")
              count += 1
            }
            if let record = page.last { cursor = RecordCursor(record) }
            if last, page.isEmpty { return count }
          }
        }
      }
      for round in Int32(0)..<100 {
        batch.records = bench.records(round * 100..<round * 100 + 100)
        let sequence = inlet.push(&batch)
        inlet.requestCommit()
        if round % 10 == 9 { await waiter.wait(for: sequence) }
      }
      isDone.raise()
      for try await count in group { #expect(count == 10_000) }
    }
    await store.stop()
  }
}

/// Tells the readers that nothing more will come.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isUp: Bool { value.load(ordering: .sequentiallyConsistent) }
  func raise() { value.store(true, ordering: .sequentiallyConsistent) }
}

/// A small generator whose seed is printed with a failure.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
