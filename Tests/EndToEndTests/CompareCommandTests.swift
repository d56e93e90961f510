// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Replicates side by side, through the programs and against the database.
  @Suite struct CompareCommandTests {
    private static func rig() throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", count: 2)
      try rig.startDaemon()
      try rig.waitForChannels(2)
      for (cell, mass) in [("HC 1", "1.20 mg"), ("HC-2", "1.00 mg")] {
        let added = try rig.nactl(
          "cell", "add", cell, "--role", "anode-half-cell", "--batch", "b7", "--mass", mass)
        #expect(added.status == 0, "\(added.errors)")
      }
      return rig
    }

    private static func run(_ rig: LaboratoryRig, _ file: String, cells: [String], channels: [String]) throws {
      let before = Int(try rig.sqlite("SELECT count(*) FROM run")) ?? 0
      let start = try rig.nactl(["start", file, "--cells"] + cells + ["--channels"] + channels)
      #expect(start.status == 0, "\(start.errors)")
      try rig.wait(for: "the runs' ends", seconds: 90) {
        try rig.sqlite("SELECT count(*) FROM run WHERE state IN ('completed', 'stopped', 'ended', 'held')")
          == "\(before + cells.count)"
      }
    }

    @Test func replicatesHaveAMeanADeviationAndAnN() throws {
      let rig = try Self.rig()
      let file = try TestProtocol.write(.hardCarbon, cycles: 2, to: rig.directory)
      let channels = try rig.sqlite("SELECT name FROM channel ORDER BY name").split(separator: "\n").map(String.init)
      try Self.run(rig, file, cells: ["HC 1", "HC-2"], channels: channels)
      // HC-2 goes on in a second run at another rate.
      var fast = TestProtocol.Cell.hardCarbon
      fast.first = fast.first.replacingOccurrences(of: "360 uA", with: "720 uA")
      let second = try TestProtocol.write(fast, cycles: 1, to: rig.directory, name: "fast.json")
      try Self.run(rig, second, cells: ["HC-2"], channels: [channels[1]])
      try expectMeans(rig)
      try expectConditions(rig, channels)
      try expectWords(rig)
    }

    private func expectMeans(_ rig: LaboratoryRig) throws {
      let json = try rig.nactl("compare", "HC 1", "HC-2", "--format", "json").json()
      let rows = try #require(json["rows"] as? [[String: Any]])
      #expect(rows.map { $0["number"] as? Int } == [1, 2, 3])
      for (index, row) in rows.enumerated() {
        for (column, key) in [
          ("charge_capacity_ah", "reversible_capacity_Ah"), ("coulombic_efficiency", "coulombic_efficiency"),
          ("sodiation_plateau_ratio", "sodiation_plateau_ratio"),
        ] {
          let values = try rig.sqlite(
            "SELECT \(column) FROM cycle WHERE cell_cycle_number = \(index + 1) AND \(column) IS NOT NULL"
          )
          .split(separator: "\n").compactMap { Double($0) }
          let sample = try #require(row[key] as? [String: Any])
          #expect(sample["n"] as? Int == values.count)
          let mean = values.reduce(0, +) / Double(max(1, values.count))
          if !values.isEmpty { #expect(abs(try #require(sample["mean"] as? Double) / mean - 1) < 1e-12) }
          if values.count == 2 {
            let deviation = abs(values[0] - values[1]) / 2.0.squareRoot()
            #expect(abs(try #require(sample["standard_deviation"] as? Double) - deviation) < 1e-12)
          } else {
            #expect(sample["standard_deviation"] is NSNull)
          }
        }
      }
      let specific = try #require(rows[0]["reversible_capacity_mAh_per_g"] as? [String: Any])
      let capacities = try rig.sqlite(
        "SELECT charge_capacity_ah FROM cycle WHERE cell_cycle_number = 1 ORDER BY run_id"
      )
      .split(separator: "\n").compactMap { Double($0) }
      try #require(capacities.count == 2)
      let mean = (capacities[0] * 1e6 / 1.2 + capacities[1] * 1e6 / 1.0) / 2
      #expect(abs(try #require(specific["mean"] as? Double) / mean - 1) < 1e-12)
      // The third cycle is of the cell's second run.
      let third = try #require((rows[2]["cells"] as? [[String: Any]])?.first)
      #expect(third["run"] as? Int == 3 && third["cycle_number"] as? Int == 1 && third["cell"] as? String == "HC-2")
      #expect((json["left_out"] as? [Any])?.isEmpty == true)
      let batch = try rig.nactl("compare", "--batch", "b7", "--format", "json").json()
      #expect(batch["rows"] as? NSArray == json["rows"] as? NSArray)
    }

    /// A cycle at another rate is shown, is in no mean, and is named with its reason; so is one that was cut short.
    private func expectConditions(_ rig: LaboratoryRig, _ channels: [String]) throws {
      let same = try rig.nactl("compare", "1", "3", "--by", "purpose", "--cycle", "1", "--format", "json").json()
      let rows = try #require(same["rows"] as? [[String: Any]])
      #expect(rows.count == 1)
      #expect((rows[0]["coulombic_efficiency"] as? [String: Any])?["n"] as? Int == 1)
      let left = try #require(same["left_out"] as? [[String: Any]])
      #expect(
        left.count == 1
          && (left.first?["reason"] as? String)?.hasPrefix("other conditions: discharge to voltage") == true, "\(left)")
      #expect((same["warnings"] as? [String])?.contains("cut-offs or rates differ in one cycle") == true)
      // So slow that it is stopped in its second half-cycle, and not in a rest.
      var slow = TestProtocol.Cell.hardCarbon
      slow.second = #"{"charge": "0.1 uA", "until": ["voltage >= 2 V", "step_time >= 4000 h"]}"#
      let long = try TestProtocol.write(slow, cycles: 1, to: rig.directory, name: "long.json")
      let start = try rig.nactl("start", long, "--cells", "HC 1", "--channels", channels[0])
      #expect(start.status == 0, "\(start.errors)")
      try rig.wait(for: "a step of the second run", seconds: 30) {
        try rig.sqlite(
          "SELECT EXISTS (SELECT 1 FROM record JOIN step USING (step_id) WHERE run_id = 4 AND current_pa > 0)") == "1"
      }
      _ = try rig.nactl("stop", "4")
      try rig.wait(for: "its end", seconds: 30) {
        try rig.sqlite("SELECT count(*) FROM run WHERE run_id = 4 AND state NOT IN ('completed', 'stopped', 'ended')")
          == "0"
      }
      let cut = try rig.nactl("compare", "--batch", "b7")
      #expect(cut.status == 0)
      #expect(cut.output.contains("LEFT OUT") && cut.output.contains("run 4"), "\(cut.output)")
    }

    /// Who thinks in cells is shown the newest run of one, and is told the number where something would happen to it.
    private func expectCellsAsRuns(_ rig: LaboratoryRig) throws {
      let note = "note: HC-2 stands for its newest run, 3\n"
      for command in [["cycles"], ["show"], ["plot"], ["recompute", "--list"], ["tail", "--no-follow", "--cycles"]] {
        let named = try rig.nactl(command + ["HC-2"])
        #expect(named.status == 0 && named.errors.contains(note), "\(command) \(named.errors)")
        #expect(try named.output == rig.nactl(command + ["3"]).output, "\(command)")
      }
      for command in [["stop"], ["pause"], ["resume"], ["skip"], ["note"], ["amend"]] {
        let arguments =
          command + ["HC-2"] + (["note", "amend"].contains(command[0]) ? [rig.directory.path + "/long.json"] : [])
        let refused = try rig.nactl(arguments)
        #expect(refused.status == 64, "\(command)")
        #expect(
          refused.errors == "run.bad_name: HC-2 is no run: name one by its number, or last\n"
            + "hint: `nactl runs` lists them; cell HC-2 has runs 2, 3\n", "\(command) \(refused.errors)")
      }
      let unknown = try rig.nactl("cycles", "HC-22")
      #expect(unknown.status == 64, "\(unknown.errors)")
      #expect(
        unknown.errors == "run.bad_name: “HC-22” is no run, and no cell that has one; HC-2 perhaps\n"
          + "hint: `nactl runs` lists runs and their cells\n")
      #expect(try rig.nactl("cycles", "007").status == 64)
      #expect(try rig.nactl("cycles", "").status == 64)
    }

    private func expectWords(_ rig: LaboratoryRig) throws {
      let table = try rig.nactl("compare", "HC 1", "HC-2", "--units", "mAh/g", "--reference", "1").output
      #expect(table.contains("MEAN mAh/g") && table.contains("HC-2 CE %") && table.contains("RETENTION %"), "\(table)")
      #expect(table.contains("100.00 ± 0.00 (2)"), "\(table)")
      #expect(table.contains(" ± – (1)"), "\(table)")
      // The deviation of cells is one thing and the bound of the instrument another.
      #expect(table.contains("CE % ± SD (n)") && table.contains("\nICE % ± SD (n)  "), "\(table)")
      let json = try rig.nactl("compare", "HC 1", "HC-2", "--reference", "1", "--format", "json").json()
      let counted = try #require(json["rows"] as? [[String: Any]]).flatMap { $0["cells"] as? [[String: Any]] ?? [] }
        .filter { $0["is_counted"] as? Bool == true && $0["coulombic_efficiency"] is Double }
      let bounds = counted.compactMap { $0["coulombic_efficiency_uncertainty"] as? Double }
      let largest = String(format: "%.3f", 100 * (try #require(bounds.max())))
      #expect(
        try rig.sqlite(
          "SELECT count(*) > 0 FROM cycle WHERE printf('%.3f', 100 * coulombic_efficiency_uncertainty) = '\(largest)'")
          == "1")
      #expect(table.contains("\nlargest bound of a CE by its instrument: \(largest) %; SD is"), "\(largest): \(table)")
      #expect(
        try rig.nactl("cell", "edit", "HC-2", "--mass", "1.01 mg", "--mass-basis", "coating", "--reason", "again")
          .status == 0)
      let warned = try rig.nactl("compare", "--batch", "b7", "--format", "csv")
      #expect(warned.errors.contains("the masses count different things"), "\(warned.errors)")
      #expect(
        warned.output.hasPrefix(
          "cell_cycle_number,purpose,reversible_capacity_Ah_mean,reversible_capacity_Ah_standard_deviation,"))
      let areal = try rig.nactl("compare", "HC-2", "--units", "mAh/cm2")
      #expect(areal.status == 64 && areal.errors.contains("cell.no_area"), "\(areal.errors)")
      #expect(try rig.nactl("compare").status == 64)
      try expectCellsAsRuns(rig)
      #expect(try rig.nactl("compare", "HC-9").errors.contains("compare.not_found"))
      #expect(try rig.nactl("compare", "--batch", "b8").errors.contains("batch.not_found"))
      #expect(try rig.nactl("cell", "add", "F-1", "--role", "full-cell").status == 0)
      #expect(try rig.nactl("compare", "HC-2", "F-1").errors.contains("compare.roles_differ"))
    }
  }
}
