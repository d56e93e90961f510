// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import FoundationEssentials
import Testing

@testable import VirtualLab

@Suite("Preset files")
struct CellPresetTests {
  /// A preset that is right, in which one piece of text can be replaced.
  private static func json(replacing old: String = "", with new: String = "") -> Data {
    let text = """
      {"title": "t", "notes": "n", "role": "anode-half-cell", "active_mass_mg": 1, "area_cm2": 1,
       "nominal_capacity_mAh": 1,
       "positive_electrode": {"capacity_mAh": 1, "sodium_when_made": 0, "potential_V": [[0, 2.5], [1, 0]]},
       "side_reactions": {"electrode": "positive", "while": "discharging", "lasting_fraction": 0.001,
         "early_fraction": [0.1, 0.01], "early_reach_mAh": [0.1, 1]},
       "resistance_ohm": 10, "diffusion_ohm": [1, 2], "diffusion_time_s": [1, 20], "hysteresis_V": 0,
       "hysteresis_reach_mAh": 0.01,
       "cell_to_cell": {"capacity_percent": 1, "resistance_percent": 1, "side_reactions_percent": 1}}
      """
    return Data((old.isEmpty ? text : text.replacing(old, with: new)).utf8)
  }

  @Test("A preset without a second electrode is a half cell against sodium")
  func right() throws {
    let cell = try CellPreset(json: Self.json()).makeCell()
    #expect(cell.voltage(under: .open) == 2.5)
    #expect(cell.current(under: .voltage(2.6, currentLimit: 1)).isApproximately(0.01))
  }

  @Test(
    "What is wrong is named with its place",
    arguments: [
      ("\"resistance_ohm\": 10", "\"resistance_ohm\": 0", "resistance_ohm"),
      ("\"resistance_ohm\": 10", "\"resistance_mohm\": 10", "resistance_mohm"),
      ("\"resistance_ohm\": 10,", "", "resistance_ohm"),
      ("\"area_cm2\": 1", "\"area_cm2\": \"1\"", "area_cm2"),
      ("\"area_cm2\": 1", "\"area_cm2\": -1", "area_cm2"),
      ("[[0, 2.5], [1, 0]]", "[[0, 2.5]]", "positive_electrode.potential_V"),
      ("[[0, 2.5], [1, 0]]", "[[0, 0], [1, 2.5]]", "positive_electrode.potential_V[1]"),
      ("[[0, 2.5], [1, 0]]", "[[1, 2.5], [1, 0]]", "positive_electrode.potential_V[1]"),
      ("\"capacity_mAh\": 1,", "\"capacity_mAh\": 0,", "positive_electrode.capacity_mAh"),
      ("\"capacity_mAh\": 1,", "\"capacity_mAh\": 1, \"mass\": 1,", "positive_electrode.mass"),
      ("[0.1, 0.01]", "[0.1]", "side_reactions.early_fraction"),
      ("[0.1, 0.01]", "[0.9, 0.1]", "side_reactions"),
      ("[0.1, 1]", "[0, 1]", "side_reactions.early_reach_mAh"),
      ("\"electrode\": \"positive\"", "\"electrode\": \"negative\"", "side_reactions.electrode"),
      ("\"while\": \"discharging\"", "\"while\": \"resting\"", "side_reactions.while"),
      ("[1, 20]", "[1, 0]", "diffusion_time_s"),
      ("\"hysteresis_V\": 0", "\"hysteresis_V\": -1", "hysteresis_V"),
      ("\"capacity_percent\": 1", "\"capacity_percent\": -1", "cell_to_cell.capacity_percent"),
    ])
  func wrong(old: String, new: String, place: String) {
    let error = #expect(throws: CellPresetError.self) { try CellPreset(json: Self.json(replacing: old, with: new)) }
    #expect(error?.place == place, "\(error?.description ?? "no error")")
  }

  @Test("Text that is not JSON is refused")
  func notJSON() {
    #expect(throws: CellPresetError.self) { try CellPreset(json: Data("{".utf8)) }
  }

  @Test("Curves go through their knots, never turn, and go on beyond their ends")
  func curves() {
    let knots = [(0.0, -1.0), (0.1, 0.0), (0.5, 0.01), (0.9, 0.02), (1.0, 3.0)].map {
      PotentialCurve.Knot(charge: $0.0, volts: $0.1)
    }
    let curve = PotentialCurve(knots: knots, intervals: 1000)
    for knot in knots { #expect(abs(curve.volts(at: knot.charge) - knot.volts) < 1e-9) }
    var last = -Double.infinity
    for index in -2000...12_000 {
      let volts = curve.volts(at: Double(index) / 10_000)
      #expect(volts >= last)
      #expect(curve.slope(at: Double(index) / 10_000) >= 0)
      last = volts
    }
    #expect(curve.volts(at: -100) < -900 && curve.volts(at: -100).isFinite)
    #expect(curve.volts(at: 100) > 1000 && curve.volts(at: 100).isFinite)
  }
}

extension Double {
  fileprivate func isApproximately(_ other: Double) -> Bool { abs(self - other) <= 1e-12 }
}
