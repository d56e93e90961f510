// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// An instrument on a resistor of 1 kΩ, which virtual cells can be: no charge moves its voltage. It waits most of the time, so
/// that it runs beside other programs.
@Suite struct SelftestCommandTests {
  private static let resistor = #"""
    {"like": "hard-carbon", "nominal_capacity_mAh": 1000, "side_reactions": {"lasting_fraction": 0},
      "positive_electrode": {"capacity_mAh": 1000, "sodium_when_made": 0.5,
        "potential_V": [[-0.02, 0.000002], [0, 0.000001], [1, -0.000001], [2, -0.000002]]},
      "resistance_ohm": 1000, "diffusion_ohm": [0, 0], "diffusion_time_s": [1, 2], "hysteresis_V": 0}
    """#

  private func rig() throws -> LaboratoryRig {
    let rig = try LaboratoryRig()
    let cell = rig.directory.appendingPathComponent("resistor.json")
    try Self.resistor.write(to: cell, atomically: true, encoding: .utf8)
    // Real converters have offsets; a voltage of exactly nothing is taken for shorted leads.
    try rig.startBench(cell: cell.path, speed: "10", seed: nil, extra: ["--converters", "real"])
    try rig.startDaemon(extra: ["--lease", "300"])
    try rig.waitForChannels(1)
    return rig
  }

  @Test func aResistorIsMeasuredAndAnotherIsFoundOut() throws {
    let rig = try rig()
    let good = try rig.nactl("selftest", "ch1", "--resistor", "1000", "--format", "json")
    let report = try good.json()
    #expect(good.status == 0 && report["run_state"] as? String == "completed", "\(good)")
    let steps = try #require(report["steps"] as? [[String: Any]])
    #expect(steps.map { $0["step"] as? String ?? "" } == ["rest", "charge", "discharge", "hold"])
    for step in steps {
      #expect((step["failures"] as? [String])?.isEmpty == true && (step["readings"] as? Int ?? 0) >= 3, "\(step)")
      guard step["step"] as? String != "rest" else { continue }
      let resistance = try #require(step["resistance_ohm"] as? Double)
      #expect(abs(resistance / 1_000 - 1) < 0.01, "\(step)")
    }
    #expect(report["damaged_messages"] as? Int == 0 && report["losses"] as? Int == 0)
    let wrong = try rig.nactl("selftest", "ch1", "--resistor", "1200")
    #expect(wrong.status == 1 && wrong.output.contains("failed\n"), "\(wrong)")
    // The current that makes 0.5 V on 1.2 kΩ makes 0.417 V on 1 kΩ.
    #expect(wrong.output.contains("voltage 417.") && wrong.output.contains("instead of 500.0 mV"), "\(wrong.output)")
  }

  @Test func whatCannotBeTriedIsRefused() throws {
    let rig = try rig()
    let nowhere = try rig.nactl("selftest", "ch9", "--resistor", "1000")
    #expect(nowhere.status == 64 && nowhere.errors.contains("channels are: ch1"), "\(nowhere)")
    let tooMuch = try rig.nactl("selftest", "ch1", "--resistor", "1000", "--current", "1")
    #expect(tooMuch.status == 64 && tooMuch.errors.contains("largest current is 0.2 A"), "\(tooMuch)")
    let tooHigh = try rig.nactl("selftest", "ch1", "--resistor", "1000000", "--current", "0.1")
    #expect(tooHigh.status == 64 && tooHigh.errors.contains("works from -6.0 V to 6.0 V"), "\(tooHigh)")
    #expect(try rig.nactl("selftest", "ch1", "--resistor", "-1").status == 64)
    #expect(try rig.nactl("runs", "--format", "json").json()["runs"] as? [String] == [])
  }
}
