// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

@Suite struct OpeningTests {
  @Test func aNewDatabaseIsDurableAndPrivate() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    #expect(store.opening == OpeningReport(isNew: true))
    func pragma(_ name: String) throws -> String? {
      try store.pool.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA \(name)") }
    }
    #expect(try pragma("synchronous") == "2")
    #expect(try pragma("journal_mode") == "wal")
    #expect(try pragma("user_version") == "\(Schema.version)")
    #expect(try pragma("application_id") == "\(Schema.applicationID)")
    #expect(try pragma("foreign_keys") == "1")
    for suffix in ["", "-wal", "-shm"] {
      let mode = try FileManager.default.attributesOfItem(atPath: store.path + suffix)[.posixPermissions] as? Int
      #expect(mode == 0o640, "\(suffix)")
    }
    store.stopAndWait()
    #expect(FileManager.default.fileExists(atPath: store.path + "-wal"), "a reader may need it when no daemon runs")
  }

  @Test func openingAgainChangesNothing() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    store.stopAndWait()
    for _ in 0..<3 {
      let again = try CycleStore.open(at: scratch.path + "/state")
      #expect(again.opening == OpeningReport())
      #expect(try again.readNow { try $0.runs().map(\.runId) } == [bench.run])
      again.stopAndWait()
    }
  }

  @Test func aForeignDatabaseIsRefusedUntouched() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.database()
    try FileManager.default.createDirectory(atPath: scratch.path + "/state", withIntermediateDirectories: true)
    try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE mine(x)") }
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(throws: StoreError.foreignDatabase(path: path)) { try CycleStore.open(at: scratch.path + "/state") }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  /// A database of the first shape, with a run of which everything must still be there afterwards.
  @Test func anOlderDatabaseIsBroughtUpToDate() throws {
    let scratch = try ScratchDirectory()
    try FileManager.default.createDirectory(atPath: scratch.path + "/state", withIntermediateDirectories: true)
    try DatabaseQueue(path: scratch.database()).writeWithoutTransaction { database in
      try database.execute(sql: Schema.steps[0])
      try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
      try database.execute(sql: "PRAGMA user_version = 1")
      try database.execute(
        sql: """
          INSERT INTO instrument VALUES(1, 'emulated', 'Bench', '0001', '1.0', 5);
          INSERT INTO channel VALUES(1, 1, 1, 'ch1');
          INSERT INTO cell VALUES(1, 'HC-1', NULL, NULL, 'anode-half-cell', 5, NULL);
          INSERT INTO cell_revision(cell_id, revision, entered_unix_us, entered_by, reason) VALUES(1, 1, 5, 'ada', '');
          INSERT INTO protocol VALUES(1, x'07', '{}', '1. rest 1 h', '0.0.9');
          INSERT INTO parameter_set VALUES(1, '1', '{}');
          INSERT INTO run(run_id, uuid, title, cell_id, cell_revision, channel_id, parameter_set_id, state,
            state_unix_us, created_unix_us, started_by, first_cycle_number, daemon_version, instrument_specification,
            settings) VALUES(1, 'u', 'Formation', 1, 1, 1, 1, 'held', 5, 5, 'ada', 1, '0.0.9', 'bench', '{}');
          INSERT INTO run_protocol(run_id, revision, protocol_id) VALUES(1, 1, 1);
          """)
    }
    let store = try CycleStore.open(at: scratch.path + "/state")
    #expect(store.opening == OpeningReport(migratedFrom: 1))
    let (run, text) = try store.readNow { (try $0.run(1), try $0.protocol(run: 1)) }
    #expect(run?.title == "Formation" && run?.runState == .held && run?.wiring == nil)
    #expect(text?.source == "{}" && text?.listing == "1. rest 1 h" && text?.compilerVersion == "0.0.9")
    let another = try Bench(store, number: 2)
    #expect(another.run == 2)
    store.stopAndWait()
    #expect(try CycleStore.open(at: scratch.path + "/state").opening == OpeningReport())
  }

  @Test func aNewerSchemaIsRefused() throws {
    let scratch = try ScratchDirectory()
    try CycleStore.open(at: scratch.path + "/state").stopAndWait()
    try DatabaseQueue(path: scratch.database()).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA user_version = 99")
    }
    let error = StoreError.newerSchema(path: scratch.database(), found: 99, known: Schema.version)
    #expect(throws: error) { try CycleStore.open(at: scratch.path + "/state") }
  }

  @Test(arguments: ["not a database at all, but long enough to hold a header of one hundred bytes", "flipped pages"])
  func aDamagedFileIsSetAsideAndSaidSo(damage: String) throws {
    let scratch = try ScratchDirectory()
    let state = scratch.path + "/state"
    let store = try CycleStore.open(at: state)
    let bench = try Bench(store)
    try store.writeNow { edit in
      for index in 0..<2_000 { try edit.addEvent(Self.note("note \(index) of a history that will be lost")) }
    }
    store.stopAndWait()
    #expect(bench.run == 1)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: store.path))
    if damage == "flipped pages" {
      // Past the first pages, so that the header and the schema are still whole.
      for place in stride(from: bytes.count / 2, to: bytes.count, by: 7) { bytes[place] ^= 0xA5 }
    } else {
      bytes = Data(String(repeating: damage, count: 20).utf8)
    }
    try bytes.write(to: URL(fileURLWithPath: store.path))
    let again = try CycleStore.open(at: state)
    #expect(again.opening.isNew)
    let aside = try #require(again.opening.setAsidePath)
    #expect(aside.contains(".damaged-"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: aside)) == bytes)
    let events = try again.readNow { try $0.events() }
    #expect(events.map(\.code) == ["store.replaced"])
    #expect(events.first?.severity == 2)
    #expect(events.first?.detail.contains(aside) == true)
    try expectLatched(again, 1)
    again.stopAndWait()
  }

  @Test(arguments: [true, false]) func anEmptiedOrRemovedDatabaseIsNotSilentlyANewOne(isEmptied: Bool) throws {
    let scratch = try ScratchDirectory()
    let state = scratch.path + "/state"
    let store = try CycleStore.open(at: state)
    _ = try Bench(store)
    store.stopAndWait()
    #expect(isEmptied ? truncate(store.path, 0) == 0 : unlink(store.path) == 0)
    let again = try CycleStore.open(at: state)
    #expect(again.opening.isNew)
    let aside = try #require(again.opening.setAsidePath)
    // What the log holds is kept, under the name that is told.
    #expect(access(aside, F_OK) == 0 && (isEmptied || aside.hasSuffix("-wal")))
    #expect(try names(state).contains { $0.hasPrefix("nacycler.sqlite.damaged-") && $0.hasSuffix("-wal") })
    #expect(again.opening.loss?.detail.contains("empty or gone") == true)
    try expectLatched(again, 1)
    again.stopAndWait()
    // The next start finds a whole database.
    let third = try CycleStore.open(at: state)
    #expect(!third.opening.isNew && third.opening.loss == nil)
    try expectLatched(third, 2)
    third.stopAndWait()
  }

  /// The daemon ended after it had moved so many of the four files.
  @Test(arguments: 1...4) func aLossThatWasNotToldIsToldAtTheNextStart(moved: Int) throws {
    let scratch = try ScratchDirectory()
    let state = scratch.path + "/state"
    let store = try CycleStore.open(at: state)
    store.stopAndWait()
    for suffix in ["", "-wal", "-shm", "-mark"].prefix(moved) {
      #expect(rename(store.path + suffix, store.path + ".unreplaced-1" + suffix) == 0)
    }
    let again = try CycleStore.open(at: state)
    #expect(again.opening.loss?.detail.contains(store.path + ".damaged-1,") == true, "\(again.opening)")
    try expectLatched(again, 1)
    again.stopAndWait()
    #expect(try names(state).filter { $0.contains(".damaged-1") }.count == 4, "database and logs stay together")
    #expect(try names(state).filter { $0.contains("unreplaced") } == [])
    // Once told, it is over: who moves the database away begins anew.
    for suffix in ["", "-wal", "-shm", "-mark"] { unlink(store.path + suffix) }
    let third = try CycleStore.open(at: state)
    #expect(third.opening.isNew && third.opening.loss == nil)
    third.stopAndWait()
  }

  private func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory)
  }

  /// A channel that the database has not seen is latched, once.
  private func expectLatched(_ store: CycleStore, _ number: Int64) throws {
    let channel = try Bench(store, number: number).channel
    #expect(try store.readNow { try $0.latch(channel: channel)?.fault } == "store.replaced")
    try store.writeNow { edit in
      try edit.clearLatch(channel: channel, person: "ada", reason: "looked at it", at: Bench.start)
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "0001", firmware: "1.0", at: Bench.start)
      _ = try edit.upsertChannel(instrument: instrument, number: number, name: "bench-\(number)", at: Bench.start)
    }
    #expect(try store.readNow { try $0.latches() }.isEmpty)
  }

  @Test func aDirectoryThatCannotBeMadeIsNamed() {
    #expect(throws: StoreError.unusablePath(path: "/proc/nowhere/state", reason: "No such file or directory")) {
      try CycleStore.open(at: "/proc/nowhere/state")
    }
  }

  static func note(_ text: String) -> EventRow {
    EventRow(
      at: Bench.start, run: nil, channel: nil, stepID: nil, stepTime: nil, code: .runNote, severity: .info,
      actor: "ada", detail: text)
  }
}
