// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Shares of measured capacities, right and wrong.
enum ShareProtocols {
  private static let ends = #""until": ["voltage <= 10 mV", "step_time >= 9 h"]"#

  static func formation(_ passes: Int = 2) -> String {
    #"{"cycles": \#(passes), "purpose": "formation", "label": "formation", "#
      + #""steps": [\#(SampleProtocol.discharge), \#(SampleProtocol.charge)]}"#
  }

  static func discharge(
    _ value: String, most: String = #", "current_at_most": "0.5 mA""#,
    until: String = #""voltage <= 10 mV", "step_time >= 9 h""#
  ) -> String { #"{"discharge": "\#(value)"\#(most), "until": [\#(until)]}"# }

  /// Behind two formation cycles.
  private static func behind(
    _ name: String, _ step: String, _ path: String, _ message: String, _ hint: String = ""
  ) -> RefusalCase { .steps(name, "[\(formation()), \(step)]", "steps[1]\(path)", message, hint) }

  static let malformed: [RefusalCase] = [
    behind("share without a bound", discharge("C/3 of discharge_capacity", most: ""), ".current_at_most", "not known"),
    behind(
      "share of nothing known", discharge("C/3 of capacity"), ".discharge", "no capacity that a cycle shows",
      "charge_capacity"),
    behind(
      "share of an efficiency", discharge("C/3 of coulombic_efficiency"), ".discharge", "no capacity that a cycle"),
    behind(
      "amperes of a capacity", discharge("1 mA of discharge_capacity"), ".discharge", "no C-rate above nothing",
      "write `C/3 of discharge_capacity`"),
    behind("per cent as a current", discharge("50 % of discharge_capacity"), ".discharge", "no C-rate above nothing"),
    behind("a negative rate", discharge("-1 C of discharge_capacity"), ".discharge", "no C-rate above nothing"),
    behind("no rate", discharge("0 C of discharge_capacity"), ".discharge", "no C-rate above nothing"),
    behind("C/0 of a capacity", discharge("C/0 of discharge_capacity"), ".discharge", "no C-rate above nothing"),
    behind("two spaces", discharge("C/3  of discharge_capacity"), ".discharge", "no C-rate above nothing"),
    behind(
      "a cycle without a number", discharge("C/3 of discharge_capacity of formation"), ".discharge", "is no cycle",
      "like `formation cycle 3`"),
    behind(
      "cycle zero", discharge("C/3 of discharge_capacity of formation cycle 0"), ".discharge", "is no cycle"),
    behind(
      "a cycle too many", discharge("C/3 of discharge_capacity of formation cycle 3"), "",
      "formation cycle 3 is not over before this step"),
    behind(
      "a cycle of another purpose", discharge("C/3 of discharge_capacity of life cycle 1"), "",
      "life cycle 1 is not over before this step"),
    .step(
      "nothing measured yet", discharge("C/3 of discharge_capacity"), "", "no cycle is over before this step",
      "put a `cycles` block before it"),
    .steps(
      "nothing measured in the first pass",
      #"[{"repeat": 2, "steps": [\#(discharge("C/3 of discharge_capacity")), \#(formation())]}]"#,
      "steps[0].steps[0]", "no cycle is over before this step"),
    .steps(
      "nothing measured in the first cycle",
      SampleProtocol.cycles(discharge("C/3 of discharge_capacity") + ", " + SampleProtocol.charge),
      "steps[0].steps[0]", "no cycle is over before this step"),
    .step(
      "nothing measured for an end",
      discharge("0.1 mA", most: "", until: #""step_charge >= 50 % of charge_capacity", "step_time >= 9 h""#), "",
      "so `50 % of charge_capacity` is not known"),
    behind(
      "a bound above the limit", discharge("C/3 of discharge_capacity", most: #", "current_at_most": "2 mA""#),
      ".current_at_most", "more than `limits.discharge_current` allows"),
    behind(
      "a bound that is a share",
      discharge("C/3 of discharge_capacity", most: #", "current_at_most": "1 C of discharge_capacity""#),
      ".current_at_most", "of discharge_capacity"),
    behind(
      "a bound beside a plain C-rate", discharge("0.1 mA"), ".current_at_most", "beside a constant current"),
    behind(
      "more than twice the capacity",
      discharge("0.1 mA", most: "", until: #""step_charge >= 250 % of charge_capacity", "step_time >= 9 h""#),
      ".until[0]", "up to 200 %"),
    behind(
      "a rate as a charge",
      discharge("0.1 mA", most: "", until: #""step_charge >= C/3 of charge_capacity", "step_time >= 9 h""#),
      ".until[0]", "no share above nothing"),
    behind(
      "a share of a voltage",
      discharge("0.1 mA", most: "", until: #""voltage <= 50 % of charge_capacity", "step_time >= 9 h""#),
      ".until[0]", "`voltage` is no share of a capacity"),
    behind(
      "a share that is true at once",
      discharge("0.1 mA", most: "", until: #""step_charge <= 50 % of charge_capacity", "step_time >= 9 h""#),
      ".until[0]", "true at once"),
    behind(
      "a hold that its own share ends at once",
      #"{"charge": "C/20 of charge_capacity", "current_at_most": "0.5 mA", "to": "2 V", "#
        + #""hold_until": ["current <= C/10 of charge_capacity", "hold_time >= 1 h"], "until": ["step_time >= 9 h"]}"#,
      ".hold_until[0]", "true at once"),
    behind(
      "a share joined by and",
      discharge(
        "0.1 mA", most: "",
        until: #""voltage <= 1 V and step_charge >= 50 % of charge_capacity", "voltage <= 10 mV", "step_time >= 9 h""#),
      ".until[0]", "not joined by `and`"),
    behind(
      "a share without a time bound",
      discharge("C/3 of discharge_capacity", until: #""step_charge >= 50 % of charge_capacity""#), "",
      "without a time bound"),
    behind(
      "a share that may move too much", discharge("C/3 of discharge_capacity", until: #""step_time >= 9 h""#), "",
      "moves more than a half-cycle may"),
    .limits(
      "a share as a limit", #""max": "1 mA", "for": "1 s"}, "discharge"#,
      #""max": "1 C of charge_capacity", "for": "1 s"}, "discharge"#, "limits.charge_current.max", "charge_capacity"),
  ]
}

@Suite struct ShareCompilationTests {
  private func program(_ steps: String, more: String = "") throws -> Program {
    var sample = SampleProtocol()
    sample.steps = "[\(ShareProtocols.formation()), \(steps)]"
    sample.more = more
    return try sample.compile(CellValues(), instrument: .small).get()
  }

  private func measured(charge: Int64?, discharge: Int64?) -> MeasuredCapacities {
    var cycle = CycleSummary(cycleNumber: 1, cellCycleNumber: 1, purpose: .formation, label: nil)
    cycle.chargeCapacity = charge.map { Charge(nanocoulombs: $0) }
    cycle.dischargeCapacity = discharge.map { Charge(nanocoulombs: $0) }
    var measured = MeasuredCapacities()
    measured.take(cycle) { _ in true }
    return measured
  }

  /// 0.36 mAh are 1.296 C; a third of it in an hour are 120 uA.
  @Test func aShareIsResolvedOnceTheCapacityIsKnown() throws {
    let step = try #require(
      try program(
        ShareProtocols.discharge(
          "C/3 of discharge_capacity",
          until: #""step_charge >= 12.5 % of charge_capacity", "voltage <= 10 mV", "step_time >= 9 h""#)
      ).steps.last)
    #expect(step.hasShares && step.rangeCurrent == Current(picoamperes: 500_000_000))
    #expect(step.resolved(by: MeasuredCapacities()) == nil)
    #expect(step.resolved(by: measured(charge: nil, discharge: 1_296_000_000)) == nil)
    let resolved = try #require(step.resolved(by: measured(charge: 1_000_000_001, discharge: 1_296_000_000)))
    #expect(resolved.action == .constantCurrent(.discharge, Current(picoamperes: 120_000_000)))
    // An eighth of it, rounded once.
    #expect(resolved.ends[0].threshold == 125_000_000)
    #expect(
      ProgramListing.step(step)
        == "discharge C/3 of discharge_capacity with at most 500 uA until step_charge >= 12.5 % of charge_capacity "
        + "or voltage <= 10 mV or step_time >= 9 h")
    // What is more than the most flows at the most.
    let much = try #require(step.resolved(by: measured(charge: 1_000, discharge: 12_960_000_000)))
    #expect(much.action == .constantCurrent(.discharge, Current(picoamperes: 500_000_000)))
    #expect(step.resolved(by: measured(charge: 1_000, discharge: 1)) == nil, "less than a picoampere")
    #expect(step.resolved(by: measured(charge: 1_000, discharge: .max))?.action == much.action)
  }

  @Test func aHoldBehindAShareEndsByAnotherOne() throws {
    let step = try #require(
      try program(
        #"{"charge": "0.5 C of discharge_capacity", "current_at_most": "0.5 mA", "to": "2 V", "#
          + #""hold_until": ["current <= C/20 of discharge_capacity", "hold_time >= 1 h"], "until": ["step_time >= 9 h"]}"#
      ).steps.last)
    let resolved = try #require(step.resolved(by: measured(charge: nil, discharge: 1_296_000_000)))
    #expect(
      resolved.action
        == .constantCurrentConstantVoltage(
          .charge, Current(picoamperes: 180_000_000), Voltage(millivolts: 2_000)))
    #expect(resolved.ends.first { $0.quantity == .current }?.threshold == 18_000_000)
  }

  @Test func aShareOfANamedCycleStays() throws {
    let step = try #require(
      try program(ShareProtocols.discharge("1 C of charge_capacity of formation cycle 2")).steps.last)
    var measured = MeasuredCapacities()
    for (number, charge) in [(1, 100), (2, 200), (3, 300)] as [(Int64, Int64)] {
      var cycle = CycleSummary(cycleNumber: number, cellCycleNumber: number, purpose: .formation, label: nil)
      cycle.chargeCapacity = Charge(nanocoulombs: charge * 36_000)
      measured.take(cycle) { named in step.shares.contains { $0.cycle == named } }
    }
    #expect(
      step.resolved(by: measured)?.action == .constantCurrent(.discharge, Current(picoamperes: 2_000_000)))
    var writer = ByteWriter()
    measured.encode(into: &writer)
    var reader = ByteReader(writer.bytes)
    #expect(try MeasuredCapacities(from: &reader) == measured && reader.isAtEnd)
  }

  /// Cycles of a repeated block count in each of its passes.
  @Test func aCycleOfALaterPassMayBeNamed() throws {
    var sample = SampleProtocol()
    sample.steps =
      #"[{"repeat": 3, "steps": [\#(ShareProtocols.formation())]}, "#
      + ShareProtocols.discharge("1 C of charge_capacity of formation cycle 6") + "]"
    #expect(sample.compile().problems.isEmpty)
    sample.steps = sample.steps.replacing("cycle 6", with: "cycle 7")
    #expect(sample.compile().problems.map(\.path) == ["steps[1]"])
  }

  @Test func aShareMayStandInAVariableAndBeMultiplied() throws {
    let steps = ShareProtocols.discharge("0.5 * $rate") + ", " + ShareProtocols.discharge("$rate")
    let program = try program(steps, more: #", "variables": {"rate": "C/5 of charge_capacity of formation cycle 2"}"#)
    #expect(
      program.steps.suffix(2).map { $0.currentShare?.written } == [
        "C/10 of charge_capacity of formation cycle 2", "C/5 of charge_capacity of formation cycle 2",
      ])
  }

  /// Nobody knows how small a capacity turns out.
  @Test func aShareOfAChargeMayBeReachedAtOnce() throws {
    let program = try program(
      ShareProtocols.discharge(
        "0.1 mA", most: "", until: #""step_charge >= 50 % of charge_capacity", "step_time >= 9 h""#))
    #expect(ProgramListing.lines(of: program).contains { $0.contains("0 min at the shortest") })
  }
}
