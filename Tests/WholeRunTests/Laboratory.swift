// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Foundation
import Quantities
import VirtualLab

/// The presets and protocols of the repository, and short protocols made for a test.
enum TestLaboratory {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A fresh cell of a preset.
  static func cell(_ preset: String, seed: UInt64 = 1) throws -> SodiumCell {
    let file = root.appendingPathComponent("VirtualCells/\(preset).json")
    return try CellPreset(json: Data(contentsOf: file)).makeCell(seed: seed)
  }

  /// A protocol that must compile.
  static func program(_ text: String, _ values: CellValues = CellValues()) throws -> Program {
    try ProtocolDecoder.decode(Array(text.utf8)).flatMap { $0.compile(cell: values, instrument: nil) }.get()
  }

  /// A protocol of the repository.
  static func shipped(_ name: String, _ values: CellValues = CellValues()) throws -> Program {
    let file = root.appendingPathComponent("Protocols/\(name).json")
    return try program(String(contentsOf: file, encoding: .utf8), values)
  }

  /// A protocol around some steps, with limits that fit a coin cell of that role.
  static func text(
    role: String, steps: String, voltage: (String, String) = ("-50 mV", "2.3 V"),
    open: (String, String) = ("0 V", "3.3 V"), current: String = "5 mA", charge: String = "2 mAh",
    every: String = "10 s", interruption: String = "\"resume_within\": \"30 min\", \"otherwise\": \"hold\"",
    cell: String = "", empty: String = "{\"below\": \"1 uAh\", \"in_a_row\": 3}",
    metrics: String = ""
  ) -> String {
    """
    {
      "nacycler_protocol": 1, "title": "made for a test",
      "cell": {"role": "\(role)", "expect_open_circuit": {"from": "\(open.0)", "to": "\(open.1)"}\(cell)},
      "limits": {
        "voltage": {"min": "\(voltage.0)", "max": "\(voltage.1)", "for": "2 s"},
        "charge_current": {"max": "\(current)", "for": "1 s"},
        "discharge_current": {"max": "\(current)", "for": "1 s"},
        "half_cycle_charge": {"max": "\(charge)"}, "empty_half_cycle": \(empty)
      },
      "record": {"every": "\(every)"},\(metrics.isEmpty ? "" : " \"metrics\": {\(metrics)},")
      "on_interruption": {\(interruption)},
      "steps": [\(steps)]
    }
    """
  }

  /// Cycles of a hard-carbon coin cell at a high rate, so that many fit into a test.
  static func hardCarbonCycles(_ count: Int, current: String = "360 uA", until: String? = nil) -> String {
    """
    {"cycles": \(count), "purpose": "life", "label": "life", \(until.map { "\"until\": \($0), " } ?? "")"steps": [
      {"discharge": "\(current)", "until": ["voltage <= 10 mV", "step_time >= 10 h"]},
      {"rest": "1 min"},
      {"charge": "\(current)", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]},
      {"rest": "1 min"}
    ]}
    """
  }
}
