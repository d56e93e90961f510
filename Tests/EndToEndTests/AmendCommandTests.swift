// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// A run whose protocol is changed while it goes on.
  @Suite struct AmendCommandTests {
    /// The demonstration's protocol with other life cycles.
    private func file(_ rig: LaboratoryRig, _ name: String, cycles: Int, _ change: (String) -> String = { $0 }) throws
      -> String
    {
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json")
      var text = try String(contentsOf: source, encoding: .utf8)
      let passes = try #require(text.range(of: #""cycles": [0-9]+, "purpose": "life""#, options: .regularExpression))
      text.replaceSubrange(passes, with: #""cycles": \#(cycles), "purpose": "life""#)
      let file = rig.directory.appendingPathComponent(name)
      try change(text).write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    /// A run in its first life cycle or later, of far more than a test waits for.
    private func running(speed: String = "20000") throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: speed)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let start = try rig.nactl("start", try file(rig, "first.json", cycles: 100_000))
      #expect(start.status == 0, "\(start.errors)")
      try waitForLife(rig)
      return rig
    }

    /// A cell whose voltage moved far while nobody listened asks for a person, who lets it go on.
    private func waitForLife(_ rig: LaboratoryRig, after cycles: Int = 0) throws {
      try rig.wait(for: "life cycles", seconds: 40) {
        if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
        return Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'")) ?? 0 > cycles
      }
    }

    @Test func theRunGoesOverAtTheEndOfItsCycle() throws {
      let rig = try running()
      let done = try #require(Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'")))
      let wanted = done + 6
      let second = try file(rig, "second.json", cycles: wanted) {
        $0.replacing(#""every": "30 s""#, with: #""every": "20 s""#)
      }
      let trial = try rig.nactl("amend", "last", second, "--dry-run")
      #expect(trial.status == 0, "\(trial.errors)")
      #expect(trial.output.hasSuffix("run 1: not amended; it would hold from the next cycle on\n"), "\(trial.output)")
      #expect(try rig.sqlite("SELECT count(*) FROM run_protocol") == "1")
      let amend = try rig.nactl("amend", "last", second, "--reason", "enough is known")
      #expect(amend.status == 0, "\(amend.errors)")
      #expect(amend.output.hasSuffix("\nrun 1: revision 2 of the protocol holds from the next cycle on\n"))
      let changes = amend.output.split(separator: "\n").filter { $0.hasPrefix("- ") || $0.hasPrefix("+ ") }
      #expect(changes.contains { $0.hasPrefix("- ") && $0.contains("100000 cycles (life") }, "\(amend.output)")
      #expect(changes.contains { $0.hasPrefix("+ ") && $0.contains("\(wanted) cycles (life") }, "\(amend.output)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let cycles = try #require(Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'")))
      #expect(cycles >= wanted && cycles <= wanted + 4, "\(cycles) life cycles, \(wanted) were wanted")
      #expect(
        try rig.sqlite(
          "SELECT revision, amended_by IS NULL, from_step_id IS NULL, reason FROM run_protocol ORDER BY revision")
          == "1|1|1|\n2|0|0|enough is known")
      // Each step says by which revision it was run, and they change once, at the beginning of a cycle.
      #expect(
        try rig.sqlite(
          "SELECT count(*) FROM step WHERE (protocol_revision = 2) != (step_id >= (SELECT from_step_id FROM run_protocol "
            + "WHERE revision = 2))") == "0")
      #expect(
        try rig.sqlite(
          "SELECT direction FROM step JOIN run_protocol ON from_step_id = step_id") == "-1",
        "a cycle begins by sodiation")
      #expect(try rig.sqlite("SELECT protocol_revision FROM run") == "2")
      let events = try rig.nactl("tail", "last", "--events", "--no-follow").output
      #expect(events.contains("run.amendment_asked") && events.contains("run.amended"), "\(events)")
      #expect(try rig.nactl("show", "last").output.contains("revision 2 since step"))
      try TruthComparison(rig).expectAgreement()
    }

    @Test func whatCannotHoldIsRefusedAndLeavesNothing() throws {
      let rig = try running()
      func expectRefused(_ file: String, _ code: String, status: Int32 = 1) throws {
        let result = try rig.nactl("amend", "last", file)
        #expect(result.status == status && result.errors.contains(code), "\(result.output)\(result.errors)")
      }
      let inserted = try file(rig, "inserted.json", cycles: 5) {
        $0.replacing(#""steps": ["#, with: #""steps": [{"rest": "1 min"},"#, maxReplacements: 1)
      }
      try expectRefused(inserted, "amend.does_not_fit")
      let metrics = try file(rig, "metrics.json", cycles: 5) {
        $0.replacing(#""sodiation_plateau_below": "100 mV""#, with: #""sodiation_plateau_below": "90 mV""#)
      }
      try expectRefused(metrics, "amend.metrics_differ")
      let broken = try file(rig, "broken.json", cycles: 5) { $0.replacing("voltage <= ", with: "voltage >= ") }
      try expectRefused(broken, "problems", status: 4)
      let other = LaboratoryRig.repository.appendingPathComponent("Protocols/na-nvpf-half-cell.json").path
      try expectRefused(other, "cell.role_differs")
      let missing = try rig.nactl("amend", "last", rig.directory.appendingPathComponent("none.json").path)
      #expect(missing.status == 2)
      #expect(try rig.sqlite("SELECT count(*), max(protocol_revision) FROM run_protocol JOIN run") == "1|1")
      #expect(try rig.sqlite("SELECT state FROM run") == "running")
      #expect(try rig.nactl("stop", "last").status == 0)
      try rig.waitForRun(states: ["stopped"], seconds: 20)
      try expectRefused(try file(rig, "late.json", cycles: 5), "run.over")
    }

    /// A revision that waits survives the daemon, and so does the one that holds.
    @Test func aDaemonThatIsKilledKnowsTheRevisions() throws {
      // At the greatest speed the cell stands still while nobody drives it, and does not relax for days.
      let rig = try running(speed: "max")
      let amend = try rig.nactl("amend", "last", try file(rig, "second.json", cycles: 90_000))
      #expect(amend.status == 0, "\(amend.errors)")
      rig.killDaemon()
      try rig.startDaemon()
      try rig.wait(for: "the second revision", seconds: 60) {
        if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
        return try rig.sqlite("SELECT count(*) FROM run_protocol WHERE revision = 2 AND from_step_id IS NOT NULL")
          == "1"
      }
      rig.killDaemon()
      try rig.startDaemon()
      let done = try #require(Int(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'")))
      try waitForLife(rig, after: done + 2)
      #expect(try rig.sqlite("SELECT protocol_revision FROM step ORDER BY step_id DESC LIMIT 1") == "2")
      // Changes are told against the revision that holds, not against the first.
      let same = try rig.nactl("amend", "last", try file(rig, "second.json", cycles: 90_000), "--dry-run")
      #expect(same.output.hasPrefix("the listing stays as it is\n"), "\(same.output)\(same.errors)")
      let back = try rig.nactl("amend", "last", try file(rig, "first.json", cycles: 100_000), "--dry-run")
      #expect(back.output.contains("\n+       100000 cycles (life"), "\(back.output)\(back.errors)")
      let third = try rig.nactl("amend", "last", try file(rig, "third.json", cycles: 1))
      #expect(third.status == 0, "\(third.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      #expect(try rig.sqlite("SELECT count(*) FROM run_protocol WHERE refusal IS NOT NULL") == "0")
      try TruthComparison(rig).expectAgreement()
    }

    /// A protocol that waits in the queue may become any other.
    @Test func aRunInTheQueueBeginsAmended() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let slow = try file(rig, "slow.json", cycles: 100_000)
      #expect(try rig.nactl("start", slow, slow).status == 0)
      let short = try file(rig, "short.json", cycles: 1)
      let amend = try rig.nactl("amend", "2", short)
      #expect(
        amend.output.hasSuffix("\nrun 2: revision 2 of the protocol holds from its beginning\n"), "\(amend.errors)")
      try waitForLife(rig)
      #expect(try rig.nactl("amend", "1", short).status == 0)
      #expect(try rig.waitForRun("2", states: ["completed", "held", "ended"], seconds: 60) == "completed")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE run_id = 2 AND purpose = 'life'") == "1")
      #expect(try rig.sqlite("SELECT min(protocol_revision) FROM step WHERE run_id = 2 AND program_index >= 0") == "2")
    }
  }
}
