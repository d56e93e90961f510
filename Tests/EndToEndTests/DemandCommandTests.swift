// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// Constant powers and resistances, from the file to the table.
  @Suite struct DemandCommandTests {
    private static let cell: TestProtocol.Cell = {
      var cell = TestProtocol.Cell.nvpf
      cell.first =
        #"{"charge": "1.2 mW", "current_at_most": "1 mA", "until": ["voltage >= 4.25 V", "step_time >= 30 h"]}"#
      cell.second =
        #"{"discharge": "10 kohm", "current_at_most": "1 mA", "until": ["voltage <= 2.0 V", "step_time >= 30 h"]}"#
      return cell
    }()

    @Test func cyclesOfPowerAndResistanceRunToTheirTable() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "nvpf")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(Self.cell, cycles: 2, to: rig.directory, every: "10 s")
      let check = try rig.nactl("check", file, "--simulate", "nvpf")
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.contains("charge 1.2 mW with at most 1 mA until voltage >= 4.25 V"), "\(check.output)")
      #expect(check.output.contains("discharge over 10 kohm with at most 1 mA until voltage <= 2.0 V"))
      #expect(check.output.contains("SIMULATED with nvpf on emstat4-hr: completed after"), "\(check.output)")
      let start = try rig.nactl("start", file)
      #expect(start.status == 0, "\(start.errors)")
      let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 300)
      let events = try rig.sqlite("SELECT code, detail FROM event")
      #expect(state == "completed", "\(events)")
      #expect(
        try rig.sqlite("SELECT DISTINCT kind FROM step WHERE kind LIKE 'constant%' ORDER BY kind")
          == "constant_power\nconstant_resistance")
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE coulombic_efficiency > 0.5") == "2")
      // Not interrupted: each step is one row.
      #expect(try rig.sqlite("SELECT count(*) FROM step WHERE kind LIKE 'constant%'") == "4", "\(events)")
      let power = try rig.sqlite(
        """
        SELECT max(abs(voltage_nv * 1e-9 * current_pa * 1e-12 / 1.2e-3 - 1)) < 2e-3 FROM record JOIN step USING (step_id)
        WHERE kind = 'constant_power' AND step_time_us > 60000000
        """)
      #expect(power == "1")
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement(tolerance: 5e-6)
      print("powers and resistances through the programs: \(comparison.worst * 1e6) ppm of the terminals")
      let exported = try rig.nactl("export", "last", "--format", "bdf").output
      #expect(exported.contains("CP_CHG") && exported.contains("CR_DCH"))
    }

    @Test func whatIsWrongIsSaid() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      var cell = Self.cell
      cell.first = #"{"charge": "1.2 mW", "until": ["voltage >= 4.25 V", "step_time >= 30 h"]}"#
      let missing = try rig.nactl("check", try TestProtocol.write(cell, cycles: 2, to: rig.directory))
      #expect(missing.status == 4 && missing.errors.contains("rises without end as the voltage falls"))
      #expect(missing.errors.contains(#"add "current_at_most": "1 mA""#), "\(missing.errors)")
    }
  }
}
