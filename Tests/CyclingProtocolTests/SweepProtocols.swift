// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Sweeps of the voltage, right and wrong.
enum SweepProtocols {
  private static let onlyCurrent: InstrumentLimits = {
    var limits = InstrumentLimits.small
    limits.kinds = [.rest, .constantCurrent]
    return limits
  }()

  static let malformed: [RefusalCase] = [
    .step("sweep without a bound", #"{"sweep": "1 mV/s", "to": "1 V"}"#, ".current_at_most", "missing"),
    .step("sweep without a way", #"{"sweep": "1 mV/s", "current_at_most": "1 mA"}"#, ".to", "missing"),
    .step("sweep without a rate", #"{"sweep": "1 mV", "to": "1 V", "current_at_most": "1 mA"}"#, ".sweep", "unit"),
    .step("sweep that stands", #"{"sweep": "0 mV/s", "to": "1 V", "current_at_most": "1 mA"}"#, ".sweep", "more than"),
    .step(
      "sweep too slow", #"{"sweep": "0.001 uV/h", "to": "5 mV", "back_to": "2.0 V", "current_at_most": "1 mA"}"#,
      ".sweep", "1 mV/h"),
    .step("sweep too fast", #"{"sweep": "1 V/s", "to": "1 V", "current_at_most": "1 mA"}"#, ".sweep", "100 mV/s"),
    .step(
      "sweep to where it begins", #"{"sweep": "1 mV/s", "from": "1 V", "to": "1 V", "current_at_most": "1 mA"}"#, ".to",
      "from 1 V to 1 V"),
    .step(
      "sweep back to where it turns",
      #"{"sweep": "1 mV/s", "to": "1 V", "back_to": "1.0005 V", "current_at_most": "1 mA"}"#, ".back_to", "1.0005 V"),
    .step(
      "sweep outside the limits", #"{"sweep": "1 mV/s", "to": "2.4 V", "current_at_most": "1 mA"}"#, ".to",
      "outside the limits"),
    .step(
      "sweep that plates", #"{"sweep": "1 mV/s", "to": "-10 mV", "current_at_most": "1 mA"}"#, ".to", "plates sodium"),
    .step(
      "sweep near a limit", #"{"sweep": "1 mV/s", "to": "2.29 V", "current_at_most": "1 mA"}"#, ".to", "less than 20 mV"
    ),
    .step(
      "sweep with more current than the limit", #"{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "2 mA"}"#,
      ".current_at_most", "more than `limits."),
    .step(
      "sweep ended by a hold's time",
      #"{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "1 mA", "until": ["hold_time >= 1 h"]}"#, ".until[0]",
      "nothing is held"),
    .step(
      "sweep ended by a half-cycle",
      #"{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "1 mA", "until": ["half_cycle_charge >= 1 uAh"]}"#,
      ".until[0]", "half-cycle"),
    .step(
      "sweep that is marked", #"{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "1 mA", "diagnostic": true}"#,
      ".diagnostic", "unknown"),
    .step(
      "sweep on an instrument that cannot", #"{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "1 mA"}"#, "",
      "no voltage sweep steps", instrument: onlyCurrent),
    .steps(
      "a hold far from a sweep's end",
      #"[{"sweep": "1 mV/s", "to": "1 V", "current_at_most": "1 mA"}, "#
        + #"{"hold": "10 mV", "current_at_most": "0.1 mA", "until": ["step_time >= 1 h"]}]"#, "steps[1].hold",
      "ends at 1 V"),
  ]
}

@Suite struct SweepCompilationTests {
  private func program(_ steps: String) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = steps
    return try sample.compile(instrument: .small).get()
  }

  @Test func aCyclicSweepIsWrittenOut() throws {
    let program = try program(
      #"[{"sweep": "0.5 mV/s", "from": "2 V", "to": "5 mV", "back_to": "1 V", "current_at_most": "0.5 mA", "#
        + #""until": ["current >= 0.4 mA"]}]"#)
    let step = try #require(program.steps.first)
    #expect(
      step.action
        == .sweep(
          VoltageSweep(
            from: Voltage(millivolts: 2_000), to: [Voltage(millivolts: 5), Voltage(millivolts: 1_000)],
            rate: VoltageRate(count: 1_800_000_000), currentAtMost: Current(picoamperes: 500_000_000))))
    #expect(step.kind == .voltageSweep && step.direction == .none && step.halfCycle == nil && step.isDiagnostic)
    // 2.99 V at 0.5 mV/s, and what the instrument may be late.
    #expect(step.ends.map(\.text) == ["1 V reached", "current >= 0.4 mA"])
    #expect(step.ends[0].threshold == 5_980_000_000 / 50 + 5_980_000_000 + 5_000_000)
    #expect(
      ProgramListing.step(step)
        == "sweep from 2 V to 5 mV to 1 V at 500 uV/s with at most 500 uA or until current >= 0.4 mA (400 uA)"
        || ProgramListing.step(step)
          == "sweep from 2 V to 5 mV to 1 V at 500 uV/s with at most 500 uA or until current >= 0.4 mA"
    )
  }

  /// From 3.3 V, where a fresh cell may stand, beyond the limit: nobody knows where it does.
  @Test func aSweepFromWhereTheCellStandsHasALongestTime() throws {
    let step = try #require(
      try program(#"[{"sweep": "10 mV/s", "to": "5 mV", "current_at_most": "0.5 mA"}]"#).steps.first)
    #expect(step.ends[0].threshold == 329_500_000 / 50 + 329_500_000 + 5_000_000)
  }

  /// A sweep in a block neither counts nor changes the range of its neighbours.
  @Test func aSweepLeavesACycleAlone() throws {
    let sweep = #"{"sweep": "10 mV/s", "to": "1 V", "current_at_most": "1 mA"}"#
    let program = try program(
      SampleProtocol.cycles(SampleProtocol.discharge + ", " + sweep + ", " + SampleProtocol.charge))
    #expect(program.cycleCount == 2)
    #expect(program.steps.map { $0.halfCycle != nil } == [true, false, true])
    #expect(program.steps.map(\.rangeCurrent.picoamperes) == [100_000_000, 1_000_000_000, 100_000_000])
  }
}
