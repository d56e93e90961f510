// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Testing

@testable import CycleStore

@Suite struct DocumentationTests {
  private static func page() throws -> String {
    let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent("docs/database.md"), encoding: .utf8)
  }

  /// The blocks of a language in the page.
  private static func blocks(_ language: String) throws -> [String] {
    try page().components(separatedBy: "```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0]
    }
  }

  @Test func everyTableAndColumnIsExplained() throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let page = try Self.page()
    let columns = try store.pool.read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view')
          UNION SELECT name FROM sqlite_master WHERE type IN ('table', 'view')
          """)
    }
    #expect(columns.count > 100)
    #expect(columns.filter { !page.contains("`\($0)`") } == [])
    let saysApplication = page.contains("`PRAGMA application_id` is \(Schema.applicationID)")
    #expect(saysApplication)
    store.stopAndWait()
  }

  @Test func theExamplesWorkOnAReadOnlyConnectionWhileTheStoreIsOpen() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var step = bench.step(1)
    step.halfCycleID = bench.halfCycle(1, cycle: 1, .discharge, charge: 1).halfCycleID
    var batch = JournalBatch(
      records: bench.records(0..<20),
      entries: [.halfCycleOpened(bench.halfCycle(1, cycle: 1, .discharge, charge: 1)), .stepStarted(step)])
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    var configuration = Configuration()
    configuration.readonly = true
    let reader = try DatabaseQueue(path: store.path, configuration: configuration)
    let examples = try Self.blocks("sql")
    #expect(examples.count == 5)
    var counts: [Int] = []
    for example in examples {
      let rows = try await reader.read { try Row.fetchAll($0, sql: example).count }
      counts.append(rows)
    }
    #expect(counts == [5, 0, 0, 20, 0], "the rest are read from a run without cycles")
    await store.stop()
  }
}
