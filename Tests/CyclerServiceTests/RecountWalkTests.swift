// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import GRDB
import Quantities
import Testing

@testable import CycleStore
@testable import CyclerService

/// The way through a run that is computed again.
@Suite struct RecountWalkTests {
  private static let parameters = MetricParameters(
    sodiationPlateauBelow: Voltage(millivolts: 100), desodiationPlateauBelow: nil, retentionReference: nil)

  private static func walk(_ stored: StoredLaboratory, with changed: MetricParameters? = nil) async throws
    -> RecountWalk
  {
    let rows = try RecountedRows(run: 1)
    let walk = try await stored.store.read { view in
      let run = try #require(try view.run(1))
      return try RecountWalk(
        run: run, role: .anodeHalfCell, parameters: changed ?? parameters, own: parameters, in: view)
    }
    return try await walk.walked(through: stored.store, into: rows)
  }

  private static func change(_ stored: StoredLaboratory, _ sql: String) async throws {
    try await stored.store.write { try $0.database.execute(sql: sql) }
  }

  /// It goes from one half-cycle that is there to the next, and does not count what lies between them.
  @Test func millionsOfNumbersThatAreNotThereArePassedOver() async throws {
    let stored = try StoredLaboratory(runs: 1)
    let none = RowIdentity.step(run: 1, count: 0)
    try await Self.change(
      stored,
      """
      INSERT INTO half_cycle(half_cycle_id, run_id, number, cycle_number, direction, charge_nc, energy_nj, end_reason,
        flags)
      VALUES(\(none + 3), 1, 3, 1, -1, 0, 0, 'voltage <= 10 mV', 0),
        (\(none + 9_000_000), 1, 9000000, 1, -1, 0, 0, NULL, 0),
        (\(none + 16_777_215), 1, 16777215, 2, -1, 0, 0, 'voltage <= 10 mV', 0)
      """)
    let walk = try await Self.walk(stored)
    #expect(walk.halfCycles == 2, "one of the three is open")
    let (first, last, beyond) = try await stored.store.read { view in
      (
        try view.closedHalfCycle(after: none, through: none + 16_777_215)?.number,
        try view.closedHalfCycle(after: none + 3, through: none + 16_777_215)?.number,
        try view.closedHalfCycle(after: none + 3, through: none + 16_777_214)?.number
      )
    }
    #expect(first == 3 && last == 16_777_215 && beyond == nil)
    stored.store.stopAndWait()
  }

  /// What retention is told by is no matter of half-cycles.
  @Test func aPlateauIsComparedUnlessAnotherRuleTellsIt() async throws {
    let stored = try StoredLaboratory(runs: 1)
    stored.push(run: 1, 0..<10)
    let none = RowIdentity.step(run: 1, count: 0)
    try await stored.settle()
    try await Self.change(
      stored,
      """
      INSERT INTO half_cycle(half_cycle_id, run_id, number, cycle_number, direction, charge_nc, energy_nj, end_reason,
        flags)
      VALUES(\(none + 1), 1, 1, 1, -1, 0, 0, 'voltage <= 10 mV', 0);
      UPDATE step SET half_cycle_id = \(none + 1), end_reason = 'voltage <= 10 mV', ended_test_time_us = 1000000;
      """)
    let walk = try await Self.walk(stored)
    #expect(walk.halfCycles == 1 && walk.records == 10)
    #expect(walk.halfCyclesOther == 0, "\(walk.differences)")

    // Its plateau is another one than its records', and is left out only where it is told by another rule.
    try await Self.change(stored, "UPDATE half_cycle SET plateau_charge_nc = 77")
    #expect(try await Self.walk(stored).differences == ["half-cycle 1: plateau_charge_nc"])
    var life = Self.parameters
    life.retentionThreshold = 0.5
    life.retentionReference = CycleReference(purpose: .life, number: 1)
    #expect(try await Self.walk(stored, with: life).halfCyclesOther == 1, "retention is no matter of half-cycles")
    var lower = Self.parameters
    lower.sodiationPlateauBelow = Voltage(millivolts: 50)
    #expect(try await Self.walk(stored, with: lower).halfCyclesOther == 0)
    stored.store.stopAndWait()
  }
}
