// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation

/// Protocols for the presets, short enough for a test and slow enough for the two instructions of current that a
/// script's stamps leave out to stay below a millionth.
enum TestProtocol {
  /// What differs between the presets.
  struct Cell: Sendable, CustomStringConvertible {
    var preset: String
    var role: String
    var window: (String, String)
    var open: (String, String)
    var first: String
    var second: String
    var largest = "5 mA"
    /// What no current may ever pass; nil for the language's own choice, twice the largest.
    var hardest: String?
    var halfCycleCharge = "4 mAh"
    var instrument = "emstat4-hr"
    /// What makes it another case than the preset's usual one.
    var variant = ""
    var description: String { preset + variant }

    /// Every preset, and the worst resolution of the wire; `NACYCLER_TEST_PRESETS` chooses some of them by name, with
    /// commas between.
    static var chosen: [Cell] {
      let all: [Cell] = [
        .hardCarbon, .hardCarbonWorstResolution, .nvpf, .anodeFreeNVPF, .anodeFreeNNCFM, .platingStripping,
        .anodeFreeCylindrical,
      ]
      guard let names = ProcessInfo.processInfo.environment["NACYCLER_TEST_PRESETS"]?.split(separator: ",") else {
        return all
      }
      return all.filter { names.contains(Substring($0.description)) }
    }

    static let hardCarbon = Cell(
      preset: "hard-carbon", role: "anode-half-cell", window: ("-50 mV", "2.3 V"), open: ("0 V", "3.3 V"),
      first: "{\"discharge\": \"360 uA\", \"until\": [\"voltage <= 10 mV\", \"step_time >= 30 h\"]}",
      second: "{\"charge\": \"360 uA\", \"until\": [\"voltage >= 2.0 V\", \"step_time >= 30 h\"]}")
    static let hardCarbonWorstResolution = Cell(
      preset: "hard-carbon", role: "anode-half-cell", window: ("-50 mV", "2.3 V"), open: ("0 V", "3.3 V"),
      first: "{\"discharge\": \"134.3 uA\", \"until\": [\"voltage <= 10 mV\", \"step_time >= 30 h\"]}",
      second: "{\"charge\": \"134.3 uA\", \"until\": [\"voltage >= 2.0 V\", \"step_time >= 30 h\"]}",
      variant: "-134.3-uA")
    static let nvpf = Cell(
      preset: "nvpf", role: "cathode-half-cell", window: ("1.8 V", "4.4 V"), open: ("1 V", "4 V"),
      first: chargeWithHold("360 uA", "4.25 V", "36 uA"),
      second: "{\"discharge\": \"360 uA\", \"until\": [\"voltage <= 2.0 V\", \"step_time >= 30 h\"]}")
    static let anodeFreeNVPF = Cell(
      preset: "anode-free-nvpf", role: "anode-free", window: ("1.5 V", "4.4 V"), open: ("-0.2 V", "3.2 V"),
      first: chargeWithHold("288 uA", "4.25 V", "72 uA"),
      second: "{\"discharge\": \"288 uA\", \"until\": [\"voltage <= 2.0 V\", \"step_time >= 30 h\"]}")
    static let anodeFreeNNCFM = Cell(
      preset: "anode-free-nncfm", role: "anode-free", window: ("1.5 V", "4.2 V"), open: ("-0.2 V", "3.2 V"),
      first: chargeWithHold("312 uA", "4.0 V", "78 uA"),
      second: "{\"discharge\": \"312 uA\", \"until\": [\"voltage <= 2.0 V\", \"step_time >= 30 h\"]}")
    static let platingStripping = Cell(
      preset: "plating-stripping", role: "plating-stripping", window: ("-0.5 V", "1.5 V"), open: ("-0.5 V", "3 V"),
      first: "{\"plate\": \"565 uA\", \"until\": [\"step_charge >= 0.5 mAh\", \"step_time >= 30 h\"]}",
      second: "{\"strip\": \"565 uA\", \"until\": [\"voltage >= 1.0 V\", \"step_time >= 30 h\"]}")

    static let anodeFreeCylindrical = Cell(
      preset: "anode-free-cylindrical", role: "anode-free", window: ("1.5 V", "3.87 V"), open: ("-0.2 V", "3.2 V"),
      first: chargeWithHold("0.4 A", "3.8 V", "0.1 A"),
      second: "{\"discharge\": \"0.4 A\", \"until\": [\"voltage <= 2.0 V\", \"step_time >= 30 h\"]}",
      largest: "0.9 A", hardest: "1 A", halfCycleCharge: "2 Ah", instrument: "nexus")

    /// The limit of one direction's current.
    var currentLimit: String {
      let hard = hardest.map { ", \"hard\": \"\($0)\"" } ?? ""
      return "{\"max\": \"\(largest)\", \"for\": \"1 s\"\(hard)}"
    }

    static func chargeWithHold(_ current: String, _ voltage: String, _ end: String) -> String {
      """
      {"charge": "\(current)", "to": "\(voltage)", "hold_until": ["current <= \(end)", "hold_time >= 2 h"], \
      "until": ["step_time >= 30 h"]}
      """
    }
  }

  /// Cycles of a cell, written to a file in `directory`.
  static func write(
    _ cell: Cell, cycles: Int, to directory: URL, name: String = "protocol.json", every: String = "10 s",
    halfCycleCharge: String? = nil, resumeWithin: String = "30 min"
  ) throws -> String {
    let text = """
      {
        "nacycler_protocol": 1, "title": "\(cycles) cycles of \(cell.preset)",
        "cell": {"role": "\(cell.role)",
          "expect_open_circuit": {"from": "\(cell.open.0)", "to": "\(cell.open.1)"}},
        "limits": {
          "voltage": {"min": "\(cell.window.0)", "max": "\(cell.window.1)", "for": "2 s"},
          "charge_current": \(cell.currentLimit),
          "discharge_current": \(cell.currentLimit),
          "half_cycle_charge": {"max": "\(halfCycleCharge ?? cell.halfCycleCharge)"},
          "empty_half_cycle": {"below": "1 uAh", "in_a_row": 3}
        },
        "record": {"every": "\(every)"},
        "on_interruption": {"resume_within": "\(resumeWithin)", "otherwise": "hold"},
        "steps": [
          {"cycles": \(cycles), "purpose": "life", "label": "life", "steps": [
            \(cell.first), {"rest": "1 min"}, \(cell.second), {"rest": "1 min"}
          ]}
        ]
      }
      """
    let file = directory.appendingPathComponent(name)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }
}
