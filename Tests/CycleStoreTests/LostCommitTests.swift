// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import GRDB
import Testing

@testable import CycleStore

/// What SQLite takes for a whole database although commits are missing from it: a daemon was killed, and its log came to
/// harm, or somebody tidied up.
@Suite struct LostCommitTests {
  /// A state directory as a killed daemon leaves it: what was latched last is only in the log.
  fileprivate struct Remains {
    let scratch: ScratchDirectory
    let channel: Int64
    let other: Int64
    var state: String { scratch.path + "/left" }
    var path: String { state + "/" + CycleStore.fileName }

    init(movesLog: Bool = true) throws {
      scratch = try ScratchDirectory()
      let store = try CycleStore.open(at: scratch.path + "/state")
      let (bench, second) = (try Bench(store), try Bench(store, number: 2))
      (channel, other) = (bench.channel, second.channel)
      if movesLog { _ = try store.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
      for index in 0..<20 { try store.writeNow { _ = try $0.addEvent(OpeningTests.note("note \(index)")) } }
      let fault = Fault(.limitVoltageHigh, "4.3 V")
      try store.writeNow { try $0.setLatch(channel: bench.channel, run: nil, fault: fault, at: .now, actor: "daemon") }
      try FileManager.default.createDirectory(atPath: scratch.path + "/left", withIntermediateDirectories: true)
      for suffix in ["", "-wal", "-mark"] {
        try FileManager.default.copyItem(
          atPath: store.path + suffix, toPath: scratch.path + "/left/nacycler.sqlite" + suffix)
      }
      store.stopAndWait()
    }

    func change(_ suffix: String, _ change: (inout Data) -> Void) throws {
      let file = URL(fileURLWithPath: path + suffix)
      var bytes = try Data(contentsOf: file)
      change(&bytes)
      try bytes.write(to: file)
    }
  }

  enum Harm: String, CaseIterable, Sendable {
    case removedLog, cutLog, emptiedLog, flippedBit, flippedBitInTheLastCommit, removedMark, emptiedMark
    case removedBoth, olderCopy

    fileprivate func befall(_ remains: Remains) throws {
      switch self {
      case .removedLog: unlink(remains.path + "-wal")
      case .cutLog: try remains.change("-wal") { $0.removeLast($0.count / 2) }
      case .emptiedLog: try remains.change("-wal") { $0.removeAll() }
      case .flippedBit: try remains.change("-wal") { $0[32 + 4_120 / 2] ^= 1 }
      case .flippedBitInTheLastCommit: try remains.change("-wal") { $0[$0.count - 2_000] ^= 1 }
      case .removedMark: unlink(remains.path + "-mark")
      case .emptiedMark: try remains.change("-mark") { $0.removeAll() }
      case .removedBoth:
        unlink(remains.path + "-wal")
        unlink(remains.path + "-mark")
      case .olderCopy:
        let store = try CycleStore.open(at: remains.state)
        _ = try store.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        let copy = try Data(contentsOf: URL(fileURLWithPath: remains.path))
        try store.writeNow { _ = try $0.addEvent(OpeningTests.note("later")) }
        store.stopAndWait()
        try copy.write(to: URL(fileURLWithPath: remains.path))
      }
    }
  }

  @Test(arguments: Harm.allCases) func lostCommitsLatchEveryChannelAndAreTold(_ harm: Harm) throws {
    let remains = try Remains()
    try harm.befall(remains)
    let log = FileManager.default.contents(atPath: remains.path + "-wal") ?? Data()
    let store = try CycleStore.open(at: remains.state)
    let loss = try #require(store.opening.loss, "\(harm)")
    #expect(loss.code == .storeIncomplete && !store.opening.isNew && store.opening.setAsidePath == nil)
    let latches = try store.readNow { try $0.latches() }
    #expect(Set(latches.map(\.channelId)) == [remains.channel, remains.other])
    #expect(latches.allSatisfy { $0.fault == "store.incomplete" || $0.fault == FaultCode.limitVoltageHigh.rawValue })
    let events = try store.readNow { try $0.events() }
    #expect(events.contains { $0.code == "store.incomplete" && $0.severity == 2 && $0.detail == loss.detail })
    // A channel that it does not know may be one that was latched.
    let third = try Bench(store, number: 3).channel
    #expect(try store.readNow { try $0.latch(channel: third)?.fault } == "store.incomplete")
    if !log.isEmpty {
      let kept = try #require(loss.detail.split(separator: " ").first { $0.contains(".damaged-") }).dropLast()
      #expect(try Data(contentsOf: URL(fileURLWithPath: String(kept))) == log, "the log is kept as it was found")
    }
    store.stopAndWait()
    // It is told once.
    let again = try CycleStore.open(at: remains.state)
    #expect(again.opening == OpeningReport())
    again.stopAndWait()
  }

  /// The young database is only a header; everything else is in the log.
  @Test func aLogThatHeldEverythingIsMissed() throws {
    let remains = try Remains(movesLog: false)
    try Harm.removedLog.befall(remains)
    let store = try CycleStore.open(at: remains.state)
    #expect(store.opening.isNew && store.opening.loss?.code == .storeReplaced, "\(store.opening)")
    let channel = try Bench(store).channel
    #expect(try store.readNow { try $0.latch(channel: channel)?.fault } == "store.replaced")
    store.stopAndWait()
  }

  /// A crash between a commit and its mark, and a power cut that took the last marks.
  @Test func aMarkThatIsBehindIsNoLoss() throws {
    let remains = try Remains()
    let place = try #require(CommitMark.read(remains.path + "-mark"))
    try remains.change("-mark") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      bytes = Data(text.replacing("\(place.commits) times", with: "\(place.commits - 9) times").utf8)
    }
    #expect(CommitMark.read(remains.path + "-mark")?.commits == place.commits - 9)
    let store = try CycleStore.open(at: remains.state)
    #expect(store.opening == OpeningReport())
    #expect(CommitMark.read(remains.path + "-mark") == place)
    #expect(try store.readNow { try $0.latches().map(\.fault) } == [FaultCode.limitVoltageHigh.rawValue])
    store.stopAndWait()
  }

  /// Every way to commit is counted, by the file as by the database.
  @Test func everyCommitIsCounted() async throws {
    let scratch = try ScratchDirectory()
    let store = try CycleStore.open(at: scratch.path + "/state")
    func expectCounted(_ number: Int64) throws {
      let place = try #require(CommitMark.read(store.path + "-mark"))
      #expect(place.commits == number)
      #expect(try store.readNow { try $0.commitPlace() } == place)
    }
    try expectCounted(1)
    _ = try Bench(store)
    let afterBench = try #require(CommitMark.read(store.path + "-mark")).commits
    try expectCounted(afterBench)
    #expect(throws: StoreError.self) { try store.writeNow { _ in throw StoreError.stopped } }
    try expectCounted(afterBench)
    try store.start()
    try await store.write { _ = try $0.addEvent(OpeningTests.note("by a person")) }
    try expectCounted(afterBench + 1)
    let inlet = store.makeInlet(name: "test")
    var batch = JournalBatch(records: [], entries: [.event(OpeningTests.note("by a run"))])
    let commits = store.commits()
    inlet.push(&batch)
    inlet.requestCommit()
    for await _ in commits { break }
    try expectCounted(afterBench + 2)
    store.stopAndWait()
  }

  /// What the versions after the fourth added is taken away again.
  private static let backToVersion4 = """
    DROP TABLE commit_mark;
    DROP TABLE observer;
    DROP TABLE temperature_record;
    DROP VIEW impedance_bdf;
    DROP TABLE impedance_point;
    ALTER TABLE run DROP COLUMN protocol_revision;
    ALTER TABLE run_protocol DROP COLUMN amended_unix_us;
    ALTER TABLE run_protocol DROP COLUMN reason;
    ALTER TABLE run_protocol DROP COLUMN refusal;
    DROP VIEW cycles_view;
    DROP TABLE run_summary;
    DROP TABLE recount;
    DROP TABLE run_import;
    ALTER TABLE half_cycle DROP COLUMN active_time_us;
    ALTER TABLE half_cycle DROP COLUMN end_voltage_nv;
    ALTER TABLE half_cycle DROP COLUMN end_net_charge_nc;
    ALTER TABLE cycle DROP COLUMN conditions_group;
    ALTER TABLE cycle DROP COLUMN complete;
    ALTER TABLE cycle DROP COLUMN comparable;
    ALTER TABLE cycle DROP COLUMN group_retention;
    ALTER TABLE cycle DROP COLUMN linear_decay_per_cycle;
    ALTER TABLE cycle DROP COLUMN geometric_decay_per_cycle;
    ALTER TABLE cycle DROP COLUMN decay_cycles;
    ALTER TABLE cycle DROP COLUMN capacity_slope_ah_per_cycle;
    ALTER TABLE cycle DROP COLUMN capacity_slope_cycles;
    ALTER TABLE cycle DROP COLUMN charge_end_slippage_ah;
    ALTER TABLE cycle DROP COLUMN discharge_end_slippage_ah;
    ALTER TABLE cycle DROP COLUMN coulombic_efficiency_product;
    ALTER TABLE cycle DROP COLUMN sodiation_plateau_retention;
    ALTER TABLE cycle DROP COLUMN desodiation_plateau_retention;
    ALTER TABLE cycle DROP COLUMN cumulative_irreversible_capacity_ah;
    ALTER TABLE half_cycle DROP COLUMN constant_current_charge_nc;
    ALTER TABLE half_cycle DROP COLUMN constant_current_time_us;
    ALTER TABLE half_cycle DROP COLUMN constant_voltage_time_us;
    ALTER TABLE half_cycle DROP COLUMN rest_before_us;
    ALTER TABLE half_cycle DROP COLUMN rest_before_start_voltage_nv;
    ALTER TABLE half_cycle DROP COLUMN rest_before_end_voltage_nv;
    ALTER TABLE half_cycle DROP COLUMN rest_before_drift_nv_h;
    ALTER TABLE half_cycle DROP COLUMN rest_before_drift_span_us;
    ALTER TABLE half_cycle DROP COLUMN resistance_first_uohm;
    ALTER TABLE half_cycle DROP COLUMN resistance_first_delay_us;
    ALTER TABLE half_cycle DROP COLUMN resistance_1_s_uohm;
    ALTER TABLE half_cycle DROP COLUMN resistance_1_s_delay_us;
    ALTER TABLE half_cycle DROP COLUMN resistance_10_s_uohm;
    ALTER TABLE half_cycle DROP COLUMN resistance_10_s_delay_us;
    ALTER TABLE half_cycle DROP COLUMN resistance_30_s_uohm;
    ALTER TABLE half_cycle DROP COLUMN resistance_30_s_delay_us;
    ALTER TABLE half_cycle DROP COLUMN plateau_ir_corrected_charge_nc;
    ALTER TABLE half_cycle DROP COLUMN offset_uncertainty_nc;
    ALTER TABLE half_cycle DROP COLUMN gain_uncertainty_nc;
    ALTER TABLE half_cycle DROP COLUMN range_full_scale_pa;
    ALTER TABLE cycle DROP COLUMN charge_capacity_uncertainty_ah;
    ALTER TABLE cycle DROP COLUMN discharge_capacity_uncertainty_ah;
    ALTER TABLE cycle DROP COLUMN sodiation_plateau_ir_corrected_capacity_ah;
    ALTER TABLE cycle DROP COLUMN sodiation_plateau_ir_corrected_ratio;
    ALTER TABLE cycle DROP COLUMN desodiation_plateau_ir_corrected_capacity_ah;
    ALTER TABLE cycle DROP COLUMN desodiation_plateau_ir_corrected_ratio;
    CREATE VIEW cycles_view AS SELECT run_id FROM cycle;
    PRAGMA user_version = 4
    """

  /// A copy from before an upgrade that was put back, or an upgrade whose log is gone.
  @Test func aDatabaseOfBeforeTheMarkBesideOneIsALoss() throws {
    let remains = try Remains()
    let store = try CycleStore.open(at: remains.state)
    try store.pool.writeWithoutTransaction {
      try $0.execute(sql: Self.backToVersion4)
      try $0.checkpoint(.truncate)
    }
    store.stopAndWait()
    let again = try CycleStore.open(at: remains.state)
    #expect(again.opening.loss?.code == .storeIncomplete && again.opening.migratedFrom == 4)
    #expect(try again.readNow { try $0.latches().count } == 2)
    again.stopAndWait()
    #expect(try CycleStore.open(at: remains.state).opening == OpeningReport())
  }

  /// A crash at any moment of telling a loss: it is told, and once it is stored not again.
  @Test func aLossIsToldThoughTheDaemonDiesMeanwhile() throws {
    let remains = try Remains()
    try Harm.removedLog.befall(remains)
    let marked = try #require(CommitMark.read(remains.path + "-mark"))
    // It had written the new mark and not yet the alarm.
    try CommitMark(path: remains.path + "-mark").settle(at: CommitMark.Place(database: "00c0ffee", commits: 1))
    let store = try CycleStore.open(at: remains.state)
    #expect(store.opening.loss?.code == .storeIncomplete)
    let place = try #require(try store.readNow { try $0.commitPlace() })
    #expect(place.database != marked.database)
    store.stopAndWait()
    // It had stored the alarm and not yet written how far that is.
    try CommitMark(path: remains.path + "-mark").settle(at: CommitMark.Place(database: place.database, commits: 1))
    #expect(try CycleStore.open(at: remains.state).opening == OpeningReport())
  }

  /// A database of before the mark gets one, and its commits go on being numbered.
  @Test func aDatabaseOfBeforeTheMarkIsNoLoss() throws {
    let remains = try Remains()
    let store = try CycleStore.open(at: remains.state)
    try store.pool.writeWithoutTransaction {
      try $0.execute(sql: Self.backToVersion4)
      try $0.checkpoint(.truncate)
    }
    store.stopAndWait()
    unlink(remains.path + "-mark")
    let again = try CycleStore.open(at: remains.state)
    #expect(again.opening == OpeningReport(migratedFrom: 4))
    again.stopAndWait()
    #expect(try CycleStore.open(at: remains.state).opening == OpeningReport())
  }
}
