// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Limits that hold for one step.
@Suite struct StepLimitTests {
  // The sample's limits: -50 mV to 2.3 V.
  private func sample(_ limits: String, _ step: String = SampleProtocol.discharge) -> SampleProtocol {
    var sample = SampleProtocol()
    sample.steps = "[\(step.dropLast()), \"limits\": \(limits)}]"
    return sample
  }

  @Test func aStepHasItsOwnLimitsAndTheRunsForTheRest() throws {
    let program = try sample(#"{"voltage": {"min": "-20 mV", "max": "2.1 V", "for": "500 ms"}}"#).compile().get()
    let own = try #require(program.steps[0].limits)
    #expect(own.lowerVoltage.soft == -20_000_000 && own.upperVoltage.soft == 2_100_000_000)
    #expect(own.lowerVoltage.hard == -70_000_000 && own.upperVoltage.hard == 2_150_000_000)
    #expect(own.upperVoltage.tolerance == TimeSpan(milliseconds: 500))
    #expect(own.chargeCurrent == program.limits.chargeCurrent)
    #expect(own.halfCycleCharge == program.limits.halfCycleCharge)
    let text = ProgramListing.lines(of: program).joined()
    #expect(text.contains("its own limits are -20 mV to 2.1 V for 500 ms, 1 mA charging for 1 s"), "\(text)")
  }

  /// The hard limits of a step are not wider than the run's either, whatever lies 50 mV beyond its soft ones.
  @Test func theRunsHardLimitsStayTheOutermost() throws {
    var sample = sample(#"{"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "0 s"}}"#)
    sample.limits.replace(#""for": "2 s"}"#, with: #""for": "2 s", "hard": {"min": "-60 mV", "max": "2.31 V"}}"#)
    let program = try sample.compile().get()
    #expect(program.limits.lowerVoltage.hard == -60_000_000)
    #expect(program.steps[0].limits?.lowerVoltage.hard == program.limits.lowerVoltage.hard)
    #expect(program.steps[0].limits?.upperVoltage.hard == program.limits.upperVoltage.hard)
    sample = self.sample(#"{"discharge_current": {"max": "0.3 mA", "for": "1 s"}}"#)
    let current = try #require(try sample.compile().get().steps[0].limits?.dischargeCurrent)
    #expect(current == SoftHardLimit(soft: 300_000_000, hard: 600_000_000, tolerance: TimeSpan(seconds: 1)))
  }

  @Test(arguments: [
    (#"{"voltage": {"min": "-60 mV", "max": "2.1 V", "for": "1 s"}}"#, "voltage.min", "outside the run's limits"),
    (#"{"voltage": {"min": "-50 mV", "max": "2.4 V", "for": "1 s"}}"#, "voltage.max", "outside the run's limits"),
    (#"{"voltage": {"min": "0 V", "max": "2.1 V", "for": "1 s"}}"#, "", "less than 20 mV beyond the cut-off"),
    (#"{"voltage": {"min": "50 mV", "max": "2.1 V", "for": "1 s"}}"#, "", "lies outside the limits"),
    (
      #"{"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "0 s", "hard": {"min": "-1 V", "max": "2.4 V"}}}"#,
      "voltage.hard.min", "outside the run's hard limits"
    ),
    (
      #"{"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "0 s", "hard": {"min": "-60 mV", "max": "4 V"}}}"#,
      "voltage.hard.max", "outside the run's hard limits"
    ),
    (#"{"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "1 min"}}"#, "voltage.for", "longer than the run's limit"),
    (#"{"charge_current": {"max": "0.5 mA", "for": "2 s"}}"#, "charge_current.for", "longer than the run's limit"),
    (
      #"{"charge_current": {"max": "0.5 mA", "for": "1 s", "hard": "5 mA"}}"#, "charge_current.hard",
      "more than the run's hard limit"
    ),
    (#"{"discharge_current": {"max": "1 A", "for": "1 s"}}"#, "discharge_current.max", "more than the run's limit"),
    (#"{"discharge_current": {"max": "10 uA", "for": "1 s"}}"#, "", "more than `limits.discharge_current` allows"),
    (#"{"voltage": {"min": "-20 mV", "max": "2.1 V"}}"#, "voltage.for", "is missing"),
    (#"{"temperature": {"max": "45 degC"}}"#, "temperature", "unknown key"), ("{}", "", "limit nothing"),
    (#"{"half_cycle_charge": {"max": "1 mAh"}}"#, "half_cycle_charge", "unknown key"),
  ])
  func limitsThatProtectLessOrNothingAreRefused(limits: String, path: String, message: String) {
    let problems = sample(limits).compile().problems
    #expect(problems.contains { $0.message.contains(message) }, "\(problems)")
    if !path.isEmpty { #expect(problems.contains { $0.path == "steps[0].limits.\(path)" }, "\(problems)") }
  }

  @Test func aRestHasNone() {
    let problems = sample(#"{"voltage": {"min": "0 V", "max": "2.1 V", "for": "1 s"}}"#, #"{"rest": "1 h"}"#).compile()
      .problems
    #expect(problems.contains { $0.message.contains("unknown key `limits`") }, "\(problems)")
  }
}
