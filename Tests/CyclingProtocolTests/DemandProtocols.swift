// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Constant powers and resistances, right and wrong.
enum DemandProtocols {
  private static let onlyCurrent: InstrumentLimits = {
    var limits = InstrumentLimits.small
    limits.kinds = [.rest, .constantCurrent]
    return limits
  }()

  /// A discharge with a largest current of 0.5 mA that is right but for what is given.
  private static func discharge(
    _ value: String, more: String = "", until: String = #""voltage <= 10 mV", "step_time >= 9 h""#
  ) -> String {
    #"{"discharge": "\#(value)", "current_at_most": "0.5 mA"\#(more), "until": [\#(until)]}"#
  }

  private static let ends = #""until": ["voltage <= 10 mV", "step_time >= 9 h"]"#
  private static let upperEnds = #""until": ["voltage >= 2 V", "step_time >= 9 h"]"#

  static let malformed: [RefusalCase] =
    values + bounds + conditions + [
      .step(
        "resistance that charges", #"{"charge": "1 kohm", "current_at_most": "0.5 mA", \#(upperEnds)}"#, ".charge",
        "only discharges"),
      .step(
        "resistance that desodiates", #"{"desodiate": "1 kohm", "current_at_most": "0.5 mA", \#(upperEnds)}"#,
        ".desodiate", "no `desodiate` with it"),
      .step(
        "power and a voltage to hold",
        #"{"charge": "1 mW", "current_at_most": "0.5 mA", "to": "2 V", "hold_until": ["hold_time >= 1 h"], "#
          + #""until": ["step_time >= 9 h"]}"#, ".to", "behind a constant power", "of its own"),
      .step(
        "power on an instrument that cannot", discharge("1 mW"), "", "no constant power steps",
        instrument: onlyCurrent),
      .step(
        "resistance on an instrument that cannot", discharge("1 kohm"), "", "no constant resistance steps",
        instrument: onlyCurrent),
      .steps(
        "power where the cell stands at 0 V",
        #"[{"plate": "1 mW", "current_at_most": "0.5 mA", "until": ["step_charge >= 0.1 mAh", "step_time >= 9 h"]}]"#,
        "steps[0].plate", "near 0 V, where a constant power asks for any current", role: "plating-stripping"),
      .steps(
        "resistance where the cell stands at 0 V",
        #"[{"discharge": "1 kohm", "current_at_most": "0.5 mA", "#
          + #""until": ["step_charge >= 0.1 mAh", "step_time >= 9 h"]}]"#,
        "steps[0].discharge", "near 0 V, where a constant resistance asks for none", role: "symmetric"),
      .steps(
        "a hold far from a power's end",
        "[" + discharge("1 mW")
          + #", {"hold": "1 V", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}]"#, "steps[1].hold",
        "ends at 10 mV"),
    ]

  private static let values: [RefusalCase] = [
    .step("unit of power too large", discharge("1 kW"), ".discharge", "`kW` is not a unit of a power", "W, mW, uW"),
    .step("power by mass", discharge("1 W/g"), ".discharge", "`W/g` is not a unit of a power"),
    .step("unit of power in the wrong case", discharge("1 mw"), ".discharge", "`mw`", "write `1 mW`"),
    .step("ohm in capitals", discharge("1 kOhm"), ".discharge", "not a unit of a resistance", "write `1 kohm`"),
    .step("the sign for ohm", discharge("1 k\u{2126}"), ".discharge", "not a unit of a resistance"),
    .step("power without its space", discharge("1mW"), ".discharge", "exactly one space", "write `1 mW`"),
    .step("negative power", discharge("-1 mW"), ".discharge", "has a sign; a power is a magnitude", "with `1 mW`"),
    .step("no power", discharge("0 mW"), ".discharge", "is no power", "or a `rest`"),
    .step("no resistance", discharge("0 ohm"), ".discharge", "is no resistance"),
    .step("tiny power", discharge("0.0000001 uW"), ".discharge", "too small"),
  ]

  private static let bounds: [RefusalCase] = [
    .step(
      "power without a bound", #"{"discharge": "1 mW", \#(ends)}"#, ".current_at_most", "rises without end",
      #""current_at_most": "1 mA""#),
    .step(
      "resistance without a bound", #"{"discharge": "1 kohm", \#(ends)}"#, ".current_at_most", "rises with the voltage"),
    .step("bound of a constant current", discharge("0.1 mA"), ".current_at_most", "beside a constant current"),
    .step(
      "bound above the limit", #"{"discharge": "1 mW", "current_at_most": "2 mA", \#(ends)}"#, ".current_at_most",
      "more than `limits.discharge_current` allows"),
    .step(
      "bound of a voltage", #"{"discharge": "1 mW", "current_at_most": "2 V", \#(ends)}"#, ".current_at_most",
      "not a unit of a current"),
    .step(
      "power that may move too much", discharge("1 mW", until: #""step_time >= 9 h""#), "",
      "500 uA for 9 h moves more than a half-cycle may"),
  ]

  private static let conditions: [RefusalCase] = [
    .step("power without a time bound", discharge("1 mW", until: #""voltage <= 10 mV""#), "", "without a time bound"),
    .step(
      "power to the wrong side", discharge("1 mW", until: #""voltage >= 2 V", "step_time >= 9 h""#), ".until[0]",
      "discharge lowers"),
    .step(
      "power ended by any current",
      discharge("1 mW", until: #""current <= 0.5 mA", "voltage <= 10 mV", "step_time >= 9 h""#), ".until[0]",
      "true at once"),
    .step(
      "power ended by more current than flows",
      discharge("1 mW", until: #""current > 0.6 mA", "voltage <= 10 mV", "step_time >= 9 h""#), ".until[0]",
      "never true"),
    .step(
      "power ended by a hold's time", discharge("1 mW", until: #""hold_time >= 1 h", "step_time >= 9 h""#),
      ".until[0]", "only while a voltage is held"),
    .step(
      "power joined with a hold's time",
      discharge("1 mW", until: #""current <= 0.1 mA and hold_time >= 1 h", "voltage <= 10 mV", "step_time >= 9 h""#),
      ".until[0]", "`hold_time` means something in a hold only"),
    .step(
      "diagnostic power ended by a half-cycle",
      discharge(
        "1 mW", more: #", "diagnostic": true"#, until: #""half_cycle_charge >= 1 uAh", "step_time >= 9 h""#),
      ".until[0]", "belongs to no half-cycle"),
    .step(
      "a constant current still does not end by current",
      #"{"discharge": "0.1 mA", "until": ["current <= 0.05 mA", "voltage <= 10 mV", "step_time >= 9 h"]}"#,
      ".until[0]", "constant here"),
  ]
}

@Suite struct DemandCompilationTests {
  private func program(_ steps: String, more: String = "", _ values: CellValues = CellValues()) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = steps
    sample.more = more
    return try sample.compile(values, instrument: .small).get()
  }

  @Test func aPowerIsWrittenOut() throws {
    let program = try program(
      #"[{"discharge": "1.5 mW", "current_at_most": "0.5 mA", "settle": "1 s", "#
        + #""until": ["voltage <= 10 mV", "current >= 0.4 mA", "step_time >= 9 h"]}]"#)
    let step = try #require(program.steps.first)
    #expect(
      step.action
        == .demand(
          CurrentDemand(
            direction: .discharge, law: .power(Power(count: 1_500_000_000)),
            currentAtMost: Current(picoamperes: 500_000_000))))
    #expect(step.kind == .constantPower && step.direction == .discharge && !step.isDiagnostic)
    #expect(step.halfCycle?.opens == true && step.halfCycle?.closes == true)
    #expect(step.rangeCurrent == Current(picoamperes: 500_000_000) && step.settle == TimeSpan(seconds: 1))
    #expect(
      ProgramListing.step(step)
        == "discharge 1.5 mW with at most 500 uA until voltage <= 10 mV or current >= 0.4 mA or step_time >= 9 h; "
        + "its ends are judged after 1 s")
  }

  @Test func aResistanceIsWrittenOut() throws {
    let program = try program(
      #"[{"sodiate": "4.7 kohm", "current_at_most": "0.5 mA", "diagnostic": true, "#
        + #""until": ["voltage <= 10 mV", "current <= 5 uA", "step_time >= 9 h"]}]"#)
    let step = try #require(program.steps.first)
    #expect(step.kind == .constantResistance && step.direction == .discharge && step.isDiagnostic)
    #expect(
      ProgramListing.step(step)
        == "discharge over 4.7 kohm with at most 500 uA until voltage <= 10 mV or current <= 5 uA or step_time >= 9 h")
  }

  /// The most current, and it alone, needs the cell's values; the power may stand in a variable.
  @Test func theMostCurrentIsResolvedForTheCell() throws {
    let steps =
      #"[{"charge": "$power", "current_at_most": "$most", "until": ["voltage >= 2 V", "step_time >= 9 h"]}]"#
    let variables = #", "variables": {"power": "0.2 mW", "most": "0.4 A/g"}"#
    var cell = CellValues()
    cell.activeMass = Mass(micrograms: 1_000)
    let step = try #require(try program(steps, more: variables, cell).steps.first)
    #expect(
      step.action
        == .demand(
          CurrentDemand(
            direction: .charge, law: .power(Power(count: 200_000_000)),
            currentAtMost: Current(picoamperes: 400_000_000))))
    var sample = SampleProtocol()
    (sample.steps, sample.more) = (steps, variables)
    #expect(sample.compile().problems.map(\.path) == ["steps[0].current_at_most"])
  }

  @Test func aCycleOfPowersIsACycleLikeAnyOther() throws {
    let steps = SampleProtocol.cycles(
      #"{"discharge": "0.1 mW", "current_at_most": "0.5 mA", "until": ["voltage <= 10 mV", "step_time >= 9 h"]}, "#
        + #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["current <= 10 uA", "hold_time >= 1 h"]}, "#
        + #"{"rest": "1 min"}, "#
        + #"{"charge": "0.2 mW", "current_at_most": "0.4 mA", "until": ["voltage >= 2 V", "step_time >= 9 h"]}"#)
    let program = try program(steps)
    #expect(program.cycleCount == 2)
    #expect(program.steps.map(\.kind) == [.constantPower, .constantVoltage, .rest, .constantPower])
    #expect(program.steps[0].halfCycle?.opens == true && program.steps[0].halfCycle?.closes == false)
    #expect(program.steps[1].halfCycle?.closes == true && program.steps[3].halfCycle?.closesCycle == true)
    // One range for all steps of a block (hazard rule 14).
    #expect(Set(program.steps.map(\.rangeCurrent.picoamperes)) == [500_000_000])
  }

  @Test func theCurrentFollowsTheVoltageUpToItsMost() {
    func picoamperes(_ law: CurrentDemand.Law, _ millivolts: Int64) -> Int64 {
      CurrentDemand(direction: .discharge, law: law, currentAtMost: Current(picoamperes: 2_000_000_000))
        .current(at: Voltage(millivolts: millivolts)).picoamperes
    }
    let power = CurrentDemand.Law.power(Power(count: 5_000_000_000))
    #expect(picoamperes(power, 4_000) == 1_250_000_000 && picoamperes(power, 2_500) == 2_000_000_000)
    #expect(picoamperes(power, 2) == 2_000_000_000)
    #expect(picoamperes(power, 0) == 2_000_000_000 && picoamperes(power, -5) == 2_000_000_000)
    let resistance = CurrentDemand.Law.resistance(Resistance(count: 1_000_000_000))
    #expect(picoamperes(resistance, 1_500) == 1_500_000_000 && picoamperes(resistance, 2_100) == 2_000_000_000)
    #expect(picoamperes(resistance, 0) == 0 && picoamperes(resistance, -5) == 0)
  }
}
