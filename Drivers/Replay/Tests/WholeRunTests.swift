// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Recordings through the daemon's own run, with protocols as a person would write them, against what another program
// computed from the same files.

import CyclerModel
import Foundation
import Quantities
import ReplayEmulator
import Testing

@testable import ReplayDriver

private struct Reference: Decodable {
  struct Plateau: Decodable { var level_ah: Double }
  struct Half: Decodable {
    var sign: Int8
    var q_ah: Double
    var plateau: Plateau?
  }
  struct Cycle: Decodable { var ce: Double }
  var half_cycles: [Half]
  var cycles: [Cycle]

  init(_ name: String) throws {
    let file = DataFile.folder.appending(path: "\(name)/reference.json")
    self = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
  }
}

@Suite(.enabled(if: DataFile.areThere, "the reference data are not beside the repository"))
struct WholeRunTests {
  /// The protocol that the README prints.
  private static func documentedProtocol() throws -> String {
    let file = DataFile.repository.appending(path: "Drivers/Replay/README.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let from = try #require(text.range(of: "```json\n")).upperBound
    return String(text[from..<(try #require(text[from...].range(of: "```"))).lowerBound])
  }

  private func compare(_ desk: RunDesk, _ reference: Reference, plateau: Bool = false) throws {
    let halves = desk.halfCycles.keys.sorted().compactMap { desk.halfCycles[$0] }
    try #require(halves.map(\.direction.rawValue) == reference.half_cycles.map(\.sign))
    for (half, expected) in zip(halves, reference.half_cycles) {
      // Currents are rounded to the picoampere and charges to the nanocoulomb; the reference has ten digits.
      let error = abs(half.charge.ampereHours / expected.q_ah - 1)
      #expect(error < 1e-8, "half-cycle \(half.number): \(error)")
      #expect(half.flags.isDisjoint(with: [.gap, .chargeUnknown, .truncated]), "\(half.flags)")
      guard plateau, half.direction == .discharge else { continue }
      let part = try #require(half.plateauCharge)
      #expect(abs(part.ampereHours / (try #require(expected.plateau)).level_ah - 1) < 1e-6, "half-cycle \(half.number)")
    }
  }

  /// In real time its readings lie a minute apart, so that the pilot hears for a minute that the player is there and
  /// no more.
  @Test(arguments: [Laboratory.Pace.greatest, .real]) func aHardCarbonHalfCell(pace: Laboratory.Pace) throws {
    let name = "pybamm_half_hc_c10"
    var desk = try RunDesk(try DataFile(name: name).recording(), pace: pace)
    #expect(desk.run(try RunDesk.program(try Self.documentedProtocol())) == .completed, "\(desk.warnings)")
    #expect(desk.linkFault == nil && desk.warnings.isEmpty, "\(desk.warnings)")
    let reference = try Reference(name)
    try compare(desk, reference, plateau: true)
    let efficiencies = desk.cycles.compactMap(\.coulombicEfficiency)
    try #require(efficiencies.count == 3)
    for (found, cycle) in zip(efficiencies, reference.cycles) { #expect(abs(found - cycle.ce) < 1e-8) }
    // A check, and each stretch one step.
    #expect(desk.steps.count == 13 && desk.laboratory.player.rowsPlayed == 1_817)
  }

  /// Current and hold are steps of their own in the file and one in the protocol; the first hold ended by its current
  /// and the others by their time.
  @Test func aLithiumIonCellWithHolds() throws {
    let name = "li_aurora_cccv_partialstart"
    var desk = try RunDesk(try DataFile(name: name).recording(), pace: .greatest)
    let program = try RunDesk.program(
      Self.text(
        role: "full-cell", voltage: ("2.6 V", "4.3 V"), open: ("3 V", "4.3 V"), current: "30 mA", charge: "60 mAh",
        steps: """
          {"cycles": 5, "purpose": "life", "label": "recorded", "steps": [
            {"charge": "22.5 mA", "to": "4.2 V", "hold_until": ["current <= 2.24 mA", "hold_time >= 1800.5 s"],
             "until": ["step_time >= 4 h"]},
            {"discharge": "22.5 mA", "until": ["voltage <= 2.745 V", "step_time >= 4 h"]}
          ]}
          """))
    #expect(desk.run(program) == .completed, "\(desk.warnings)")
    try compare(desk, try Reference(name))
    let reference = try Reference(name)
    for (cycle, expected) in zip(desk.cycles, reference.cycles) {
      let efficiency = try #require(cycle.coulombicEfficiency)
      #expect(abs(efficiency - expected.ce) < 1e-7)
    }
    #expect(desk.cycles.count == 5)
    #expect(desk.halfCycles.values.filter { $0.direction == .charge }.allSatisfy { $0.constantVoltageCharge > .zero })
  }

  /// A rest, a discharge that belongs to no cycle, and six cycles from a sodium half cell's instrument.
  @Test func aSodiumCathode() throws {
    let name = "na_nacoo2_c24"
    var desk = try RunDesk(try DataFile(name: name).recording(), pace: .greatest)
    let program = try RunDesk.program(
      Self.text(
        role: "cathode-half-cell", voltage: ("1.9 V", "3.9 V"), open: ("1.9 V", "3.9 V"), current: "0.2 mA",
        charge: "2 mAh",
        steps: """
          {"rest": "3601 s"},
          {"discharge": "88.796 uA", "until": ["voltage <= 1.998 V", "step_time >= 30 h"]},
          {"cycles": 6, "purpose": "life", "label": "recorded", "steps": [
            {"charge": "88.796 uA", "until": ["voltage >= 3.802 V", "step_time >= 30 h"]},
            {"discharge": "88.796 uA", "until": ["voltage <= 1.998 V", "step_time >= 30 h"]}
          ]}
          """))
    #expect(desk.run(program) == .completed, "\(desk.warnings)")
    try compare(desk, try Reference(name))
    #expect(desk.cycles.count == 6 && desk.laboratory.player.rowsPlayed == 46_102)
    print("records kept of 46,102 readings: \(desk.records)")
  }

  /// A protocol that is not the recorded one is held, and the person is told what the recording does.
  @Test func anotherProtocolIsHeld() throws {
    var desk = try RunDesk(try DataFile(name: "pybamm_half_hc_c10").recording(), pace: .greatest)
    let program = try RunDesk.program(
      Self.text(
        role: "anode-half-cell", voltage: ("-50 mV", "1.4 V"), open: ("0 V", "3.3 V"), current: "1 mA", charge: "3 mAh",
        steps: "{\"rest\": \"1 h\"}"))
    #expect(desk.run(program) == .held)
    let words = "the recording goes on with stretch 1 of 12 (line 2): discharge at 300 uA on average for 19469.9 s"
    #expect(desk.warnings.contains { $0.hasPrefix("instrument.refused") && $0.contains(words) }, "\(desk.warnings)")
  }

  private static func text(
    role: String, voltage: (String, String), open: (String, String), current: String, charge: String, steps: String
  ) -> String {
    """
    {
      "nacycler_protocol": 1, "title": "a recording",
      "cell": {"role": "\(role)", "expect_open_circuit": {"from": "\(open.0)", "to": "\(open.1)"}},
      "limits": {
        "voltage": {"min": "\(voltage.0)", "max": "\(voltage.1)", "for": "2 s"},
        "charge_current": {"max": "\(current)", "for": "1 s"},
        "discharge_current": {"max": "\(current)", "for": "1 s"},
        "half_cycle_charge": {"max": "\(charge)"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
      },
      "record": {"every": "60 s", "on_voltage_change": "5 mV"},
      "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
      "steps": [\(steps)]
    }
    """
  }
}
