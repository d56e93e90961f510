// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Limits of one step act in that step and in no other.

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

@Suite struct RunningStepLimitTests {
  private static func bench() throws -> PilotBench {
    let steps = """
      {"charge": "360 uA", "until": ["voltage >= 1.8 V", "step_time >= 10 h"],
        "limits": {"voltage": {"min": "0 V", "max": "1.9 V", "for": "0 s"}, "charge_current": {"max": "400 uA", "for": "0 s"}}},
      {"charge": "360 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}
      """
    var bench = PilotBench(try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps)))
    bench.start(at: 1.0)
    bench.accept()
    return bench
  }

  @Test func theInstrumentIsToldThem() throws {
    var bench = try Self.bench()
    #expect(bench.setpoint?.bounds.upperVoltage == Voltage(millivolts: 1_950))
    #expect(bench.setpoint?.bounds.lowerVoltage == Voltage(millivolts: -50))
    #expect(bench.setpoint?.bounds.currentMagnitude == Current(picoamperes: 800_000_000))
    for _ in 0..<5 { bench.read(1.7, 360e-6) }
    bench.end(.cutOff(0))
    #expect(bench.setpoint?.bounds.upperVoltage == Voltage(millivolts: 2_350), "the next step has the run's")
    bench.accept()
    for _ in 0..<5 { bench.read(1.95, 360e-6) }
    #expect(!bench.wantsOpenCircuit)
  }

  /// The limits of the step in which it happened decide, whatever the next one says: a profile is left when it is cut off.
  @Test(arguments: ["hold", "end"])
  func theLimitsOfTheStepItselfDecide(action: String) throws {
    let own = #"{"charge_current": {"max": "400 uA", "for": "0 s", "then": "\#(action)"}}"#
    let other = own.replacing(#""\#(action)""#, with: action == "end" ? #""hold""# : #""end""#)
    let steps = """
      {"profile": ["charge 360 uA for 1 h"], "limits": \(own)},
      {"charge": "360 uA", "until": ["voltage >= 1.8 V", "step_time >= 2 h"], "limits": \(other)}
      """
    var bench = PilotBench(try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps)))
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<5 { bench.read(1.5, 360e-6) }
    bench.read(1.5, 410e-6)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.pilot.state == (action == "end" ? .ended : .held))
    #expect(bench.journal.latches.map(\.code) == [.limitCurrentCharge])
  }

  /// What becomes of the run is the protocol's choice; the circuit is opened and the channel latched either way.
  @Test(arguments: ["hold", "end"])
  func aLimitHoldsTheRunOrEndsIt(action: String) throws {
    let steps = """
      {"charge": "360 uA", "until": ["voltage >= 1.8 V", "step_time >= 10 h"],
        "limits": {"charge_current": {"max": "400 uA", "for": "0 s", "then": "\(action)"}}}
      """
    var bench = PilotBench(try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps)))
    bench.start(at: 1.0)
    bench.accept()
    for _ in 0..<5 { bench.read(1.5, 360e-6) }
    bench.read(1.5, 410e-6)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.map(\.code) == [.limitCurrentCharge])
    bench.end(.requested)
    #expect(bench.pilot.state == (action == "end" ? .ended : .held))
    #expect(bench.pilot.isOver == (action == "end"))
    #expect(bench.journal.latches.map(\.code) == [.limitCurrentCharge])
    #expect(bench.journal.halfCycles.map { $0.flags.contains(.truncated) } == (action == "end" ? [true] : []))
  }

  @Test(arguments: [(1.91, 360e-6, FaultCode.limitVoltageHigh), (1.7, 410e-6, .limitCurrentCharge)])
  func theyAreJudgedByTheHostToo(volts: Double, amperes: Double, code: FaultCode) throws {
    var bench = try Self.bench()
    for _ in 0..<5 { bench.read(1.5, 360e-6) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(volts, amperes)
    #expect(bench.wantsOpenCircuit)
    bench.end(.requested)
    #expect(bench.journal.latches.map(\.code) == [code])
  }
}
