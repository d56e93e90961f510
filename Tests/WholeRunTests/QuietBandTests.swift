// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A reading that the pilot foresaw as quiet is not judged. Whatever happens to a cell, the run must not differ from one
// in which every reading is judged in full.

import CyclerModel
import CyclingEngine
import InstrumentKit
import Quantities
import Testing

@testable import CyclingRun

@Suite struct QuietBandTests {
  private static let seeds: [UInt64] = Array(1...40) + [UInt64.random(in: 1_000...(.max))]

  /// What ends the step, apart from its time: thresholds near where the readings walk.
  private static func ends(_ numbers: inout SplitMix) -> [String] {
    let all = [
      "voltage <= 1.9 V", "voltage >= 2.1 V", "current >= 130 uA", "current <= 60 uA", "step_time >= 400 s",
      "half_cycle_time >= 350 s", "cycle_time >= 300 s", "test_time >= 380 s", "step_charge >= 8 uAh",
      "half_cycle_charge >= 9 uAh", "step_energy >= 15 uWh",
      "hold_time >= 200 s", "voltage_drift <= 1 mV/h",
    ]
    var chosen = all.filter { _ in numbers.chance(0.12) }.map { "\"\($0)\"" }
    if numbers.chance(0.2) { chosen.append(#"{"when": "voltage >= 2.05 V", "for": "20 s"}"#) }
    return chosen + ["\"step_time >= 10 h\""]
  }

  private static func step(_ numbers: inout SplitMix) -> (text: String, amperes: Double) {
    let direction = numbers.chance(0.5) ? "charge" : "discharge"
    let sign = direction == "charge" ? 1.0 : -1.0
    let driven = ends(&numbers).filter { !$0.contains("hold_time") }
    switch Int.random(in: 0..<3, using: &numbers) {
    case 0:
      return (#"{"\#(direction)": "100 uA", "until": [\#(driven.joined(separator: ", "))]}"#, sign * 100e-6)
    case 1:
      let held = ends(&numbers).filter { !$0.contains("drift") }.joined(separator: ", ")
      return (#"{"hold": "2 V", "current_at_most": "120 uA", "until": [\#(held)]}"#, 80e-6)
    default:
      let held = ends(&numbers).filter { !$0.contains("drift") }.joined(separator: ", ")
      let voltage = direction == "charge" ? "2.2 V" : "0.5 V"
      return (
        #"{"\#(direction)": "100 uA", "then_hold": "\#(voltage)", "until": [\#(held)]}"#, sign * 100e-6
      )
    }
  }

  /// Two benches with the same run, one of them judging every reading.
  private static func benches(_ numbers: inout SplitMix) throws -> (PilotBench, PilotBench, Double)? {
    let (step, amperes) = step(&numbers)
    let rules = [
      #""every": "30 s""#, #""every": "1 s""#, #""every": "5 min", "on_voltage_change": "5 mV""#,
      #""every": "5 min", "on_current_change": "2 %""#, #""every": "5 min", "on_charge_change": "0.1 uAh""#,
    ]
    let text = TestLaboratory.text(
      role: "no-cycles", steps: step, voltage: ("1.85 V", "2.15 V"), current: "140 uA", charge: "12 uAh",
      metrics: ""
    ).replacing(#""every": "10 s""#, with: rules.randomElement(using: &numbers) ?? rules[0])
    guard let program = try? TestLaboratory.program(text) else { return nil }
    var judging = PilotBench(program)
    judging.judgesAll = true
    return (PilotBench(program), judging, amperes)
  }

  @Test(arguments: seeds) func aRunIsTheSameWhetherItsReadingsAreForeseenOrJudged(seed: UInt64) throws {
    var numbers = SplitMix(state: seed)
    var runs = 0
    var quiet = 0
    while runs < 12 {
      guard let pair = try Self.benches(&numbers) else { continue }
      var (foreseeing, judging) = (pair.0, pair.1)
      let amperes = pair.2
      runs += 1
      foreseeing.start(at: 2)
      judging.start(at: 2)
      foreseeing.accept()
      judging.accept()
      var volts = 2.0
      var share = 1.0
      for index in 0..<500 where !foreseeing.wantsOpenCircuit {
        let glitch = numbers.chance(0.01)
        volts += Double.random(in: -0.006...0.006, using: &numbers)
        share = max(0.5, min(1.45, share + Double.random(in: -0.03...0.03, using: &numbers)))
        let measured: Double? = glitch && numbers.chance(0.3) ? nil : volts + (glitch ? 0.3 : 0)
        let current: Double? = glitch && numbers.chance(0.3) ? nil : amperes * share * (glitch ? -1 : 1)
        let quality: ReadingQuality = numbers.chance(0.01) ? [.overload] : []
        let after = numbers.chance(0.02) ? Double.random(in: -2...20, using: &numbers) : 1
        if index == 100, judging.setpoint?.holdsLater == true {
          let at = TimeSpan(microseconds: Int64((judging.clock * 1e6).rounded()))
          foreseeing.feed(.driver(.holdBegan(channel: 0, at: at)))
          judging.feed(.driver(.holdBegan(channel: 0, at: at)))
        }
        if numbers.chance(0.01) {
          foreseeing.feed(.tick)
          judging.feed(.tick)
        }
        let reading = Reading(
          time: TimeSpan(microseconds: Int64(((foreseeing.clock + after) * 1e6).rounded())),
          voltage: measured.map { Voltage(nanovolts: Int64(($0 * 1e9).rounded())) },
          current: current.map { Current(picoamperes: Int64(($0 * 1e12).rounded())) }, quality: quality)
        if foreseeing.pilot.setpoint?.quiet.covers(reading) == true { quiet += 1 }
        foreseeing.read(measured, current, after: after, quality)
        judging.read(measured, current, after: after, quality)
        try Self.expectSame(foreseeing, judging, "seed \(seed), run \(runs), reading \(index)")
      }
      foreseeing.end(.requested)
      judging.end(.requested)
      try Self.expectSame(foreseeing, judging, "seed \(seed), run \(runs), end")
    }
    #expect(quiet > 250, "nearly nothing was foreseen: \(quiet) readings")
  }

  private static func expectSame(_ first: PilotBench, _ second: PilotBench, _ place: String) throws {
    try #require(first.last.records == second.last.records, "\(place)")
    try #require(first.last.entries == second.last.entries, "\(place)")
    try #require(first.last.wakeAt == second.last.wakeAt, "\(place)")
    try #require(first.last.resetLink == second.last.resetLink, "\(place)")
    try #require(first.commands == second.commands, "\(place)")
    try #require(first.pilot.state == second.pilot.state, "\(place)")
    var (one, other) = (first.pilot, second.pilot)
    var left = ByteWriter()
    var right = ByteWriter()
    one.checkpoint(into: &left)
    other.checkpoint(into: &right)
    try #require(left.bytes == right.bytes, "\(place)")
  }
}

extension Setpoint {
  /// Whether a current comes first and a hold later.
  fileprivate var holdsLater: Bool {
    if case .constantCurrentThenVoltage = mode { true } else { false }
  }
}

extension SplitMix {
  fileprivate mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}
