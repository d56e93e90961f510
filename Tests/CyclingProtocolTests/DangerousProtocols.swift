// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities

/// Protocols that can be read and would hurt a cell or a number; named after the hazard that each would be.
enum DangerousProtocols {
  private static let pair = SampleProtocol.discharge + "," + SampleProtocol.charge
  private static let steps = "[\(SampleProtocol.discharge)]"

  static let voltages: [RefusalCase] = [
    .step(
      "cut-off below the limits and below 0 V",
      #"{"discharge": "0.1 mA", "until": ["voltage <= -60 mV", "step_time >= 1 h"]}"#,
      ".until[0]", "plates sodium"),
    .step(
      "cut-off above the limits", #"{"charge": "0.1 mA", "until": ["voltage >= 2.4 V", "step_time >= 1 h"]}"#,
      ".until[0]", "outside the limits -50 mV to 2.3 V"),
    .limits(
      "limit nearer than 20 mV to a cut-off", "-50 mV", "-5 mV", "steps[0].until[0]", "less than 20 mV beyond",
      "at most -10 mV", steps: steps),
    .limits(
      "limit nearer than three instrument errors", "-50 mV", "-12 mV", "steps[0].until[0]", "three instrument errors",
      steps: steps,
      instrument: InstrumentLimits(
        voltage: InstrumentLimits.small.voltage, maximumCurrent: Current(amperes: 0.2), voltageErrorPartsPerMillion: 0,
        voltageOffsetError: Voltage(millivolts: 8), shortestReadingInterval: TimeSpan(milliseconds: 100),
        kinds: InstrumentLimits.small.kinds, openCircuit: .disconnectedAndMeasured)),
    .step(
      "negative cut-off on an anode", #"{"discharge": "0.1 mA", "until": ["voltage <= -10 mV", "step_time >= 1 h"]}"#,
      ".until[0]", "plates sodium", "allow_plating"),
    .step(
      "negative hold on an anode",
      #"{"hold": "-10 mV", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}"#, ".hold", "plates sodium"),
    .cell(
      "plating allowed where it means nothing",
      #"{"role": "full-cell", "allow_plating": true, "expect_open_circuit": {"from": "0 V", "to": "1 V"}}"#,
      "cell.allow_plating", "no meaning"),
    .step(
      "charge until the voltage falls", #"{"charge": "0.1 mA", "until": ["voltage <= 2 V", "step_time >= 1 h"]}"#,
      ".until[0]", "charge raises", "voltage >= 2 V"),
    .step(
      "discharge until the voltage rises",
      #"{"discharge": "0.1 mA", "until": ["voltage >= 10 mV", "step_time >= 1 h"]}"#, ".until[0]", "discharge lowers",
      "voltage <= 10 mV"),
    .step(
      "volts for millivolts", #"{"discharge": "0.1 mA", "until": ["voltage <= 1000 V", "step_time >= 1 h"]}"#,
      ".until[0]", "no cell has"),
    .cell(
      "open-circuit window upside down",
      #"{"role": "anode-half-cell", "expect_open_circuit": {"from": "3.3 V", "to": "1.2 V"}}"#,
      "cell.expect_open_circuit", "is empty"),
    .limits("limits upside down", "-50 mV", "2.4 V", "limits.voltage.min", "not below the upper"),
    .limits(
      "hard limit inside the soft", #""for": "2 s"}"#, #""for": "2 s", "hard": {"min": "0 V", "max": "3 V"}}"#,
      "limits.voltage.hard.min", "above the soft"),
    .limits(
      "limit that tolerates an hour", #""for": "2 s""#, #""for": "1 h""#, "limits.voltage.for", "cannot be passed"),
    .limits(
      "limit that the instrument cannot measure", "2.3 V", "7 V", "limits.voltage.max", "cannot measure",
      instrument: .small),
    .limits(
      "hard limit that the instrument cannot measure", #""for": "2 s"}"#,
      #""for": "2 s", "hard": {"min": "-1 V", "max": "7 V"}}"#, "limits.voltage.hard.max", "the hard limit, 7 V",
      instrument: .small),
    .limits(
      "limit whose hard one the instrument cannot measure", "2.3 V", "5.98 V", "limits.voltage.max",
      "the hard limit, 6.03 V", instrument: .small),
  ]

  static let holds: [RefusalCase] = [
    .step(
      "hold without current_at_most", #"{"hold": "10 mV", "until": ["step_time >= 1 h"]}"#, ".current_at_most",
      "missing"),
    .step(
      "hold without a time bound", #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["current <= 10 uA"]}"#,
      "",
      "without a time bound"),
    .step(
      "hold from far away",
      SampleProtocol.charge + #", {"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}"#,
      "", ""
    ).at("steps[1].hold", "ends at 2 V"),
    .step(
      "hold after a step that ends anywhere",
      #"{"charge": "0.1 mA", "until": ["step_time >= 1 h"]}, "#
        + #"{"hold": "2 V", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}"#,
      "", ""
    ).at("steps[1].hold", "does not end at a voltage"),
    .step(
      "hold that ends by its own voltage",
      #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["voltage <= 10 mV", "step_time >= 1 h"]}"#,
      ".until[0]", "voltage is held"),
    .step(
      "hold until the current rises",
      #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["current >= 10 uA", "step_time >= 1 h"]}"#,
      ".until[0]", "current of a hold falls"),
    .step(
      "hold that ends on a signed current",
      #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["current <= -10 uA", "step_time >= 1 h"]}"#,
      ".until[0]", "has a sign"),
    .step(
      "hold that is over at once",
      #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["current <= 0.2 mA", "step_time >= 1 h"]}"#,
      ".until[0]", "true at once"),
    .step(
      "CCCV whose hold is over at once",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["current <= 0.1 mA"], "until": ["step_time >= 9 h"]}"#,
      ".hold_until[0]", "true at once"),
    .step(
      "CCCV with a second voltage",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["hold_time >= 1 h"], "#
        + #""until": ["voltage >= 1.9 V", "step_time >= 9 h"]}"#,
      ".until[0]", "is `to`"),
    .step(
      "CCCV without a time bound",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["current <= 10 uA"], "until": ["step_charge >= 0.5 mAh"]}"#,
      "", "without a time bound"),
    .step(
      "hold that ends by step time",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["step_time >= 1 h"], "until": ["step_time >= 9 h"]}"#,
      ".hold_until[0]", "not a matter of the hold"),
    .step(
      "hold with more current than the limit",
      #"{"hold": "10 mV", "current_at_most": "2 mA", "until": ["step_time >= 1 h"]}"#, ".current_at_most",
      "more than `limits.charge_current`"),
  ]

  static let currents: [RefusalCase] = [
    .step(
      "negative current", #"{"charge": "-50 uA", "until": ["step_time >= 1 h"]}"#, ".charge", "has a sign",
      "write `discharge`"),
    .step("no current", #"{"charge": "0 mA", "until": ["step_time >= 1 h"]}"#, ".charge", "is no current", "rest"),
    .step("bare number for a current", #"{"charge": 0.1, "until": ["step_time >= 1 h"]}"#, ".charge", "bare number"),
    .step(
      "typeset unit", #"{"charge": "50 µA", "until": ["step_time >= 1 h"]}"#, ".charge", "not a unit", "50 uA"),
    .step(
      "current beyond the limit", #"{"charge": "1.1 mA", "until": ["voltage >= 2 V", "step_time >= 1 h"]}"#, ".charge",
      "more than `limits.charge_current`"),
    .limits(
      "current beyond the instrument", #"{"max": "1 mA", "for": "1 s"}"#, #"{"max": "2 A", "for": "1 s"}"#,
      "steps[0].charge", "more than the instrument", instrument: .small
    ).with(steps: #"[{"charge": "0.5 A", "until": ["voltage >= 2 V", "step_time >= 1 h"]}]"#),
    .step(
      "no time bound", #"{"charge": "0.1 mA", "until": ["voltage >= 2 V"]}"#, "", "without a time bound", "step_time"),
    .step(
      "time bound the wrong way round", #"{"charge": "0.1 mA", "until": ["step_time <= 1 h"]}"#, ".until[0]",
      "true at once"),
    .step(
      "charge bound the wrong way round",
      #"{"charge": "0.1 mA", "until": ["step_charge <= 0.1 mAh", "step_time >= 1 h"]}"#, ".until[0]", "true at once"),
    .step(
      "constant current that ends by current",
      #"{"charge": "0.1 mA", "until": ["current <= 10 uA", "step_time >= 1 h"]}"#, ".until[0]", "current is constant"),
    .step(
      "hold time without a hold", #"{"charge": "0.1 mA", "until": ["hold_time >= 1 h", "step_time >= 1 h"]}"#,
      ".until[0]", "only while a voltage is held"),
    .step(
      "time that moves too much charge", #"{"charge": "1 mA", "until": ["step_time >= 2 h"]}"#, "",
      "more than a half-cycle may"),
    .step(
      "charge beyond the limit", #"{"charge": "1 mA", "until": ["step_charge >= 2 mAh", "step_time >= 9 h"]}"#,
      ".until[0]", "beyond the limit of a half-cycle"),
    .step(
      "settling longer than the step", #"{"charge": "1 mA", "until": ["step_time >= 1 s"], "settle": "2 s"}"#,
      ".settle", "not shorter"),
    .step(
      "drift of a voltage that is held at last",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["hold_time >= 1 h"], "#
        + #""until": ["voltage_drift <= 1 mV/h", "step_time >= 9 h"]}"#,
      ".until[0]", "nothing where the voltage is held", "with a current alone"),
    .step(
      "joined drift of a voltage that is held at last",
      #"{"charge": "0.1 mA", "to": "2 V", "hold_until": ["hold_time >= 1 h"], "#
        + #""until": ["voltage_drift <= 1 mV/h and step_time >= 1 h", "step_time >= 9 h"]}"#,
      ".until[0]", "nothing where the voltage is held"),
    .step(
      "drift of a held voltage",
      #"{"hold": "1 V", "current_at_most": "0.1 mA", "until": ["voltage_drift <= 1 mV/h", "step_time >= 1 h"]}"#,
      ".until[0]", "nothing where the voltage is held"),
    .step(
      "drift that falls from above", #"{"rest": "10 h", "until": ["voltage_drift >= 1 mV/h"]}"#, ".until[0]",
      "true at once or never", "voltage_drift <="),
    .step(
      "drift without a time", #"{"rest": "10 h", "until": ["voltage_drift <= 1 mV"]}"#, ".until[0]",
      "`mV` is not a unit of a voltage per time", "mV/h"),
    .step(
      "dQ/dV of a rest", #"{"rest": "10 h", "until": ["dq_dv >= 1 mAh/V"]}"#, ".until[0]",
      "does not change during a rest"),
    .step(
      "dQ/dV of a hold",
      #"{"hold": "1 V", "current_at_most": "0.1 mA", "until": ["dq_dv >= 1 mAh/V", "step_time >= 1 h"]}"#, ".until[0]",
      "nothing where the voltage is held", "with a current alone"),
    .step(
      "dQ/dV that a beginning meets", #"{"charge": "0.1 mA", "until": ["dq_dv <= 1 mAh/V", "step_time >= 9 h"]}"#,
      ".until[0]", "at the beginning of the step", "step_charge"),
    .step(
      "dQ/dV as a charge", #"{"charge": "0.1 mA", "until": ["dq_dv >= 1 mAh", "step_time >= 9 h"]}"#, ".until[0]",
      "no charge for each volt", "mAh/V"),
    .step(
      "negative dQ/dV", #"{"charge": "0.1 mA", "until": ["dq_dv <= -1 mAh/V", "step_time >= 9 h"]}"#, ".until[0]",
      "no charge for each volt", "magnitude"),
    .step(
      "dQ/dV of a gram without a mass", #"{"charge": "0.1 mA", "until": ["dq_dv >= 1 mAh/g/V", "step_time >= 9 h"]}"#,
      ".until[0]", "needs the cell's `active_mass`", "--mass"),
    .step(
      "the cycle's number alone", #"{"charge": "0.1 mA", "until": ["cycle_number >= 5", "step_time >= 9 h"]}"#,
      ".until[0]", "does not change during a step", "join it with `and`"),
    .step(
      "the cycle's number where none is counted",
      #"{"charge": "0.1 mA", "until": ["voltage >= 1 V and cycle_number >= 5", "step_time >= 9 h"]}"#, ".until[0]",
      "no meaning outside `cycles`"),
    .steps(
      "half a cycle",
      SampleProtocol.cycles(
        #"{"discharge": "0.1 mA", "until": ["voltage <= 1 V and cycle_number >= 1.5", "step_time >= 9 h"]}, "#
          + SampleProtocol.charge), "steps[0].steps[0].until[0]", "no cycle's number", "whole number"),
    .limits(
      "a limit that does something else", #""charge_current": {"#, #""charge_current": {"then": "stop", "#,
      "limits.charge_current.then", "what becomes of a run", "end"),
    .step(
      "rest that ends by current", #"{"rest": "1 h", "until": ["current <= 1 uA"]}"#, ".until[0]",
      "does not change during a rest"),
    .step(
      "specific current without a mass", #"{"charge": "0.1 A/g", "until": ["step_time >= 1 h"]}"#, ".charge",
      "needs the cell's `active_mass`", "--mass"),
    .step(
      "C-rate without a capacity", #"{"charge": "C/20", "until": ["step_time >= 1 h"]}"#, ".charge",
      "needs the cell's `nominal_capacity`", "--nominal-capacity"),
    .step(
      "areal current without an area", #"{"charge": "0.5 mA/cm2", "until": ["step_time >= 1 h"]}"#, ".charge",
      "needs the cell's `area`", "--area"),
    .step(
      "areal charge without an area",
      #"{"charge": "0.1 mA", "until": ["step_charge >= 0.5 mAh/cm2", "step_time >= 1 h"]}"#, ".until[0]", "`area`"),
    .step("C-rate by nothing", #"{"charge": "C/0", "until": ["step_time >= 1 h"]}"#, ".charge", "not a C-rate"),
    .step(
      "current that no mass makes sense of", #"{"charge": "999999999999999999 A/g", "until": ["step_time >= 1 h"]}"#,
      ".charge", "too large", cell: CellValues(activeMass: Mass(micrograms: 1_000_000_000))),
    .part(
      "two different masses", "cell.active_mass", "the cell has 1.3 mg",
      cell: CellValues(activeMass: Mass(micrograms: 1_300))
    ) {
      $0.cell =
        #"{"role": "anode-half-cell", "active_mass": "1.2 mg", "#
        + #""expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}}"#
    },
    .part("required mass that nobody brings", "cell.requires[0]", "brings no `active_mass`") {
      $0.cell =
        #"{"role": "anode-half-cell", "requires": ["active_mass"], "#
        + #""expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}}"#
    },
    .limits(
      "no limit of charge", #", "half_cycle_charge": {"max": "1 mAh"}"#, "", "limits.half_cycle_charge", "missing"),
    .limits(
      "hard current limit below the soft", #""discharge_current": {"#, #""discharge_current": {"hard": "0.5 mA", "#,
      "limits.discharge_current.hard", "below the soft"),
    .limits(
      "every half-cycle empty", #""half_cycle_charge""#,
      #""empty_half_cycle": {"below": "1 mAh", "in_a_row": 3}, "half_cycle_charge""#, "limits.empty_half_cycle.below",
      "every half-cycle would be empty"),
  ]

  static let cycles: [RefusalCase] = [
    .steps(
      "pass in the wrong order", SampleProtocol.cycles(SampleProtocol.charge + "," + SampleProtocol.discharge),
      "steps[0]", "one discharge, then one charge, not charge, discharge"),
    .steps("half a pair", SampleProtocol.cycles(SampleProtocol.discharge), "steps[0]", "not discharge"),
    .steps("two pairs in a pass", SampleProtocol.cycles(pair + "," + pair), "steps[0]", "not discharge, charge, "),
    .steps(
      "two pairs by a repeat", SampleProtocol.cycles(#"{"repeat": 2, "steps": [\#(pair)]}"#), "steps[0]",
      "not discharge, charge, discharge, charge"),
    .steps("pass of rests", SampleProtocol.cycles(#"{"rest": "1 h"}"#), "steps[0]", "not nothing"),
    .steps(
      "pair of diagnostics",
      SampleProtocol.cycles(pair.replacing(#""until""#, with: #""diagnostic": true, "until""#)), "steps[0]",
      "not nothing"),
    .steps(
      "cycles inside cycles", SampleProtocol.cycles(String(SampleProtocol.cycles(pair).dropFirst().dropLast())),
      "steps[0].steps[0]", "`cycles` inside `cycles`"),
    .steps(
      "cycles of a role that counts none", SampleProtocol.cycles(pair), "steps[0]", "counts no cycles",
      role: "no-cycles"),
    .steps(
      "hold before the half-cycle",
      SampleProtocol.cycles(
        #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}, {"rest": "1 s"}, "# + pair),
      "steps[0].steps[0]", "belongs to no half-cycle"),
    .steps(
      "cycle time outside cycles", #"[{"rest": "1 h", "until": ["cycle_time >= 1 h"]}]"#, "steps[0].until[0]",
      "outside `cycles`"),
    .step(
      "half-cycle of a diagnostic",
      #"{"charge": "1 mA", "diagnostic": true, "until": ["half_cycle_charge >= 0.1 mAh", "step_time >= 1 h"]}"#,
      ".until[0]", "belongs to no half-cycle"),
    .steps(
      "more steps than a run can count",
      #"[{"repeat": 1000000, "steps": [{"repeat": 1000000, "steps": [{"rest": "1 s"}]}]}]"#, "steps", "1000000000000"),
    .steps(
      "more steps than a number can hold",
      "[" + String(repeating: #"{"repeat": 1000000, "steps": ["#, count: 10) + #"{"rest": "1 s"}"#
        + String(repeating: "]}", count: 10) + "]", "steps", "steps"),
    .steps(
      "sodiation of a full cell", #"[{"sodiate": "0.1 mA", "until": ["step_time >= 1 h"]}]"#, "steps[0].sodiate",
      "no meaning for role full-cell", "`charge` or `discharge`", role: "full-cell"),
    .steps(
      "plating on an anode half cell", #"[{"plate": "0.1 mA", "until": ["step_time >= 1 h"]}]"#, "steps[0].plate",
      "no meaning for role anode-half-cell"),
  ]

  static let surroundings: [RefusalCase] = [
    .part("no rule for interruptions", "on_interruption.resume_within", "is missing", "30 min") {
      $0.interruption = #"{"otherwise": "hold"}"#
    },
    .part("resumption as a switch", "on_interruption", "must be an object") { $0.interruption = "true" },
    .part("resumption after three days", "on_interruption.resume_within", "too long", "1 d") {
      $0.interruption = #"{"resume_within": "3 d", "otherwise": "hold"}"#
    },
    .part("unknown way to go on", "on_interruption.otherwise", "not a way", "hold, end") {
      $0.interruption = #"{"resume_within": "1 h", "otherwise": "resume"}"#
    },
    .part("no interval of records", "record.every", "is missing") { $0.record = "{}" },
    .part("records of no change", "record.on_voltage_change", "more than nothing") {
      $0.record = #"{"every": "1 s", "on_voltage_change": "0 V"}"#
    },
    .part("readings seldom", "record.read_every", "too long") {
      $0.record = #"{"every": "10 s", "read_every": "1.1 s"}"#
    },
    .part("records between readings", "record.read_every", "as often") {
      $0.record = #"{"every": "100 ms", "read_every": "200 ms"}"#
    },
    .part("readings faster than the instrument's", "record.read_every", "no faster", instrument: .small) {
      $0.record = #"{"every": "10 s", "read_every": "50 ms"}"#
    },
    .part("records faster than readings", "record.every", "no faster", instrument: .small) {
      $0.record = #"{"every": "50 ms"}"#
    },
    .part("step that the instrument has not", "steps[0]", "has no constant voltage steps", instrument: onlyCurrent) {
      $0.steps = #"[{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}]"#
    },
  ]

  private static var onlyCurrent: InstrumentLimits {
    var limits = InstrumentLimits.small
    limits.kinds = [.rest, .constantCurrent]
    return limits
  }
}

extension RefusalCase {
  /// The same case with its problem at another place.
  func at(_ path: String, _ message: String) -> RefusalCase {
    var changed = self
    changed.path = path
    changed.message = message
    return changed
  }

  /// The same case with other steps.
  func with(steps: String) -> RefusalCase {
    var changed = self
    changed.text.replace(#"[{"rest": "10 min"}]"#, with: steps)
    return changed
  }
}
