// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// A database that others hold and a disk that takes nothing any more, while cells are being cycled (law 3).
  @Suite struct StoreTroubleTests {
    /// How the disk is made to refuse, from outside the daemon.
    enum Refusal: String, Sendable, CaseIterable {
      /// The files may not grow: the kernel answers EFBIG to the daemon's writes, and would end it by SIGXFSZ.
      case fileSizeLimit
      /// Every write to the database answers ENOSPC.
      case noSpace

      var code: String { self == .noSpace ? "store.full" : "store.failed" }
    }

    @Test func anotherProgramsLockCostsNoReadingAndIsTold() throws {
      let rig = try started(cycles: 6)
      let other = try Holder("BEGIN IMMEDIATE; SELECT 'held';", of: rig.database)
      // While it is held nothing more is acknowledged, and the daemon says so.
      try rig.wait(for: "the daemon to tell the lock", seconds: 20) {
        let list = try rig.nactl("channels")
        return list.status == 0 && list.errors.contains("store.failed") && list.errors.contains("locked")
      }
      let acknowledged = try rig.sqlite("SELECT count(*) FROM record")
      #expect(try rig.nactl("runs").output.contains("running"))
      #expect(try rig.nactl("runs").errors.contains("store.failed"))
      let tail = try LaboratoryRig.system(
        "timeout", "-s", "INT", "3", try LaboratoryRig.programs.appendingPathComponent("nactl").path, "tail",
        "--socket", rig.socket)
      #expect(tail.errors.contains("store.failed"), "a silent stream says why: \(tail.errors)")
      #expect(try rig.sqlite("SELECT count(*) FROM record") == acknowledged)
      #expect(rig.readLog("nacyclerd.log").contains("store.failed"))
      other.release()
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try expectWhole(rig)
      let told = try rig.sqlite("SELECT detail FROM event WHERE code = 'store.failed' AND severity = 2")
      #expect(told.contains("all that waited is stored now"), "\(told)")
      #expect(try !rig.nactl("channels").errors.contains("store"))
    }

    @Test func aLongReaderHoldsNothingUp() throws {
      let rig = try started(cycles: 6)
      try rig.wait(for: "a cycle", seconds: 20) { try rig.sqlite("SELECT count(*) FROM cycle") != "0" }
      let reader = try Holder("BEGIN; SELECT count(*) FROM record; SELECT 'held';", of: rig.database)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try expectWhole(rig)
      #expect(try rig.sqlite("SELECT count(*) FROM event WHERE severity > 0") == "0")
      #expect(reader.isHolding, "it held its transaction to the end")
      reader.release()
    }

    @Test(arguments: Refusal.allCases)
    func aDiskThatTakesNothingLeavesTheCircuitOpenAndTheRunGoesOn(_ refusal: Refusal) throws {
      let rig = try started(cycles: 6)
      try rig.wait(for: "a cycle", seconds: 20) { try rig.sqlite("SELECT count(*) FROM cycle") != "0" }
      try refuse(refusal, rig)
      // At full speed the half-cycle ends within a second of real time; current of the other direction then waits for
      // the commit that names it, with the circuit open.
      try rig.wait(for: "the circuit to be open and the failure to be told", seconds: 30) {
        try rig.channel()["circuit"] as? String == "open (confirmed)"
          && rig.nactl("channels").errors.contains(refusal.code)
      }
      let acknowledged = try rig.nactl("tail", "last", "--records", "-n", "200", "--no-follow", "--format", "ndjson")
      #expect(acknowledged.status == 0, "\(acknowledged.errors)")
      let charge = try TruthComparison(rig).truth.map(\.charge)
      #expect(rig.readLog("nacyclerd.log").contains(refusal.code))
      #expect(try rig.nactl("note", "last", "no room for this").status == 1, "what cannot be stored is refused")
      #expect(try TruthComparison(rig).truth.map(\.charge) == charge, "no current flows meanwhile")
      try allow(refusal, rig)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try expectWhole(rig)
      try expectKept(acknowledged.output, rig)
      let told = try rig.sqlite("SELECT detail FROM event WHERE code = '\(refusal.code)' AND severity = 2")
      #expect(told.contains("all that waited is stored now"), "\(told)")
    }

    @Test func aDiskThatTakesNothingForTooLongHoldsTheRun() throws {
      // The half-cycle would go on for minutes.
      let rig = try started(cycles: 1, speed: "20", patience: 1)
      try rig.wait(for: "current", seconds: 40) { try !TruthComparison(rig).truth.isEmpty }
      try refuse(.noSpace, rig)
      try rig.wait(for: "the circuit to be opened", seconds: 20) {
        try rig.channel()["circuit"] as? String == "open (confirmed)"
      }
      let charge = try TruthComparison(rig).truth.map(\.charge)
      // Nothing of it is told before it is stored.
      #expect(try rig.sqlite("SELECT state FROM run") == "running")
      try allow(.noSpace, rig)
      #expect(try rig.waitForRun(states: ["held"], seconds: 20) == "held")
      #expect(try TruthComparison(rig).truth.map(\.charge) == charge, "a held run waits for a person")
      // Every reading up to the end is there: two instructions of current lie outside the script's stamps.
      let real = try #require(charge.first)
      let kept = try #require(Double(try rig.sqlite("SELECT -min(charge_nc) / 1e9 FROM record")))
      #expect(abs(kept - real) <= 1e-5 * real + 360e-6 * 0.002, "\(kept), \(real)")
      let events = try rig.sqlite("SELECT code FROM event WHERE severity = 2 ORDER BY event_id")
      #expect(events.contains("store.full"))
      let resume = try rig.nactl("resume", "last")
      #expect(resume.status == 0, "\(resume.errors)")
      try rig.waitForRun(states: ["running"], seconds: 40)
      try rig.wait(for: "current again", seconds: 20) { try TruthComparison(rig).truth.map(\.charge) != charge }
    }

    @Test func anInstrumentThatComesWhileNothingCanBeStoredIsTakenAllTheSame() throws {
      let rig = try started(cycles: 3)
      try rig.wait(for: "a cycle", seconds: 20) { try rig.sqlite("SELECT count(*) FROM cycle") != "0" }
      let other = try Holder("BEGIN IMMEDIATE; SELECT 'held';", of: rig.database)
      #expect(try rig.nasim("fault", "--links", rig.links, "1", "link-lost", "--seconds", "1").status == 0)
      try rig.wait(for: "the instrument to be gone", seconds: 20) { try rig.channel()["port"] is NSNull }
      // Its channel is known, and so is whether its circuit is open; only the run waits for its last words.
      try rig.wait(for: "the instrument to be back", seconds: 20) {
        try rig.channel()["circuit"] as? String == "open (confirmed)"
      }
      #expect(other.isHolding)
      other.release()
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      try TruthComparison(rig).expectAgreement()
    }

    @Test func anInstrumentThatIsNewIsRegisteredOnceTheStoreTakesIt() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon(environment: try PreloadedFaults.environment(rig))
      try refuse(.noSpace, rig)
      try rig.startBench(cell: "hard-carbon")
      try rig.wait(for: "the refusal", seconds: 20) { rig.readLog("nacyclerd.log").contains("cannot be registered") }
      #expect(try rig.sqlite("SELECT count(*) FROM channel") == "0")
      try allow(.noSpace, rig)
      try rig.waitForChannels(1)
    }

    @Test func whatWouldFillTheDiskIsNotBegun() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon(environment: try PreloadedFaults.environment(rig))
      let copy = rig.directory.appendingPathComponent("copy.sqlite").path
      let transfers = URL(fileURLWithPath: rig.database).deletingLastPathComponent().path + "/transfers"
      try PreloadedFaults.set(.crowded, transfers, rig)
      let refused = try rig.nactl("snapshot", copy)
      #expect(
        refused.status == 1 && refused.errors.hasPrefix("snapshot.no_room: there is no room"), "\(refused.errors)")
      #expect(refused.errors.contains("but 0 MiB are free"), "\(refused.errors)")
      let left = try FileManager.default.contentsOfDirectory(atPath: rig.directory.path)
      #expect(!left.contains { $0.hasPrefix("copy.sqlite") }, "\(left)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: transfers).isEmpty)
      try PreloadedFaults.clear(.crowded, rig)
      #expect(try rig.nactl("snapshot", copy).status == 0)
    }

    @Test func anEmptiedDatabaseLatchesEveryChannelUntilSomebodyHasLooked() throws {
      let rig = try started(cycles: 2)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      _ = rig.stopDaemon()
      #expect(truncate(rig.database, 0) == 0)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let list = try rig.nactl("channels")
      #expect(list.output.contains("store.replaced"), "\(list.output)")
      #expect(rig.readLog("nacyclerd.log").contains("store.replaced"))
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, every: "1 s")
      let refused = try rig.nactl("start", file)
      #expect(refused.status != 0 && refused.errors.contains("latched"), "\(refused.errors)")
      #expect(try rig.nactl("clear", "ch1", "--reason", "looked at the cell").status == 0)
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
    }

    /// A run that is held, and why, is only in the log; the daemon is killed, and somebody tidies up.
    @Test func aHeldRunWhoseLogIsGoneDoesNotGoOnByItself() throws {
      let rig = try started(cycles: 40)
      try rig.wait(for: "a cycle", seconds: 20) { try rig.sqlite("SELECT count(*) FROM cycle") != "0" }
      // What is there goes into the database; from here on everything stays in the log, because somebody reads.
      try Holder("PRAGMA wal_checkpoint; SELECT 'held';", of: rig.database).release()
      let reader = try Holder("BEGIN; SELECT count(*) FROM record; SELECT 'held';", of: rig.database)
      #expect(try rig.nactl("pause", "last").status == 0)
      try rig.waitForRun(states: ["paused"], seconds: 20)
      rig.killDaemon()
      reader.end()
      for suffix in ["-wal", "-shm"] { unlink(rig.database + suffix) }
      let charge = try TruthComparison(rig).truth.map(\.charge)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let list = try rig.nactl("channels")
      #expect(list.output.contains("store.incomplete"), "\(list.output)")
      #expect(rig.readLog("nacyclerd.log").contains("store.incomplete"))
      #expect(try rig.waitForRun(states: ["held", "completed"], seconds: 20) == "held")
      let refused = try rig.nactl("resume", "last")
      #expect(refused.status != 0 && refused.errors.contains("latched"), "\(refused.errors)")
      #expect(try TruthComparison(rig).truth.map(\.charge) == charge, "no current flows before somebody has looked")
      #expect(try rig.nactl("clear", "ch1", "--reason", "looked at the cell").status == 0)
      #expect(try rig.nactl("resume", "last").status == 0)
      try rig.wait(for: "current again", seconds: 30) { try TruthComparison(rig).truth.map(\.charge) != charge }
    }

    /// What waits in a queue does not begin by itself on a channel of which nobody knows whether it was latched.
    @Test func aQueuedRunOnALatchedChannelIsHeld() throws {
      let rig = try started(cycles: 1)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory, every: "1 s")
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      _ = rig.stopDaemon()
      // As a daemon leaves it that dies between two runs of a queue; and the mark is gone.
      let edit = Process()
      edit.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      edit.arguments = [
        "sqlite3", rig.database,
        "DELETE FROM record; DELETE FROM step; DELETE FROM half_cycle WHERE run_id = 2; DELETE FROM cycle WHERE run_id = 2;"
          + "UPDATE run SET state = 'queued', started_unix_us = NULL, ended_unix_us = NULL WHERE run_id = 2",
      ]
      try edit.runAsFromAShell()
      edit.waitUntilExit()
      #expect(edit.terminationStatus == 0)
      unlink(rig.database + "-mark")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      try rig.waitForRun("2", states: ["held"], seconds: 20)
      #expect(try rig.sqlite("SELECT count(*) FROM step WHERE run_id = 2") == "0")
      #expect(try rig.nactl("clear", "ch1", "--reason", "looked").status == 0)
      #expect(try rig.nactl("resume", "2").status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
    }

    // MARK: The pieces

    private func started(
      cycles: Int, speed: String = "max", patience: Int = 600
    ) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: speed)
      try rig.startDaemon(
        extra: ["--lease", "300", "--store-patience", "\(patience)"],
        environment: try PreloadedFaults.environment(rig))
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: cycles, to: rig.directory, every: "1 s")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      return rig
    }

    private func refuse(_ refusal: Refusal, _ rig: LaboratoryRig) throws {
      switch refusal {
      case .noSpace: try PreloadedFaults.set(.full, "nacycler.sqlite", rig)
      case .fileSizeLimit: try limitFiles("4096:", rig)
      }
    }

    private func allow(_ refusal: Refusal, _ rig: LaboratoryRig) throws {
      switch refusal {
      case .noSpace: try PreloadedFaults.clear(.full, rig)
      case .fileSizeLimit: try limitFiles("unlimited:", rig)
      }
    }

    /// Sets the soft limit for the size of files that the daemon writes.
    private func limitFiles(_ limit: String, _ rig: LaboratoryRig) throws {
      let daemon = try #require(rig.daemon)
      let result = try LaboratoryRig.system("prlimit", "--pid", "\(daemon.processIdentifier)", "--fsize=\(limit)")
      #expect(result.status == 0, "\(result.errors)")
    }

    /// Every half-cycle undamaged and true: nothing was lost and nothing came twice.
    private func expectWhole(_ rig: LaboratoryRig) throws {
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      #expect(comparison.stored.count == 12)
      #expect(comparison.stored.allSatisfy { !$0.isDamaged })
      // Records of a step are numbered without a gap.
      #expect(
        try rig.sqlite(
          "SELECT count(*) FROM (SELECT max(step_record_index) + 1 - count(*) AS lost FROM record GROUP BY step_id) "
            + "WHERE lost != 0") == "0")
    }

    /// Every record that a client was shown is in the database as it was shown.
    private func expectKept(_ lines: String, _ rig: LaboratoryRig) throws {
      let shown = try lines.split(separator: "\n").compactMap { line -> String? in
        let frame = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard frame?["kind"] as? String == "record", let data = frame?["data"] as? [String: Any],
          let step = data["step_count"] as? Int, let index = data["step_record_index"] as? Int
        else { return nil }
        return "(\(step), \(index))"
      }
      #expect(shown.count == 200)
      let found = try rig.sqlite(
        "SELECT count(*) FROM record JOIN step USING(step_id) WHERE (step_count, step_record_index) IN "
          + "(VALUES \(shown.joined(separator: ", ")))")
      #expect(found == "\(shown.count)")
    }
  }
}

/// Another program with a transaction on the database, until it is told to let go.
private final class Holder {
  private let process = Process()
  private let input = Pipe()

  /// Runs the statements, the last of which prints `held`, and keeps the transaction open.
  init(_ statements: String, of database: String) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-cmd", ".timeout 10000", database]
    process.standardInput = input
    process.standardOutput = output
    try process.runAsFromAShell()
    input.fileHandleForWriting.write(Data((statements + "\n").utf8))
    var said = ""
    while !said.contains("held") {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { throw RigError("sqlite3 ended before it held the database: \(said)") }
      said += String(decoding: data, as: UTF8.self)
    }
  }

  var isHolding: Bool { process.isRunning }

  /// Ends it without letting it tidy up.
  func end() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func release() {
    guard process.isRunning else { return }
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  deinit { release() }
}
