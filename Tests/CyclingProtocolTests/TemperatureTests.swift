// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

@Suite struct TemperatureTests {
  private static func sample(limit: String = "", _ step: String = #"{"rest": "1 h"}"#) -> SampleProtocol {
    var sample = SampleProtocol()
    sample.steps = "[\(step)]"
    if !limit.isEmpty {
      sample.limits = sample.limits.replacing(
        "\"half_cycle_charge\"", with: "\"temperature\": \(limit), \"half_cycle_charge\"")
    }
    return sample
  }

  @Test func limitsAreCompiledAndListed() throws {
    let program = try Self.sample(limit: #"{"min": "55 degC", "max": "65.5 degC", "for": "10 s"}"#).compile().get()
    let limits = try #require(program.limits.temperature)
    let time = TimeSpan(seconds: 10)
    #expect(limits.lower == SoftHardLimit(soft: 55_000, hard: 50_000, tolerance: time))
    #expect(limits.upper == SoftHardLimit(soft: 65_500, hard: 70_500, tolerance: time))
    #expect(program.placeOfTemperature == "limits.temperature")
    let listing = ProgramListing.lines(of: program).joined(separator: "\n")
    #expect(
      listing.contains(
        "temperature not below 55 degC for 10 s, 50 degC at once, not above 65.5 degC for 10 s, 70.5 degC at once"))
    #expect(listing.contains("the channel needs a thermometer"))
    let upper = try Self.sample(limit: #"{"max": "65 degC", "for": "0 s"}"#).compile().get()
    #expect(upper.limits.temperature?.lower == nil && upper.limits.temperature?.upper?.soft == 65_000)
    let none = try Self.sample().compile().get()
    #expect(none.limits.temperature == nil && none.placeOfTemperature == nil)
  }

  @Test(arguments: [
    ("{}", "limits.temperature", "limit nothing"),
    (#"{"max": "65 degC"}"#, "limits.temperature.for", "is missing"),
    (#"{"max": "65 degC", "for": "2 min"}"#, "limits.temperature.for", "cannot be passed for"),
    (#"{"max": "65 C", "for": "1 s"}"#, "limits.temperature.max", "not a unit of a temperature"),
    (#"{"max": "65", "for": "1 s"}"#, "limits.temperature.max", "bare number"),
    (#"{"max": "338 degC", "min": "700 degC", "for": "1 s"}"#, "limits.temperature.min", "no cell is cycled at"),
    (#"{"max": "20 degC", "min": "20 degC", "for": "1 s"}"#, "limits.temperature.min", "not below the upper"),
    (#"{"max": "65 degC", "for": "1 s", "hard": "70 degC"}"#, "limits.temperature.hard", "unknown key"),
  ])
  func limitsThatMeanNothingAreRefused(limit: String, path: String, message: String) {
    let problems = Self.sample(limit: limit).compile().problems
    #expect(problems.contains { $0.path == path && $0.message.contains(message) }, "\(problems)")
  }

  @Test(arguments: [
    #"{"rest": "8 h", "until": [{"when": "temperature >= 59 degC and temperature <= 61 degC", "for": "10 min"}]}"#,
    #"{"rest": "8 h", "until": ["temperature < -10.5 degC", "temperature > 60 degC and step_time >= 1 h"]}"#,
    #"{"charge": "0.1 mA", "until": ["voltage >= 2.0 V", "step_time >= 1 h", "temperature >= 45 degC"]}"#,
    #"{"charge": "0.1 mA", "to": "2.0 V", "hold_until": ["current <= 10 uA", "hold_time >= 1 h", "#
      + #""temperature >= 45 degC"], "until": ["step_time >= 3 h", "temperature >= 45 degC"]}"#,
  ])
  func aStepMayWaitForATemperature(step: String) throws {
    let program = try Self.sample(step).compile().get()
    #expect(program.placeOfTemperature == "steps[0]")
  }

  @Test func aConditionIsWholeThousandths() throws {
    let program = try Self.sample(#"{"rest": "8 h", "until": ["temperature <= -10.5 degC"]}"#).compile().get()
    let end = try #require(program.steps[0].ends.last)
    #expect(end.quantity == .temperature && end.comparison == .atMost && end.threshold == -10_500)
    #expect(ProgramListing.step(program.steps[0]) == "rest 8 h or until temperature <= -10.5 degC")
  }

  @Test(arguments: [
    ("temperature >= 45", "bare number"), ("temperature >= 45 °C", "not a unit of a temperature"),
    ("temperature >= 1000 degC", "no cell is cycled at"), ("temperature == 45 degC", "unknown operator"),
    ("temp >= 45 degC", "unknown quantity"),
    ("temperature >= 1 C of charge_capacity", "no share of a capacity"),
  ])
  func conditionsThatAreNoneAreRefused(condition: String, message: String) {
    let problems = Self.sample(#"{"rest": "8 h", "until": ["\#(condition)"]}"#).compile().problems
    #expect(problems.contains { $0.path == "steps[0].until[0]" && $0.message.contains(message) }, "\(problems)")
  }

  @Test func aBlockDoesNotEndByIt() {
    let step =
      #"{"cycles": 2, "purpose": "life", "label": "x", "steps": [\#(SampleProtocol.discharge), \#(SampleProtocol.charge)], "#
      + #""until": ["temperature >= 45 degC"]}"#
    let problems = Self.sample(step).compile().problems
    #expect(problems.contains { $0.path == "steps[0].until[0]" && $0.message.contains("temperature") }, "\(problems)")
  }
}
