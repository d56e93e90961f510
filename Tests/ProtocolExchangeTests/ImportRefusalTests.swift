// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities
import Testing

/// A file that is refused, and what must be said.
struct ForeignRefusal: CustomTestStringConvertible {
  var format: ForeignFormat
  var text: String
  var said: String
  var testDescription: String { "\(format.rawValue): \(said)" }

  static func unicycler(_ method: String, _ said: String) -> ForeignRefusal {
    ForeignRefusal(format: .unicycler, text: ForeignProtocols.unicycler(method), said: said)
  }

  static func pybamm(_ text: String, _ said: String) -> ForeignRefusal {
    ForeignRefusal(format: .pybamm, text: text, said: said)
  }

  static func tomato(_ method: String, _ said: String) -> ForeignRefusal {
    ForeignRefusal(
      format: .tomato, text: #"{"version": "0.2", "sample": {"name": "a", "capacity_mAh": 1}, "method": [\#(method)]}"#,
      said: said)
  }

  private static let charge = #"{"step": "constant_current", "rate_C": 0.1, "until_voltage_V": 4.2}"#

  static let all: [ForeignRefusal] = [
    .unicycler("", "a method without a step"),
    .unicycler(#"{"step": "dance"}"#, "says by `step` what it is"),
    .unicycler("3", "a step must be an object"),
    .unicycler(#"{"step": "open_circuit_voltage"}"#, "says no `until_time_s`"),
    .unicycler(#"{"step": "open_circuit_voltage", "until_time_s": -1}"#, "a time must be more than nothing"),
    .unicycler(#"{"step": "open_circuit_voltage", "until_time_s": 1e9}"#, "longer than 366 d"),
    .unicycler(
      #"{"step": "constant_voltage", "voltage_V": 4, "until_time_s": 60, "until_current_mA": 1e-10}"#,
      "less than a picoampere"),
    .unicycler(#"{"step": "constant_current", "rate_C": 1, "until_voltage_V": 101}"#, "no cell has such a voltage"),
    .unicycler(#"{"step": "open_circuit_voltage", "until_time_s": 1, "x": 1}"#, "`x` is not understood"),
    .unicycler(#"{"step": "constant_current", "until_voltage_V": 4.2}"#, "the step has no current"),
    .unicycler(#"{"step": "constant_current", "rate_C": 0, "until_voltage_V": 4.2}"#, "the step has no current"),
    .unicycler(#"{"step": "constant_current", "rate_C": "C/0", "until_voltage_V": 4.2}"#, "is not a C-rate"),
    .unicycler(#"{"step": "constant_current", "rate_C": "CC/3", "until_voltage_V": 4.2}"#, "is not a C-rate"),
    .unicycler(#"{"step": "constant_current", "rate_C": "fast", "until_voltage_V": 4.2}"#, "is not a number"),
    .unicycler(#"{"step": "constant_current", "rate_C": 0.1}"#, "the step never ends"),
    .unicycler(#"{"step": "constant_voltage", "voltage_V": 4}"#, "the step never ends"),
    .unicycler(#"{"step": "constant_voltage", "until_time_s": 4}"#, "says no `voltage_V`"),
    .unicycler(#"{"step": "voltage_scan", "start_voltage_V": 0, "end_voltage_V": 1}"#, "says no `scan_rate_mV_per_s`"),
    .unicycler(
      #"{"step": "voltage_scan", "start_voltage_V": 1, "end_voltage_V": 1, "scan_rate_mV_per_s": 1}"#,
      "ends where it starts"),
    .unicycler(
      #"{"step": "voltage_scan", "start_voltage_V": 0, "end_voltage_V": 1, "scan_rate_mV_per_s": 0}"#, "has no rate"),
    .unicycler(
      #"{"step": "impedance_spectroscopy", "amplitude_V": 0.01, "start_frequency_Hz": 1, "end_frequency_Hz": 10}"#,
      "around which voltage the spectrum is measured"),
    .unicycler(charge + #", {"step": "loop", "loop_to": "a", "cycle_count": 2}"#, "no tag `a` stands before"),
    .unicycler(charge + #", {"step": "loop", "loop_to": 2, "cycle_count": 2}"#, "goes back to a step before it"),
    .unicycler(charge + #", {"step": "loop", "loop_to": 1, "cycle_count": 0}"#, "`cycle_count` must be 1 or more"),
    .unicycler(charge + #", {"step": "loop", "loop_to": 1, "cycle_count": 1.5}"#, "must be a whole number"),
    .unicycler(#"{"step": "tag", "tag": "a"}, {"step": "tag", "tag": "a"}, "# + charge, "the tag `a` stands twice"),
    .unicycler(
      charge + #", {"step": "tag", "tag": "a"}, {"step": "loop", "loop_to": "a", "cycle_count": 2}"#,
      "the loop has no steps"),
    .unicycler(
      #"{"step": "tag", "tag": "a"}, \#(charge), {"step": "tag", "tag": "b"}, \#(charge),"#
        + #"{"step": "loop", "loop_to": "a", "cycle_count": 2}, \#(charge),"#
        + #"{"step": "loop", "loop_to": "b", "cycle_count": 2}"#, "goes back into another loop"),
    ForeignRefusal(
      format: .unicycler, text: ForeignProtocols.unicycler(charge, record: "{}"), said: "`record` says no `time_s`"),
    ForeignRefusal(
      format: .unicycler, text: ForeignProtocols.unicycler(charge, sample: #"{"capacity_mAh": 0}"#),
      said: "a capacity must be more than nothing"),
    ForeignRefusal(
      format: .unicycler, text: ForeignProtocols.unicycler(charge, sample: "{}"),
      said: "how much charge a half-cycle may move"),
    ForeignRefusal(
      format: .unicycler, text: ForeignProtocols.unicycler(charge, safety: #"{"min_current_mA": 1}"#),
      said: "a limit that forbids to discharge"),
    ForeignRefusal(
      format: .unicycler, text: ForeignProtocols.unicycler(charge, safety: "{}"), said: "how low the voltage may go"),
    ForeignRefusal(format: .unicycler, text: #"{"unicycler": {}, "method": [}"#, said: "a value is missing"),
    .tomato(#"{"technique": "sweep_voltage"}"#, "no technique `sweep_voltage` here yet"),
    .tomato(#"{"device": "a"}"#, "says no `technique`"),
    .tomato(#"{"technique": "constant_current", "current": "1X", "limit_voltage_max": 4}"#, "is not a number"),
    .tomato(#"{"technique": "constant_current", "limit_voltage_max": 4}"#, "has no `current`"),
    .tomato(#"{"technique": "constant_current", "current": 0.001}"#, "the step never ends"),
    .tomato(
      #"{"technique": "constant_current", "current": 0.001, "limit_voltage_max": 4, "limit_voltage_min": 3}"#,
      "on the other side of a charge"),
    .tomato(
      #"{"technique": "constant_current", "current": 0.001, "limit_voltage_max": 4, "exit_on_limit": true}"#,
      "`exit_on_limit` cannot be said"),
    .tomato(#"{"technique": "constant_voltage", "voltage": 4}"#, "the step never ends"),
    .tomato(
      #"{"technique": "constant_voltage", "voltage": 4, "time": 1, "limit_current_max": 1}"#,
      "largest current of a hold"),
    .tomato(#"{"technique": "open_circuit_voltage", "time": 1, "limit_voltage_min": 2}"#, "`limit_voltage_min` is not"),
    .tomato(
      #"{"technique": "constant_current", "current": 0.001, "time": 1, "limit_current_min": 1e-4}"#,
      "`limit_current_min` is not understood"),
    .tomato(
      #"{"technique": "constant_voltage", "voltage": 4, "time": 1, "current": 1}"#, "`current` is not understood"),
    .tomato(#"{"technique": "constant_current", "current": "C/-10", "time": 1}"#, "is not a current"),
    .tomato(
      #"{"technique": "constant_current", "current": 0.001, "time": 1, "exit_on_limit": "yes"}"#, "cannot be said here"),
    // Nothing says its unit, and a thousandfold current is dangerous.
    ForeignRefusal(
      format: .tomato, text: #"{"version": "0.2", "sample": {"capacity": 1}, "method": []}"#,
      said: "`capacity` is not understood"),
    .tomato(#"{"technique": "loop", "goto": 0, "n_gotos": 1}"#, "a loop needs `goto`"),
    .pybamm("[]", "no step"),
    .pybamm(#"["Rest for 1 hour""#, "a comma or `]` is missing"),
    .pybamm(#"["Rest for 1 hour] "#, "a text without its end"),
    .pybamm(#"["Rest for 1 hour"] * 0"#, "0 repetitions"),
    .pybamm(#"["Rest for 1 hour"] * n"#, "`*` without a number"),
    .pybamm(#"["Rest for 1 hour"] + experiment"#, "a list is missing"),
    .pybamm(#"["Rest for 1 hour", 3]"#, "a number without `*`"),
    .pybamm(#"["Rest until 4 V"]"#, "a rest ends by a time only"),
    .pybamm(#"["Rest"]"#, "the step never ends"),
    .pybamm(#"["Charge at 1C"]"#, "the step never ends"),
    .pybamm(#"["Charge at 1C for 1 fortnight"]"#, "is no time"),
    .pybamm(#"["Charge at 4.2 V for 1 hour"]"#, "a voltage cannot be driven"),
    .pybamm(#"["Discharge at 4 W for 1 hour"]"#, "nothing says what 4 W may draw"),
    .pybamm(#"["Discharge at 4 Ohm for 1 hour"]"#, "nothing says what 4 ohm may draw"),
    .pybamm(#"["Charge at 4 Ohm for 1 hour"]"#, "a resistance only discharges"),
    .pybamm(#"["Discharge at -4 W for 1 hour"]"#, "such a power cannot be driven"),
    .pybamm(#"["Discharge at 0 Ohm for 1 hour"]"#, "such a resistance cannot be driven"),
    .pybamm(#"["Discharge at 4 W until 1 A"]"#, "ends by a voltage or a time here"),
    .pybamm(#"["Discharge at -1 A for 1 hour"]"#, "a current is more than nothing"),
    .pybamm(#"["Charge at 1C until <2.5 V"]"#, "compares with PyBaMM's sign"),
    .pybamm(#"["Hold at 4.2 V until > 50 mA"]"#, "compares with PyBaMM's sign"),
    .pybamm(#"["Discharge at many A for 1 hour"]"#, "is no value"),
    .pybamm(#"["Discharge at 1 A until C/50"]"#, "does not end by a current"),
    .pybamm(#"["Hold at 1 A until 4 V"]"#, "only a voltage is held"),
    .pybamm(#"["Hold at 4 V until 3 V"]"#, "a hold ends by a current or a time"),
    .pybamm(#"["Run US06 (A)"]"#, "the step never ends"),
    .pybamm(#"["Boil at 1 A for 1 hour"]"#, "`Boil` is no step"),
    .pybamm(#"["Charge at 1C until 4.2 V until 3 A"]"#, "more than one `until`"),
    .pybamm(#"["Charge at C/2 until 4.2 V", "Charge at 1 A until 4.2 V"]"#, "currents in amperes and as rates"),
  ]
}

@Suite struct ImportRefusalTests {
  @Test(arguments: ForeignRefusal.all)
  func isRefusedWithItsReason(_ refusal: ForeignRefusal) throws {
    let imported = ProtocolExchange.imported(
      Array(refusal.text.utf8), from: refusal.format, options: ForeignProtocols.options())
    guard case .failure(let found) = imported else {
      Issue.record("taken: \(imported)")
      return
    }
    #expect(found.problems.contains { $0.message.contains(refusal.said) }, "\(found.problems)")
    #expect(found.problems.allSatisfy { !$0.hint.isEmpty })
  }

  /// Numbers at the ends of what can be counted, and loops without end.
  @Test(arguments: [
    "9223372036854775807", "-9223372036854775808", "9.3e18", "9e12", "9223372036.854775", "1e-18", "-0",
  ])
  func extremeNumbersAreRefusedOrTaken(_ number: String) {
    let keys = ["rate_C", "current_mA", "until_time_s", "until_voltage_V"]
    for key in keys {
      var fields = ["rate_C": "0.1", "until_time_s": "60", "until_voltage_V": "4.2"]
      fields[key] = number
      let step = fields.map { #""\#($0.key)": \#($0.value)"# }.joined(separator: ", ")
      let hold = #"{"step": "constant_voltage", "voltage_V": \#(number), "until_time_s": \#(number)}"#
      let held =
        #"{"step": "constant_current", "rate_C": 0.1, "until_voltage_V": 4.2}, "#
        + #"{"step": "constant_voltage", "voltage_V": 4.2, "until_time_s": \#(number)}"#
      for method in [#"{"step": "constant_current", \#(step)}"#, hold, held] {
        for safety in [
          #"{"max_voltage_V": \#(number)}"#, #"{"min_current_mA": \#(number), "delay_s": \#(number)}"#, "{}",
        ] {
          for sample in [#"{"capacity_mAh": \#(number)}"#, #"{"capacity_mAh": 1.5}"#] {
            let text = ForeignProtocols.unicycler(method, sample: sample, safety: safety)
            _ = ProtocolExchange.imported(Array(text.utf8), from: .unicycler, options: ForeignProtocols.options())
          }
        }
      }
    }
    for text in [
      "Charge at \(number) A until \(number) V", "Hold at \(number) V for \(number) hours", "Rest for \(number) s",
    ] {
      let options = ForeignProtocols.options(.fullCell, capacity: Charge(nanocoulombs: .max))
      _ = ProtocolExchange.imported(Array(text.utf8), from: .pybamm, options: options)
    }
  }

  @Test func loopsInLoopsAreBounded() {
    let loop = #"{"step": "loop", "loop_to": 1, "cycle_count": 2}"#
    let loops = Array(repeating: loop, count: 400).joined(separator: ",")
    let text = ForeignProtocols.unicycler(
      #"{"step": "constant_current", "rate_C": 0.1, "until_voltage_V": 4.2}, "# + loops)
    let imported = ProtocolExchange.imported(
      Array(text.utf8), from: .unicycler, options: ForeignProtocols.options())
    guard case .failure(let found) = imported else {
      Issue.record("taken")
      return
    }
    #expect(found.problems.contains { $0.message.contains("loops in loops") })
  }

  /// A reader of other people's files never crashes: every prefix, and every byte replaced by some others.
  @Test(arguments: [ForeignFormat.unicycler, .tomato, .pybamm])
  func damagedFilesAreRefusedOrTaken(_ format: ForeignFormat) {
    let tomato = #"""
      {"version": "0.2", "sample": {"name": "a", "capacity_mAh": 1}, "method": [
       {"technique": "constant_current", "current": "0.1C", "limit_voltage_max": 4.2, "record_every_dt": 5},
       {"technique": "constant_voltage", "voltage": 4.2, "time": 60, "limit_current_min": 1e-5},
       {"technique": "loop", "goto": 0, "n_gotos": 2}]}
      """#
    let pybamm =
      #"[("Charge at C/10 for 1 hour or until 4.2 V (5 minute period)", "Rest for 1 hour")] * 3 + ["Hold at 4 V until C/9"]"#
    let text = format == .tomato ? tomato : format == .pybamm ? pybamm : ForeignProtocols.nested
    let bytes = Array(text.utf8)
    for end in bytes.indices {
      _ = ProtocolExchange.imported(Array(bytes[..<end]), from: format, options: ForeignProtocols.options())
      for byte: UInt8 in [0x22, 0x39, 0xFF] {
        var changed = bytes
        changed[end] = byte
        _ = ProtocolExchange.format(of: changed)
        let imported = ProtocolExchange.imported(changed, from: format, options: ForeignProtocols.options())
        // Whatever is taken becomes a file that our own reader judges.
        if case .success(let taken) = imported { _ = ProtocolDecoder.decode(Array(taken.text.utf8)) }
      }
    }
  }
}
