// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
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
  }
}
