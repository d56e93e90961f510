// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
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
      let table = try JSONDecoder().decode(
        CycleRows.self, from: Data(rig.nactl("cycles", "last", "--format", "json").output.utf8))
      let cycles = table.cycles
      try #require(cycles.count == 7)
      #expect(cycles.map { $0["conditions_group"]?.number } == [1, 1, 1, 2, 2, 1, 1])
      #expect(cycles.map { $0["comparable"]?.truth } == [false, true, true, false, true, false, true])
      #expect(cycles.allSatisfy { $0["complete"]?.truth == true })
      // The rate test is no fade within its group, and is one against the reference.
      let fast = try #require(cycles[4]["group_retention"]?.number)
      #expect(abs(fast - 1) < 0.01 && cycles[3]["group_retention"]?.number == 1)
      #expect(try #require(cycles[3]["retention"]?.number) < 0.99)
      let kept = try #require(cycles[3]["sodiation_plateau_retention"]?.number)
      #expect(kept < 0.99 && kept > 0.1)
      try expectStored(cycles, rig)
      try expectLive(cycles, rig)
      try expectSummary(table, rig)
      try expectOtherFormats(cycles, rig)
    }

    /// Each value of each row of the table `cycle`, to the last digit.
    private func expectStored(_ cycles: [CycleRow], _ rig: LaboratoryRig) throws {
      for key in Self.keys {
        let column = key.replacingOccurrences(of: "_Ah", with: "_ah")
        let rows = try rig.sqlite(
          "SELECT iif(\(column) IS NULL, 'null', printf('%!.17g', \(column))) "
            + "FROM cycle ORDER BY cycle_number"
        ).split(separator: "\n")
        try #require(rows.count == cycles.count)
        for (row, cycle) in zip(rows, cycles) {
          let text = String(row)
          let told = cycle[key] ?? .null
          #expect(text == "null" ? told == .null : Double(text) == told.number, "\(key): \(row) and \(told)")
        }
      }
    }

    /// The stream of what closed, and the export.
    private func expectLive(_ cycles: [CycleRow], _ rig: LaboratoryRig) throws {
      let tail = try rig.nactl("tail", "last", "--cycles", "-n", "1000000", "--no-follow", "--format", "ndjson")
      let frames = try tail.output.split(separator: "\n").filter { $0.contains(#""kind":"cycle""#) }.map {
        try JSONDecoder().decode(TailedCycle.self, from: Data($0.utf8)).data
      }
      let export = try rig.nactl("export", "last", "--format", "json").output
      let exported = try JSONDecoder().decode(CycleRows.self, from: Data(export.utf8)).cycles
      try #require(frames.count == cycles.count && exported.count == cycles.count)
      for (index, cycle) in cycles.enumerated() {
        for key in Self.keys {
          #expect(frames[index][key] == cycle[key], "\(key) of the stream")
          #expect(exported[index][key] == cycle[key], "\(key) of the export")
        }
      }
    }

    private func expectSummary(_ table: CycleRows, _ rig: LaboratoryRig) throws {
      let cycles = table.cycles
      let summary = try #require(table.summary)
      #expect(summary["complete_cycles"]?.number == 7 && summary["conditions_groups"]?.number == 2)
      #expect(summary["initial_coulombic_efficiency"]?.number == cycles[0]["coulombic_efficiency"]?.number)
      #expect(
        summary["first_coulombic_efficiency_after_formation"]?.number == cycles[1]["coulombic_efficiency"]?.number
      )
      let efficiencies = cycles.compactMap { $0["coulombic_efficiency"]?.number }
      #expect(summary["coulombic_efficiency_product"]?.number == efficiencies.reduce(1, *))
      #expect(summary["mean_coulombic_efficiency_from_second"]?.number == efficiencies.dropFirst().reduce(0, +) / 6)
      #expect(summary["geometric_mean_coulombic_efficiency"] == .null, "a half cell has no life by its efficiency")
      #expect(summary["predicted_cycles_to_retention_threshold"] == .null)
      #expect(summary["reference_cycle"]?.number == 2 && summary["retention_cycle"]?.number == 7)
      #expect(summary["decay_cycles"]?.number == 5 && summary["retention_threshold"]?.number == 0.9999)
      #expect(summary["retention"]?.number == cycles[6]["retention"]?.number)
      #expect(summary["capacity_slope_ah_per_cycle"]?.number == cycles[6]["capacity_slope_Ah_per_cycle"]?.number)
      for column in [
        "complete_cycles", "mean_coulombic_efficiency_from_second", "coulombic_efficiency_product", "retention",
        "linear_decay_per_cycle", "geometric_decay_per_cycle", "cumulative_irreversible_capacity_ah",
        "capacity_slope_ah_per_cycle", "retention_threshold",
      ] {
        let stored = try rig.sqlite("SELECT printf('%!.17g', \(column)) FROM run_summary")
        #expect(Double(stored) == summary[column]?.number, "\(column): \(stored)")
      }
      #expect(try rig.sqlite("SELECT parameters FROM parameter_set").contains("\"retention_threshold\":0.9999"))
      // The same keys as those of a file, but for what only a file has.
      let file = rig.directory.appendingPathComponent("run.csv").path
      #expect(try rig.nactl("export", "last", "--format", "csv", "-o", file).status == 0)
      let analysis = try LaboratoryRig.run(
        "nactl", ["analyze", file, "--role", "anode-half-cell", "--format", "json"])
      let read = try JSONDecoder().decode(CycleRows.self, from: Data(analysis.output.utf8))
      let found = try #require(read.summary)
      #expect(Set(found.keys) == Set(summary.keys).union(["spurious_segments", "counter_mismatch"]))
      #expect(found["conditions_groups"]?.number == 2 && found["complete_cycles"]?.number == 7)
    }

    private func expectOtherFormats(_ cycles: [CycleRow], _ rig: LaboratoryRig) throws {
      let lines = try rig.nactl("cycles", "last", "--format", "csv").output.split(
        separator: "\n", omittingEmptySubsequences: false)
      let head = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      #expect(Self.keys.allSatisfy(head.contains))
      for (line, cycle) in zip(lines.dropFirst(), cycles) {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        for key in Self.keys where key != "complete" && key != "comparable" {
          let place = try #require(head.firstIndex(of: key))
          #expect(Double(fields[place]) == cycle[key]?.number, "\(key) in CSV")
        }
      }
      let table = try rig.nactl("cycles", "last").output
      for word in ["GROUP", "IN GROUP %", "MEAN CE", "CE AFTER", "RETENTION", "SLOPE", "LOST"] {
        #expect(table.contains(word), "\(word) is missing:\n\(table)")
      }
    }
  }
}

/// A cycle as JSON has it. Foundation's untyped numbers are off in the last digit; a `Double` that is asked for is not.
private typealias CycleRow = [String: CycleValue]

private enum CycleValue: Decodable, Equatable {
  case number(Double)
  case truth(Bool)
  case other
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let truth = try? container.decode(Bool.self) {
      self = .truth(truth)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self = .other
    }
  }

  /// The number, also of a truth as SQL has it.
  var number: Double? {
    switch self {
    case .number(let number): number
    case .truth(let truth): truth ? 1 : 0
    case .other, .null: nil
    }
  }

  var truth: Bool? { if case .truth(let truth) = self { truth } else { nil } }
}

private struct CycleRows: Decodable {
  var cycles: [CycleRow]
  var summary: CycleRow?
}

private struct TailedCycle: Decodable {
  var data: CycleRow
}
