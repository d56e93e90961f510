// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Profiles of currents from the file to the table.
  @Suite struct ProfileCommandTests {
    /// The shipped protocol, short, with its rows in a file of their own.
    private func write(in directory: URL, rows: String) throws -> String {
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/na-nvpf-load-profile.json")
      var text = try String(contentsOf: source, encoding: .utf8)
      let list = try #require(text.range(of: #""profile": \[[^\]]*\]"#, options: .regularExpression))
      text.replaceSubrange(list, with: #""profile": {"file": "load.csv"}"#)
      text.replace(#"{"cycles": 2, "purpose": "formation""#, with: #"{"cycles": 1, "purpose": "formation""#)
      text.replace(#"{"cycles": 3, "purpose": "life""#, with: #"{"cycles": 1, "purpose": "life""#)
      text.replace(#", "variables": {"load": "C/2"}"#, with: "")
      text.replace(#"  "variables": {"load": "C/2"},"#, with: "")
      try rows.write(to: directory.appendingPathComponent("load.csv"), atomically: true, encoding: .utf8)
      let file = directory.appendingPathComponent("load.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    @Test func aTableFromAFileIsDrivenUntilTheCellIsEmpty() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "nvpf")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let cell = ["--mass", "3 mg", "--nominal-capacity", "0.36 mAh"]
      let broken = try write(in: rig.directory, rows: "duration_s,current_C\n10,-0.5\n3\n")
      let refused = try rig.nactl(["start", broken] + cell)
      #expect(refused.status != 0 && refused.errors.contains("load.csv: line 3: `3` is no row"), "\(refused)")
      let file = try write(
        in: rig.directory, rows: "duration_s,current_C\n30,-0.5\n10,-1.5\n15,0\n12,0.25\n24,-0.25\n")
      let check = try rig.nactl(["check", file] + cell)
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.contains("profile of 5 rows, 1.5167 min with at most 540 uA"), "\(check.output)")
      #expect(try rig.nactl(["start", file] + cell).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 120) == "completed")
      let profiles = try rig.sqlite(
        "SELECT end_reason, count(*) > 1, count(half_cycle_id) FROM step WHERE kind = 'current_profile' GROUP BY 1 ORDER BY 1"
      )
      #expect(profiles == "profile over|1|0\nvoltage <= 2.0 V|0|0", "\(profiles)")
      // All that flowed, in half-cycles or not, is what went through the terminals.
      let said = try #require(
        Double(
          try rig.sqlite(
            """
            SELECT sum(charge_nc) FROM record JOIN step USING (step_id) WHERE kind <> 'rest' AND step_record_index =
              (SELECT max(step_record_index) FROM record r WHERE r.step_id = step.step_id)
            """)))
      let truth = try TruthComparison(rig).truth
      let net = truth.map { Double($0.direction) * $0.charge }.reduce(0, +)
      let moved = truth.map(\.charge).reduce(0, +)
      #expect(abs(said / 1e9 - net) < 2e-4 * moved, "\(said / 1e9) C against \(net) C of \(moved) C")
      #expect(try rig.sqlite("SELECT count(*) FROM latch") == "0")
      let export = try rig.nactl("export", "last", "--format", "bdf")
      #expect(export.output.contains("PROFILE"), "\(export.errors)")
      let stored = try rig.sqlite("SELECT source FROM protocol LIMIT 1")
      #expect(stored.contains("charge 0.25 C for 12 s"))
    }
  }
}
