// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// Every family through one daemon, against what really passed through the cells. Instruments whose readings a host stamps
  /// live in real time, so their cells are small ones.
  @Suite struct FamilyTests {
    /// A cell of which a cycle takes half a minute, and the protocol that cycles it.
    struct Case: Sendable, CustomStringConvertible {
      var instrument: String
      var family: String
      var cell: String
      var role: String
      var open: (String, String)
      var window: (String, String)
      var largest: String
      var steps: String
      /// By the instrument's resolution and the interval of its readings: half a reading's change at each bend and end.
      var tolerance: Double
      /// Otherwise one hold, whose current falls and which belongs to no half-cycle.
      var cycles = true
      var description: String { instrument }
    }

    static let keithley = Case(
      instrument: "keithley-2400", family: "keithley_scpi",
      cell: #"""
        {"like": "hard-carbon", "nominal_capacity_mAh": 0.0024, "active_mass_mg": 0.008, "resistance_ohm": 200,
          "positive_electrode": {"capacity_mAh": 0.0024, "potential_V": [[-0.02, 4.6], [0, 2.6], [0.05, 2.3],
            [0.3, 1.7], [0.6, 1.0], [0.9, 0.35], [1.0, 0.1], [1.1, -0.05], [2.0, -0.06]]},
          "diffusion_ohm": [300, 400], "diffusion_time_s": [0.5, 4]}
        """#,
      role: "anode-half-cell", open: ("0 V", "3.3 V"), window: ("-50 mV", "2.3 V"), largest: "1 mA",
      steps: #"""
        {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 5 min"]}, {"rest": "3 s"},
        {"charge": "360 uA", "to": "2.0 V", "hold_until": ["current <= 90 uA", "hold_time >= 30 s"],
          "until": ["step_time >= 5 min"]}, {"rest": "3 s"}
        """#,
      tolerance: 1e-3)

    static let batlab = Case(
      instrument: "batlab", family: "batlab",
      cell: #"""
        {"like": "nvpf", "nominal_capacity_mAh": 4, "active_mass_mg": 33, "resistance_ohm": 0.08,
          "positive_electrode": {"capacity_mAh": 4, "potential_V": [[-0.02, 5.0], [0, 4.4], [0.3, 3.9], [0.7, 3.2],
            [1.0, 2.4], [1.05, 1.9], [1.1, 1.5]]},
          "diffusion_ohm": [0.02, 0.05], "diffusion_time_s": [0.5, 4]}
        """#,
      role: "cathode-half-cell", open: ("1.9 V", "4.3 V"), window: ("1.9 V", "4.4 V"), largest: "1 A",
      steps: #"""
        {"charge": "0.5 A", "until": ["voltage >= 4.1 V", "step_time >= 5 min"]}, {"rest": "3 s"},
        {"discharge": "0.5 A", "until": ["voltage <= 2.7 V", "step_time >= 5 min"]}, {"rest": "3 s"}
        """#,
      tolerance: 5e-3)

    static let tester = Case(
      instrument: "ebc-a20", family: "zketech_ebc",
      cell: #"""
        {"like": "nvpf", "nominal_capacity_mAh": 6, "active_mass_mg": 50, "resistance_ohm": 0.1,
          "positive_electrode": {"capacity_mAh": 6, "potential_V": [[-0.02, 5.0], [0, 4.4], [0.3, 3.9], [0.7, 3.2],
            [1.0, 2.4], [1.05, 1.9], [1.1, 1.5]]},
          "diffusion_ohm": [0.2, 0.3], "diffusion_time_s": [2, 10]}
        """#,
      role: "cathode-half-cell", open: ("1.9 V", "4.3 V"), window: ("1.9 V", "4.4 V"), largest: "1 A",
      steps: #"""
        {"charge": "0.5 A", "to": "4.1 V", "hold_until": ["current <= 0.1 A", "hold_time >= 1 min"],
          "until": ["step_time >= 5 min"]}, {"rest": "3 s"},
        {"discharge": "0.5 A", "until": ["voltage <= 2.7 V", "step_time >= 5 min"]}, {"rest": "3 s"}
        """#,
      tolerance: 2e-2)

    /// It sets no currents: one hold, whose current falls.
    static let rodeostat = Case(
      instrument: "rodeostat", family: "rodeostat",
      cell: #"""
        {"like": "hard-carbon", "positive_electrode": {"potential_V": [[-0.02, 2.8], [0, 2.5], [1, 2.3], [2, 2.0]]}}
        """#,
      role: "anode-half-cell", open: ("0 V", "3.3 V"), window: ("-50 mV", "3 V"), largest: "1 mA",
      steps: #"{"hold": "2.49 V", "current_at_most": "1 mA", "until": ["step_time >= 20 s"], "diagnostic": true}"#,
      tolerance: 1e-2, cycles: false)

    static let all = [keithley, batlab, tester, rodeostat]

    private func protocolText(_ family: Case) -> String {
      let cycle = #"{"cycles": 1, "purpose": "life", "label": "life", "steps": ["# + family.steps + "]}"
      return """
        {
          "nacycler_protocol": 1, "title": "\(family.instrument)",
          "cell": {"role": "\(family.role)",
            "expect_open_circuit": {"from": "\(family.open.0)", "to": "\(family.open.1)"}},
          "limits": {
            "voltage": {"min": "\(family.window.0)", "max": "\(family.window.1)", "for": "2 s"},
            "charge_current": {"max": "\(family.largest)", "for": "1 s"},
            "discharge_current": {"max": "\(family.largest)", "for": "1 s"},
            "half_cycle_charge": {"max": "0.1 Ah"},
            "empty_half_cycle": {"below": "0.001 uAh", "in_a_row": 3}
          },
          "record": {"every": "2 s"},
          "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
          "steps": [\(family.cycles ? cycle : family.steps)]
        }
        """
    }

    private func folder(_ family: Case, _ rig: LaboratoryRig) -> String {
      rig.directory.appendingPathComponent(family.instrument).path
    }

    /// Instruments of four families at one daemon.
    private func laboratory() throws -> LaboratoryRig {
      let rig = try LaboratoryRig()
      for family in Self.all {
        let cell = rig.directory.appendingPathComponent("\(family.instrument).json")
        try family.cell.write(to: cell, atomically: true, encoding: .utf8)
        try rig.startBench(cell: cell.path, speed: "1", instrument: family.instrument, links: folder(family, rig))
      }
      try rig.startDaemon(ports: Self.all.map { "\($0.family):\(folder($0, rig))/*-[0-9]*" })
      try rig.waitForChannels(Self.all.count + 3)
      return rig
    }

    private func start(
      _ family: Case, _ rig: LaboratoryRig, protocolOf other: Case? = nil, accept: Bool = true
    ) throws -> CommandResult {
      let file = rig.directory.appendingPathComponent("\(UUID()).json")
      try protocolText(other ?? family).write(to: file, atomically: true, encoding: .utf8)
      let list = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]] ?? []
      let own = list.first { ($0["port"] as? String)?.hasPrefix(folder(family, rig) + "/") == true }
      let channel = try #require(own?["channel"] as? String)
      return try rig.nactl(
        ["start", file.path, "--channels", channel] + (accept ? ["--accept-no-hardware-limits"] : []))
    }

    @Test func theirCyclesAreTheCells() throws {
      let rig = try laboratory()
      let alone = try start(Self.keithley, rig, accept: false)
      #expect(alone.status != 0 && alone.errors.contains("stays on when this machine dies"), "\(alone.errors)")
      let currents = try start(Self.rodeostat, rig, protocolOf: Self.keithley)
      #expect(currents.status != 0 && currents.errors.contains("constant current"), "\(currents.errors)")
      for family in Self.all {
        let started = try start(family, rig)
        try #require(started.status == 0, "\(family): \(started.errors)")
      }
      for (index, family) in Self.all.enumerated() {
        let state = try rig.waitForRun("\(index + 1)", states: ["completed", "held", "ended"], seconds: 240)
        #expect(state == "completed", "\(family)")
        try expectAgreement(family, rig, run: index + 1)
      }
    }

    private func expectAgreement(_ family: Case, _ rig: LaboratoryRig, run: Int) throws {
      let comparison = try TruthComparison(rig, run: "\(run)", links: folder(family, rig))
      // A rest at a current of zero lets its offset flow: half-cycles of nothing.
      let real = comparison.truth.filter { $0.charge > 1e-4 }
      let kept = try family.cycles ? comparison.stored.map { ($0.charge, $0.direction) } : [chargeOfHold(run, rig)]
      try #require(kept.count == (family.cycles ? 2 : 1) && real.count == kept.count, "\(comparison)")
      #expect(comparison.stored.allSatisfy { !$0.isDamaged })
      for ((charge, direction), truth) in zip(kept, real) {
        #expect(direction == truth.direction)
        let difference = charge / truth.charge - 1
        print("\(family): \(charge) C, really \(truth.charge) C, \(difference * 1e6) ppm")
        #expect(abs(difference) <= family.tolerance, "\(family)")
      }
    }

    private func chargeOfHold(_ run: Int, _ rig: LaboratoryRig) throws -> (Double, Int) {
      let said = try rig.sqlite(
        """
        SELECT charge_nc FROM record JOIN step USING (step_id) WHERE kind = 'constant_voltage' AND run_id = \(run)
        ORDER BY step_record_index DESC LIMIT 1
        """)
      let charge = try #require(Double(said)) / 1e9
      return (abs(charge), charge < 0 ? -1 : 1)
    }
  }
}
