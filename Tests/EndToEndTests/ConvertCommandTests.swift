// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  @Suite("Protocols of other programs") struct ConvertCommandTests {
    private static let unicycler = """
      {"unicycler": {"version": "0.4.6"}, "sample": {"name": "na_007", "capacity_mAh": 0.36},
       "record": {"time_s": 30, "voltage_V": 0.002},
       "safety": {"max_voltage_V": 2.3, "min_voltage_V": -0.05, "max_current_mA": 1, "min_current_mA": -1, "delay_s": 2},
       "method": [
         {"step": "open_circuit_voltage", "until_time_s": 60},
         {"step": "tag", "tag": "formation"},
         {"step": "constant_current", "rate_C": "D/10", "until_voltage_V": 0.01},
         {"step": "constant_current", "rate_C": "C/10", "until_voltage_V": 2.0},
         {"step": "loop", "loop_to": "formation", "cycle_count": 2}
       ]}
      """

    private func nactl(_ arguments: String...) throws -> CommandResult { try LaboratoryRig.run("nactl", arguments) }

    private func write(_ text: String, as name: String, in rig: LaboratoryRig) throws -> String {
      let file = rig.directory.appendingPathComponent(name)
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    /// A file of aurora-unicycler is started as it is; what is stored says what was run.
    @Test func aUnicyclerFileIsStartedAsItIs() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try write(Self.unicycler, as: "unicycler.json", in: rig)
      let nobody = try rig.nactl("start", file)
      #expect(nobody.status == 4 && nobody.errors.contains("does not say what the cell is"), "\(nobody.errors)")
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0")
      let check = try rig.nactl(
        "check", file, "--role", "anode-half-cell", "--simulate", "hard-carbon", "--simulate-cycles", "1")
      #expect(check.status == 0 && check.output.contains("2 cycles"), "\(check.errors) \(check.output)")
      #expect(check.output.contains("SIMULATED with hard-carbon"))
      let start = try rig.nactl("start", file, "--role", "anode-half-cell", "--follow")
      #expect(start.status == 0, "\(start.errors)")
      #expect(start.errors.contains("Converted from aurora-unicycler 0.4.6."))
      #expect(try rig.sqlite("SELECT count(*) FROM cycle WHERE coulombic_efficiency > 0.5") == "2")
      #expect(try rig.sqlite("SELECT name FROM cell") == "na_007")
      let stored = try rig.sqlite("SELECT source FROM protocol")
      #expect(stored.contains("nacycler_protocol") && stored.contains("Converted from aurora-unicycler"), "\(stored)")
    }

    /// Out of one program and into the other, without a daemon.
    @Test func convertNeedsNoDaemon() throws {
      let rig = try LaboratoryRig()
      let file = try write(Self.unicycler, as: "unicycler.json", in: rig)
      let ours = rig.directory.appendingPathComponent("ours.json").path
      let made = try nactl("convert", file, "--role", "anode-half-cell", "-o", ours)
      #expect(made.status == 0 && made.output.isEmpty, "\(made.errors)")
      #expect(try nactl("convert", file, "--role", "anode-half-cell", "-o", ours).status == 2, "it exists")
      let python = try nactl("convert", ours, "--to", "pybamm")
      #expect(python.status == 0 && python.errors.contains("left out: the limits of the run"), "\(python.errors)")
      #expect(python.output.contains("Discharge at 0.036 mA until 0.01 V (30 seconds period)"), "\(python.output)")
      let again = try write(python.output, as: "again.py", in: rig)
      let back = try nactl(
        "convert", again, "--role", "anode-half-cell", "--voltage-limits", "-50 mV to 2.3 V", "--nominal-capacity",
        "0.36 mAh")
      #expect(back.status == 0 && back.output.contains(#""voltage <= 10 mV""#), "\(back.errors)")
      #expect(try nactl("convert", ours).status == 2, "ours already")
      let wrong = try write(#"["Charge at 4 W for 1 hour"]"#, as: "power.py", in: rig)
      let refused = try nactl("convert", wrong, "--role", "full-cell")
      #expect(refused.status == 4 && refused.errors.contains("nothing says what 4 W may draw"), "\(refused.errors)")
      let mine = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json").path
      let pointless = try nactl("convert", mine, "--to", "unicycler", "--role", "full-cell")
      #expect(pointless.status == 64, "\(pointless.errors)")
    }
  }
}
