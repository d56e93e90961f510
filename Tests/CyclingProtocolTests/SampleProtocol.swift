// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities

/// A correct protocol in parts, so that a test changes the one part that it is about.
struct SampleProtocol {
  var head = #""nacycler_protocol": 1, "title": "Sample""#
  var cell = #"{"role": "anode-half-cell", "expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}}"#
  var limits =
    #"{"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"}, "charge_current": {"max": "1 mA", "for": "1 s"}, "#
    + #""discharge_current": {"max": "1 mA", "for": "1 s"}, "half_cycle_charge": {"max": "1 mAh"}}"#
  var record = #"{"every": "60 s"}"#
  var interruption = #"{"resume_within": "30 min", "otherwise": "hold"}"#
  var steps = #"[{"rest": "10 min"}]"#
  var more = ""

  static let discharge = #"{"discharge": "0.1 mA", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}"#
  static let charge = #"{"charge": "0.1 mA", "until": ["voltage >= 2 V", "step_time >= 9 h"]}"#

  static func cycles(_ body: String, passes: String = "2") -> String {
    #"[{"cycles": \#(passes), "purpose": "life", "label": "life", "steps": [\#(body)]}]"#
  }

  var text: String {
    let sections = #""cell": \#(cell), "limits": \#(limits), "record": \#(record), "on_interruption": \#(interruption)"#
    return "{\(head), \(sections)\(more), \"steps\": \(steps)}"
  }

  func decode() -> Result<ProtocolDocument, ProtocolProblems> { ProtocolDecoder.decode(Array(text.utf8)) }

  func compile(
    _ values: CellValues = CellValues(), instrument: InstrumentLimits? = nil
  ) -> Result<Program, ProtocolProblems> {
    decode().flatMap { $0.compile(cell: values, instrument: instrument) }
  }
}

extension InstrumentLimits {
  /// A small potentiostat: ±6 V, ±200 mA, 2 mV + 0.1 %, a reading every 100 ms.
  static let small = InstrumentLimits(
    voltage: VoltageWindow(from: Voltage(millivolts: -6_000), to: Voltage(millivolts: 6_000)),
    maximumCurrent: Current(amperes: 0.2), voltageErrorPartsPerMillion: 1_000,
    voltageOffsetError: Voltage(millivolts: 2), shortestReadingInterval: TimeSpan(milliseconds: 100),
    kinds: [
      .voltageSweep, .rest, .constantCurrent, .constantCurrentConstantVoltage, .constantVoltage, .constantPower,
      .constantResistance, .currentProfile, .impedanceSpectrum,
    ],
    openCircuit: .disconnectedAndMeasured)
}

extension Result where Failure == ProtocolProblems {
  /// What is wrong; empty when nothing is.
  var problems: [ProtocolProblem] {
    switch self {
    case .success: []
    case .failure(let found): found.problems
    }
  }
}
