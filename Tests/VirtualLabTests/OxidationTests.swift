// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing
import VirtualLab

@Suite("Electrolyte that is oxidised at high potentials") struct OxidationTests {
  private static func preset(_ oxidation: String, electrode: String = "negative") throws -> CellPreset {
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: "\(Presets.folder)anode-free-nncfm.json")))
        as? [String: Any])
    object["oxidation"] = try JSONSerialization.jsonObject(with: Data(oxidation.utf8))
    object["side_reactions"] = [
      "electrode": electrode, "while": "charging", "lasting_fraction": 0.001, "early_fraction": [0, 0],
      "early_reach_mAh": [1, 1],
    ]
    return try CellPreset(json: JSONSerialization.data(withJSONObject: object))
  }

  /// The positive electrode stands at 3.86 V when a tenth of its sodium is left: 0.9 of 1.56 mAh were charged.
  @Test("What is charged beyond the potential loses its fraction, however the time is divided", arguments: [1, 7, 500])
  func losesBeyondThePotential(pieces: Int) throws {
    let preset = try Self.preset(#"{"above_V": 3.86, "fraction": 0.05}"#)
    var cell = preset.makeCell()
    let (current, total, begin) = (1e-3, 1.5 * 3.6, 0.9 * 1.56 * 3.6)
    for _ in 0..<pieces { cell.advance(seconds: total / current / Double(pieces), drive: .current(current)) }
    let expected = 0.001 * total + 0.05 * (total - begin)
    #expect(abs(cell.lostCharge / expected - 1) < 2e-3, "\(cell.lostCharge) against \(expected)")
    #expect(abs(cell.storedCharge - (cell.terminalCharge - cell.lostCharge)) < 1e-9)
    let lost = cell.lostCharge
    cell.advance(seconds: 600, drive: .current(-current))
    #expect(cell.lostCharge == lost, "only while charging")
  }

  @Test("Below the potential nothing is lost, and a hold above it loses as well")
  func holdsLoseToo() throws {
    var cell = try Self.preset(#"{"above_V": 3.86, "fraction": 0.05}"#).makeCell()
    cell.advance(seconds: 0.5 * 1.56 * 3.6 / 1e-3, drive: .current(1e-3))
    #expect(abs(cell.lostCharge / (0.001 * cell.terminalCharge) - 1) < 1e-9)
    for _ in 0..<100 { cell.advance(seconds: 600, drive: .voltage(4.0, currentLimit: 1e-3)) }
    let held = cell.terminalCharge
    #expect(held > 0.92 * 1.56 * 3.6)
    #expect(abs(cell.lostCharge / (0.001 * held + 0.05 * (held - 0.9 * 1.56 * 3.6)) - 1) < 2e-3)
  }

  @Test(
    "What is no cell is refused",
    arguments: [
      (#"{"above_V": 3.8, "fraction": -1}"#, "negative"), (#"{"above_V": 3.8, "fraction": 1}"#, "negative"),
      (#"{"above_V": 3.8}"#, "negative"), (#"{"above_V": 3.8, "fraction": 0.1, "x": 1}"#, "negative"),
      (#"{"above_V": 3.8, "fraction": 0.1}"#, "positive"),
    ])
  func isRefused(_ oxidation: String, _ electrode: String) {
    #expect(throws: CellPresetError.self) { try Self.preset(oxidation, electrode: electrode) }
  }
}
