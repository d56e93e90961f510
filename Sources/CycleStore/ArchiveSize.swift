// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How much of an archive is held in memory or stored in one transaction. Whoever writes one asks the same as whoever takes
// it in, so that no daemon writes what none takes.

import CyclerModel
import GRDB

/// The rows of a run beside its measurements.
struct ArchiveSize {
  private var rows: [String: Int64] = [:]

  /// Counts an archive; an older shape lacks the tables that came later.
  init(ofArchive database: Database) throws {
    for table in ArchiveFormat.small + ArchiveFormat.steps where try database.tableExists(table.name) {
      rows[table.name] = try Int64.fetchOne(database, sql: "SELECT count(*) FROM \(table.name)") ?? 0
    }
  }

  /// Counts a run that will be one.
  init(of run: Int64, in database: Database) throws {
    let ofRun = [
      "run", "run_protocol", "cycle", "run_summary", "recount", "efficiency_test", "event", "half_cycle", "step",
    ]
    for table in ofRun {
      rows[table] = try Int64.fetchOne(
        database, sql: "SELECT count(*) FROM \(table) WHERE run_id = ?", arguments: [run])
    }
    rows["cell_revision"] = try Int64.fetchOne(
      database, sql: "SELECT count(*) FROM cell_revision JOIN run USING(cell_id) WHERE run_id = ?", arguments: [run])
    rows["protocol"] = try Int64.fetchOne(
      database, sql: "SELECT count(DISTINCT protocol_id) FROM run_protocol WHERE run_id = ?", arguments: [run])
    // Its own and those of recounts.
    rows["parameter_set"] = 1 + (rows["recount"] ?? 0)
    rows["batch"] = try Int64.fetchOne(
      database, sql: "SELECT count(batch_id) FROM cell JOIN run USING(cell_id) WHERE run_id = ?", arguments: [run])
    // Cell, instrument and channel.
    rows["cell"] = 3
  }

  /// Holds it to what is taken in.
  /// - Throws: `ArchiveProblem`.
  func check() throws {
    for (table, words) in ArchiveFormat.few.sorted(by: { $0.key < $1.key }) {
      guard let count = rows[table], count > ArchiveFormat.mostOfFew else { continue }
      throw ArchiveProblem.tooLarge(
        "it has \(count) \(words)", hint: "\(ArchiveFormat.mostOfFew) are taken in at most")
    }
    let sum = rows.values.reduce(0, +)
    guard sum > ArchiveFormat.mostRows else { return }
    throw ArchiveProblem.tooLarge(
      "it has \(sum) steps, half-cycles, cycles, events and the like, and \(ArchiveFormat.mostRows) are taken in at most",
      hint: "they are stored at once, and runs that go on would wait for it; read the file with any SQLite tool")
  }
}
