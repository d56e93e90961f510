// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

/// Scripts of constant powers and resistances.
@Suite struct DemandScriptTests {
  private func lines(_ setpoint: Setpoint) -> [String] {
    StepScript(setpoint, capabilities: MethodSCRIPTModel.emStat4HR.capabilities).lines
  }

  private static func changed(_ base: Setpoint, _ change: (inout CurrentDemand) -> Void) -> Setpoint {
    guard case .demand(var demand, let first) = base.mode else { return base }
    change(&demand)
    var setpoint = base
    setpoint.mode = .demand(demand, from: first)
    return setpoint
  }

  /// What a sample asks for, between the line that begins it and the one that compares it.
  @Test func aPowerIsDividedByAVoltageAboveNothingOnly() throws {
    let script = lines(Samples.power)
    #expect(script.contains("store_var x -100u ba") && script.contains("set_i -100u"))
    #expect(script.contains("store_var w -250u ba") && script.contains("set_range db 1m"))
    let divisions = script.indices.filter { script[$0] == "div_var y p" }
    // Once behind the early sample and once in the loop.
    #expect(divisions.count == 2)
    for index in divisions {
      #expect(Array(script[(index - 2)...(index + 1)]) == ["if p > 0", "copy_var w y", "div_var y p", "endif"])
      #expect(
        Array(script[(index + 2)...(index + 7)])
          == ["if p <= 0", "store_var y -200u ba", "endif", "if y < -200u", "store_var y -200u ba", "endif"])
    }
  }

  @Test func aResistanceAsksForNothingAtNothing() {
    let script = lines(Samples.resistance)
    #expect(script.contains("store_var w -1 ba") && script.contains("div_var w 10000"))
    #expect(script.contains("mul_var y p") && !script.contains("div_var y p"))
    #expect(script.contains("store_var y 0 ba") && script.contains("if y < -200u"))
  }

  @Test func aChargeHasTheOtherSign() {
    let script = lines(Self.changed(Samples.power) { $0.direction = .charge })
    #expect(script.contains("store_var x 100u ba") && script.contains("store_var w 250u ba"))
    #expect(script.contains("if y > 200u") && !script.contains { $0.hasPrefix("if y < -") })
    #expect(script.contains("mul_var k 999m") && script.contains("mul_var l 1001m"))
  }

  /// Hazard rule 12: a loop that ended for a new current renews nothing, and the one behind it lasts for what is left.
  @Test func rule12OnlyTheHostRenewsTheLease() throws {
    let script = lines(Samples.power)
    let outer = try #require(script.firstIndex(of: "loop c == 0i"))
    #expect(
      Array(script[outer...].prefix(5)) == [
        "loop c == 0i", "timer_get t", "if a == 0i", "copy_var t b", "add_var b 57",
      ])
    let leased = try #require(script[outer...].firstIndex(of: "store_var s \(Mark.leased)i ja"))
    let measuring = try #require(script.firstIndex(of: "meas_loop_cp p i x v r"))
    #expect(leased < measuring)
    #expect(
      Array(script[leased...].dropFirst(4).prefix(4)) == ["pck_end", "endif", "store_var v 1 eb", "store_var n 0i jb"])
    #expect(
      Array(script[leased...].dropFirst(8).prefix(8)) == [
        "if a == 1i", "store_var v 50m eb", "store_var n 1i jb", "endif", "store_var a 0i jb", "copy_var b r",
        "add_var r 3", "sub_var r t",
      ])
    for relation in ["if y < k", "if y > l"] {
      let index = try #require(script.firstIndex(of: relation))
      #expect(
        Array(script[(index + 1)...(index + 4)]) == ["copy_var y x", "store_var a 1i jb", "breakloop", "endif"])
    }
    // Nothing touches the cell between two loops.
    let end = try #require(script.firstIndex(of: "on_finished:"))
    #expect(!script[outer..<end].contains { $0.hasPrefix("cell_") || $0.hasPrefix("set_") })
    #expect(Array(script[..<end].suffix(6).prefix(2)) == ["timer_get t", "if t >= b"])
  }

  /// Hazard rule 10: bounds are judged at the early sample, cut-offs not; and before a current is worked out.
  @Test func rule10TheEarlySampleIsJudgedByTheBounds() throws {
    let script = lines(Samples.power)
    let early = try #require(script.firstIndex(of: "meas_loop_cp p i x 100m 1"))
    let leased = try #require(script.firstIndex(of: "meas_loop_cp p i x v r"))
    #expect(script[early..<leased].contains("if p < -45m") && !script[early..<leased].contains("if p <= 5m"))
    let cutOff = try #require(script[leased...].firstIndex(of: "if p <= 5m"))
    #expect(cutOff < (script[leased...].firstIndex(of: "if p > 0") ?? 0))
    var fast = Samples.power
    fast.readingInterval = TimeSpan(milliseconds: 100)
    #expect(!lines(fast).contains("meas_loop_cp p i x 100m 1") && lines(fast).contains("store_var v 100m eb"))
    // A new current is measured soon, and once; where readings come as fast there is nothing to hasten.
    let once = ["if n == 1i", "store_var a 2i jb", "breakloop", "endif", "endloop"]
    #expect(script.indices.contains { Array(script[$0...].prefix(5)) == once })
    fast.readingInterval = TimeSpan(milliseconds: 50)
    #expect(!lines(fast).contains("if n == 1i") && lines(fast).contains("set_max_bandwidth 117010m"))
  }

  private static let impossible: [(String, Setpoint)] = {
    func first(_ picoamperes: Int64) -> Setpoint {
      var setpoint = Samples.power
      guard case .demand(let demand, _) = setpoint.mode else { return setpoint }
      setpoint.mode = .demand(demand, from: Current(picoamperes: picoamperes))
      return setpoint
    }
    var narrow = Samples.power
    narrow.rangeCurrent = Current(picoamperes: 199_999_999)
    return [
      ("without a direction", changed(Samples.power) { $0.direction = .none }),
      ("constant power that is not", changed(Samples.power) { $0.law = .power(.zero) }),
      ("resistance that is not", changed(Samples.resistance) { $0.law = .resistance(.zero) }),
      ("does not charge", changed(Samples.resistance) { $0.direction = .charge }),
      ("of zero", changed(Samples.resistance) { $0.currentAtMost = .zero }),
      ("more than 0.2 A", changed(Samples.power) { $0.currentAtMost = Current(picoamperes: 200_000_000_001) }),
      ("a first current", first(200_000_001)), ("a first current", first(-1)), ("does not fit a range", narrow),
    ]
  }()

  @Test(arguments: impossible.indices)
  func refusesTheImpossibleBeforeSending(index: Int) throws {
    let (words, setpoint) = Self.impossible[index]
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStat4HR.capabilities, modelName: "EmStat4 HR")
    let fault = try #require(check.refusal(of: setpoint))
    #expect(fault.code == .instrumentRefused && fault.detail.contains(words), "\(fault.detail)")
    #expect(check.refusal(of: Samples.power) == nil && check.refusal(of: Samples.resistance) == nil)
  }

  @Test func aPicoHasNoGalvanostat() {
    let check = SetpointCheck(capabilities: MethodSCRIPTModel.emStatPico.capabilities, modelName: "EmStat Pico")
    for (setpoint, kind) in [(Samples.power, "constant_power"), (Samples.resistance, "constant_resistance")] {
      var setpoint = setpoint
      setpoint.bounds.upperVoltage = Voltage(millivolts: 2_000)
      #expect(check.refusal(of: setpoint)?.detail.contains("kind \(kind)") == true)
    }
  }
}
