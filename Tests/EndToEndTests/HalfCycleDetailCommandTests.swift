// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Phases, rests, resistances and stated errors, from the emulated instrument to `nactl` and the database.
  @Suite("More of one half-cycle") struct HalfCycleDetailCommandTests {
    /// The hard-carbon cell without what makes one cell differ from another: 40 ohm, and what diffusion adds to it.
    private static let cell = """
      {"like": "hard-carbon",
       "cell_to_cell": {"capacity_percent": 0, "resistance_percent": 0, "side_reactions_percent": 0}}
      """

    private static func write(to directory: URL) throws -> String {
      let text = """
        {
          "nacycler_protocol": 1, "title": "one cycle with a hold",
          "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
          "limits": {
            "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
            "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
            "half_cycle_charge": {"max": "2 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
          },
          "record": {"every": "60 s"},
          "metrics": {"desodiation_plateau_below": "200 mV", "plateau_ir_correction": "first"},
          "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
          "steps": [{"cycles": 1, "purpose": "formation", "label": "one", "steps": [
            {"discharge": "180 uA", "until": ["voltage <= 10 mV", "step_time >= 30 h"]}, {"rest": "20 min"},
            {"charge": "180 uA", "to": "2.0 V", "hold_until": ["current <= 36 uA", "hold_time >= 1 h"],
             "until": ["step_time >= 30 h"]}, {"rest": "1 min"}
          ]}]
        }
        """
      let file = directory.appendingPathComponent("protocol.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    @Test func aRunTellsMoreOfItsHalfCycles() throws {
      let rig = try LaboratoryRig()
      let preset = rig.directory.appendingPathComponent("exact.json")
      try Self.cell.write(to: preset, atomically: true, encoding: .utf8)
      try rig.startBench(cell: preset.path)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let start = try rig.nactl("start", try Self.write(to: rig.directory), "--follow")
      try #require(start.status == 0, "\(start.errors)")
      let json = try rig.nactl("cycles", "last", "--format", "json").json()
      let halves = try #require(json["half_cycles"] as? [[String: Any]])
      try #require(halves.count == 2)
      try expectDatabase(rig, agreesWith: halves)
      let charge = halves[1]
      func number(_ key: String) throws -> Double { try #require(charge[key] as? Double, "\(key) of \(charge)") }
      // 40 ohm, and of the two diffusion elements (30 ohm in 5 s, 80 ohm in 240 s) as much as the delay lets build up; the
      // open circuit of sodiated carbon moves by some 60 uV/s besides, and goes over to its other branch, 8 mV in 4 uAh.
      for (key, delay) in [("1_s", 1.0), ("10_s", 10), ("30_s", 30)] {
        let time = try number("resistance_\(key)_delay_s")
        #expect(time >= delay && time <= delay + 0.3, "\(key): \(time)")
        let expected =
          40 + 30 * (1 - exp(-time / 5)) + 80 * (1 - exp(-time / 240)) + 60e-6 * time / 180e-6
          + 8e-3 * (1 - exp(-180e-6 * time / 3_600 / 4e-6)) / 180e-6
        let told = try number("resistance_\(key)_ohm")
        #expect(abs(told - expected) < 0.1 * expected, "\(key): \(told) for \(expected)")
      }
      let rest = try number("rest_before_s")
      #expect(rest >= 1_200, "\(rest)")
      let (from, to) = (try number("rest_before_start_voltage_V"), try number("rest_before_end_voltage_V"))
      #expect(from < to && to < 0.1, "after sodiation the voltage rises: \(from) to \(to)")
      #expect(try number("rest_before_drift_V_h") > 0)
      let share = try number("constant_voltage_share")
      #expect(share > 0 && share < 0.2, "\(share)")
      #expect(try number("constant_voltage_time_s") > 0)
      let phases = try number("constant_current_charge_Ah") + number("constant_voltage_charge_Ah")
      let whole = try number("charge_Ah")
      #expect(abs(phases - whole) < 1e-15)
      try expectUncertainty(json)
      try expectPlateaus(json)
      try expectTables(rig)
    }

    /// What is shown is what is stored.
    private func expectDatabase(_ rig: LaboratoryRig, agreesWith halves: [[String: Any]]) throws {
      let columns: [(String, String, Double)] = [
        ("resistance_first_uohm", "resistance_first_ohm", 1e6), ("resistance_1_s_uohm", "resistance_1_s_ohm", 1e6),
        ("resistance_10_s_uohm", "resistance_10_s_ohm", 1e6), ("resistance_30_s_uohm", "resistance_30_s_ohm", 1e6),
        ("resistance_10_s_delay_us", "resistance_10_s_delay_s", 1e6), ("rest_before_us", "rest_before_s", 1e6),
        ("rest_before_end_voltage_nv", "rest_before_end_voltage_V", 1e9),
        ("constant_voltage_time_us", "constant_voltage_time_s", 1e6),
        ("constant_current_charge_nc", "constant_current_charge_Ah", 3.6e12),
        ("offset_uncertainty_nc", "offset_uncertainty_Ah", 3.6e12),
        ("gain_uncertainty_nc", "gain_uncertainty_Ah", 3.6e12), ("range_full_scale_pa", "range_full_scale_A", 1e12),
        ("plateau_ir_corrected_charge_nc", "plateau_ir_corrected_charge_Ah", 3.6e12),
      ]
      for (number, half) in halves.enumerated() {
        for (column, key, unit) in columns {
          let stored = try rig.sqlite("SELECT \(column) FROM half_cycle WHERE number = \(number + 1)")
          let shown = try #require(half[key] as? Double, "\(key) of half-cycle \(number + 1)")
          // To the last digit of what JSON is read with.
          let value = try #require(Double(stored)) / unit
          #expect(abs(value - shown) <= 4 * value.ulp, "\(key) of half-cycle \(number + 1)")
        }
      }
    }

    private func expectUncertainty(_ json: [String: Any]) throws {
      let cycle = try #require((json["cycles"] as? [[String: Any]])?.first)
      let halves = try #require(json["half_cycles"] as? [[String: Any]])
      func value(_ half: Int, _ key: String) throws -> Double { try #require(halves[half][key] as? Double) }
      // 180 uA are measured in the range of 1 mA: 2 uA of offset over the closed time, and 2000 ppm.
      let seconds = try value(0, "constant_current_time_s")
      let (offset, gain) = (try value(0, "offset_uncertainty_Ah"), try value(0, "gain_uncertainty_Ah"))
      let (moved, error) = (try value(0, "charge_Ah"), try value(0, "charge_uncertainty_Ah"))
      #expect(abs(offset * 3_600 - 2e-6 * seconds) < 2e-9)
      #expect(abs(gain - 2e-3 * moved) < 1e-12)
      let efficiency = try #require(cycle["coulombic_efficiency"] as? Double)
      let told = try #require(cycle["coulombic_efficiency_uncertainty"] as? Double)
      // In one range the gain goes out.
      let second = try value(1, "offset_uncertainty_Ah")
      let expected = (second + efficiency * offset) / moved
      #expect(abs(told / expected - 1) < 1e-9)
      #expect(cycle["discharge_capacity_uncertainty_Ah"] as? Double == error)
    }

    /// At 180 uA the drop is some 12 mV: less of sodiation lies below 100 mV once it is taken off.
    private func expectPlateaus(_ json: [String: Any]) throws {
      let cycle = try #require((json["cycles"] as? [[String: Any]])?.first)
      let plain = try #require(cycle["sodiation_plateau_ratio"] as? Double)
      let corrected = try #require(cycle["sodiation_plateau_ir_corrected_ratio"] as? Double)
      #expect(corrected < plain && corrected > 0.2, "\(corrected) of \(plain)")
      #expect(cycle["desodiation_plateau_ir_corrected_ratio"] is Double)
    }

    private func expectTables(_ rig: LaboratoryRig) throws {
      let text = try rig.nactl("cycles", "last", "--half-cycles").output
      #expect(text.contains("R 10 s ohm") && text.contains("CV %"), "\(text)")
      let csv = try rig.nactl("cycles", "last", "--half-cycles", "--format", "csv").output
      #expect(csv.contains("resistance_30_s_delay_s") && csv.split(separator: "\n").count == 3, "\(csv)")
      let cycles = try rig.nactl("cycles", "last").output
      #expect(cycles.contains("CE %  BOUND %") && !cycles.contains("±"), "\(cycles)")
      #expect(text.contains("BOUND mAh") && !text.contains("±"), "\(text)")
      let export = rig.directory.appendingPathComponent("run.json").path
      #expect(try rig.nactl("export", "last", "--format", "json", "-o", export).status == 0)
      let exported = try String(contentsOfFile: export, encoding: .utf8)
      #expect(exported.contains("\"resistance_10_s_ohm\"") && exported.contains("\"gain_uncertainty_Ah\""))
    }

    @Test func filesTakeTheErrorFromThePerson() throws {
      let rig = try LaboratoryRig()
      let file = rig.directory.appendingPathComponent("cell.csv")
      try """
      time_s,current_A,voltage_V,step_index,step_time_s
      0,0.001,2,1,0
      3600,0.001,4,1,3600
      3600,-0.001,3.9,2,0
      7020,-0.001,2,2,3420

      """.write(to: file, atomically: true, encoding: .utf8)
      func cycle(_ options: String...) throws -> [String: Any] {
        let result = try LaboratoryRig.run(
          "nactl", ["analyze", file.path, "--role", "full-cell", "--format", "json"] + options)
        try #require(result.status == 0, "\(result.errors)")
        let json = try result.json()
        return try #require((json["cycles"] as? [[String: Any]])?.first)
      }
      let plain = try cycle()
      #expect(plain["coulombic_efficiency_uncertainty"] is NSNull && plain["charge_capacity_uncertainty_ah"] is NSNull)
      // 1000 ppm of 1 mAh and 100 nA for an hour; for the efficiency 100 nA for 0.95 h and 0.95 times 1 h.
      let told = try cycle("--current-gain-ppm", "1000", "--current-offset", "100 nA")
      #expect(abs((told["charge_capacity_uncertainty_ah"] as? Double ?? 0) - 1.1e-6) < 1e-15)
      #expect(abs((told["coulombic_efficiency_uncertainty"] as? Double ?? 0) - 1.9e-4) < 1e-12)
      for (option, value) in [
        ("--current-offset", "-1 nA"), ("--current-offset", "1 V"), ("--current-gain-ppm", "-5"),
      ] {
        let wrong = try LaboratoryRig.run("nactl", ["analyze", file.path, "--role", "full-cell", "\(option)=\(value)"])
        #expect(wrong.status != 0 && !wrong.errors.isEmpty, "\(option) \(value)")
      }
    }
  }
}
