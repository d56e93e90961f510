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
    #expect(try Data(contentsOf: URL(fileURLWithPath: aside)) == bytes)
    let events = try again.readNow { try $0.events() }
    #expect(events.map(\.code) == ["store.failed"])
    #expect(events.first?.severity == 2)
    #expect(events.first?.detail.contains(aside) == true)
    again.stopAndWait()
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
