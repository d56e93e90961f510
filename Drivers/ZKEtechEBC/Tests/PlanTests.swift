// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import ZKEtechEBCDriver

/// From set-points to commands, and to refusals.
@Suite struct PlanTests {
  private static func command(_ setpoint: Setpoint, _ model: EBCModel) throws -> [Int] {
    let command = try #require(try EBCPlan(setpoint, model).command)
    let numbers = command.numbers
    return [Int(command.code), numbers.first.value, numbers.second.value, numbers.third.value]
  }

  @Test func aDischargeIsToldACutOffBeyondTheHosts() throws {
    let ends = [after(seconds: 60), at(.atMost, millivolts: 2_005)]
    for (model, counts) in [(EBCModel.a20, 100), (.a10H, 100), (.a05Plus, 1_000)] {
      // 2.005 V less 150 mV, downwards.
      #expect(try Self.command(setpoint(constant(-1), until: ends), model) == [0x01, counts, 185, 0])
      // The bound comes first, upwards; five minutes and a second are six.
      #expect(
        try Self.command(setpoint(constant(-1), until: ends, lower: 1_981, seconds: 301), model)
          == [0x01, counts, 199, 6])
    }
    #expect(try Self.command(setpoint(constant(-1), lower: -100, seconds: 239 * 60), .a20) == [0x01, 100, 0, 239])
    #expect(try Self.command(setpoint(constant(-1), seconds: 239 * 60 + 1), .a20) == [0x01, 100, 150, 0])
  }

  @Test func aChargeWithoutAHoldIsLimitedAboveItsEnd() throws {
    let end = [at(.atLeast, millivolts: 3_801)]
    #expect(try Self.command(setpoint(constant(1), until: end), .a20) == [0x21, 100, 386, 90])
    #expect(try Self.command(setpoint(constant(1), until: end, upper: 3_839), .a20) == [0x21, 100, 383, 90])
    #expect(try Self.command(setpoint(constant(1), until: end, seconds: 600), .a10H) == [0x71, 100, 386, 10])
    #expect(try Self.command(setpoint(constant(0.5), until: end, seconds: 600), .a05Plus) == [0x71, 500, 386, 10])
  }

  @Test func aHoldEndsOneStepBelowTheHostsEnd() throws {
    #expect(
      try Self.command(setpoint(charge(1, to: 4_000), until: [fallen(toMilliamperes: 110)]), .a20)
        == [0x21, 100, 400, 10])
    #expect(
      try Self.command(setpoint(charge(1, to: 4_000), until: [fallen(toMilliamperes: 5)]), .a20)
        == [0x21, 100, 400, 1])
    #expect(
      try Self.command(setpoint(charge(1, to: 4_000), until: [afterHold(seconds: 9)]), .a20) == [0x21, 100, 400, 1])
  }

  @Test func cutOffsBeyondAllVoltagesAreNone() throws {
    var end = at(.atLeast, millivolts: 0)
    end.threshold = .max
    #expect(try Self.command(setpoint(constant(1), until: [end]), .a20) == [0x21, 100, 410, 90])
    var wide = setpoint(constant(1), until: [end])
    wide.bounds.upperVoltage = Voltage(nanovolts: .max)
    #expect(try Self.command(wide, .a20) == [0x21, 100, 1_800, 90])
    wide = setpoint(constant(-1))
    wide.bounds.lowerVoltage = Voltage(nanovolts: .min)
    #expect(try Self.command(wide, .a20) == [0x01, 100, 0, 0])
  }

  @Test func aPowerIsToldInWatts() throws {
    let end = [at(.atMost, millivolts: 2_500)]
    #expect(try Self.command(setpoint(power(3), until: end), .a20) == [0x11, 3, 235, 0])
  }

  @Test func aRestNeedsNoCommand() throws {
    for model in EBCModel.allCases { #expect(try EBCPlan(setpoint(.openCircuit), model).command == nil) }
  }

  @Test func whatItCannotDoIsRefusedWithItsReason() throws {
    let sweep = Setpoint.Sweep(from: .zero, to: [Voltage(millivolts: 1)], rate: VoltageRate(count: 1), ownEnd: 0)
    let profile = CurrentProfile(rows: [
      CurrentProfile.Row(current: Current(amperes: 1), duration: TimeSpan(seconds: 1))
    ])
    var resistance = setpoint(power(1))
    resistance.mode = .demand(
      CurrentDemand(
        direction: .discharge, law: .resistance(Resistance(count: 1_000_000)), currentAtMost: Current(amperes: 1)),
      from: Current(amperes: 1))
    let cases: [(EBCModel, Setpoint, String)] = [
      (.a20, setpoint(constant(0.000_05)), "is not between"), (.a20, setpoint(constant(-0.05)), "is not between"),
      (.a20, setpoint(constant(5.1)), "is not between"), (.a20, setpoint(constant(-20.1)), "is not between"),
      (.a05Plus, setpoint(constant(-5.1)), "is not between"), (.a20, setpoint(constant(-0.123)), "has steps of 10 mA"),
      (.a20, setpoint(charge(-1, to: 2_000)), "no voltage while it discharges"),
      (.a20, setpoint(charge(1, to: 4_005)), "holds voltages in steps of 10 mV"),
      (.a20, setpoint(charge(1, to: 4_110)), "above the bound"),
      (.a10H, setpoint(charge(1, to: 5_500), upper: 6_000), "charges to between 0 V and 5 V"),
      (.a20, setpoint(constant(1), upper: -10), "charges to between"),
      (.a20, setpoint(constant(-1), until: [at(.atMost, millivolts: -20)], lower: -50), "below 0 V"),
      (.a20, setpoint(.constantVoltage(Voltage(millivolts: 4_000))), "behind the constant current"),
      (.a20, setpoint(power(0.5)), "in steps of 1 W"), (.a20, setpoint(power(2.5)), "in steps of 1 W"),
      (.a20, setpoint(power(3), until: [at(.atMost, millivolts: 2_000)], most: 1.5), "limits no current"),
      (.a20, setpoint(power(3, most: 1.5), until: [at(.atMost, millivolts: 2_000)]), "limits no current"),
      (.a20, setpoint(power(3), lower: 0), "needs a cut-off voltage"),
      (.a05Plus, setpoint(power(3)), "is not known"), (.a20, resistance, "no resistance"),
      (.a20, setpoint(.sweep(sweep)), "nothing else"),
      (.a20, setpoint(.profile(profile, ownEnd: 0)), "nothing else"),
    ]
    for (model, setpoint, words) in cases {
      let fault = #expect(throws: Fault.self) { try EBCPlan(setpoint, model) }
      #expect(fault?.code == .instrumentRefused && fault?.detail.contains(words) == true, "\(fault?.detail ?? "")")
    }
  }

  /// The instrument does not say why it ended; what was seen before has to fit.
  @Test func anOwnEndIsExplainedByWhatWasSeen() throws {
    func end(_ setpoint: Setpoint, _ model: EBCModel, _ millivolts: Int64?, _ amperes: Double, at seconds: Int64 = 60)
      throws -> SetpointEnd
    {
      let last = Reading(
        time: .zero, voltage: millivolts.map { Voltage(millivolts: $0) }, current: Current(amperes: amperes))
      return try EBCPlan(setpoint, model).end(after: last, at: TimeSpan(seconds: seconds))
    }
    func isBound(_ end: SetpointEnd) -> Bool { if case .bound = end { true } else { false } }
    func isFailure(_ end: SetpointEnd) -> Bool { if case .failed = end { true } else { false } }
    let down = setpoint(constant(-1), until: [after(seconds: 9), at(.below, millivolts: 2_000)], seconds: 300)
    #expect(try end(down, .a20, 2_100, -1) == .cutOff(1))
    #expect(try isFailure(end(down, .a20, 3_100, -1)))
    #expect(try isFailure(end(down, .a20, nil, -1)))
    #expect(try isBound(end(down, .a20, 3_000, -1, at: 299)), "its minutes were over")
    #expect(try isBound(end(setpoint(constant(-1)), .a20, 1_700, -1)))
    let hold = setpoint(charge(1, to: 4_000), until: [fallen(toMilliamperes: 100)])
    #expect(try end(hold, .a20, 3_995, 0.1) == .cutOff(0))
    #expect(try isFailure(end(hold, .a20, 3_900, 1)))
    #expect(try isFailure(end(hold, .a10H, 3_995, 0.1)), "its rule is not known")
    #expect(try isFailure(end(setpoint(charge(1, to: 4_000), until: [afterHold(seconds: 9)]), .a20, 4_000, 0.01)))
    let up = setpoint(constant(1), until: [at(.atLeast, millivolts: 3_800)])
    for model in EBCModel.allCases { #expect(try end(up, model, 3_845, 0.9) == .cutOff(0)) }
    #expect(try isBound(end(setpoint(constant(1)), .a20, 4_100, 0.9)))
  }
}
