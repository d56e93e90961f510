// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What computing a run again asks besides records (RecordPage.swift): its steps and half-cycles in order. A page is as long
// as the caller says.

public import CyclerModel
import GRDB
import GRDBSQLite
import Quantities

/// A step as far as it tells where its records belong.
public struct StepPlace: Sendable, Hashable {
  /// `RowIdentity.step`.
  public var stepID: Int64
  /// `StepKind`'s raw value.
  public var kind: String
  /// `RowIdentity.halfCycle`.
  public var halfCycleID: Int64?
  /// Why it ended; nil while it runs.
  public var endReason: String?
}

extension StoreView {
  /// The steps of a run after the one with that key, at most `limit`.
  public func stepPlaces(run: Int64, after step: Int64, limit: Int) throws -> [StepPlace] {
    let rows = try Row.fetchCursor(
      database.cachedStatement(
        sql: """
          SELECT step_id, kind, half_cycle_id, end_reason FROM step WHERE step_id > ? AND step_id < ?
          ORDER BY step_id LIMIT ?
          """),
      arguments: [step, RowIdentity.step(run: run + 1, count: 0), limit])
    var places: [StepPlace] = []
    while let row = try rows.next() {
      places.append(StepPlace(stepID: row[0], kind: row[1], halfCycleID: row[2], endReason: row[3]))
    }
    return places
  }

  /// The first half-cycle that is over, with a key after the one and up to the other; nil when there is none.
  public func closedHalfCycle(after id: Int64, through last: Int64) throws -> HalfCycleRow? {
    try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT \(HalfCycleRow.stampColumns) FROM half_cycle
          WHERE half_cycle_id > ? AND half_cycle_id <= ? AND end_reason IS NOT NULL ORDER BY half_cycle_id LIMIT 1
          """),
      arguments: [id, last]
    ).flatMap(HalfCycleRow.init(stamp:))
  }

  /// The half-cycles of a run, one that is open included, as it stamped them.
  func stampedHalfCycles(run: Int64) throws -> [HalfCycleRow] {
    try Row.fetchAll(
      database, sql: "SELECT \(HalfCycleRow.stampColumns) FROM half_cycle WHERE run_id = ? ORDER BY number",
      arguments: [run]
    ).compactMap(HalfCycleRow.init(stamp:))
  }

  /// The number of the last half-cycle of a run that is over; 0 without one.
  public func lastClosedHalfCycle(run: Int64) throws -> Int64 {
    try Int64.fetchOne(
      database,
      sql: "SELECT number FROM half_cycle WHERE run_id = ? AND end_reason IS NOT NULL ORDER BY number DESC LIMIT 1",
      arguments: [run]) ?? 0
  }

  /// The numbers of the cycles that a run has closed, in order.
  public func closedCycleNumbers(run: Int64) throws -> [Int64] {
    try Int64.fetchAll(
      database,
      sql: """
        SELECT cycle_number FROM cycle JOIN run USING(run_id, parameter_set_id) WHERE run_id = ? ORDER BY cycle_number
        """, arguments: [run])
  }

  // MARK: Parameter sets

  /// The sets of parameters under which a run has cycles or was computed, its own first.
  public func recounts(run: Int64) throws -> [StoredRecount] {
    try StoredRecount.fetchAll(
      database,
      sql: """
        SELECT r.run_id, p.parameter_set_id, p.definitions_version, p.parameters,
          p.parameter_set_id = r.parameter_set_id AS is_own,
          (SELECT count(*) FROM cycle c WHERE c.run_id = r.run_id AND c.parameter_set_id = p.parameter_set_id)
            AS cycles,
          t.computed_unix_us, t.computed_by, t.program_version, t.label, t.half_cycles, t.records, t.last_step_id,
          t.last_step_record_index
        FROM run r JOIN parameter_set p
        LEFT JOIN recount t ON t.run_id = r.run_id AND t.parameter_set_id = p.parameter_set_id
        WHERE r.run_id = ? AND (p.parameter_set_id = r.parameter_set_id OR t.run_id IS NOT NULL)
        ORDER BY is_own DESC, p.parameter_set_id
        """, arguments: [run])
  }

  /// The cycles of a run under one set of parameters.
  public func cycles(run: Int64, parameterSet: Int64) throws -> [StoredCycle] {
    try StoredCycle.fetchAll(
      database, sql: "SELECT * FROM cycle WHERE run_id = ? AND parameter_set_id = ? ORDER BY cycle_number",
      arguments: [run, parameterSet])
  }
}
