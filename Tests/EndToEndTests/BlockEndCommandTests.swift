// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// A block that ends by what its cycles say, from the file to the table.
  @Suite struct BlockEndCommandTests {
    /// The demonstration's protocol with other passes and an `until`.
    private func file(_ rig: LaboratoryRig, until: String) throws -> String {
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json")
      var text = try String(contentsOf: source, encoding: .utf8)
      let passes = try #require(text.range(of: #""cycles": [0-9]+, "purpose": "life""#, options: .regularExpression))
      text.replaceSubrange(passes, with: #""cycles": 50, "until": \#(until), "purpose": "life""#)
      let file = rig.directory.appendingPathComponent("until.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    @Test func theRunEndsByItsCyclesAndSaysSo() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try file(rig, until: #"[{"when": "retention > 50 %", "for": "3 cycles", "go": "end"}]"#)
      let check = try rig.nactl("check", file)
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.contains("once retention > 50 % for 3 cycles, the protocol is over"))
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      let life = try rig.sqlite(
        "SELECT count(*), count(retention), min(abs(retention - 1)) < 0.1 FROM cycle WHERE purpose = 'life'")
      #expect(life == "3|3|1")
      #expect(
        try rig.sqlite("SELECT retention_percent FROM cycles_view WHERE purpose = 'life' ORDER BY cycle LIMIT 1")
          == "100.0")
      let events = try rig.nactl("tail", "last", "--events", "--no-follow")
      #expect(events.output.contains("retention > 50 % for 3 cycles"), "\(events.output)")
      let table = try rig.nactl("cycles", "last")
      #expect(table.output.contains("RETENTION %") && table.output.contains("100.000"), "\(table.output)")
      try TruthComparison(rig).expectAgreement()
    }

    /// Mean voltages, hysteresis and energy efficiency end a block, and are told with the cycles.
    @Test func energiesEndABlockToo() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let condition = "voltage_hysteresis > 1 mV and energy_efficiency < 100 % and mean_charge_voltage > 10 mV"
      let file = try file(
        rig, until: #"[{"when": "\#(condition) and mean_discharge_voltage < 2 V", "for": "2 cycles", "go": "end"}]"#)
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'") == "2")
      let answer = try rig.nactl("cycles", "last", "--format", "json").json()
      let cycles = try #require(answer["cycles"] as? [[String: Any]])
      for cycle in cycles {
        func number(_ key: String) throws -> Double { try #require(cycle[key] as? Double, "\(key)") }
        let charged = try number("charge_energy_Wh") / number("charge_capacity_Ah")
        let discharged = try number("discharge_energy_Wh") / number("discharge_capacity_Ah")
        let expected = [
          "mean_charge_voltage_V": charged, "mean_discharge_voltage_V": discharged,
          "voltage_hysteresis_V": charged - discharged,
          "energy_efficiency": try number("discharge_energy_Wh") / number("charge_energy_Wh"),
        ]
        // To the rounding of the numbers in between.
        for (key, value) in expected { #expect(try abs(number(key) - value) < 1e-12, "\(key)") }
      }
      let table = try rig.nactl("cycles", "last", "--format", "csv").output
      #expect(table.contains("mean_charge_voltage_V") && table.contains("voltage_hysteresis_V"))
      let exported = try rig.nactl("export", "last", "--format", "json").output
      #expect(exported.contains("\"energy_efficiency\":"))
      // What no cycle of the block says ends nothing.
      let never = try self.file(rig, until: #"["voltage_hysteresis > 3 V"]"#)
      #expect(try rig.nactl("check", never).output.contains("once voltage_hysteresis > 3 V"))
    }

    @Test func aPersonIsWaitedForWithTheCircuitOpen() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try file(
        rig, until: #"["test_time >= 3000 d", {"when": "coulombic_efficiency > 50 %", "go": "hold"}]"#)
      let refused = try rig.nactl("check", file)
      #expect(refused.status != 0 && refused.errors.contains("too long"), "\(refused.errors)")
      let right = try self.file(rig, until: #"[{"when": "coulombic_efficiency > 50 %", "go": "hold"}]"#)
      #expect(try rig.nactl("start", right).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "held")
      let cycles = try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'")
      #expect(cycles == "1")
      #expect(try rig.sqlite("SELECT count(*) FROM latch") == "0")
      let alarms = try rig.sqlite("SELECT code FROM event WHERE severity = 2")
      #expect(alarms == "run.condition_holds")
      #expect(try rig.nactl("resume", "last").status == 0)
      try rig.wait(for: "the second life cycle", seconds: 60) {
        try rig.sqlite("SELECT count(*) FROM cycle WHERE purpose = 'life'") == "2"
          && rig.sqlite("SELECT state FROM run") == "held"
      }
      #expect(try rig.nactl("stop", "last").status == 0)
      #expect(try rig.waitForRun(states: ["stopped"], seconds: 30) == "stopped")
    }
  }
}
