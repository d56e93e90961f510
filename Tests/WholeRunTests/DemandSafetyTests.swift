// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// What a reading of a constant power or resistance may say, and what opens the circuit.
@Suite struct DemandSafetyTests {
  private static let power =
    #"{"discharge": "0.1 mW", "current_at_most": "0.4 mA", "until": ["voltage <= 10 mV", "step_time >= 11 h"]}"#
  private static let resistance =
    #"{"discharge": "10 kohm", "current_at_most": "0.4 mA", "until": ["voltage <= 10 mV", "step_time >= 11 h"]}"#

  private static func bench(_ step: String, at volts: Double = 1) throws -> PilotBench {
    var bench = try HazardLimitTests.bench(step)
    bench.start(at: volts)
    bench.accept()
    return bench
  }

  /// The first current is that of the open circuit, and never more than the most.
  @Test func theFirstCurrentIsThatOfTheOpenCircuit() throws {
    for (step, volts, first) in [
      (Self.power, 1.0, 100_000_000), (Self.power, 0.1, 400_000_000), (Self.resistance, 1.0, 100_000_000),
      (Self.resistance, 2.5, 250_000_000),
    ] as [(String, Double, Int64)] {
      let bench = try Self.bench(step, at: volts)
      guard case .demand(let demand, let from)? = bench.setpoint?.mode else {
        Issue.record("\(String(describing: bench.setpoint?.mode))")
        continue
      }
      #expect(demand.direction == .discharge && from == Current(picoamperes: first), "\(volts) V")
      #expect(bench.setpoint?.rangeCurrent == Current(picoamperes: 400_000_000))
    }
  }

  @Test func aCurrentThatFollowsTheVoltageIsNoFault() throws {
    var bench = try Self.bench(Self.power)
    for step in 0..<80 {
      let volts = 1 - 0.01 * Double(step)
      bench.read(volts, -min(0.1e-3 / (volts + 0.01), 0.4e-3))
    }
    #expect(bench.journal.latches.isEmpty && bench.pilot.state == .running)
  }

  /// An instrument that stays at its first current, or drives none, is noticed within eleven readings.
  @Test func aCurrentThatDoesNotFollowIsAFault() throws {
    for (volts, amperes) in [(0.3, -0.1e-3), (1.0, 0.0), (0.05, -0.1e-3)] {
      var bench = try Self.bench(Self.power)
      bench.read(1, -0.1e-3)
      for _ in 0..<10 { bench.read(volts, amperes) }
      #expect(bench.journal.latches.isEmpty, "\(volts) V")
      bench.read(volts, amperes)
      #expect(bench.journal.latches.map(\.code) == [.instrumentSetpointNotFollowed], "\(volts) V")
    }
  }

  @Test func aCurrentOfTheOtherDirectionIsAFault() throws {
    var bench = try Self.bench(Self.resistance)
    for _ in 0..<3 { bench.read(1, -0.1e-3) }
    bench.read(1, 0.05e-3)
    #expect(bench.journal.latches.isEmpty)
    bench.read(1, 0.05e-3)
    #expect(bench.journal.latches.map(\.code) == [.instrumentWrongDirection])
  }

  @Test func theLimitsOfTheRunHold() throws {
    var bench = try Self.bench(Self.power)
    for _ in 0..<3 { bench.read(0.5, -0.2e-3) }
    bench.read(-0.2, -0.4e-3)
    #expect(bench.journal.latches.map(\.code) == [.limitVoltageLow])
    var other = try Self.bench(Self.power)
    for _ in 0..<3 { other.read(0.5, -0.2e-3) }
    other.read(0.5, -11e-3)
    #expect(other.journal.latches.map(\.code) == [.limitCurrentDischarge])
  }
}
