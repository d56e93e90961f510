// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

@Suite struct RegistryTests {
  @Test func latchesOutliveTheProcessAndAreClearedByAPersonWithAReason() async throws {
    // Hazard rule 4.
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let inlet = store.makeInlet(name: "port")
    try store.start()
    let first = Fault(.limitVoltageHigh, "4.31 V while charging")
    var batch = JournalBatch(
      records: [],
      entries: [
        .latched(channel: bench.channel, run: bench.run, fault: first, at: Bench.start),
        .latched(channel: bench.channel, run: nil, fault: Fault(.linkLost, "gone"), at: Bench.start),
      ])
    inlet.push(&batch)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    let latches = try again.readNow { try $0.latches() }
    #expect(latches.map(\.fault) == ["limit.voltage.high"], "the first fault is the cause")
    #expect(latches.first?.runId == bench.run)
    let channel = bench.channel
    try again.writeNow {
      try $0.clearLatch(channel: channel, person: "ada", reason: "limit was too tight", at: Bench.start)
    }
    #expect(try again.readNow { try $0.latch(channel: channel) } == nil)
    let events = try again.readNow { try $0.events(run: bench.run) }
    #expect(events.map(\.code) == ["latch.set", "latch.cleared"])
    #expect(events.last?.actor == "ada")
    #expect(events.last?.detail == "limit.voltage.high cleared: limit was too tight")
    #expect(throws: StoreError.self) {
      try again.writeNow { try $0.clearLatch(channel: channel, person: "ada", reason: "twice", at: Bench.start) }
    }
    again.stopAndWait()
  }

  @Test func aCellKeepsItsRevisionsAndARunItsOwn() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let found = try #require(try store.readNow { try $0.cell(named: "HC-1") })
    var entry = CellEntry(found)
    entry.activeMassUg = 1_250
    let revised = try store.writeNow {
      try $0.reviseCell(found.cellId, entry, by: "bob", reason: "weighed again", at: Bench.start)
    }
    #expect(revised.revision == 2)
    #expect(revised.activeMassUg == 1_250)
    #expect(revised.enteredBy == "bob")
    #expect(revised.cellRole == .anodeHalfCell)
    let run = try #require(try store.readNow { try $0.run(bench.run) })
    #expect(run.cellRevision == 1)
    #expect(run.rateBasisMassUg == 1_200)
    #expect(run.cellName == "HC-1")
    #expect(run.channelName == "bench-1")
    #expect(try store.readNow { try $0.protocol(run: bench.run) }?.listing == "1 rest")
    store.stopAndWait()
  }

  @Test func namesAndOwnNumbersAreUnique() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    try store.writeNow { edit in
      let cell = try edit.addCell(
        name: "A1", externalID: "4006381333931", batch: "batch7", role: .fullCell, CellEntry(), by: "ada",
        at: Bench.start)
      #expect(cell.batch == "batch7")
      #expect(try edit.view.cell(named: "4006381333931")?.cellId == cell.cellId)
    }
    #expect(throws: StoreError.taken(kind: "cell", name: "A1")) {
      try store.writeNow {
        try $0.addCell(name: "A1", role: .fullCell, CellEntry(), by: "ada", at: Bench.start)
      }
    }
    // All or nothing: the first of two cells is not kept when the second is refused.
    #expect(throws: StoreError.taken(kind: "cell", name: "4006381333931")) {
      try store.writeNow { edit in
        _ = try edit.addCell(name: "A2", batch: "batch7", role: .fullCell, CellEntry(), by: "ada", at: Bench.start)
        _ = try edit.addCell(
          name: "A3", externalID: "4006381333931", role: .fullCell, CellEntry(), by: "ada", at: Bench.start)
      }
    }
    #expect(try store.readNow { try $0.cells(batch: "batch7") }.map(\.name) == ["A1"])
    store.stopAndWait()
  }

  @Test func aCellIsOnOneChannelAndNotMovedUnderARun() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (first, second) = (try Bench(store, number: 1), try Bench(store, number: 2))
    #expect(throws: StoreError.inUse(kind: "cell", name: "HC-1", run: first.run)) {
      try store.writeNow { try $0.mount(cell: first.cell, channel: second.channel, by: "ada", at: Bench.start) }
    }
    try store.writeNow { edit in
      for run in [first.run, second.run] {
        try edit.setState(of: run, to: .stopped, at: Bench.start, reason: "by ada")
      }
      try edit.mount(cell: first.cell, channel: first.channel, by: "ada", at: Bench.start)
      try edit.mount(cell: first.cell, channel: second.channel, by: "ada", at: Bench.start)
    }
    try store.readNow { (view) throws in
      #expect(try view.mountedCell(channel: first.channel) == nil)
      #expect(try view.mountedCell(channel: second.channel)?.name == "HC-1")
      #expect(try view.channels().map(\.cellId) == [nil, first.cell])
      #expect(try view.cell(first.cell)?.channelId == second.channel)
      #expect(try view.openRuns().isEmpty)
    }
    store.stopAndWait()
  }

  @Test func anInstrumentIsKnownByItsSerialNumberWhateverItsPort() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    try store.writeNow { edit in
      let first = try edit.upsertInstrument(
        family: "methodscript", model: "EmStat4", serial: "E1", firmware: "1.3", at: Bench.start)
      let channel = try edit.upsertChannel(instrument: first, number: 1, name: "em-1", at: Bench.start)
      let again = try edit.upsertInstrument(
        family: "methodscript", model: "EmStat4 HR", serial: "E1", firmware: nil, at: UnixInstant(microseconds: 5))
      #expect(first == again)
      #expect(try edit.upsertChannel(instrument: first, number: 1, name: "left", at: Bench.start) == channel)
      #expect(try edit.view.instruments().map(\.model) == ["EmStat4 HR"])
      #expect(try edit.view.instruments().map(\.firmware) == ["1.3"])
      #expect(throws: StoreError.taken(kind: "channel", name: "left")) {
        try edit.upsertChannel(instrument: first, number: 2, name: "left", at: Bench.start)
      }
    }
    store.stopAndWait()
  }

  @Test func cellCycleNumbersGoOnOverRuns() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let cell = bench.cell
    #expect(try store.readNow { try $0.nextCellCycleNumber(cell: cell) } == 1)
    let inlet = store.makeInlet(name: "port")
    try store.start()
    var batch = JournalBatch(
      records: [],
      entries: [
        .halfCycleOpened(bench.halfCycle(1, cycle: 1, .discharge, charge: 5)),
        .halfCycleOpened(bench.halfCycle(2, cycle: 1, .charge, charge: 4)),
        .halfCycleOpened(bench.halfCycle(3, cycle: 2, .discharge, charge: 0)),
      ])
    inlet.push(&batch)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    #expect(try again.readNow { try $0.nextCellCycleNumber(cell: cell) } == 2, "no charge has flowed in cycle 2")
    let run = bench.run
    try again.writeNow { try $0.setFirstCycleNumber(of: run, to: 11) }
    #expect(try again.readNow { try $0.nextCellCycleNumber(cell: cell) } == 12)
    again.stopAndWait()
  }

  @Test func requestsGoThroughTheWriterAndAreRefusedWhenItIsGone() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    await #expect(throws: StoreError.stopped) { try await store.write { try $0.addEvent(OpeningTests.note("early")) } }
    try store.start()
    let key = try await store.write { try $0.addEvent(OpeningTests.note("now")) }
    #expect(try await store.read { try $0.events(after: key - 1) }.map(\.detail) == ["now"])
    #expect(try await store.read { try $0.eventCursor(beforeLast: 0) } == key)
    await store.stop()
    await #expect(throws: StoreError.stopped) { try await store.write { try $0.addEvent(OpeningTests.note("late")) } }
  }

  @Test func recordCursorsSurviveTheirText() {
    var random = SplitMix(state: 42)
    for _ in 0..<1_000 {
      let cursor = RecordCursor(
        stepID: Int64(random.next() >> 2), index: Int64(random.next() % 1_000_000) - 1)
      #expect(RecordCursor(cursor.description) == cursor, "seed 42")
    }
    for text in ["", "1", "1.", ".1", "1.2.3", "a.b", "1.-2", "-1.0", "1 .2"] {
      #expect(RecordCursor(text) == nil, "\(text)")
    }
  }

  @Test func theLastRecordsOfARunAreFoundFromTheEnd() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let (bench, other) = (try Bench(store, number: 1), try Bench(store, number: 2))
    let inlet = store.makeInlet(name: "port")
    try store.start()
    var batch = JournalBatch(
      records: bench.records(0..<50) + bench.records(0..<50, step: 2) + other.records(0..<7),
      entries: [.stepStarted(bench.step(1)), .stepStarted(bench.step(2)), .stepStarted(other.step(1))])
    inlet.push(&batch)
    await store.stop()
    let again = try CycleStore.open(at: scratch.path + "/state")
    try again.readNow { view in
      let tail = try view.records(after: try view.cursor(beforeLast: 60, run: bench.run), limit: 1_000)
      #expect(tail.count == 60)
      #expect(tail.first.map(RecordCursor.init) == RecordCursor(stepID: bench.step(1).stepID, index: 40))
      #expect(try view.cursor(beforeLast: 1_000, run: bench.run) == RecordCursor(startOf: bench.run))
      #expect(try view.lastRecord(run: other.run)?.index == 6)
      #expect(try view.recordCount(run: bench.run) == 100)
    }
    again.stopAndWait()
  }

  @Test func aRecordTakesAtMostSixtyBytes() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let benches = try (1...8).map { try Bench(store, number: $0) }
    let inlets = benches.map { _ in store.makeInlet(name: "port") }
    try store.start()
    var batch = JournalBatch()
    for (bench, inlet) in zip(benches, inlets) {
      batch.entries.append(.stepStarted(bench.step(1)))
      inlet.push(&batch)
    }
    // Interleaved as eight channels at 10 Hz are, in late steps of a long run, with values of a coin cell.
    for tick in Int32(0)..<500 {
      for (bench, inlet) in zip(benches, inlets) {
        for index in tick * 10..<tick * 10 + 10 {
          var record = bench.record(index)
          record.voltage = Voltage(nanovolts: 3_987_654_321 + Int64(index) * 997)
          batch.records.append(record)
        }
        inlet.push(&batch)
      }
      if tick % 50 == 0 { inlets[0].requestCommit() }
    }
    await store.stop()
    let size = try FileManager.default.attributesOfItem(atPath: store.path)[.size] as? Int ?? .max
    let bytes = Double(size) / Double(8 * 5_000)
    #expect(bytes <= 60, "\(bytes) bytes a record, all tables and indexes together")
  }

  @Test func theListingOfAProtocolIsThatOfItsRun() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    // The same text compiles to other currents for another mass.
    let runs = try store.writeNow { edit in
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 9, count: 32), source: "{\"x\": 1}")
      let again = try edit.addProtocol(sha256: [UInt8](repeating: 9, count: 32), source: "{\"x\": 1}")
      #expect(text == again)
      return try ["1. charge 1 mA", "1. charge 2 mA"].map { listing in
        var run = RunEntry(
          uuid: listing, title: "Life", cell: bench.cell, cellRevision: 1, channel: bench.channel, state: .queued,
          at: Bench.start, startedBy: "ada", protocolID: text, definitionsVersion: "1", parameters: "{}",
          firstCycleNumber: 1, daemonVersion: "0.2.0", instrumentSpecification: "bench")
        run.listing = listing
        return try edit.addRun(run)
      }
    }
    let listings = try store.readNow { view in try runs.map { try view.protocol(run: $0)?.listing } }
    #expect(listings == ["1. charge 1 mA", "1. charge 2 mA"])
    #expect(try store.readNow { try $0.protocol(run: runs[0])?.compilerVersion } == "0.2.0")
    store.stopAndWait()
  }

  @Test func hazard23TheWiringOfAChannelIsKeptWithItsRuns() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let first = try Bench(store)
    #expect(try store.readNow { try $0.run(first.run)?.wiring } == nil)
    // A run that is not over keeps what it was started with.
    #expect(throws: StoreError.inUse(kind: "channel", name: "bench-1", run: first.run)) {
      try store.writeNow { try $0.setWiring(of: first.channel, to: .fourWire) }
    }
    try store.writeNow { edit in
      try edit.setState(of: first.run, to: .stopped, at: Bench.start, reason: nil)
      try edit.setWiring(of: first.channel, to: .fourWire)
    }
    let second = try store.writeNow { edit in
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 7, count: 32), source: "{}")
      return try edit.addRun(
        RunEntry(
          uuid: "second", title: "Life", cell: first.cell, cellRevision: 1, channel: first.channel, state: .queued,
          at: Bench.start, startedBy: "ada", protocolID: text, definitionsVersion: "1", parameters: "{}",
          firstCycleNumber: 1, daemonVersion: "0.2.0", instrumentSpecification: "bench"))
    }
    #expect(try store.readNow { try $0.run(second)?.wiring } == "4-wire")
    #expect(try store.readNow { try $0.wirings() } == [first.channel: "4-wire"])
    store.stopAndWait()
  }
}
