// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// What the row of cycles says, through the real programs: the same number in every place.
  @Suite struct CycleSeriesCommandTests {
    private static let keys = [
      "conditions_group", "complete", "comparable", "group_retention", "linear_decay_per_cycle",
      "geometric_decay_per_cycle", "decay_cycles", "capacity_slope_Ah_per_cycle", "capacity_slope_cycles",
      "charge_end_slippage_Ah", "discharge_end_slippage_Ah", "coulombic_efficiency_product",
      "sodiation_plateau_retention", "desodiation_plateau_retention",
    ]

    /// A formation cycle, four of life and between them two at five times the rate.
    private static func write(to rig: LaboratoryRig) throws -> String {
      func block(_ cycles: Int, _ purpose: String, _ current: String) -> String {
        """
        {"cycles": \(cycles), "purpose": "\(purpose)", "label": "\(purpose)", "steps": [
          {"sodiate": "\(current)", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}, {"rest": "1 min"},
          {"desodiate": "\(current)", "until": ["voltage >= 2.0 V", "step_time >= 30 h"]}, {"rest": "1 min"}
        ]}
        """
      }
      let text = """
        {
          "nacycler_protocol": 1, "title": "rates",
          "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
          "limits": {
            "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
            "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
            "half_cycle_charge": {"max": "4 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
          },
          "record": {"every": "30 s", "read_every": "1 s"},
          "metrics": {
            "desodiation_plateau_below": "200 mV", "retention_reference": "life cycle 1",
            "retention_threshold": "99.99 %"
          },
          "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
          "steps": [
            \(block(1, "formation", "360 uA")), \(block(2, "life", "360 uA")), \(block(2, "rate", "720 uA")),
            \(block(2, "life", "360 uA"))
          ]
        }
        """
      let file = rig.directory.appendingPathComponent("rates.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    @Test func theSameNumberInEveryPlace() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let start = try rig.nactl("start", try Self.write(to: rig), "--follow")
      #expect(start.status == 0, "\(start.errors)")
      let table = try rig.nactl("cycles", "last", "--format", "json").json()
      let cycles = try #require(table["cycles"] as? [[String: Any]])
      try #require(cycles.count == 7)
      #expect(cycles.map { $0["conditions_group"] as? Int } == [1, 1, 1, 2, 2, 1, 1])
      #expect(cycles.map { $0["comparable"] as? Bool } == [false, true, true, false, true, false, true])
      #expect(cycles.allSatisfy { $0["complete"] as? Bool == true })
      // The rate test is no fade within its group, and is one against the reference.
      let fast = try #require(cycles[4]["group_retention"] as? Double)
      #expect(abs(fast - 1) < 0.01 && cycles[3]["group_retention"] as? Double == 1)
      #expect(try #require(cycles[3]["retention"] as? Double) < 0.99)
      let kept = try #require(cycles[3]["sodiation_plateau_retention"] as? Double)
      #expect(kept < 0.99 && kept > 0.1)
      try expectStored(cycles, rig)
      try expectLive(cycles, rig)
      try expectSummary(table, rig)
      try expectOtherFormats(cycles, rig)
    }

    /// Each value of each row of the table `cycle`, to the last digit.
    private func expectStored(_ cycles: [[String: Any]], _ rig: LaboratoryRig) throws {
      for key in Self.keys {
        let column = key.replacingOccurrences(of: "_Ah", with: "_ah")
        let rows = try rig.sqlite(
          "SELECT coalesce(printf('%!.17g', \(column)), 'null') || ifnull(nullif(typeof(\(column)), 'real'), '') "
            + "FROM cycle ORDER BY cycle_number"
        ).split(separator: "\n")
        try #require(rows.count == cycles.count)
        for (row, cycle) in zip(rows, cycles) {
          let text = row.replacing("integer", with: "")
          guard let told = cycle[key] as? NSNumber else {
            #expect(row.hasSuffix("null"), "\(key): \(row)")
            continue
          }
          #expect(Double(text) == told.doubleValue, "\(key): \(row) and \(told)")
        }
      }
    }

    /// The stream of what closed, and the export.
    private func expectLive(_ cycles: [[String: Any]], _ rig: LaboratoryRig) throws {
      let tail = try rig.nactl("tail", "last", "--cycles", "-n", "100", "--no-follow", "--format", "ndjson")
      let frames = try tail.output.split(separator: "\n").compactMap { line -> [String: Any]? in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?["kind"] as? String == "cycle" ? object?["data"] as? [String: Any] : nil
      }
      let export = try rig.nactl("export", "last", "--format", "json").json()
      let exported = try #require(export["cycles"] as? [[String: Any]])
      try #require(frames.count == cycles.count && exported.count == cycles.count)
      for (index, cycle) in cycles.enumerated() {
        for key in Self.keys {
          #expect(frames[index][key] as? NSNumber == cycle[key] as? NSNumber, "\(key) of the stream")
          #expect(exported[index][key] as? NSNumber == cycle[key] as? NSNumber, "\(key) of the export")
        }
      }
    }

    private func expectSummary(_ table: [String: Any], _ rig: LaboratoryRig) throws {
      let cycles = try #require(table["cycles"] as? [[String: Any]])
      let summary = try #require(table["summary"] as? [String: Any])
      #expect(summary["complete_cycles"] as? Int == 7 && summary["conditions_groups"] as? Int == 2)
      #expect(summary["initial_coulombic_efficiency"] as? Double == cycles[0]["coulombic_efficiency"] as? Double)
      #expect(
        summary["first_coulombic_efficiency_after_formation"] as? Double == cycles[1]["coulombic_efficiency"] as? Double
      )
      let efficiencies = cycles.compactMap { $0["coulombic_efficiency"] as? Double }
      #expect(summary["coulombic_efficiency_product"] as? Double == efficiencies.reduce(1, *))
      #expect(summary["mean_coulombic_efficiency_from_second"] as? Double == efficiencies.dropFirst().reduce(0, +) / 6)
      #expect(summary["geometric_mean_coulombic_efficiency"] is NSNull, "a half cell has no life by its efficiency")
      #expect(summary["predicted_cycles_to_retention_threshold"] is NSNull)
      #expect(summary["reference_cycle"] as? Int == 2 && summary["retention_cycle"] as? Int == 7)
      #expect(summary["decay_cycles"] as? Int == 5 && summary["retention_threshold"] as? Double == 0.9999)
      #expect(summary["retention"] as? Double == cycles[6]["retention"] as? Double)
      #expect(summary["capacity_slope_ah_per_cycle"] as? Double == cycles[6]["capacity_slope_Ah_per_cycle"] as? Double)
      for column in [
        "complete_cycles", "mean_coulombic_efficiency_from_second", "coulombic_efficiency_product", "retention",
        "linear_decay_per_cycle", "geometric_decay_per_cycle", "cumulative_irreversible_capacity_ah",
        "capacity_slope_ah_per_cycle", "retention_threshold",
      ] {
        let stored = try rig.sqlite("SELECT printf('%!.17g', \(column)) FROM run_summary")
        #expect(Double(stored) == summary[column] as? Double, "\(column): \(stored)")
      }
      #expect(try rig.sqlite("SELECT parameters FROM parameter_set").contains("\"retention_threshold\":0.9999"))
      // The same keys as those of a file, but for what only a file has.
      let file = rig.directory.appendingPathComponent("run.csv").path
      #expect(try rig.nactl("export", "last", "--format", "csv", "-o", file).status == 0)
      let analysis = try rig.nactl("analyze", file, "--role", "anode-half-cell", "--format", "json").json()
      let found = try #require(analysis["summary"] as? [String: Any])
      #expect(Set(found.keys) == Set(summary.keys).union(["spurious_segments", "counter_mismatch"]))
      #expect(found["conditions_groups"] as? Int == 2 && found["complete_cycles"] as? Int == 7)
    }

    private func expectOtherFormats(_ cycles: [[String: Any]], _ rig: LaboratoryRig) throws {
      let lines = try rig.nactl("cycles", "last", "--format", "csv").output.split(
        separator: "\n", omittingEmptySubsequences: false)
      let head = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      #expect(Self.keys.allSatisfy(head.contains))
      for (line, cycle) in zip(lines.dropFirst(), cycles) {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        for key in Self.keys where key != "complete" && key != "comparable" {
          let place = try #require(head.firstIndex(of: key))
          #expect(Double(fields[place]) == (cycle[key] as? NSNumber)?.doubleValue, "\(key) in CSV")
        }
      }
      let table = try rig.nactl("cycles", "last").output
      for word in ["GROUP", "IN GROUP %", "MEAN CE", "CE AFTER", "RETENTION", "SLOPE", "LOST"] {
        #expect(table.contains(word), "\(word) is missing:\n\(table)")
      }
    }
  }
}
