// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Quantities
import Testing

@testable import CycleStore

/// A run in a file, and what is no such file.
@Suite struct ArchiveTests {
  /// A finished run with a row in every table that a run fills.
  private static func store(_ scratch: ScratchDirectory, _ name: String = "here", number: Int64 = 1) async throws -> (
    CycleStore, Bench
  ) {
    let store = try CycleStore.open(at: scratch.path + "/" + name)
    let bench = try Bench(store, number: number)
    var discharge = bench.step(1)
    var half = bench.halfCycle(1, cycle: 1, .discharge, charge: 26_860)
    half.endReason = "voltage <= 10 mV"
    discharge.halfCycleID = half.halfCycleID
    discharge.cycleNumber = 1
    var cycle = CycleSummary(cycleNumber: 1, cellCycleNumber: 1, purpose: .formation, label: "formation µ")
    cycle.chargeCapacity = Charge(nanocoulombs: 6_480_000_001)
    cycle.coulombicEfficiency = 1 / 3.0
    let test = EfficiencyTestRow(run: bench.run, number: 1, kind: .reservoir, label: "reservoir")
    let batch = JournalBatch(
      records: bench.records(0..<50_000),
      entries: [
        .halfCycleUpdated(half), .stepStarted(discharge),
        .temperature(stepID: discharge.stepID, stepTime: .zero, Temperature(millidegrees: 25_125)),
        .temperature(stepID: discharge.stepID, stepTime: TimeSpan(seconds: 60), nil), .testUpdated(test),
        .cycleClosed(run: bench.run, cycle),
        .stepEnded(stepID: discharge.stepID, endedTestTime: TimeSpan(seconds: 5_000), reason: "voltage <= 10 mV"),
        .event(
          EventRow(
            at: Bench.start, run: bench.run, channel: bench.channel, stepID: discharge.stepID, stepTime: .zero,
            code: .runStarted, severity: .info, actor: "ada", detail: "“Formation” started")),
        .runState(run: bench.run, .completed, at: Bench.start, reason: "completed"),
      ])
    let (inlet, waiter) = store.inletWithWaiter()
    try store.start()
    var moved = batch
    let sequence = inlet.push(&moved)
    inlet.requestCommit()
    await waiter.wait(for: sequence)
    let (step, summary) = (discharge.stepID, cycle)
    try await store.write { edit in
      try edit.database.execute(
        sql: "INSERT INTO auxiliary_record VALUES(?, 'reference_V', 5, 0.1)", arguments: [step])
      try edit.database.execute(
        sql: "INSERT INTO impedance_point VALUES(?, 1, 5, 1000000, 5, -5, NULL, 7, 0)", arguments: [step])
      let rows = try RecountedRows(run: bench.run)
      var other = summary
      other.sodiationPlateauRatio = 0.25
      try rows.add([other])
      _ = try edit.addRecount(
        RecountEntry(
          run: bench.run, definitionsVersion: "1", parameters: "{}", person: "ada", programVersion: "0", label: "none"),
        rows, at: Bench.start)
    }
    return (store, bench)
  }

  private static func folder(of file: String) -> TransferFolder {
    TransferFolder(stateDirectory: URL(fileURLWithPath: file).deletingLastPathComponent().path)
  }

  private static func archive(_ store: CycleStore, run: Int64, to file: String) async throws {
    var bytes: [UInt8] = []
    let archive = try await RunArchive(run: run, of: store, programVersion: "test", in: folder(of: file))
    while let piece = try await archive.next() { bytes += piece }
    try Data(bytes).write(to: URL(fileURLWithPath: file))
  }

  @discardableResult
  private static func take(_ file: String, into store: CycleStore, asCell name: String? = nil) async throws -> Int64 {
    let copy = file + ".copy"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: file, toPath: copy)
    let reader = try await ArchiveReader(path: copy)
    return try await ArchiveImport(of: reader, into: store, by: "grace", asCell: name).run { Bench.start }
  }

  private static func refusal(_ body: () async throws -> Void) async -> ArchiveProblem? {
    do {
      try await body()
      return nil
    } catch let problem as ArchiveProblem {
      return problem
    } catch {
      Issue.record("\(error)")
      return nil
    }
  }

  private static func another(_ scratch: ScratchDirectory, _ name: String) throws -> CycleStore {
    let store = try CycleStore.open(at: scratch.path + "/" + name)
    try store.start()
    return store
  }

  @Test func aRunComesBackBitForBitAndGoesOutAgainAsTheSameFile() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let first = scratch.path + "/first.nacycler"
    try await Self.archive(here, run: bench.run, to: first)
    // Elsewhere there are runs already, so every number is another one.
    let (there, _) = try await Self.store(scratch, "there", number: 2)
    let run = try await Self.take(first, into: there)
    #expect(run == 2)
    let second = scratch.path + "/second.nacycler"
    try await Self.archive(there, run: run, to: second)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: first)) == Data(contentsOf: URL(fileURLWithPath: second)),
      "the same run is the same file")
    try expectSameRows(here, bench.run, there, run)
    let view = try there.readNow { view in
      (try view.run(run), try view.origin(run: run), try view.firstCycle(cell: view.run(run)?.cellId ?? 0))
    }
    #expect(view.0?.runState == .completed && view.0?.uuid == "00000000-0000-0000-0000-000000000001")
    #expect(view.0?.channelName == "bench-1 of 0001")
    #expect(view.1?.importedBy == "grace" && view.1?.archiveVersion == "test" && view.1?.channelName == "bench-1")
    #expect(view.2?.coulombicEfficiency == 1 / 3.0)
    #expect(try there.readNow { try $0.channels().map(\.name) } == ["bench-2"], "its channel is none of this machine")
    // Any SQLite tool reads it.
    let count = try await DatabaseQueue(path: first).read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM records_bdf WHERE run_id = 1")
    }
    #expect(count == 50_000)
    await here.stop()
    await there.stop()
  }

  private func expectSameRows(_ here: CycleStore, _ run: Int64, _ there: CycleStore, _ other: Int64) throws {
    func rows(_ store: CycleStore, _ run: Int64, _ table: ArchiveFormat.Table) throws -> [[DatabaseValue]] {
      let first = RowIdentity.step(run: run, count: 0)
      return try store.pool.read { database in
        let rows = try Row.fetchAll(
          database, sql: "SELECT * FROM \(table.name) WHERE \(table.keys[0]) > ? AND \(table.keys[0]) < ?",
          arguments: [first, RowIdentity.step(run: run + 1, count: 0)])
        return rows.map { row in
          row.filter { $0.0 != "run_id" }.map { column, value in
            guard table.rowKeys.contains(column), let key = Int64.fromDatabaseValue(value) else { return value }
            return (key - first).databaseValue
          }
        }
      }
    }
    for table in ArchiveFormat.steps + ArchiveFormat.measurements {
      let (mine, theirs) = (try rows(here, run, table), try rows(there, other, table))
      #expect(mine == theirs && !mine.isEmpty, "\(table.name)")
    }
  }

  @Test func itIsTheSameFileWhenItsInstrumentWasKnownBefore() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let (elsewhere, other) = try await Self.store(scratch, "elsewhere", number: 2)
    // Two laboratories have seen the same instrument, each at another time.
    try await elsewhere.write { edit in
      try edit.database.execute(sql: "UPDATE instrument SET first_seen_unix_us = 5")
    }
    let (first, second) = (scratch.path + "/first.nacycler", scratch.path + "/second.nacycler")
    try await Self.archive(here, run: bench.run, to: first)
    try await Self.archive(elsewhere, run: other.run, to: second)
    let there = try Self.another(scratch, "there")
    for file in [second, first] {
      let run = try await Self.take(file, into: there)
      let again = scratch.path + "/again.nacycler"
      try await Self.archive(there, run: run, to: again)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: file)) == Data(contentsOf: URL(fileURLWithPath: again)), "\(file)")
    }
    let seen = try await there.read { try Int.fetchOne($0.database, sql: "SELECT count(*) FROM instrument") }
    #expect(seen == 1, "both runs are of one instrument")
    for store in [here, elsewhere, there] { await store.stop() }
  }

  @Test func whatIsHereAlreadyOrIsAnotherIsRefused() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    let again = await Self.refusal { try await Self.take(file, into: here) }
    #expect(again?.code == "archive.run_exists" && again?.message.hasSuffix("it is run 1") == true)

    // A cell of the same name that was registered at another moment is another cell.
    let there = try Self.another(scratch, "there")
    _ = try await there.write { edit in
      try edit.addCell(
        name: "HC-1", role: .anodeHalfCell, CellEntry(), by: "ada", at: UnixInstant(microseconds: 5))
    }
    let other = await Self.refusal { try await Self.take(file, into: there) }
    #expect(other?.code == "archive.cell_differs" && other?.hint.contains("--as-cell") == true)
    #expect(try await Self.take(file, into: there, asCell: "HC-1 of Ada") == 1)
    let cells = try await there.read { try $0.cells().map(\.name) }
    #expect(cells == ["HC-1", "HC-1 of Ada"])
    // A run that is started afterwards has a number of its own.
    #expect(try await there.write { try $0.nextRunNumber() } == 2)
    await here.stop()
    await there.stop()
  }

  @Test func noArchiveIsWrittenThatNobodyTakesIn() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let (base, file) = (RowIdentity.step(run: bench.run, count: 0), scratch.path + "/a.nacycler")
    let cases: [(sql: String, code: String, what: String)] = [
      (
        """
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
        INSERT INTO half_cycle(half_cycle_id, run_id, number, direction, charge_nc, energy_nj, flags)
        SELECT \(base) + i, \(bench.run), i, 1, 0, 0, 0 FROM n
        """, "archive.too_large", "100000 are taken in at most"
      ),
      (
        """
        INSERT INTO half_cycle(half_cycle_id, run_id, number, direction, charge_nc, energy_nj, flags)
        VALUES(\(base) + 2, \(bench.run), 2, 1, 4000000000000000000, 0, 0)
        """, "archive.not_possible", "half_cycle.charge_nc adds up"
      ),
      (
        """
        INSERT INTO step(step_id, run_id, step_count, protocol_revision, program_index, program_path, kind, direction,
          started_unix_us, started_test_time_us, start_charge_nc)
        VALUES(\(base) + 2, \(bench.run), 2, 1, 1, 'steps[1]', 'rest', 0, 5, -5, 0)
        """, "archive.not_possible", "step 2 begins before"
      ),
      (
        "UPDATE record SET step_time_us = 0 WHERE step_record_index = 500", "archive.not_possible",
        "record 500 of step 1 is earlier"
      ),
    ]
    for (sql, code, what) in cases {
      try await here.write { try $0.database.execute(sql: sql) }
      let refused = await Self.refusal { try await Self.archive(here, run: bench.run, to: file) }
      #expect(refused?.code == code && refused?.message.contains(what) == true, "\(refused.map { "\($0)" } ?? sql)")
      #expect(refused?.message.contains("run \(bench.run) ") == true && refused?.hint.contains("json") == true)
      try await here.write { edit in
        try edit.database.execute(sql: "DELETE FROM half_cycle WHERE number > 1; DELETE FROM step WHERE step_count > 1")
      }
    }
    await here.stop()
  }

  @Test func aProductOfManyEfficienciesHasNoBound() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    try await here.write { edit in
      try edit.database.execute(sql: "UPDATE cycle SET coulombic_efficiency_product = 1e300")
    }
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    let there = try Self.another(scratch, "there")
    let run = try await Self.take(file, into: there)
    let product = try await there.read { try $0.cycles(run: run).first?.coulombicEfficiencyProduct }
    #expect(product == 1e300)
    // Of anything else it is none.
    try await here.write { try $0.database.execute(sql: "UPDATE cycle SET coulombic_efficiency = 1e300") }
    let refused = await Self.refusal { try await Self.archive(here, run: bench.run, to: file) }
    #expect(refused?.code == "archive.damaged")
    await here.stop()
    await there.stop()
  }

  @Test func aRunThatGoesOnHasNoArchive() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let folder = Self.folder(of: scratch.path + "/x")
    let refused = await Self.refusal {
      _ = try await RunArchive(run: bench.run, of: store, programVersion: "test", in: folder)
    }
    #expect(refused?.code == "archive.run_goes_on")
    await #expect(throws: StoreError.unknown(kind: "run", name: "9")) {
      _ = try await RunArchive(run: 9, of: store, programVersion: "test", in: folder)
    }
    await store.stop()
  }

  /// Ways to spoil a file, each with what is said of it.
  private static let damages: [(what: String, code: String)] = [
    ("empty", "archive.not_an_archive"), ("text", "archive.not_an_archive"), ("database", "archive.not_an_archive"),
    ("foreign", "archive.not_an_archive"), ("newer", "archive.newer"), ("older", "archive.damaged"),
    ("format", "archive.newer"), ("truncated", "archive.damaged"), ("digit", "archive.damaged"),
    ("trigger", "archive.damaged"), ("view", "archive.damaged"), ("table", "archive.damaged"),
    ("index gone", "archive.damaged"), ("text in integers", "archive.damaged"), ("two runs", "archive.damaged"),
    ("running", "archive.damaged"), ("huge", "archive.damaged"), ("infinite", "archive.damaged"),
    ("escape", "archive.damaged"), ("other run's record", "archive.damaged"), ("orphan", "archive.damaged"),
    ("index too large", "archive.damaged"), ("latch", "archive.damaged"), ("log", "archive.damaged"),
    ("charges of records", "archive.damaged"), ("charges of half-cycles", "archive.damaged"),
    ("records in the past", "archive.damaged"), ("steps in the past", "archive.damaged"),
    ("before the run", "archive.damaged"), ("lightning", "archive.damaged"), ("late cycles", "archive.damaged"),
    ("nominal capacity", "archive.damaged"), ("rate over mass", "archive.damaged"),
    ("protocols", "archive.too_large"), ("revisions", "archive.too_large"), ("sets", "archive.too_large"),
    ("events", "archive.too_large"),
  ]

  @Test func whatIsNoWholeArchiveIsRefusedAndLeavesNothing() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let whole = scratch.path + "/whole.nacycler"
    try await Self.archive(here, run: bench.run, to: whole)
    let there = try Self.another(scratch, "there")
    for damage in Self.damages {
      let file = scratch.path + "/" + damage.what
      try FileManager.default.copyItem(atPath: whole, toPath: file)
      try Self.spoil(file, damage.what, here.path)
      let problem = await Self.refusal { try await Self.take(file, into: there) }
      #expect(problem?.code == damage.code, "\(damage.what): \(problem.map { "\($0)" } ?? "taken")")
    }
    // Any single byte: it is refused, or the run is the same.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
    var random = SplitMix(state: 11)
    var taken = 0
    for _ in 0..<40 {
      var other = bytes
      let place = Int(random.next() % UInt64(bytes.count))
      other[place] ^= UInt8(1) << UInt8(random.next() % 8)
      let file = scratch.path + "/flipped"
      try other.write(to: URL(fileURLWithPath: file))
      let problem = await Self.refusal { _ = try await ArchiveReader(path: file) }
      if problem == nil { taken += 1 } else { #expect(problem?.kind == .file) }
    }
    #expect(taken < 20, "\(taken) of 40 flipped bits lie where nothing is, seed 11")
    #expect(try await there.read { try $0.runs().isEmpty && $0.cells().isEmpty })
    let left = try await there.read { view in
      try Int.fetchOne(
        view.database, sql: "SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM run_import)")
    }
    #expect(left == 0)
    #expect(try await Self.take(whole, into: there) == 1)
    await here.stop()
    await there.stop()
  }

  private static func spoil(_ file: String, _ how: String, _ database: String) throws {
    let url = URL(fileURLWithPath: file)
    func change(_ sql: String, isChecked: Bool = false) throws {
      var configuration = Configuration()
      configuration.foreignKeysEnabled = false
      let queue = try DatabaseQueue(path: file, configuration: configuration)
      try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
      guard isChecked else { return try queue.close() }
      // Whoever changes values may know how to count them.
      try queue.write { database in
        let text = try ArchiveChecksum.of(database).checksum.text
        try database.execute(sql: "UPDATE archive SET checksum = ?", arguments: [text])
      }
      try queue.close()
    }
    switch how {
    case "empty": try Data().write(to: url)
    case "text": try Data("cell,role\n".utf8).write(to: url)
    case "database":
      try FileManager.default.removeItem(atPath: file)
      try FileManager.default.copyItem(atPath: database, toPath: file)
    case "foreign": try change("PRAGMA application_id = 7")
    case "newer": try change("PRAGMA user_version = 99")
    case "older": try change("PRAGMA user_version = 3")
    case "format": try change("UPDATE archive SET format = 2")
    case "truncated":
      let bytes = try Data(contentsOf: url)
      try bytes.prefix(bytes.count / 2).write(to: url)
    case "digit": try change("UPDATE record SET voltage_nv = voltage_nv + 1 WHERE step_record_index = 777")
    case "trigger": try change("CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END")
    case "view": try change("CREATE VIEW v AS SELECT 1")
    case "table": try change("CREATE TABLE more(x)")
    case "index gone": try change("DROP INDEX run_cell")
    case "text in integers":
      try change(
        """
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'channel';
        PRAGMA writable_schema = RESET;
        UPDATE channel SET number = 'one';
        """)
    case "two runs":
      try change(
        """
        CREATE TEMP TABLE other AS SELECT * FROM run;
        UPDATE other SET run_id = 2, uuid = '00000000-0000-0000-0000-00000000000f';
        INSERT INTO run SELECT * FROM other;
        """)
    case "running": try change("UPDATE run SET state = 'running'", isChecked: true)
    case "huge":
      try change("UPDATE record SET charge_nc = 9223372036854775807 WHERE step_record_index = 5")
    case "infinite": try change("UPDATE cycle SET coulombic_efficiency = 9e999")
    case "escape": try change("UPDATE run SET title = 'x' || char(27) || '[2J'")
    case "other run's record":
      try change("UPDATE record SET step_id = step_id + (1 << 24) WHERE step_record_index = 5", isChecked: true)
    case "orphan": try change("UPDATE record SET step_id = step_id + 5 WHERE step_record_index = 5", isChecked: true)
    case "index too large":
      try change("UPDATE record SET step_record_index = 4294967296 WHERE step_record_index = 5", isChecked: true)
    case "latch":
      try change("INSERT INTO latch VALUES(1, 'x', NULL, 0, 'x')", isChecked: true)
    case "charges of records":
      try change(
        "UPDATE record SET charge_nc = CASE step_record_index % 2 WHEN 0 THEN 1 << 59 ELSE -(1 << 59) END",
        isChecked: true)
    case "charges of half-cycles":
      try change(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4)
        INSERT INTO half_cycle(half_cycle_id, run_id, number, direction, charge_nc, energy_nj, flags)
        SELECT half_cycle_id + i, run_id, number + i, 1, 1 << 60, 0, 0 FROM half_cycle, n
        """, isChecked: true)
    case "records in the past":
      try change("UPDATE record SET step_time_us = 0 WHERE step_record_index = 500", isChecked: true)
    case "steps in the past":
      try change(
        """
        UPDATE step SET started_test_time_us = 9000000000, ended_test_time_us = 9000000000;
        CREATE TEMP TABLE other AS SELECT * FROM step;
        UPDATE other SET step_id = step_id + 1, step_count = step_count + 1, started_test_time_us = 8999999999;
        INSERT INTO step SELECT * FROM other;
        """, isChecked: true)
    case "before the run": try change("UPDATE step SET started_test_time_us = -1", isChecked: true)
    case "lightning":
      try change("UPDATE record SET voltage_nv = 1000000000001 WHERE step_record_index = 5", isChecked: true)
    case "late cycles":
      try change(
        "UPDATE run SET first_cycle_number = 1000000000000; UPDATE half_cycle SET cycle_number = 2", isChecked: true)
    case "nominal capacity": try change("UPDATE run SET rate_basis_charge_nc = -1", isChecked: true)
    case "rate over mass": try change("UPDATE run SET rate_basis_mass_ug = 0", isChecked: true)
    case "protocols":
      try change(
        """
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1002)
        INSERT INTO protocol(protocol_id, sha256, source) SELECT i, CAST(printf('%032d', i) AS BLOB), '{}' FROM n
        """)
    case "revisions":
      try change(
        """
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1002)
        INSERT INTO cell_revision(cell_id, revision, entered_unix_us, entered_by, reason) SELECT 1, i, 0, '', '' FROM n
        """)
    case "sets":
      try change(
        """
        WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 1005)
        INSERT INTO parameter_set SELECT i, '1', i FROM n
        """)
    case "events":
      try change(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
        INSERT INTO event(unix_us, run_id, code, severity, actor, detail) SELECT 0, 1, 'note', 0, '', '' FROM n
        """)
    case "log": try change("PRAGMA journal_mode = WAL")
    default: Issue.record("\(how) is no damage")
    }
  }

  @Test func anImportThatWasBrokenOffIsSeenByNobodyAndRemoved() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    // As a daemon leaves it that dies after some pages.
    var there = try Self.another(scratch, "there")
    try await there.write { edit in
      try edit.database.execute(
        sql: "INSERT INTO run_import VALUES(1, 5, NULL, 'grace', 'x', 'test', 'emulated', 'bench-1', 'HC-1')")
      let queue = try DatabaseQueue(path: file)
      var copy = RowCopy(ArchiveFormat.measurements[0], from: 1, to: 1)
      let count = try queue.read { try copy.page(from: $0, to: edit.database, limit: 30_000) }
      #expect(count == 30_000)
    }
    await there.stop()
    there = try Self.another(scratch, "there")
    #expect(try await there.read { try $0.runs().isEmpty && $0.origin(run: 1) == nil })
    #expect(try await there.write { try $0.nextRunNumber() } == 2, "its number is no other run's")
    try await there.removeBrokenImports()
    let left = try await there.read { view in
      try Int.fetchOne(
        view.database, sql: "SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM run_import)")
    }
    #expect(left == 0)
    // And one that is cancelled removes what it has brought.
    let task = Task { [there] in try await Self.take(file, into: there) }
    task.cancel()
    let result = await task.result
    if case .success = result { Issue.record("it was cancelled before it began") }
    #expect(try await there.read { try Int.fetchOne($0.database, sql: "SELECT count(*) FROM record") } == 0)
    await here.stop()
    await there.stop()
  }

  @Test func textBeyondTheBoundIsRefusedBeforeItIsLoaded() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    let queue = try DatabaseQueue(path: file)
    let problem = await Self.refusal { try await queue.read { _ = try ArchiveChecksum.of($0, mostText: 40) } }
    #expect(problem?.code == "archive.too_large")
    let (stated, counted) = try await queue.read { database in
      (
        try String.fetchOne(database, sql: "SELECT checksum FROM archive"),
        try ArchiveChecksum.of(database, mostText: ArchiveFormat.mostText).checksum.text
      )
    }
    #expect(stated == counted)
    await here.stop()
  }

  @Test func anOlderArchiveIsProvenInItsOwnShape() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    // What a program with a later schema will do.
    let later = Schema.steps + ["ALTER TABLE cycle ADD COLUMN more REAL; UPDATE cycle SET more = 0.5;"]
    let damaged = scratch.path + "/b.nacycler"
    try FileManager.default.copyItem(atPath: file, toPath: damaged)
    let stated = try await DatabaseQueue(path: file).read {
      try String.fetchOne($0, sql: "SELECT checksum FROM archive")
    }
    let reader = try await ArchiveReader(path: file, schema: later)
    #expect(reader.content.checksum == stated && reader.content.records == 50_000)
    #expect(try await reader.queue.read { try Double.fetchOne($0, sql: "SELECT more FROM cycle") } == 0.5)
    let queue = try DatabaseQueue(path: damaged)
    try await queue.write { try $0.execute(sql: "UPDATE record SET voltage_nv = 1 WHERE step_record_index = 777") }
    try queue.close()
    let problem = await Self.refusal { _ = try await ArchiveReader(path: damaged, schema: later) }
    #expect(problem?.message.hasSuffix("its values are not those that were written") == true)
    await here.stop()
  }

  @Test func aRunThatCameInIsNotTheLastOneNorOlderCyclesTheNewest() async throws {
    let scratch = try ScratchDirectory()
    let (here, bench) = try await Self.store(scratch)
    let file = scratch.path + "/a.nacycler"
    try await Self.archive(here, run: bench.run, to: file)
    // Here the cell has cycle 2 already, a charge that ended at its voltage.
    let there = try Self.another(scratch, "there")
    let cell = try await there.write { edit in
      var entry = CellEntry()
      entry.activeMassUg = 1_200
      return try edit.addCell(name: "HC-1", role: .anodeHalfCell, entry, by: "ada", at: Bench.start).cellId
    }
    let newer = try await Self.addRun(to: there, cell: cell, firstCycle: 2)
    #expect(try await Self.take(file, into: there) == newer + 1)
    let (last, earlier, next) = try await there.read { view in
      (
        try view.lastBegunRun()?.runId, try view.earlierHalfCycle(cell: cell, before: newer + 2)?.direction,
        try view.nextCellCycleNumber(cell: cell)
      )
    }
    #expect(last == newer, "what was taken in is not the last run")
    #expect(earlier == .charge, "cycle 2 comes after cycle 1, whichever came in first")
    #expect(next == 3)
    // With no other run it is.
    let elsewhere = try Self.another(scratch, "elsewhere")
    let only = try await Self.take(file, into: elsewhere)
    #expect(try await elsewhere.read { try $0.lastBegunRun()?.runId } == only)
    for store in [here, there, elsewhere] { await store.stop() }
  }

  private static func addRun(to store: CycleStore, cell: Int64, firstCycle: Int64) async throws -> Int64 {
    try await store.write { edit in
      let instrument = try edit.upsertInstrument(
        family: "emulated", model: "Bench", serial: "0002", firmware: "1.0", at: Bench.start)
      let channel = try edit.upsertChannel(instrument: instrument, number: 1, name: "ch", at: Bench.start)
      let text = try edit.addProtocol(sha256: [UInt8](repeating: 8, count: 32), source: "{}")
      let run = try edit.addRun(
        RunEntry(
          uuid: "00000000-0000-0000-0000-0000000000ff", title: "Later", cell: cell, cellRevision: 1, channel: channel,
          state: .completed, at: Bench.start, startedBy: "ada", protocolID: text, definitionsVersion: "1",
          parameters: "{}", firstCycleNumber: firstCycle, daemonVersion: "0.1.0", instrumentSpecification: "bench"))
      try edit.database.execute(
        sql: """
          INSERT INTO half_cycle(half_cycle_id, run_id, number, cycle_number, direction, charge_nc, energy_nj, end_reason,
            flags)
          VALUES(?, ?, 1, 1, 1, 5, 5, 'voltage >= 1 V', 0)
          """, arguments: [RowIdentity.halfCycle(run: run, number: 1), run])
      return run
    }
  }
}
