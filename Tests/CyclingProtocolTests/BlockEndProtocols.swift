// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Blocks whose `until` can never act, acts at once, or leads nowhere.
enum BlockEndProtocols {
  /// A `life` block with an `until`, and what follows it.
  static func life(_ until: String, then more: String = "", passes: String = "9") -> String {
    let body = "\(SampleProtocol.discharge), \(SampleProtocol.charge)"
    return
      #"[{"cycles": \#(passes), "purpose": "life", "label": "life", "steps": [\#(body)], "until": \#(until)}\#(more)]"#
  }

  static let reference = #", "metrics": {"retention_reference": "life cycle 1"}"#

  private static func end(
    _ name: String, _ until: String, _ path: String, _ message: String, _ hint: String = "", then more: String = "",
    metrics: String = "", role: String? = nil
  ) -> RefusalCase {
    .part(name, "steps[0].until\(path)", message, hint) {
      $0.steps = life(until, then: more)
      $0.more = metrics
      if let role { $0.cell = #"{"role": "\#(role)", "expect_open_circuit": {"from": "-0.2 V", "to": "3.3 V"}}"# }
    }
  }

  static let refused: [RefusalCase] = [
    end("no condition", "[]", "", "list of conditions"),
    end("one text", #""test_time >= 1 h""#, "", "list of conditions"),
    end("a number", "[80]", "[0]", "a text or an object"),
    end("a quantity of steps", #"["voltage <= 10 mV"]"#, "[0]", "says nothing then", "move it to a step"),
    end("a misspelt quantity", #"["retentoin < 80 %"]"#, "[0]", "unknown quantity", "`retention`"),
    end("another's word for it", #"["ce < 80 %"]"#, "[0]", "unknown quantity", "`coulombic_efficiency`"),
    end("a plateau without its branch", #"["plateau_ratio < 30 %"]"#, "[0]", "which branch"),
    end("a share without its unit", #"["coulombic_efficiency < 0.8"]"#, "[0]", "", "%"),
    end(
      "energy that plating gives back", #"["energy_efficiency < 80 %"]"#, "[0]", "gives no energy back",
      role: "plating-stripping"),
    end("a voltage as a share", #"["voltage_hysteresis > 5 %"]"#, "[0]", ""),
    end("a mean of no side", #"["mean_voltage > 3 V"]"#, "[0]", "unknown quantity", "voltage"),
    end("an efficiency as a voltage", #"["energy_efficiency < 1 V"]"#, "[0]", ""),
    end(
      "an initial efficiency twice", #"[{"when": "initial_coulombic_efficiency < 80 %", "for": "2 cycles"}]"#,
      "[0].when",
      "only the cell's first cycle", "leave `for` out"),
    end(
      "an initial efficiency beside a change", #"["initial_coulombic_efficiency < 80 % and capacity_change < 1 %"]"#,
      "[0]", "no cycle before it", "two conditions"),
    end("a change as a charge", #"["capacity_change < 1 mAh"]"#, "[0]", ""),
    end("a loss as a share", #"["cumulative_irreversible_capacity > 5 %"]"#, "[0]", ""),
    end("the first efficiency by its short name", #"["ice < 80 %"]"#, "[0]", "", "`initial_coulombic_efficiency`"),
    end("a cycle number from above", #"["cycle_number <= 5"]"#, "[0]", "true at once or never", ">="),
    end("cycle zero", #"["cycle_number >= 0"]"#, "[0]", "no cycle's number", "whole number"),
    end(
      "a cycle number twice", #"[{"when": "cycle_number >= 3", "for": "2 cycles"}]"#, "[0].when", "only adds",
      "yourself"),
    end("dQ/dV of a block", #"["dq_dv >= 1 mAh/V"]"#, "[0]", "says nothing then", "move it to a step"),
    end("a share as a charge", #"["discharge_capacity < 80 %"]"#, "[0]", ""),
    end("no share at all", #"["coulombic_efficiency < 0 %"]"#, "[0]", "more than nothing"),
    end("retention of nothing", #"["retention < 80 %"]"#, "[0]", "which cycle's capacity", "life cycle 1"),
    end(
      "retention against what comes later", #"["retention < 80 %"]"#, "[0]", "comes after this block",
      then: #", {"cycles": 1, "purpose": "rate", "label": "rate", "steps": [\#(SampleProtocol.discharge), "#
        + "\(SampleProtocol.charge)]}", metrics: #", "metrics": {"retention_reference": "rate cycle 1"}"#),
    end("desodiation without a threshold", #"["desodiation_plateau_ratio < 30 %"]"#, "[0]", "desodiation's plateau"),
    end(
      "a time joined with a cycle", #"["charge_capacity < 1 mAh and test_time >= 1 h"]"#, "[0]", "cannot be joined",
      "of its own"),
    end("true at once", #"["test_time <= 1 h"]"#, "[0]", "true at once"),
    end(
      "joined with what nobody knows", #"["coulombic_efficiency < 80 % and retention < 80 %"]"#, "[0]",
      "which cycle's capacity is 100 %", "retention_reference"),
    end("cycles of a time", #"[{"when": "test_time >= 1 h", "for": "2 cycles"}]"#, "[0].when", "counts cycles"),
    end("no comparison", #"[{"for": "2 cycles"}]"#, "[0].when", "is missing"),
    end(
      "an unknown key", #"[{"when": "test_time >= 1 h", "goto": "end"}]"#, "[0].goto", "unknown key", "when, for, go"),
    end(
      "passes in a row", #"[{"when": "coulombic_efficiency < 80 %", "for": "2 passes"}]"#, "[0].for",
      "not a number of cycles"),
    end(
      "no cycle in a row", #"[{"when": "coulombic_efficiency < 80 %", "for": "0 cycles"}]"#, "[0].for",
      "not a number of cycles"),
    end(
      "more cycles in a row than there can be", #"[{"when": "coulombic_efficiency < 80 %", "for": "10001 cycles"}]"#,
      "[0].for", "not a number of cycles"),
    end(
      "seconds in a row", #"[{"when": "coulombic_efficiency < 80 %", "for": "10 s"}]"#, "[0].for", "number of cycles"),
    end("a label that is nowhere", #"[{"when": "test_time >= 1 h", "go": "rate"}]"#, "[0].go", "has the label `rate`"),
    end(
      "back to itself", #"[{"when": "test_time >= 1 h", "go": "life"}]"#, "[0].go", "no step behind this one"),
    end(
      "into another block", #"[{"when": "test_time >= 1 h", "go": "inside"}]"#, "[0].go", "no step behind this one",
      then: #", {"repeat": 2, "steps": [{"rest": "1 h", "label": "inside"}]}"#),
    end(
      "to a hold", #"[{"when": "test_time >= 1 h", "go": "hold it"}]"#, "[0].go", "is a hold",
      then: #", \#(SampleProtocol.discharge), {"hold": "10 mV", "current_at_most": "0.1 mA", "label": "hold it", "#
        + #""until": ["step_time >= 1 h"]}"#),
    .steps(
      "a cycle's value where there is none",
      #"[{"repeat": 2, "steps": [{"rest": "1 h"}], "until": ["coulombic_efficiency < 80 %"]}]"#, "steps[0].until[0]",
      "the block has none"),
    .steps(
      "efficiency of a symmetric cell",
      #"[{"cycles": 2, "purpose": "life", "label": "life", "until": ["coulombic_efficiency < 80 %"], "steps": ["#
        + #"{"charge": "0.1 mA", "until": ["step_time >= 1 h"]}, "#
        + #"{"discharge": "0.1 mA", "until": ["step_time >= 1 h"]}]}]"#, "steps[0].until[0]",
      "has no coulombic efficiency", role: "symmetric"),
    .steps(
      "a plateau of a full cell",
      #"[{"cycles": 2, "purpose": "life", "label": "life", "until": ["sodiation_plateau_ratio < 30 %"], "steps": ["#
        + #"{"charge": "0.1 mA", "until": ["step_time >= 1 h"]}, "#
        + #"{"discharge": "0.1 mA", "until": ["step_time >= 1 h"]}]}]"#, "steps[0].until[0]", "no meaning for role",
      role: "full-cell"),
    .step(
      "a metric in a step", #"{"charge": "0.1 mA", "until": ["retention < 80 %", "step_time >= 1 h"]}"#, ".until[0]",
      "once a cycle is over", "a block's `until`"),
  ]

  /// Conditions of steps that lead nowhere, or out of a cycle.
  static let steps: [RefusalCase] = [
    .step(
      "an object without a comparison", #"{"rest": "1 h", "until": [{"go": "end"}]}"#, ".until[0].when", "is missing"),
    .step(
      "an unknown key", #"{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "then": "end"}]}"#, ".until[0].then",
      "unknown key"),
    .step(
      "cycles in a row", #"{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "for": "2 cycles"}]}"#,
      ".until[0].for", "unit"),
    .step(
      "a label that is nowhere", #"{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "go": "on"}]}"#, ".until[0].go",
      "has the label `on`"),
    .steps(
      "back", #"[{"rest": "1 h", "label": "a"}, {"rest": "1 h", "until": [{"when": "voltage <= 1 V", "go": "a"}]}]"#,
      "steps[1].until[0].go", "no step behind this one"),
    .steps(
      "out of a cycle",
      SampleProtocol.cycles(
        #"{"discharge": "0.1 mA", "until": [{"when": "voltage <= 10 mV", "go": "out"}, "step_time >= 9 h"]}, "#
          + SampleProtocol.charge
      ).dropLast() + #", {"rest": "1 h", "label": "out"}]"#,
      "steps[0].steps[0].until[0].go", "leave a cycle in its middle"),
    .steps(
      "to a hold",
      #"[{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "go": "held"}]}, \#(SampleProtocol.discharge), "#
        + #"{"hold": "10 mV", "current_at_most": "0.1 mA", "label": "held", "until": ["step_time >= 1 h"]}]"#,
      "steps[0].until[0].go", "is a hold"),
  ]
}
