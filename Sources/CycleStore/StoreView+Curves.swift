// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What curves and comparisons ask of a run: which records belong to a half-cycle, a cycle or the whole run. The records
// themselves are read in pages by `records(after:limit:)`.

internal import CyclerModel
import GRDB
public import Quantities

extension StoreView {
  /// The number of the newest cycle of a run that has begun; nil when it has none.
  public func newestCycleNumber(run: Int64) throws -> Int64? {
    try Int64.fetchOne(database, sql: "SELECT max(cycle_number) FROM half_cycle WHERE run_id = ?", arguments: [run])
  }

  /// The half-cycles of some cycles of a run, in the order in which they ran.
  public func halfCycles(run: Int64, cycles: [Int64]) throws -> [StoredHalfCycle] {
    let marks = cycles.map { _ in "?" }.joined(separator: ", ")
    return try StoredHalfCycle.fetchAll(
      database, sql: "SELECT * FROM half_cycle WHERE run_id = ? AND cycle_number IN (\(marks)) ORDER BY number",
      arguments: [run] + StatementArguments(cycles))
  }

  /// The steps of a half-cycle in order, with the rests that belong to it.
  public func steps(of halfCycle: StoredHalfCycle) throws -> [StoredStep] {
    let (run, id) = (halfCycle.runId, halfCycle.halfCycleId)
    let end = RowIdentity.step(run: run + 1, count: 0)
    let first = try Int64.fetchOne(
      database,
      sql: "SELECT step_id FROM step WHERE step_id > ? AND step_id < ? AND half_cycle_id = ? ORDER BY step_id LIMIT 1",
      arguments: [RowIdentity.step(run: run, count: 0), end, id])
    guard let first else { return [] }
    let rows = try StoredStep.fetchCursor(
      database, sql: "SELECT * FROM step WHERE step_id >= ? AND step_id < ? ORDER BY step_id", arguments: [first, end])
    var grouping = HalfCycleGrouping()
    var steps: [StoredStep] = []
    var members: HalfCycleMembers?
    // Half-cycles follow each other: the first step of the next one ends this one.
    while members == nil, let step = try rows.next() {
      guard let stamped = StampedStep(step) else { continue }
      members = grouping.take(stamped)
      steps.append(step)
    }
    members = members ?? grouping.finish()
    let own = Set(
      members?.steps(endedBy: halfCycle.endReason, inRunEndedBy: try self.run(run)?.endReason) ?? [])
    return steps.filter { own.contains($0.stepId) }
  }

  /// The net charge of a step at its last record.
  public func lastCharge(step: Int64) throws -> Charge {
    let sql = "SELECT charge_nc FROM record WHERE step_id = ? ORDER BY step_record_index DESC LIMIT 1"
    let charge = try Int64.fetchOne(database, sql: sql, arguments: [step])
    return Charge(nanocoulombs: charge ?? 0)
  }

  /// The place of the newest record of the steps between two keys; nil when they have none.
  public func lastRecord(from first: Int64, to last: Int64) throws -> RecordCursor? {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT step_id, step_record_index FROM record WHERE step_id BETWEEN ? AND ?
        ORDER BY step_id DESC, step_record_index DESC LIMIT 1
        """, arguments: [first, last])
    return row.map { RecordCursor(stepID: $0[0], index: $0[1]) }
  }

  /// The first and the last step of some cycles that follow each other; nil when they have none.
  public func stepRange(run: Int64, cycles: ClosedRange<Int64>) throws -> ClosedRange<Int64>? {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT min(step_id), max(step_id) FROM step
        WHERE step_id BETWEEN ? AND ? AND cycle_number BETWEEN ? AND ?
        """,
      arguments: [
        RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0) - 1, cycles.lowerBound,
        cycles.upperBound,
      ])
    guard let row, let first = row[0] as Int64?, let last = row[1] as Int64? else { return nil }
    return first...last
  }

  /// The steps of a range of keys of one run, by their keys; a page of records needs no others.
  public func steps(from first: Int64, to last: Int64) throws -> [Int64: StoredStep] {
    let steps = try StoredStep.fetchAll(
      database, kept: "SELECT * FROM step WHERE step_id BETWEEN ? AND ?", [first, last])
    return Dictionary(steps.map { ($0.stepId, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The parameters that a run's metrics are computed with, as JSON.
  public func metricParameters(of run: StoredRun) throws -> String? {
    try String.fetchOne(
      database, sql: "SELECT parameters FROM parameter_set WHERE parameter_set_id = ?", arguments: [run.parameterSetId])
  }

  /// How many cycles a run has closed under its own parameters.
  public func cycleCount(run: Int64) throws -> Int64 {
    try Int64.fetchOne(
      database.cachedStatement(
        sql: "SELECT count(*) FROM cycle JOIN run USING(run_id, parameter_set_id) WHERE run_id = ?"),
      arguments: [run]) ?? 0
  }

  /// How many half-cycles a run has begun, those of no cycle included.
  public func halfCycleCount(run: Int64) throws -> Int64 {
    try Int64.fetchOne(
      database.cachedStatement(sql: "SELECT count(*) FROM half_cycle WHERE run_id = ?"), arguments: [run]) ?? 0
  }

  /// What the half-cycles of a run's cycles were driven with, in the order in which they ran: the direction, the
  /// condition that ended each, and the largest current that any of its steps was to carry.
  public func drives(run: Int64) throws -> [StoredDrive] {
    try StoredDrive.fetchAll(
      database,
      sql: """
        SELECT h.cycle_number, h.direction, h.end_reason, max(s.current_range_pa) AS current_range_pa
        FROM half_cycle h LEFT JOIN (SELECT half_cycle_id, current_range_pa FROM step
          WHERE step_id BETWEEN ?2 AND ?3) s USING(half_cycle_id)
        WHERE h.run_id = ?1 AND h.cycle_number IS NOT NULL GROUP BY h.half_cycle_id ORDER BY h.number
        """,
      arguments: [run, RowIdentity.step(run: run, count: 0), RowIdentity.step(run: run + 1, count: 0) - 1])
  }
}

/// How a half-cycle was driven.
public struct StoredDrive: StoredRow, Codable, Sendable, Hashable {
  /// The run's cycle.
  public var cycleNumber: Int64
  /// -1 discharge, 1 charge.
  public var direction: Int64
  /// Why it ended; nil while it is open.
  public var endReason: String?
  /// The largest current of its steps.
  public var currentRangePa: Int64?
}
