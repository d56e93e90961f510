// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities
import Testing

@Suite struct ImportTests {
  /// Loops in loops, numbers as texts and with exponents, fractions as rates, a current that an empty rate leaves.
  @Test func aUnicyclerFileRunsInTheSameOrder() throws {
    let program = try ForeignProtocols.program(ForeignProtocols.nested, .unicycler, ForeignProtocols.options())
    let formation = [
      "charge 150 uA to 4.25 V and hold it until current <= C/20 (75 uA) or hold_time >= 2 h; in all until step_time >= 22 h",
      "discharge 150 uA until voltage <= 2 V or step_time >= 20 h",
    ]
    let pass =
      formation + formation + formation + [
        "charge 500 uA until voltage >= 4.25 V or step_time >= 10 min",
        "discharge 500 uA until voltage <= 2 V or step_time >= 2 h",
      ]
    #expect(ForeignProtocols.unrolled(program) == ["rest 1 h"] + pass + pass)
    #expect(program.cycleCount == 8)
    #expect(program.limits.upperVoltage.soft == 4_350_000_000 && program.limits.upperVoltage.tolerance.seconds == 2)
    #expect(program.limits.dischargeCurrent.soft == 5_000_000_000)
    #expect(program.limits.halfCycleCharge == Charge(nanocoulombs: 2_250 * 3_600_000))
    #expect(program.record.every.seconds == 10 && program.record.onVoltageChange == Voltage(millivolts: 5))
    // What the file did not bound asks for a person.
    let bound = program.steps.flatMap(\.ends).first { $0.text == "step_time >= 20 h" }
    #expect(bound?.target == .hold)
    #expect(program.steps.flatMap(\.ends).first { $0.text == "step_time >= 10 min" }?.target == .next)
  }

  /// There an end at 0 V alone is refused, and together with a time it is none; here it is one.
  @Test func zeroVoltsIsAnEnd() throws {
    let text = ForeignProtocols.unicycler(
      #"""
      {"step": "constant_current", "rate_C": -0.1, "until_voltage_V": 0, "until_time_s": 72000},
      {"step": "constant_current", "rate_C": 0.1, "until_voltage_V": 2.0}
      """#)
    let program = try ForeignProtocols.program(text, .unicycler, ForeignProtocols.options(.anodeHalfCell))
    #expect(ForeignProtocols.unrolled(program)[0] == "discharge 150 uA until voltage <= 0 V or step_time >= 20 h")
    #expect(program.cycleCount == 1)
  }

  /// A scan becomes a sweep in no half-cycle, and what it may draw is the smaller limit of the file.
  @Test func aVoltageScanIsASweep() throws {
    let text = ForeignProtocols.unicycler(
      #"""
      {"step": "open_circuit_voltage", "until_time_s": 60},
      {"step": "voltage_scan", "start_voltage_V": "2.5", "end_voltage_V": 4.3, "scan_rate_mV_per_s": 0.1},
      {"step": "voltage_scan", "start_voltage_V": 4.3, "end_voltage_V": 2.0, "scan_rate_mV_per_s": 1e-1}
      """#,
      safety: #"{"max_voltage_V": 4.4, "min_voltage_V": 1.9, "max_current_mA": 5, "min_current_mA": -2, "delay_s": 2}"#)
    let program = try ForeignProtocols.program(text, .unicycler, ForeignProtocols.options())
    #expect(
      ForeignProtocols.unrolled(program) == [
        "rest 1 min", "sweep from 2.5 V to 4.3 V at 100 uV/s with at most 2 mA",
        "sweep from 4.3 V to 2 V at 100 uV/s with at most 2 mA",
      ])
    #expect(program.cycleCount == 0)
  }

  /// A fraction that has no end as a decimal number is resolved once, exactly.
  @Test(arguments: [
    ("2C/3", "C/1.5", 1_000_000_000 as Int64), ("1/3", "C/3", 500_000_000), ("3C/7", nil, 642_857_143),
    ("0.2", "C/5", 300_000_000), ("2", "2 C", 3_000_000_000), ("1C/1", "1 C", 1_500_000_000),
  ])
  func aRateStaysExact(_ written: String, _ ours: String?, _ picoamperes: Int64) throws {
    let text = ForeignProtocols.unicycler(
      #"{"step": "constant_current", "rate_C": "\#(written)", "until_voltage_V": 4.2, "until_time_s": 60}"#)
    let bytes = Array(text.utf8)
    let imported = try ProtocolExchange.imported(bytes, from: .unicycler, options: ForeignProtocols.options()).get()
    if let ours { #expect(imported.text.contains(#""charge": "\#(ours)""#), "\(imported.text)") }
    let program = try ForeignProtocols.program(text, .unicycler, ForeignProtocols.options())
    #expect(program.steps[0].action == .constantCurrent(.charge, Current(picoamperes: picoamperes)))
  }

  @Test func aTomatoPayloadIsWhatUnicyclerMadeItOf() throws {
    let text = """
      {"version": "0.1", "sample": {"name": "na_001", "capacity_mAh": 1.5}, "tomato": {"verbosity": "INFO"},
       "method": [
        {"device": "worker", "technique": "open_circuit_voltage", "time": 3600.0, "record_every_dt": 10.0},
        {"device": "worker", "technique": "constant_current", "current": "0.1C", "limit_voltage_max": 4.25},
        {"device": "worker", "technique": "constant_voltage", "voltage": 4.25, "time": 7200, "limit_current_min": "0.02C"},
        {"device": "worker", "technique": "constant_current", "current": "0.1D", "limit_voltage_min": 2.0},
        {"device": "worker", "technique": "constant_current", "current": -0.00015, "time": 60},
        {"device": "worker", "technique": "loop", "goto": 1, "n_gotos": 1}
       ]}
      """
    #expect(ProtocolExchange.format(of: Array(text.utf8)) == .tomato)
    let program = try ForeignProtocols.program(text, .tomato, ForeignProtocols.options())
    let pass = [
      "charge 150 uA to 4.25 V and hold it until current <= C/50 (30 uA) or hold_time >= 2 h; in all until step_time >= 22 h",
      "discharge 150 uA until voltage <= 2 V or step_time >= 20 h", "discharge 150 uA until step_time >= 1 min",
    ]
    #expect(ForeignProtocols.unrolled(program) == ["rest 1 h"] + pass + pass)
    #expect(program.cycleCount == 2 && program.record.every.seconds == 10)
  }

  /// A list in Python, with comments and repetitions; one step a line; JSON.
  @Test(arguments: [
    """
    # three cycles
    [
      ("Discharge at C/10 for 12 hours or until 2.5 V", "Rest for 1 hour",
       "Charge at 5 A until 4.2 V (10 second period)", 'Hold at 4.2V until 250 mA (10 second period)', "Rest for 0.5 hours"),
    ] * 3
    """,
    """
    [["Discharge at C/10 for 12 hours or until 2.5 V", "Rest for 1 hour",
      "Charge at 5 A until 4.2 V (10 second period)", "Hold at 4.2V until 250 mA (10 second period)", "Rest for 0.5 hours"],
     ["Discharge at C/10 for 12 hours or until 2.5 V", "Rest for 1 hour",
      "Charge at 5 A until 4.2 V (10 second period)", "Hold at 4.2V until 250 mA (10 second period)", "Rest for 0.5 hours"],
     ["Discharge at C/10 for 12 hours or until 2.5 V", "Rest for 1 hour",
      "Charge at 5 A until 4.2 V (10 second period)", "Hold at 4.2V until 250 mA (10 second period)", "Rest for 0.5 hours"]]
    """,
  ])
  func pyBaMMsExperimentsRunInTheSameOrder(_ text: String) throws {
    #expect(ProtocolExchange.format(of: [0x0A] + Array(text.utf8)) == .pybamm)
    let options = ForeignProtocols.options(.fullCell, capacity: Charge(nanocoulombs: 5 * 3_600_000_000_000))
    let program = try ForeignProtocols.program(text, .pybamm, options)
    let pass = [
      "discharge 500 mA until voltage <= 2.5 V or step_time >= 12 h", "rest 1 h",
      "charge 5 A to 4.2 V and hold it until current <= 250 mA; in all until step_time >= 26 h", "rest 30 min",
    ]
    #expect(ForeignProtocols.unrolled(program) == pass + pass + pass)
    // Turned by one: the first and the last half-cycle make no pair.
    #expect(program.cycleCount == 2)
    let held = program.steps.first { $0.kind == .constantCurrentConstantVoltage }
    #expect(held?.record.first?.rule.every.seconds == 10)
  }

  @Test func pulsesAreRepeatedAndCountedInNoCycle() throws {
    let text = #"[("Discharge at C/20 for 1 hour", "Rest for 1 hour")] * 20"#
    let window = VoltageWindow(from: Voltage(millivolts: 2_400), to: Voltage(millivolts: 4_300))
    let options = ForeignProtocols.options(.fullCell, capacity: Charge(nanocoulombs: 3_600_000_000), window: window)
    let program = try ForeignProtocols.program(text, .pybamm, options)
    #expect(program.cycleCount == 0)
    #expect(ForeignProtocols.unrolled(program).count == 40)
  }

  /// Cell, limits and policy come from a protocol of ours; steps and records from the file.
  @Test func theRestMayComeFromAProtocolOfOurs() throws {
    var options = ImportOptions()
    options.like = Array(
      """
      {"nacycler_protocol": 1, "title": "x",
       "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "2 V", "to": "3 V"}, "allow_plating": true},
       "limits": {"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
         "charge_current": {"max": "5 mA", "for": "1 s"}, "discharge_current": {"max": "5 mA", "for": "1 s"},
         "half_cycle_charge": {"max": "4 mAh"}},
       "record": {"every": "1 h"}, "metrics": {"sodiation_plateau_below": "90 mV"},
       "on_interruption": {"resume_within": "3 min", "otherwise": "end"},
       "steps": [{"rest": "1 s"}]}
      """.utf8)
    let text = #"["Discharge at C/10 until 10 mV", "Charge at C/10 until 2 V"]"#
    options.nominalCapacity = Charge(nanocoulombs: 3_600_000_000)
    let program = try ForeignProtocols.program(text, .pybamm, options)
    #expect(program.role == .anodeHalfCell && program.cycleCount == 1)
    #expect(program.metrics.sodiationPlateauBelow == Voltage(millivolts: 90))
    #expect(program.onInterruption.otherwise == .end && program.record.every.seconds == 60)
    #expect(program.expectOpenCircuit.from == Voltage(millivolts: 2_000))
  }

  private static func like(
    _ cell: String = #""role": "full-cell", "name": "other", "nominal_capacity": "1 mAh""#, currents: (String, String)
  ) -> [UInt8] {
    Array(
      """
      {"nacycler_protocol": 1, "title": "x",
       "cell": {\(cell), "expect_open_circuit": {"from": "0 V", "to": "4 V"}},
       "limits": {"voltage": {"min": "-1 V", "max": "4.6 V", "for": "2 s"},
         "charge_current": {"max": "\(currents.0)", "for": "1 s"},
         "discharge_current": {"max": "\(currents.1)", "for": "1 s"}, "half_cycle_charge": {"max": "4 mAh"}},
       "record": {"every": "1 h"}, "metrics": {"retention_reference": "life cycle 1", "retention_threshold": "70 %"},
       "on_interruption": {"resume_within": "3 min", "otherwise": "end"},
       "steps": [{"cycles": 1, "purpose": "life", "label": "l", "steps": [
         {"charge": "1 mA", "until": ["voltage >= 4 V", "step_time >= 1 h"]},
         {"discharge": "1 mA", "until": ["voltage <= 2 V", "step_time >= 1 h"]}]}]}
      """.utf8)
  }

  private func refusal(_ text: String, _ format: ForeignFormat, _ options: ImportOptions) -> String {
    switch ProtocolExchange.imported(Array(text.utf8), from: format, options: options) {
    case .success(let imported): "taken: \(imported.text)"
    case .failure(let found): "\(found.problems)"
    }
  }

  /// The cell stays the file's, the narrower voltage limit holds, and what two say is refused.
  @Test func anotherProtocolSaysOnlyWhatTheFileDoesNot() throws {
    let text = ForeignProtocols.unicycler(
      #"{"step": "constant_current", "current_mA": 1, "until_voltage_V": 4.2, "until_time_s": 60}"#,
      sample: #"{"name": "mine", "capacity_mAh": 1}"#, safety: #"{"max_voltage_V": 4.3, "min_voltage_V": -2}"#)
    var options = ImportOptions()
    options.like = Self.like(currents: ("2 mA", "2 mA"))
    let imported = try ProtocolExchange.imported(Array(text.utf8), from: .unicycler, options: options).get()
    #expect(imported.text.contains(#""name": "mine""#) && !imported.text.contains("other\""))
    #expect(imported.text.contains(#""min": "-1 V", "max": "4.3 V""#), "\(imported.text)")
    #expect(!imported.text.contains("retention_"))
    options.role = .anodeHalfCell
    #expect(refusal(text, .unicycler, options).contains("--role says anode-half-cell"))
    options.role = nil
    options.voltageLimits = VoltageWindow(from: Voltage(millivolts: 0), to: Voltage(millivolts: 4_200))
    #expect(refusal(text, .unicycler, options).contains("--like says the voltage limits"))
    options.voltageLimits = nil
    options.nominalCapacity = Charge(nanocoulombs: 7_200_000_000)
    #expect(refusal(text, .unicycler, options).contains("nominal capacity is 1 mAh, the one that was said 2 mAh"))
  }

  /// What a hold may draw is the constant current before it, also out of a loop and after one that a time has ended.
  @Test func aHoldDrawsWhatTheCurrentBeforeItDid() throws {
    let text = ForeignProtocols.unicycler(
      #"""
      {"step": "tag", "tag": "o"}, {"step": "constant_current", "current_mA": 1, "until_voltage_V": 4.2},
      {"step": "tag", "tag": "a"},
      {"step": "constant_current", "current_mA": -0.1, "until_time_s": 60, "until_voltage_V": 2.5},
      {"step": "open_circuit_voltage", "until_time_s": 60}, {"step": "loop", "loop_to": "a", "cycle_count": 3},
      {"step": "constant_voltage", "voltage_V": 2.5, "until_time_s": 600},
      {"step": "loop", "loop_to": "o", "cycle_count": 2}
      """#)
    let imported = try ProtocolExchange.imported(
      Array(text.utf8), from: .unicycler, options: ForeignProtocols.options(.fullCell)
    ).get()
    #expect(imported.text.contains(#""hold": "2.5 V", "current_at_most": "100 uA""#), "\(imported.text)")
    let timed = ForeignProtocols.unicycler(
      #"""
      {"step": "constant_current", "rate_C": "D/10", "until_voltage_V": 3, "until_time_s": 72000},
      {"step": "constant_voltage", "voltage_V": 3, "until_rate_C": 0.01}
      """#)
    let program = try ForeignProtocols.program(timed, .unicycler, ForeignProtocols.options(.fullCell))
    #expect(
      program.steps.last?.action
        == .hold(.discharge, Voltage(millivolts: 3_000), currentAtMost: Current(amperes: 150e-6)))
  }

  /// Where nothing drives before a hold the limits say what it may draw, if they say it for both directions.
  @Test func aHoldAloneDrawsWhatTheLimitsAllow() throws {
    let text = #"["Hold at 3 V for 1 hour"]"#
    var options = ImportOptions()
    options.like = Self.like(currents: ("2 mA", "1 mA"))
    let imported = try ProtocolExchange.imported(Array(text.utf8), from: .pybamm, options: options).get()
    #expect(imported.text.contains(#""current_at_most": "1 mA""#), "\(imported.text)")
    options.like = Self.like(currents: ("2 mA", "1 C"))
    #expect(refusal(text, .pybamm, options).contains("nothing says what the hold at 3 V may draw"))
  }

  /// What a power or a resistance may draw is the limit of its direction, where a protocol of ours says it.
  @Test func aPowerDrawsWhatTheLimitOfItsDirectionAllows() throws {
    let text =
      #"["Charge at 5 mW until 4.1 V", "Discharge at 4 mW for 2 hours or until 2.5 V", "Discharge at 500 Ohm until 2.1 V"]"#
    var options = ImportOptions()
    options.like = Self.like(currents: ("2 mA", "1 mA"))
    let program = try ForeignProtocols.program(text, .pybamm, options)
    #expect(
      program.steps.map { ProgramListing.step($0) } == [
        "charge 5 mW with at most 2 mA until voltage >= 4.1 V or step_time >= 1 d",
        "discharge 4 mW with at most 1 mA until voltage <= 2.5 V or step_time >= 2 h",
        "discharge over 500 ohm with at most 1 mA until voltage <= 2.1 V or step_time >= 1 d",
      ])
    #expect(program.steps[0].ends[1].target == .hold && program.steps[1].ends[1].target == .next)
  }

  @Test func whatWasAssumedIsTold() throws {
    let text = #"["Charge at C/10 until 4.2 V", "Discharge at C/10 until 2 V", "Charge at C/10 for 1 hour"]"#
    let options = ForeignProtocols.options(.fullCell, capacity: Charge(nanocoulombs: 3_600_000_000))
    let notes = try ProtocolExchange.imported(Array(text.utf8), from: .pybamm, options: options).get().notes.joined()
    for told in [
      "one and a half of the nominal", "a quarter above", "passed for 2 s", "every 1 min", "up to 10 min",
      "make no pair", "24 h", "1.95 V", "4.25 V", "must stand between",
    ] {
      #expect(notes.contains(told), "\(told): \(notes)")
    }
    var wider = options
    wider.voltageLimits = VoltageWindow(from: Voltage(millivolts: 1_000), to: Voltage(millivolts: 5_000))
    let said = try ProtocolExchange.imported(Array(text.utf8), from: .pybamm, options: wider).get().notes.joined()
    #expect(!said.contains("50 mV"), "\(said)")
    #expect(
      refusal(
        ForeignProtocols.nested, .unicycler,
        {
          var options = ForeignProtocols.options()
          options.voltageLimits = wider.voltageLimits
          return options
        }()
      ).contains("is wider than the file's own, 4.35 V"))
  }

  /// aurora-unicycler writes the end of a discharging hold as a largest current.
  @Test func aLargestDischargeCurrentIsTheEndOfAHold() throws {
    let text = """
      {"version": "0.1", "sample": {"capacity_mAh": 1}, "method": [
       {"technique": "constant_current", "current": "0.1D", "limit_voltage_min": 2.0, "I_range": "1 mA"},
       {"technique": "constant_voltage", "voltage": 2.0, "limit_current_max": "0.02D"}]}
      """
    let options = ForeignProtocols.options(
      .fullCell, window: VoltageWindow(from: Voltage(millivolts: 1_900), to: Voltage(millivolts: 4_000)))
    let imported = try ProtocolExchange.imported(Array(text.utf8), from: .tomato, options: options).get()
    #expect(imported.text.contains(#""current <= C/50""#), "\(imported.text)")
    #expect(imported.notes.joined().contains("Ranges are not taken over"))
  }

  @Test(arguments: [
    "\"Charge at 1C until 4 V\",\n'Rest for 1 hour'\n", "3 * ['Rest for 60 seconds']", "Rest for 1 hour",
  ])
  func experimentsAreRecognised(_ text: String) { #expect(ProtocolExchange.format(of: Array(text.utf8)) == .pybamm) }

  @Test func aLongTagIsCutWhereItCanBe() throws {
    let tag = String(repeating: "a", count: 55) + " more"
    let text = ForeignProtocols.unicycler(
      #"""
      {"step": "tag", "tag": "\#(tag)"}, {"step": "constant_current", "rate_C": 0.1, "until_voltage_V": 4.2},
      {"step": "constant_current", "rate_C": -0.1, "until_voltage_V": 2.0},
      {"step": "loop", "loop_to": "\#(tag)", "cycle_count": 2}
      """#)
    let program = try ForeignProtocols.program(text, .unicycler, ForeignProtocols.options())
    #expect(program.steps[0].label == String(repeating: "a", count: 55))
  }

  /// Ours is nobody else's, and neither is just any JSON.
  @Test(arguments: [
    #"{"nacycler_protocol": 1, "method": []}"#, #"{"steps": []}"#, "{", "", "hello", "\u{FEFF}[", #"{"method": 3}"#,
  ])
  func otherTextsAreNotTaken(_ text: String) { #expect(ProtocolExchange.format(of: Array(text.utf8)) == nil) }
}
