// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

@Suite struct RecordPageTests {
  /// Two steps with records next to each other in the table; of the first every third is missing, and one stands far
  /// behind the others, as an import may have it.
  private static func store(_ state: String, _ records: ContiguousArray<RecordRow>) async throws -> CycleStore {
    let store = try CycleStore.open(at: state)
    let bench = try Bench(store)
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var batch = JournalBatch(
      records: records, entries: [.stepStarted(bench.step(1)), .stepStarted(bench.step(2))])
    let sequence = inlet.push(&batch)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    #expect(bench.run == 1)
    return store
  }

  private static func record(_ index: Int32, step: Int32) -> RecordRow {
    let value = Int64(index) * 7_919 - 3_000_000
    return RecordRow(
      stepID: RowIdentity.step(run: 1, count: step), index: index, stepTime: TimeSpan(microseconds: Int64(index)),
      voltage: index % 5 == 0 ? nil : Voltage(nanovolts: index % 7 == 0 ? 0 : value),
      current: index % 11 == 0 ? nil : Current(picoamperes: index % 13 == 0 ? 0 : -value),
      charge: Charge(nanocoulombs: value &* 1_000_003), energy: Energy(nanojoules: Int64.max - value.magnitude.signed),
      flags: DataFlags(rawValue: Int64(index) << 20))
  }

  private static func pages(_ step: Int32, after index: Int64, limit: Int, of store: CycleStore) throws -> [[RecordRow]]
  {
    try store.readNow { view in
      let page = RecordPage()
      var (pages, last) = ([[RecordRow]](), index)
      while true {
        try view.read(page, ofStep: RowIdentity.step(run: 1, count: step), after: last, limit: limit)
        guard let end = page.records.last else { return pages }
        pages.append(page.records)
        last = Int64(end.index)
      }
    }
  }

  @Test(arguments: [1, 7, 1_000, 1_024, 5_000])
  func pagesHaveEachRecordOnceInOrder(limit: Int) async throws {
    let scratch = try ScratchDirectory()
    let first = (0..<2_500).filter { $0 % 3 != 1 }.map { Self.record($0, step: 1) } + [Self.record(.max, step: 1)]
    let second = (0..<3).map { Self.record($0, step: 2) }
    let store = try await Self.store(scratch.path + "/state", ContiguousArray(first + second))
    let pages = try Self.pages(1, after: -1, limit: limit, of: store)
    #expect(Array(pages.joined()) == first)
    #expect(pages.allSatisfy { $0.count <= min(limit, RecordPage.capacity) })
    #expect(
      try Self.pages(1, after: 1_999, limit: limit, of: store).joined().elementsEqual(first.filter { $0.index > 1_999 })
    )
    #expect(try Array(Self.pages(2, after: -1, limit: limit, of: store).joined()) == second)
    #expect(try Self.pages(3, after: -1, limit: limit, of: store).isEmpty)
    await store.stop()
  }

  /// Every connection has the function, and on none it takes a pointer that is none.
  @Test func aPageFromElsewhereIsLeftAlone() async throws {
    let scratch = try ScratchDirectory()
    let store = try await Self.store(scratch.path + "/state", [Self.record(1, step: 1)])
    let result = try store.readNow { view in
      try Int64.fetchOne(
        view.database, sql: "SELECT nacycler_page(4711, \(RecordRow.columnsOfStep)) FROM record")
    }
    #expect(result == nil)
    await store.stop()
  }
}

extension UInt64 {
  fileprivate var signed: Int64 { Int64(self) }
}
