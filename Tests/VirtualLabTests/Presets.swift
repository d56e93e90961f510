// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import FoundationEssentials
import VirtualLab

/// The presets that the repository ships, read from where they lie.
enum Presets {
  static let names = [
    "hard-carbon", "nvpf", "anode-free-nvpf", "anode-free-nncfm", "plating-stripping", "anode-free-cylindrical",
  ]

  static let folder = String(#filePath.dropLast("Tests/VirtualLabTests/Presets.swift".count)) + "VirtualCells/"

  static func preset(_ name: String) throws -> CellPreset {
    try CellPreset(json: try Data(contentsOf: URL(filePath: "\(folder)\(name).json")))
  }
}

/// Lets current flow until the voltage passes `volts` or `seconds` are over; says how much went through.
@discardableResult
func cycle(
  _ cell: inout SodiumCell, amperes: Double, until volts: Double, step: Double = 5, seconds: Double = 3e6,
  observe: (Double, Double) -> Void = { _, _ in }
) -> (charge: Double, lost: Double) {
  let before = (cell.terminalCharge, cell.lostCharge)
  var time = 0.0
  while time < seconds {
    cell.advance(seconds: step, drive: .current(amperes))
    time += step
    let reached = cell.voltage(under: .current(amperes))
    observe(reached, abs(amperes) * step)
    if amperes > 0 ? reached >= volts : reached <= volts { break }
  }
  return (abs(cell.terminalCharge - before.0), cell.lostCharge - before.1)
}
