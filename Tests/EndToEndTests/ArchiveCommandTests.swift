// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// A run from one laboratory to another in a file.
  @Suite struct ArchiveCommandTests {
    private func laboratory(_ cell: String = "hard-carbon", seed: Int = 1) throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: cell, seed: seed)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      return rig
    }

    private func run(_ rig: LaboratoryRig, cycles: Int, _ arguments: String...) throws {
      let file = try TestProtocol.write(.hardCarbon, cycles: cycles, to: rig.directory, every: "20 s")
      // One that is known already stays what it is.
      _ = try rig.nactl("cell", "add", arguments[1], "--role", "anode-half-cell")
      let start = try rig.nactl(["start", file, "--channels", "ch1"] + arguments)
      try #require(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
    }

    private func digest(_ file: String) throws -> String {
      String(try LaboratoryRig.system("sha256sum", file).output.prefix(64))
    }

    private func text(_ rig: LaboratoryRig, _ arguments: String...) throws -> String {
      let result = try rig.nactl(arguments)
      #expect(result.status == 0, "\(arguments) \(result.errors)")
      return result.output
    }

    @Test func aRunMovesToAnotherLaboratoryBitForBit() throws {
      let here = try laboratory()
      try run(here, cycles: 2, "--cells", "HC-7", "--mass", "1.2 mg")
      _ = try text(here, "note", "last", "a good cell, µ")
      _ = try text(here, "recompute", "last", "--sodiation-plateau-below", "50 mV", "--label", "low")
      let first = here.directory.appendingPathComponent("first.nacycler").path
      let export = try here.nactl("export", "last", "--format", "archive", "-o", first)
      #expect(export.status == 0, "\(export.errors)")
      #expect(try LaboratoryRig.system("sqlite3", first, "PRAGMA integrity_check").output == "ok\n")

      // Elsewhere another run has number 1.
      let there = try laboratory(seed: 5)
      try run(there, cycles: 1, "--cells", "HC-8")
      let taken = try there.nactl("import", first)
      #expect(taken.status == 0, "\(taken.errors)")
      #expect(taken.output.hasPrefix("run 2: “2 cycles of hard-carbon” on cell HC-7, "), "\(taken.output)")
      // Its own cycles, and apart from them those that were computed again.
      #expect(
        taken.output.hasSuffix(
          " records, 2 cycles\n  parameter set 2, “low” (sodiation below 50 mV): 2 cycles that were computed again\n"
            + "  these are the numbers of the sets here, and not those there: the labels are the same\n"),
        "\(taken.output)")
      // Its label names it in both.
      #expect(
        try text(here, "cycles", "1", "--parameters", "low", "--format", "csv").split(separator: "\n").count == 3)
      #expect(
        try text(there, "cycles", "2", "--parameters", "low").hasPrefix("plateau: sodiation below 50 mV; set 2 “low”"))
      for format in ["bdf", "csv"] {
        #expect(
          try text(here, "export", "1", "--format", format)
            == text(there, "export", "2", "--format", format).replacing("run=2&stamps", with: "run=1&stamps"),
          "\(format)")
      }
      let second = there.directory.appendingPathComponent("second.nacycler").path
      _ = try text(there, "export", "2", "--format", "archive", "-o", second)
      #expect(try digest(first) == digest(second), "the same run is the same file")
      try expectWhole(there)
      try expectRefusals(there, first)
      let last = try there.nactl("show", "last", "--format", "json").json()["run"] as? [String: Any]
      #expect(last?["run"] as? Int == 1, "its own run is the last")
      for rig in [here, there] {
        let folder = URL(fileURLWithPath: rig.database).deletingLastPathComponent().path + "/transfers"
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      }

      // It survives a restart, on no channel and with nothing to take up.
      _ = there.stopDaemon()
      try there.launchDaemon()
      try there.waitForChannels(1)
      #expect(try text(there, "show", "2").contains("completed: completed\n"))
    }

    private func expectWhole(_ rig: LaboratoryRig) throws {
      let shown = try text(rig, "show", "2")
      #expect(shown.contains("by \(NSUserName()), from an archive of nacyclerd "), "\(shown)")
      #expect(shown.contains("a good cell, µ"), "\(shown)")
      let cells = try rig.nactl("cell", "list", "--format", "json").json()["cells"] as? [[String: Any]]
      let cell = try #require(cells?.first { $0["cell"] as? String == "HC-7" })
      #expect(cell["cycles"] as? Int == 2 && cell["channel"] is NSNull, "\(cell)")
      let cycles = try rig.nactl("cycles", "2", "--format", "json").json()
      #expect(cycles["initial_coulombic_efficiency"] as? Double != nil && cycles["initial_cycle_run"] as? Int == 2)
      // Its records still come to its numbers, and its other parameters came along.
      try rig.expectRecount(of: "2")
      let sets =
        try rig.nactl("recompute", "2", "--list", "--format", "json").json()["parameter_sets"] as? [[String: Any]]
      #expect(sets?.compactMap { $0["label"] as? String } == ["low"])
      #expect(sets?.map { $0["cycles"] as? Int } == [2, 2])
      let channels = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]]
      #expect(channels?.count == 1, "its channel is none of this laboratory")
      #expect(try rig.nactl("resume", "2").status == 1)
    }

    private func expectRefusals(_ rig: LaboratoryRig, _ file: String) throws {
      func expect(_ code: String, _ arguments: String..., exit: Int32 = 1) throws {
        let result = try rig.nactl(["import"] + arguments)
        #expect(result.status == exit && result.errors.contains(code), "\(arguments) \(result.errors)")
      }
      try expect("it is run 2", file)
      try expect("archive.not_an_archive", rig.database)
      try expect("archive.not_an_archive", rig.directory.appendingPathComponent("protocol.json").path)
      try expect("file.unreadable", rig.directory.appendingPathComponent("none").path, exit: 2)
      try expect("file.unreadable", rig.directory.path, exit: 2)
      let half = rig.directory.appendingPathComponent("half.nacycler")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      try bytes.prefix(bytes.count / 2).write(to: half)
      try expect("archive.damaged", half.path)
      // A body that is longer than what is read of one that is refused at once.
      try Data(repeating: 7, count: 20 << 20).write(to: half)
      try expect("archive.not_an_archive", half.path)
      #expect(try rig.sqlite("SELECT count(*) FROM run_import") == "1")
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "2")
    }

    @Test func aCellGoesOnWhereItsRunsHaveCome() throws {
      let here = try laboratory()
      try run(here, cycles: 2, "--cells", "HC-1")
      let file = here.directory.appendingPathComponent("a.nacycler").path
      _ = try text(here, "export", "last", "--format", "archive", "-o", file)
      // Here a cell of that name is another one; under a name of its own the imported one goes on with cycle 3.
      let there = try laboratory()
      try run(there, cycles: 1, "--cells", "HC-1")
      let other = try there.nactl("import", file)
      #expect(other.status == 1 && other.errors.contains("archive.cell_differs"), "\(other.errors)")
      #expect(other.errors.contains("--as-cell NAME"))
      let taken = try there.nactl("import", file, "--as-cell", "HC-1 of Ada")
      #expect(taken.output.contains("on cell HC-1 of Ada, "), "\(taken.errors)")
      let mount = try there.nactl("cell", "mount", "ch1", "HC-1 of Ada")
      #expect(mount.status == 0, "\(mount.errors)")
      try run(there, cycles: 1, "--cells", "HC-1 of Ada")
      #expect(
        try there.sqlite("SELECT cell_cycle_number FROM cycle WHERE run_id = 3") == "3", "the cell has had two cycles")
      // The cell's initial efficiency is told beside every run; that of the run is none, in it and in its export.
      let second = try there.nactl("cycles", "3", "--format", "json").json()
      #expect(second["initial_coulombic_efficiency"] as? Double != nil && second["initial_cycle_run"] as? Int == 2)
      let export = there.directory.appendingPathComponent("3.csv").path
      #expect(try there.nactl("export", "3", "--format", "csv", "-o", export).status == 0)
      for object in [second, try LaboratoryRig.run("nactl", ["analyze", export, "--format", "json"]).json()] {
        let summary = try #require(object["summary"] as? [String: Any])
        #expect(summary["initial_coulombic_efficiency"] is NSNull && summary["complete_cycles"] as? Int == 1)
      }
      let goingOn = try TestProtocol.write(.hardCarbon, cycles: 100, to: there.directory, every: "30 s")
      _ = try text(there, "start", goingOn)
      let refused = try there.nactl(
        "export", "last", "--format", "archive", "-o", there.directory.appendingPathComponent("x").path)
      #expect(refused.status == 1 && refused.errors.contains("archive.run_goes_on"), "\(refused.errors)")
      _ = try text(there, "stop", "last")
    }
  }
}
