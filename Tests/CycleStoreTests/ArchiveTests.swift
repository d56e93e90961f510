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

  private static func archive(_ store: CycleStore, run: Int64, to file: String) async throws {
    var bytes: [UInt8] = []
    let archive = try await RunArchive(run: run, of: store, programVersion: "test")
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

  @Test func aRunThatGoesOnHasNoArchive() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    let bench = try Bench(store)
    let refused = await Self.refusal { _ = try await RunArchive(run: bench.run, of: store, programVersion: "test") }
    #expect(refused?.code == "archive.run_goes_on")
    await #expect(throws: StoreError.unknown(kind: "run", name: "9")) {
      _ = try await RunArchive(run: 9, of: store, programVersion: "test")
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
}
