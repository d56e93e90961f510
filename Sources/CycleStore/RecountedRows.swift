// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Rows that are computed again, before anybody decides what becomes of them. They go through the very statements that
// wrote the live ones, into a database in memory, so that a column that is added there comes along here, and two rows
// are compared column by column as SQLite holds them.

public import CyclerModel
import GRDB

/// Half-cycles and cycles of one run, computed again.
public final class RecountedRows: Sendable {
  /// How a row that was computed again stands to the stored one.
  public enum Comparison: Sendable, Hashable {
    /// Every column is the same.
    case same
    /// What was stored is the same, and what was not known then is known now.
    case moreIsKnown
    /// These columns are others.
    case others([String])
    /// There is none in the store.
    case missing
  }

  private let run: Int64
  private let memory: DatabaseQueue

  /// No rows yet.
  public init(run: Int64) throws {
    self.run = run
    var configuration = Configuration()
    configuration.label = "RecountedRows"
    // The rows that these refer to are in the other database.
    configuration.foreignKeysEnabled = false
    memory = try DatabaseQueue(configuration: configuration)
    try memory.write { database in
      for step in Schema.steps { try database.execute(sql: step) }
      try database.execute(
        sql: """
          INSERT INTO run(run_id, uuid, title, cell_id, cell_revision, channel_id, parameter_set_id, state,
            state_unix_us, created_unix_us, started_by, first_cycle_number, daemon_version, instrument_specification,
            settings)
          VALUES(?, '', '', 0, 0, 0, 0, '', 0, 0, '', 0, '', '', '')
          """, arguments: [run])
    }
  }

  /// Takes cycles.
  public func add(_ cycles: [CycleSummary]) throws {
    guard !cycles.isEmpty else { return }
    try write(cycles.map { .cycleClosed(run: run, $0) })
  }

  /// Takes what all cycles come to.
  public func add(_ summary: RunSummary?) throws {
    if let summary { try write([.summaryUpdated(run: run, summary)]) }
  }

  /// Compares half-cycles, in the order of their numbers, with the stored ones.
  /// - Parameter plateausDiffer: Their plateaus are other ones then, and are left out.
  /// - Returns: How each stands.
  public func compare(
    _ rows: [HalfCycleRow], with view: StoreView, plateausDiffer: Bool
  ) throws -> [Comparison] {
    guard let first = rows.first?.halfCycleID, let last = rows.last?.halfCycleID else { return [] }
    try write(rows.map { .halfCycleUpdated($0) })
    let sql = "SELECT * FROM half_cycle WHERE half_cycle_id BETWEEN ? AND ? ORDER BY half_cycle_id"
    let left: Set<String> = plateausDiffer ? ["plateau_charge_nc", "plateau_ir_corrected_charge_nc"] : []
    return try memory.write { database in
      let computed = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: [first, last])
      let stored = try Row.fetchCursor(view.database.cachedStatement(sql: sql), arguments: [first, last])
      var comparisons: [Comparison] = []
      var other = try stored.next()
      // The key is the first column.
      while let row = try computed.next() {
        let key: Int64 = row[0]
        while let present = other, (present[0] as Int64) < key { other = try stored.next() }
        let isThere = other.map { ($0[0] as Int64) == key } ?? false
        comparisons.append(Self.compare(row, isThere ? other : nil, without: left))
      }
      try database.execute(sql: "DELETE FROM half_cycle")
      return comparisons
    }
  }

  /// Compares the cycles with those that are stored under the run's own parameters.
  /// - Returns: How each stands, by their numbers in the run.
  public func compareCycles(with view: StoreView) throws -> [(number: Int64, Comparison)] {
    let computed = try all(of: "SELECT * FROM cycle ORDER BY cycle_number")
    return try computed.map { row in
      let number: Int64 = row["cycle_number"]
      let stored = try Row.fetchOne(
        view.database.cachedStatement(
          sql: """
            SELECT c.* FROM cycle c JOIN run r USING(run_id, parameter_set_id)
            WHERE c.run_id = ? AND c.cycle_number = ?
            """), arguments: [run, number])
      return (number, Self.compare(row, stored, without: ["parameter_set_id"]))
    }
  }

  /// How many cycles there are.
  public var cycleCount: Int64 {
    get throws { try memory.read { try Int64.fetchOne($0, sql: "SELECT count(*) FROM cycle") ?? 0 } }
  }

  /// Copies all rows of a table, under the key of their parameters there.
  /// - Returns: How many there are.
  func copy(_ table: String, to database: Database, set: Int64) throws -> Int {
    try memory.read { source in
      var transfer = try RowTransfer(
        into: table, "SELECT * FROM \(table)", from: source, to: database,
        ["parameter_set_id": .fixed(set.databaseValue)])
      return try transfer.run().count
    }
  }

  private func all(of sql: String) throws -> [Row] { try memory.read { try Row.fetchAll($0, sql: sql) } }

  private func write(_ entries: [JournalEntry]) throws {
    try memory.write { database in
      var writer = JournalWriter()
      try writer.write(JournalBatch(records: [], entries: entries), to: database)
    }
  }

  private static func compare(_ computed: Row?, _ stored: Row?, without left: Set<String>) -> Comparison {
    guard let computed, let stored else { return .missing }
    var others: [String] = []
    var isMoreKnown = false
    // Both tables were made by the same statements, so places are the same; names cost more than the comparison.
    let isSameShape = computed.count == stored.count
    for place in 0..<computed.count {
      let value: DatabaseValue = computed[place]
      if isSameShape, value == stored[place] as DatabaseValue { continue }
      let column = computed.columnNames[computed.columnNames.index(computed.columnNames.startIndex, offsetBy: place)]
      guard !left.contains(column) else { continue }
      let before: DatabaseValue = stored[column]
      if before == value { continue }
      if before.isNull { isMoreKnown = true } else { others.append(column) }
    }
    return others.isEmpty ? isMoreKnown ? .moreIsKnown : .same : .others(others)
  }
}

extension StoreEdit {
  /// Stores cycles that were computed again, in the place of those that were computed with the same parameters before.
  /// - Returns: The key of the parameters.
  /// - Throws: `StoreError.taken` when the parameters are the run's own, whose cycles nobody replaces.
  public func addRecount(_ entry: RecountEntry, _ rows: RecountedRows, at: UnixInstant) throws -> Int64 {
    let set = try addParameterSet(entry.definitionsVersion, entry.parameters)
    let own = try Int64.fetchOne(
      database, sql: "SELECT parameter_set_id FROM run WHERE run_id = ?", arguments: [entry.run])
    guard let own else { throw StoreError.unknown(kind: "run", name: "\(entry.run)") }
    guard own != set else { throw StoreError.taken(kind: "parameter set", name: "\(set)") }
    let cycles = try replace("cycle", of: entry.run, set, by: rows)
    _ = try replace("run_summary", of: entry.run, set, by: rows)
    try database.execute(
      sql: """
        INSERT OR REPLACE INTO recount(
          run_id, parameter_set_id, computed_unix_us, computed_by, program_version, label, half_cycles, cycles,
          records, last_step_id, last_step_record_index)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        entry.run, set, at.microseconds, entry.person, entry.programVersion, entry.label, entry.halfCycles,
        cycles, entry.records, entry.lastRecord?.stepID, entry.lastRecord?.index,
      ])
    return set
  }

  private func replace(_ table: String, of run: Int64, _ set: Int64, by rows: RecountedRows) throws -> Int {
    try database.execute(
      sql: "DELETE FROM \(table) WHERE run_id = ? AND parameter_set_id = ?", arguments: [run, set])
    return try rows.copy(table, to: database, set: set)
  }
}
