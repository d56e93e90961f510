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
      /// Reached over the network and not by a serial line.
      var isRemote = false
      /// Within a family no two may have one serial number.
      var number = 1
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

    /// The same cell, by the 2450's own command set.
    static let interactive = Case(
      instrument: "keithley-2450", family: "keithley_scpi", cell: keithley.cell, role: keithley.role,
      open: keithley.open,
      window: keithley.window, largest: keithley.largest, steps: keithley.steps, tolerance: 2e-3, isRemote: true,
      number: 2)

    /// A conversion takes 91 ms, and the moments of two switchings, or of four with a hold, are known to one.
    static let tdstat = Case(
      instrument: "tdstatv3", family: "tdstat", cell: keithley.cell, role: keithley.role, open: keithley.open,
      window: keithley.window, largest: keithley.largest, steps: keithley.steps, tolerance: 2e-2)

    /// It judges limits itself; its second channel stays idle.
    static let program = Case(
      instrument: "keithley-2602b", family: "keithley_tsp", cell: keithley.cell, role: keithley.role,
      open: keithley.open,
      window: keithley.window, largest: keithley.largest, steps: keithley.steps, tolerance: 2e-3)

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

    static let all = [keithley, interactive, program, tdstat, batlab, tester, rodeostat]

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
        try rig.startBench(
          cell: cell.path, speed: "1", instrument: family.instrument, links: folder(family, rig),
          extra: ["--first", "\(family.number)"] + (family.isRemote ? ["--socket"] : []))
      }
      try rig.startDaemon(ports: Self.all.map { "\($0.family):\(try port($0, rig))" })
      try rig.waitForChannels(Self.all.count + 4)
      return rig
    }

    /// Its address, or the pattern of its lines.
    private func port(_ family: Case, _ rig: LaboratoryRig) throws -> String {
      guard family.isRemote else { return folder(family, rig) + "/*-[0-9]*" }
      return try String(contentsOfFile: folder(family, rig) + "/\(family.number).address", encoding: .utf8)
        .trimmingCharacters(in: .newlines)
    }

    /// Whether an instrument or a channel is one of that family's.
    private func isAt(_ entry: [String: Any], _ family: Case, _ rig: LaboratoryRig) throws -> Bool {
      guard let place = entry["port"] as? String else { return false }
      return try family.isRemote ? place == port(family, rig) : place.hasPrefix(folder(family, rig) + "/")
    }

    private func start(
      _ family: Case, _ rig: LaboratoryRig, protocolOf other: Case? = nil, accept: Bool = true
    ) throws -> CommandResult {
      let file = rig.directory.appendingPathComponent("\(UUID()).json")
      try protocolText(other ?? family).write(to: file, atomically: true, encoding: .utf8)
      let list = try rig.nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]] ?? []
      let own = try list.first { try isAt($0, family, rig) }
      let channel = try #require(own?["channel"] as? String)
      return try rig.nactl(
        ["start", file.path, "--channels", channel] + (accept ? ["--accept-no-hardware-limits"] : []))
    }

    @Test func theirCyclesAreTheCells() throws {
      let rig = try laboratory()
      try expectInstruments(rig)
      let alone = try start(Self.keithley, rig, accept: false)
      #expect(alone.status != 0 && alone.errors.contains("stays on when this machine dies"), "\(alone.errors)")
      let currents = try start(Self.rodeostat, rig, protocolOf: Self.keithley)
      #expect(currents.status != 0 && currents.errors.contains("constant current"), "\(currents.errors)")
      // A 2602 that was just switched on discharges its cell until the daemon has disconnected it.
      let before = try Self.all.map { try truth($0, rig).last?.charge ?? 0 }
      for family in Self.all {
        let started = try start(family, rig)
        try #require(started.status == 0, "\(family): \(started.errors)")
      }
      for (index, family) in Self.all.enumerated() {
        let state = try rig.waitForRun("\(index + 1)", states: ["completed", "held", "ended"], seconds: 240)
        #expect(state == "completed", "\(family)")
        try expectAgreement(family, rig, run: index + 1, before: before[index])
      }
      for own in try instruments(rig) {
        let link = try #require(own["link"] as? [String: Any])
        #expect(link["losses"] as? Int == 0 && link["damaged_messages"] as? Int == 0, "\(own)")
      }
    }

    private func instruments(_ rig: LaboratoryRig) throws -> [[String: Any]] {
      let answer = try rig.nactl("instruments", "--format", "json").json()
      return try #require(answer["instruments"] as? [[String: Any]])
    }

    /// Each is listed with what it can do and with a line that speaks.
    private func expectInstruments(_ rig: LaboratoryRig) throws {
      let list = try instruments(rig)
      #expect(list.count == Self.all.count)
      for family in Self.all {
        let own = try #require(
          try list.first { try isAt($0, family, rig) }, "\(family)")
        #expect(own["instrument_family"] as? String == family.family)
        #expect(own["state"] as? String == "ready" && own["driver_maturity"] as? String == "emulated_only")
        let link = try #require(own["link"] as? [String: Any])
        #expect((link["received_bytes"] as? Int ?? 0) > 0 && (link["sent_bytes"] as? Int ?? 0) > 0, "\(family)")
        #expect(link["losses"] as? Int == 0, "\(family)")
        let kinds = (own["abilities"] as? [String: Any])?["step_kinds"] as? [String]
        #expect(kinds?.contains("constant_current") == family.cycles, "\(family): \(kinds ?? [])")
      }
      let said = try rig.nactl("instruments", "--abilities").output
      #expect(said.contains("Batlab V1.0") && said.contains("stays on: if the processor that regulates"), "\(said)")
    }

    private func truth(_ family: Case, _ rig: LaboratoryRig) throws -> [(charge: Double, direction: Int)] {
      try comparison(family, rig, run: 1).truth.map { ($0.charge, $0.direction) }
    }

    private func comparison(_ family: Case, _ rig: LaboratoryRig, run: Int) throws -> TruthComparison {
      try TruthComparison(rig, run: "\(run)", instrument: "\(family.number)", links: folder(family, rig))
    }

    /// `before` is the charge that had flowed in the direction of the first half-cycle when the run was started.
    private func expectAgreement(_ family: Case, _ rig: LaboratoryRig, run: Int, before: Double) throws {
      let comparison = try comparison(family, rig, run: run)
      // A rest at a current of zero lets its offset flow: half-cycles of nothing.
      var real = comparison.truth.filter { $0.charge > 1e-4 }
      if !real.isEmpty { real[0].charge -= before }
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
