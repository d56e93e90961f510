// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities
import Testing

@Suite struct ExportTests {
  private static func ours(_ steps: String, more: String = "") -> [UInt8] {
    Array(
      """
      {"nacycler_protocol": 1, "title": "x",
       "cell": {"role": "anode-free", "name": "na_002", "nominal_capacity": "3 mAh",
         "expect_open_circuit": {"from": "0 V", "to": "3 V"}},
       "limits": {"voltage": {"min": "-0.1 V", "max": "4.4 V", "for": "2 s"},
         "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "4 mA", "for": "1 s"},
         "half_cycle_charge": {"max": "5 mAh"}},
       "record": {"every": "30 s", "on_voltage_change": "5 mV"},
       "on_interruption": {"resume_within": "3 min", "otherwise": "end"}\(more),
       "steps": [\(steps)]}
      """.utf8)
  }

  private static let course = ours(
    """
    {"rest": "1 h"},
    {"cycles": 3, "purpose": "formation", "label": "formation", "steps": [
      {"charge": "C/10", "to": "4.25 V", "hold_until": ["current <= C/50", "hold_time >= 2 h"],
       "until": [{"when": "step_time >= 22 h", "go": "hold"}]},
      {"discharge": "C/10", "until": ["voltage <= 2 V", "step_time >= 20 h"]}]},
    {"repeat": 2, "steps": [
      {"cycles": 2, "purpose": "life", "label": "life", "steps": [
        {"charge": "1 mA", "until": ["voltage >= 4.2 V", "step_time >= 9 h"]},
        {"hold": "4.2 V", "current_at_most": "1 mA", "until": ["current <= 100 uA", "hold_time >= 1 h"]},
        {"discharge": "1 mA", "until": ["voltage <= 2 V", {"when": "step_time >= 20 h", "go": "hold"}]}]},
      {"rest": "10 min"}]}
    """)

  private func exported(_ bytes: [UInt8], _ format: ForeignFormat) throws -> ExportedProtocol {
    try ProtocolExchange.exported(bytes, to: format, cell: CellValues()).get()
  }

  /// Out and in again: the same steps in the same order.
  @Test(arguments: [ForeignFormat.unicycler, .pybamm])
  func whatIsWrittenIsReadAgain(_ format: ForeignFormat) throws {
    let text = try exported(Self.course, format).text
    let window = VoltageWindow(from: Voltage(millivolts: -100), to: Voltage(millivolts: 4_400))
    let options = ForeignProtocols.options(
      .anodeFree, capacity: Charge(nanocoulombs: 3 * 3_600_000_000), window: window)
    let program = try ForeignProtocols.program(text, format, options)
    let formation = [
      "charge 300 uA to 4.25 V and hold it until current <= 60 uA or hold_time >= 2 h; in all until step_time >= 22 h",
      "discharge 300 uA until voltage <= 2 V or step_time >= 20 h",
    ]
    let life = [
      "charge 1 mA until voltage >= 4.2 V or step_time >= 9 h",
      "hold 4.2 V with at most 1 mA until current <= 100 uA or hold_time >= 1 h",
      "discharge 1 mA until voltage <= 2 V or step_time >= 6 h",
    ]
    let pass = life + life + ["rest 10 min"]
    #expect(
      ForeignProtocols.unrolled(program) == ["rest 1 h"] + formation + formation + formation + pass + pass, "\(text)")
    #expect(program.cycleCount == 7)
    #expect(program.record.every.seconds == (format == .unicycler ? 30 : 60))
  }

  @Test func aSweepOneWayIsAScan() throws {
    let sweep = #"{"rest": "1 h"}, {"sweep": "0.5 mV/s", "from": "2.5 V", "to": "4.2 V", "current_at_most": "3 mA"}"#
    let scan = try exported(Self.ours(sweep), .unicycler)
    #expect(
      scan.text.contains(
        #"{"step": "voltage_scan", "start_voltage_V": 2.5, "end_voltage_V": 4.2, "scan_rate_mV_per_s": 0.5}"#),
      "\(scan.text)")
    #expect(scan.leftOut.contains { $0.contains("largest current of a sweep") })
    for other in [
      sweep.replacing(#""from": "2.5 V", "#, with: ""),
      sweep.replacing(#", "current_at_most"#, with: #", "back_to": "2 V", "current_at_most"#),
    ] {
      guard case .failure = ProtocolExchange.exported(Self.ours(other), to: .unicycler, cell: CellValues()) else {
        Issue.record("written: \(other)")
        continue
      }
    }
    guard case .failure = ProtocolExchange.exported(Self.ours(sweep), to: .pybamm, cell: CellValues()) else {
      Issue.record("written for PyBaMM")
      return
    }
  }

  @Test func whatIsLeftOutIsTold() throws {
    let unicycler = try exported(Self.course, .unicycler)
    #expect(unicycler.text.contains(#""min_current_mA": -4"#) && unicycler.text.contains(#""name": "na_002""#))
    #expect(unicycler.text.contains(#""max_capacity_mAh": 5,"#))
    for word in ["time bounds that hold the run", "interruption", "largest current of a hold"] {
      #expect(unicycler.leftOut.contains { $0.contains(word) }, "\(word): \(unicycler.leftOut)")
    }
    #expect(try exported(Self.course, .pybamm).leftOut.contains("the limits of the run"))
  }

  private static let powers = ours(
    """
    {"charge": "12.5 mW", "current_at_most": "5 mA", "until": ["voltage >= 4.2 V", "step_time >= 9 h"]},
    {"discharge": "1.2 kohm", "current_at_most": "4 mA",
     "until": ["voltage <= 2 V", {"when": "step_time >= 9 h", "go": "hold"}]}
    """)

  @Test func powersAndResistancesAreWrittenForPyBaMM() throws {
    let python = try exported(Self.powers, .pybamm)
    #expect(python.text.contains("Charge at 0.0125 W for 32400 seconds or until 4.2 V (30 seconds period)"))
    #expect(python.text.contains("Discharge at 1200 Ohm until 2 V (30 seconds period)"), "\(python.text)")
    #expect(python.leftOut.contains("the largest current of a constant power or resistance"))
    var options = ImportOptions()
    options.like = Self.powers
    let again = try ForeignProtocols.program(python.text, .pybamm, options)
    #expect(
      again.steps.map { ProgramListing.step($0) } == [
        "charge 12.5 mW with at most 5 mA until voltage >= 4.2 V or step_time >= 9 h",
        "discharge over 1.2 kohm with at most 4 mA until voltage <= 2 V or step_time >= 1 d",
      ])
    let byCurrent = Self.ours(
      #"{"discharge": "1 mW", "current_at_most": "4 mA", "until": ["current >= 1 mA", "voltage <= 2 V", "step_time >= 9 h"]}"#
    )
    guard case .failure(let found) = ProtocolExchange.exported(byCurrent, to: .pybamm, cell: CellValues()) else {
      Issue.record("written")
      return
    }
    #expect(found.problems.contains { $0.message.contains("compares otherwise") })
  }

  /// What would change what happens to the cell is refused.
  @Test(arguments: [
    (#"{"charge": "1 mA", "until": ["step_charge >= 1 mAh", "step_time >= 9 h"]}"#, "no end by `step_charge`"),
    (#"{"charge": "1 mA", "until": [{"when": "voltage >= 4 V", "go": "end"}, "step_time >= 2 h"]}"#, "says more than"),
    (#"{"charge": "1 mA", "until": [{"when": "voltage >= 4 V", "for": "5 s"}, "step_time >= 2 h"]}"#, "says more than"),
    (
      #"{"charge": "1 mA", "to": "4.2 V", "hold_until": ["hold_time >= 1 h"], "until": ["step_time >= 5 h"]}"#,
      "the constant current and its hold as a whole"
    ),
    (
      #"{"charge": "1 mW", "current_at_most": "1 mA", "until": ["voltage >= 4 V", "step_time >= 2 h"]}"#,
      "no constant power or resistance"
    ),
    (
      #"{"cycles": 1, "purpose": "life", "label": "l", "steps": ["#
        + #"{"charge": "1 mA", "until": ["voltage >= 4 V", "step_time >= 9 h"]},"#
        + #"{"discharge": "1 mA", "until": ["voltage <= 2 V", "step_time >= 9 h"]}]}, "#
        + #"{"charge": "C/3 of charge_capacity", "current_at_most": "1 mA", "until": ["voltage >= 4 V", "step_time >= 9 h"]}"#,
      "the other format has no `C/3 of charge_capacity`"
    ),
    (#"{"rest": "1 h", "until": ["voltage_drift <= 1 mV/h"]}"#, "no end by `voltage_drift`"),
    (#"{"discharge": "1 mA", "until": ["voltage <= 0 V", "step_time >= 2 h"]}"#, "0 V, which aurora-unicycler reads"),
    (
      #"{"cycles": 9, "purpose": "life", "label": "l", "until": ["coulombic_efficiency < 90 %"], "steps": ["#
        + #"{"charge": "1 mA", "until": ["voltage >= 4 V", "step_time >= 9 h"]},"#
        + #"{"discharge": "1 mA", "until": ["voltage <= 2 V", "step_time >= 9 h"]}]}"#, "only NaCycler can judge"
    ),
  ])
  func whatCannotBeSaidIsRefused(_ steps: String, _ said: String) {
    let exported = ProtocolExchange.exported(Self.ours(steps), to: .unicycler, cell: CellValues())
    guard case .failure(let found) = exported else {
      Issue.record("written: \(exported)")
      return
    }
    #expect(found.problems.contains { $0.message.contains(said) }, "\(found.problems)")
  }
}
