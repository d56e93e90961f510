// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import Foundation
import GRDB
import Logging
import Testing

@testable import CycleStore
@testable import CyclerService

/// What somebody who may only look can ask of the daemon at once.
@Suite struct ComparisonBoundTests {
  private static func operations(_ stored: StoredLaboratory) -> LaboratoryOperations {
    LaboratoryOperations(
      laboratory: Laboratory(
        store: stored.store, configuration: LaboratoryConfiguration(), roster: PortRoster(),
        logger: Logger(label: "test")),
      store: stored.store, transfers: TransferFolder(stateDirectory: stored.path), startedAt: StoredLaboratory.start)
  }

  private static func add(cycles: Range<Int64>, halfCycles: Range<Int64> = 0..<0, to run: Int64, _ store: CycleStore)
    async throws
  {
    try await store.write { edit in
      try edit.database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
          INSERT INTO cycle(run_id, parameter_set_id, cycle_number, cell_cycle_number, flags)
          SELECT run_id, parameter_set_id, i, i, 0 FROM run, n WHERE run_id = ?1
          """, arguments: [run, cycles.lowerBound, cycles.upperBound - 1])
      guard !halfCycles.isEmpty else { return }
      try edit.database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
          INSERT INTO half_cycle(half_cycle_id, run_id, number, cycle_number, direction, charge_nc, energy_nj, flags)
          SELECT ?4 + i, ?1, i, 1, 1, 0, 0, 0 FROM n
          """,
        arguments: [
          run, halfCycles.lowerBound, halfCycles.upperBound - 1, RowIdentity.halfCycle(run: run, number: 1) - 1,
        ])
    }
  }

  private func refusal(_ operations: LaboratoryOperations, _ cells: String...) async -> RequestRefused? {
    do {
      _ = try await operations.compare(ComparisonRequest(of: cells))
      return nil
    } catch let refusal as RequestRefused {
      return refusal
    } catch {
      Issue.record("\(error)")
      return nil
    }
  }

  @Test func soManyCyclesAreCountedAndNotRead() async throws {
    let stored = try StoredLaboratory(runs: 3)
    let operations = Self.operations(stored)
    let most = LaboratoryOperations.mostComparedCycles
    try await Self.add(cycles: 1..<most, to: 1, stored.store)
    try await Self.add(cycles: 1..<3, to: 2, stored.store)
    let together = await refusal(operations, "HC-1", "HC-2")
    #expect(together?.body.code == "compare.too_many" && together?.body.message.contains("\(most + 1) cycles") == true)
    #expect(together?.body.hint?.contains("at most \(most) cycles") == true)
    // What drove each half-cycle is read as well.
    let halves = most * LaboratoryOperations.mostHalfCyclesACycle + 1
    try await Self.add(cycles: 1..<2, halfCycles: 1..<halves + 1, to: 3, stored.store)
    let broken = await refusal(operations, "HC-3")
    #expect(broken?.body.code == "compare.too_many" && broken?.body.message.contains("\(halves) half-cycles") == true)
    #expect(await refusal(operations, "HC-2") == nil)
    stored.store.stopAndWait()
  }

  @Test func oneComparisonIsMadeAtATime() async throws {
    let stored = try StoredLaboratory(runs: 1)
    let operations = Self.operations(stored)
    try await Self.add(cycles: 1..<3, to: 1, stored.store)
    let seat = try #require(operations.comparisonSeat.take())
    let busy = await refusal(operations, "HC-1")
    #expect(busy?.body.code == "compare.busy" && busy?.kind == .unavailable)
    seat.end()
    // Refused or answered, each gives the seat back.
    #expect(await refusal(operations, "nobody")?.body.code == "compare.not_found")
    #expect(await refusal(operations, "HC-1") == nil)
    #expect(await refusal(operations, "HC-1") == nil)
    stored.store.stopAndWait()
  }
}
