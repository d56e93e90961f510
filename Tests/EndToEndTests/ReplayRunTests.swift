// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// The data sets beside the repository.
private enum ReferenceData {
  static let folder = LaboratoryRig.repository.resolvingSymlinksInPath().deletingLastPathComponent()
    .appendingPathComponent("shared/data")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)
}

/// Recorded data sets through the daemon as if they were measured now, against what another program computed from the files.
@Suite(.enabled(if: ReferenceData.isThere, "the reference data are not beside the repository"))
struct ReplayRunTests {
  struct Case: Sendable, CustomStringConvertible {
    var name: String
    var protocolText: String
    var cycles: Int
    var description: String { name }
  }

  /// The README's example, of a simulated hard-carbon half cell.
  static let hardCarbon: Case = {
    let file = LaboratoryRig.repository.appendingPathComponent("Drivers/Replay/README.md")
    let parts = ((try? String(contentsOf: file, encoding: .utf8)) ?? "").components(separatedBy: "```")
    let text = parts.first { $0.hasPrefix("json\n") }.map { String($0.dropFirst(5)) } ?? "the README has no example"
    return Case(name: "pybamm_half_hc_c10", protocolText: text, cycles: 3)
  }()

  /// A sodium cathode's six cycles from a real instrument: 46,102 readings.
  static let cathode = Case(
    name: "na_nacoo2_c24",
    protocolText: """
      {
        "nacycler_protocol": 1, "title": "recorded",
        "cell": {"role": "cathode-half-cell", "expect_open_circuit": {"from": "1.9 V", "to": "3.9 V"}},
        "limits": {
          "voltage": {"min": "1.9 V", "max": "3.9 V", "for": "2 s"},
          "charge_current": {"max": "0.2 mA", "for": "1 s"}, "discharge_current": {"max": "0.2 mA", "for": "1 s"},
          "half_cycle_charge": {"max": "2 mAh"}, "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
        },
        "record": {"every": "60 s", "on_voltage_change": "2 mV"},
        "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
        "steps": [
          {"rest": "3601 s"},
          {"discharge": "88.796 uA", "until": ["voltage <= 1.998 V", "step_time >= 30 h"]},
          {"cycles": 6, "purpose": "life", "label": "recorded", "steps": [
            {"charge": "88.796 uA", "until": ["voltage >= 3.802 V", "step_time >= 30 h"]},
            {"discharge": "88.796 uA", "until": ["voltage <= 1.998 V", "step_time >= 30 h"]}
          ]}
        ]
      }
      """, cycles: 6)

  private struct Reference: Decodable {
    struct Half: Decodable {
      var sign: Int
      var q_ah: Double
    }
    struct Cycle: Decodable { var ce: Double }
    var half_cycles: [Half]
    var cycles: [Cycle]
  }

  @Test(arguments: [hardCarbon, cathode]) func theCycleTableIsTheFiles(recorded: Case) throws {
    let rig = try LaboratoryRig()
    let folder = ReferenceData.folder.appendingPathComponent(recorded.name)
    try rig.startBench(
      cell: nil, seed: nil, instrument: "replay",
      extra: ["--recording", folder.appendingPathComponent("data.csv").path])
    try rig.startDaemon(ports: ["replay:\(rig.links)/*-[0-9]*"])
    try rig.waitForChannels(1)
    let file = rig.directory.appendingPathComponent("recorded.json")
    try recorded.protocolText.write(to: file, atomically: true, encoding: .utf8)
    let started = try rig.nactl("start", file.path, "--channels", "ch1", "--accept-no-hardware-limits")
    try #require(started.status == 0, "\(started)")
    #expect(try rig.waitForRun("1", states: ["completed", "held", "ended"], seconds: 120) == "completed")

    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: folder.appendingPathComponent("reference.json")))
    let kept = try TruthComparison(rig)
    try #require(kept.stored.map(\.direction) == reference.half_cycles.map(\.sign), "\(kept)")
    for (half, expected) in zip(kept.stored, reference.half_cycles) {
      #expect(!half.isDamaged && abs(half.charge / 3_600 / expected.q_ah - 1) < 1e-8, "\(half) \(expected)")
    }
    kept.expectAgreement(tolerance: 1e-8)
    let table = try rig.nactl("cycles", "1", "--format", "json").json()
    let efficiencies = (table["cycles"] as? [[String: Any]] ?? []).compactMap { $0["coulombic_efficiency"] as? Double }
    try #require(efficiencies.count == recorded.cycles, "\(table)")
    for (found, cycle) in zip(efficiencies, reference.cycles) { #expect(abs(found - cycle.ce) < 1e-8) }
  }
}
