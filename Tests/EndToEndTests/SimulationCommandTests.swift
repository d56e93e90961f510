// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  @Suite("A protocol on a virtual cell before it is started") struct SimulationCommandTests {
    private let demo = LaboratoryRig.repository.appendingPathComponent("Protocols/demo-hard-carbon.json").path

    @Test func checkShowsWhatWouldCome() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let shown = try rig.nactl("check", demo, "--simulate", "hard-carbon")
      #expect(shown.status == 0, "\(shown.errors)")
      #expect(shown.output.contains("SIMULATED with hard-carbon on emstat4-hr: completed after"))
      #expect(shown.output.contains("ICE  85.56 %"), "\(shown.output)")
      #expect(shown.output.contains("⣿") && shown.output.contains(" V ┤"))

      let json = try rig.nactl("check", demo, "--simulate", "hard-carbon", "--simulate-cycles", "1", "--format", "json")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [String: Any]])
      #expect(answer["check"]?["valid"] as? Bool == true)
      #expect((answer["simulation"]?["cycles"] as? [Any])?.count == 1)
      #expect(answer["simulation"]?["state"] as? String == "running")
      #expect(try rig.sqlite("SELECT count(*) FROM run") == "0", "nothing is started")
    }

    /// A protocol that leaves mass and capacity to the cell needs nobody to invent them for a simulation.
    @Test func whatTheProtocolLacksIsThePresets() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let file = LaboratoryRig.repository.appendingPathComponent("Protocols/al-nvpf-anode-free.json").path
      let alone = try rig.nactl("check", file)
      #expect(alone.status == 4 && alone.errors.contains("active_mass"))
      let simulated = try rig.nactl("check", file, "--simulate", "anode-free-nvpf", "--simulate-cycles", "1")
      #expect(simulated.status == 0, "\(simulated.errors)")
      #expect(simulated.errors.contains("taken from the preset anode-free-nvpf"))
      #expect(simulated.output.contains("SIMULATED with anode-free-nvpf on emstat4-hr: running after"))
      // Values that somebody says go before.
      let said = try rig.nactl(
        "check", file, "--simulate", "anode-free-nvpf", "--simulate-cycles", "1", "--mass", "1 mg",
        "--nominal-capacity",
        "0.1 mAh")
      #expect(said.status == 0 && !said.errors.contains("taken from the preset"), "\(said.errors)")
    }

    /// What is shown is what the daemon would do: the real run of the same protocol on the same virtual cell.
    @Test func theRealRunIsTheSame() throws {
      let rig = try LaboratoryRig()
      // Exactly the preset, as in a rehearsal.
      try rig.startBench(cell: "hard-carbon", seed: nil)
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let json = try rig.nactl("check", demo, "--simulate", "hard-carbon", "--format", "json")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [String: Any]])
      let simulated = try #require(answer["simulation"]?["cycles"] as? [[String: Any]])
      #expect(try rig.nactl("start", demo, "--follow").status == 0)
      let real = try rig.sqlite(
        "SELECT charge_capacity_ah || '|' || discharge_capacity_ah FROM cycle ORDER BY cycle_number"
      ).split(separator: "\n").map { $0.split(separator: "|").compactMap { Double($0) } }
      #expect(real.count == simulated.count && !real.isEmpty)
      for (cycle, values) in zip(simulated, real) {
        let charge = try #require(cycle["charge_capacity_Ah"] as? Double)
        let discharge = try #require(cycle["discharge_capacity_Ah"] as? Double)
        // Rests differ by what commands take on the way, and with them the cell's relaxation.
        #expect(abs(charge / values[0] - 1) < 1e-3 && abs(discharge / values[1] - 1) < 1e-3, "\(cycle) \(values)")
      }
    }

    @Test func whatCannotBeSimulatedIsSaid() throws {
      let rig = try LaboratoryRig()
      try rig.startDaemon()
      let unknown = try rig.nactl("check", demo, "--simulate", "hard-coal")
      #expect(unknown.status == 2 && unknown.errors.contains("there are: "), "\(unknown.errors)")
      let two = try rig.nactl("check", demo, demo, "--simulate", "hard-carbon")
      #expect(two.status == 64 && two.errors.contains("one protocol at a time"), "\(two.errors)")
      // A bare collector under a protocol for hard carbon.
      let unfitting = try rig.nactl("check", demo, "--simulate", "anode-free-nvpf")
      #expect(
        unfitting.status == 4 && unfitting.errors.contains("is for the role anode-half-cell"), "\(unfitting.errors)")
      #expect(unfitting.errors.contains("of that role: hard-carbon"), "\(unfitting.errors)")
      let alone = try rig.nactl("check", demo, "--simulate-cycles", "2")
      #expect(alone.status == 64 && alone.errors.contains("needs --simulate"), "\(alone.errors)")
      // More current than the small instrument has.
      let large = LaboratoryRig.repository.appendingPathComponent("Protocols/literature/s-14a.json").path
      let small = try rig.nactl("check", large, "--simulate", "anode-free-cylindrical", "--simulate-cycles", "1")
      #expect(small.status == 4 && small.errors.contains("more than the instrument can do"), "\(small.errors)")
      #expect(small.errors.contains("the nexus has more current"), "\(small.errors)")
    }
  }
}
