// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Shares of measured capacities, from the shipped file to the records, with the daemon killed on the way.
  @Suite struct ShareCommandTests {
    private static let file =
      LaboratoryRig.repository.appendingPathComponent("Protocols/hard-carbon-pulses-by-charge.json").path

    /// Magnitudes of what steps drove, in parts of what they should have driven.
    private func ratios(_ rig: LaboratoryRig, _ value: String, where condition: String) throws -> [Double] {
      try rig.sqlite(
        """
        SELECT abs(\(value)) FROM step JOIN record USING (step_id), cycle AS shown
        WHERE shown.cycle_number = 3 AND step.cycle_number > 4 AND \(condition)
        """
      ).split(separator: "\n").compactMap { Double($0) }
    }

    @Test func ratesAndChargesFollowTheFormation() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", seed: 7)
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let start = try rig.nactl("start", Self.file)
      #expect(start.status == 0, "\(start.errors)")
      // What formation has shown is in the checkpoint.
      try rig.wait(for: "the first pulses", seconds: 120) {
        try rig.sqlite("SELECT count(*) > 0 FROM step WHERE cycle_number = 4") == "1"
      }
      rig.killDaemon()
      try rig.launchDaemon()
      // A cell whose voltage moved far while nobody listened asks for a person. Cycles behind the interrupted one are whole.
      try rig.wait(for: "the cycle that was interrupted", seconds: 120) {
        if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
        return try rig.sqlite("SELECT count(*) > 0 FROM step WHERE cycle_number = 5") == "1"
      }
      let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 300)
      let events = try rig.sqlite("SELECT code, detail FROM event WHERE severity > 0")
      #expect(state == "completed", "\(events)")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle") == "6")
      // The capacity in five hours; the pulses are twice as strong.
      let driven = try ratios(
        rig, "record.current_pa * 5e-12 / shown.charge_capacity_ah",
        where: "kind = 'constant_current' AND step_record_index = 1 AND current_pa <> 0")
      #expect(driven.count > 14, "\(driven)")
      for ratio in driven { #expect(abs(ratio - 1) < 1e-3 || abs(ratio - 2) < 2e-3, "\(driven)") }
      let quarters = try ratios(
        rig, "record.charge_nc * 4 / 3.6e12 / shown.charge_capacity_ah",
        where: """
          end_reason LIKE 'step_charge >= 25 % of%'
          AND step_record_index = (SELECT max(step_record_index) FROM record AS last WHERE last.step_id = step.step_id)
          """)
      // The host judges a charge, and at full speed some of the cell's seconds pass until it has opened the circuit.
      #expect(quarters.count == 6 && quarters.allSatisfy { (0.9999...1.06).contains($0) }, "\(quarters)")
      try TruthComparison(rig).expectAgreement()
    }

    @Test func whatIsWrongIsSaid() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let late = try rig.nactl("check", Self.file, "--set", "rate=C/5 of charge_capacity of formation cycle 4")
      #expect(
        late.status == 4 && late.errors.contains("formation cycle 4 is not over before this step"), "\(late.errors)")
      let right = try rig.nactl("check", Self.file)
      #expect(
        right.output.contains("discharge C/5 of charge_capacity of formation cycle 3 with at most"), "\(right.output)")
    }
  }
}
