// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities
import Testing

/// Files of other programs, written for these tests.
enum ForeignProtocols {
  /// A unicycler file around these steps.
  static func unicycler(
    _ method: String, sample: String = #"{"name": "na_001", "capacity_mAh": 1.5}"#,
    record: String = #"{"time_s": 10, "voltage_V": 0.005}"#,
    safety: String =
      #"{"max_voltage_V": 4.35, "min_voltage_V": -0.05, "max_current_mA": 5, "min_current_mA": -5, "delay_s": 2}"#
  ) -> String {
    """
    {"unicycler": {"version": "0.4.6"}, "sample": \(sample), "record": \(record), "safety": \(safety),
     "method": [\(method)]}
    """
  }

  /// Formation and life with a loop in a loop, numbers as texts.
  static let nested = unicycler(
    """
    {"step": "open_circuit_voltage", "until_time_s": "3600"},
    {"step": "tag", "tag": "all"},
    {"step": "tag", "tag": "formation"},
    {"step": "constant_current", "rate_C": "C/10", "until_voltage_V": "4.25"},
    {"step": "constant_voltage", "voltage_V": "4.25", "until_time_s": "7200", "until_rate_C": "5E-2"},
    {"step": "constant_current", "rate_C": "D/10", "until_voltage_V": 2.0},
    {"step": "loop", "loop_to": "formation", "cycle_count": 3},
    {"step": "constant_current", "current_mA": 0.5, "rate_C": "", "until_time_s": 600, "until_voltage_V": 4.25},
    {"step": "constant_current", "current_mA": -0.5, "until_voltage_V": 2.0, "until_time_s": 7200},
    {"step": "loop", "loop_to": "all", "cycle_count": 2}
    """)

  static func options(
    _ role: CellRole? = .anodeFree, capacity: Charge? = nil, window: VoltageWindow? = nil
  ) -> ImportOptions {
    var options = ImportOptions()
    options.role = role
    options.nominalCapacity = capacity
    options.voltageLimits = window
    return options
  }

  /// The program that a file becomes.
  static func program(
    _ text: String, _ format: ForeignFormat, _ options: ImportOptions, cell: CellValues = CellValues()
  ) throws -> Program {
    let imported = try ProtocolExchange.imported(Array(text.utf8), from: format, options: options).get()
    do {
      return try ProtocolDecoder.decode(Array(imported.text.utf8)).get().compile(cell: cell, instrument: nil).get()
    } catch {
      Issue.record("\(error)\n\(imported.text)")
      throw error
    }
  }

  /// Every step that a program runs, in order, in words.
  static func unrolled(_ program: Program) -> [String] {
    var told: [String] = []
    var counters = [Int64](repeating: 0, count: program.loopCount)
    var place = 0
    while told.count < 10_000 {
      switch program.instructions[place] {
      case .step(let index): told.append(ProgramListing.step(program.steps[index]))
      case .beginLoop(let loop): counters[loop] = 0
      case .endLoop(let loop, let passes, let start):
        counters[loop] += 1
        if counters[loop] < passes {
          place = start
          continue
        }
      case .beginCycle: break
      case .end: return told
      }
      place += 1
    }
    return told
  }
}
