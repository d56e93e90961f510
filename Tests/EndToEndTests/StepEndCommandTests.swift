// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Steps that end by more than one comparison at one reading, from the file to the table.
  @Suite struct StepEndCommandTests {
    @Test func aStepEndsWhenItsConditionHasHeldLongEnough() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let source = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json")
      var text = try String(contentsOf: source, encoding: .utf8)
      text.replace(
        #""until": ["voltage <= 10 mV","#,
        with: #""until": [{"when": "voltage <= 60 mV and step_charge >= 10 uAh", "for": "5 min"}, "voltage <= 10 mV","#)
      let file = rig.directory.appendingPathComponent("lasting.json").path
      let segments =
        #"[{"every": "1 s", "until": "1 min"}, {"every": "10 s", "until": "5 min"}, {"every": "10 min"}]"#
      text.replace(#""step_time >= 24 h"]"#, with: #""step_time >= 24 h"], "record": \#(segments)"#)
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let check = try rig.nactl("check", file)
      #expect(check.output.contains("until voltage <= 60 mV and step_charge >= 10 uAh for 5 min or"), "\(check.errors)")
      #expect(try rig.nactl("start", file).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held"], seconds: 60) == "completed")
      let reasons = try rig.sqlite(
        "SELECT DISTINCT end_reason FROM step WHERE direction < 0 ORDER BY 1")
      #expect(reasons == "voltage <= 60 mV and step_charge >= 10 uAh for 5 min", "\(reasons)")
      // The step lasted five minutes beyond the voltage, and a reading at most.
      let lasted = try rig.sqlite(
        """
        SELECT max(step_time_us) - min(CASE WHEN voltage_nv <= 60000000 THEN step_time_us END)
        FROM record JOIN step USING(step_id) WHERE end_reason LIKE '%for 5 min' AND cycle_number > 2 GROUP BY step_id
        """
      ).split(separator: "\n").compactMap { Double($0) }.map { $0 / 1e6 }
      // Dense at the beginning of the formation's steps: sixty seconds, then every ten, then every ten minutes.
      let counts = try rig.sqlite(
        """
        SELECT sum(step_time_us < 59e6), sum(step_time_us BETWEEN 61e6 AND 299e6), sum(step_time_us BETWEEN 301e6 AND 3600e6)
        FROM record JOIN step USING(step_id) WHERE kind = 'constant_current' AND cycle_number <= 2 GROUP BY step_id
        """
      ).split(separator: "\n").map { $0.split(separator: "|").compactMap { Int($0) } }
      #expect(counts.count == 4)
      for count in counts {
        #expect((57...60).contains(count[0]) && (22...25).contains(count[1]) && (5...6).contains(count[2]), "\(counts)")
      }
      // The crossing lies up to 30 s before its record; at full speed seconds pass until the host has opened the circuit.
      #expect(lasted.count == 3 && lasted.allSatisfy { (268...320).contains($0) }, "\(lasted) s")
      try TruthComparison(rig).expectAgreement()
    }

    /// dQ/dV finds the plateau, the block ends by its cycle's number, and all values are calculated.
    @Test func aStepEndsWhereThePlateauBegins() throws {
      let rig = try LaboratoryRig()
      // As fast as possible the instrument would be far ahead of the daemon that judges it.
      try rig.startBench(cell: "hard-carbon", speed: "2000")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let plain = try TestProtocol.write(.hardCarbon, cycles: 9, to: rig.directory, every: "10 s")
      var text = try String(contentsOfFile: plain, encoding: .utf8)
      text.replace(
        #"{"discharge": "360 uA", "until": ["#, with: #"{"discharge": "$rate / 2", "until": ["dq_dv >= $steep","#)
      text.replace(#""label": "life","#, with: #""label": "life", "until": ["cycle_number >= $n - 1"],"#)
      text.replace(
        #""nacycler_protocol": 1,"#,
        with:
          #""nacycler_protocol": 1, "variables": {"half": "300 uA", "rate": "2 * $half + 120 uA", "n": 3, "steep": "3 mAh/V"},"#
      )
      let file = rig.directory.appendingPathComponent("plateau.json")
      try text.write(to: file, atomically: true, encoding: .utf8)
      let check = try rig.nactl("check", file.path)
      #expect(check.status == 0 && check.output.contains("discharge 360 uA until dq_dv >= 3 mAh/V or"), "\(check)")
      #expect(check.output.contains("once cycle_number >= 2, the block is over"), "\(check.output)")
      #expect(try rig.nactl("start", file.path).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 120) == "completed")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle") == "2")
      let ends = try rig.sqlite(
        """
        SELECT end_reason, min(voltage_nv) / 1e9 FROM step JOIN record USING (step_id) WHERE direction < 0
        GROUP BY step_id
        """
      ).split(separator: "\n").map { $0.split(separator: "|") }
      #expect(ends.count == 2)
      for end in ends {
        #expect(end[0] == "dq_dv >= 3 mAh/V")
        #expect((0.03...0.3).contains(try #require(Double(end[1]))), "\(ends)")
      }
      try TruthComparison(rig).expectAgreement()
    }

    /// The circuit is open and the channel latched as after any limit, but nobody has to end the run.
    @Test func aLimitMayEndItsRun() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let plain = try TestProtocol.write(.hardCarbon, cycles: 2, to: rig.directory, halfCycleCharge: "0.2 mAh")
      let text = try String(contentsOfFile: plain, encoding: .utf8)
        .replacing(
          #""half_cycle_charge": {"max": "0.2 mAh"}"#, with: #""half_cycle_charge": {"max": "0.2 mAh", "then": "end"}"#)
      try text.write(toFile: plain, atomically: true, encoding: .utf8)
      let check = try rig.nactl("check", plain)
      #expect(check.output.contains("a half-cycle moves at most 200 uAh, which ends the run"), "\(check)")
      #expect(try rig.nactl("start", plain).status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "ended")
      #expect(try rig.sqlite("SELECT state_reason FROM run") == "limit.half_cycle_charge")
      #expect(try rig.sqlite("SELECT fault FROM latch") == "limit.half_cycle_charge")
      let channels = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]]
      #expect(channels?.first?["circuit"] as? String == "open (confirmed)")
      #expect(try rig.nactl("start", plain).status != 0, "a latched channel starts nothing")
    }
  }
}
