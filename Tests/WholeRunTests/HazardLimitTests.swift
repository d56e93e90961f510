// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities
import Testing

/// The hazard rules that judge readings, each with readings that no healthy instrument gives.
@Suite struct HazardLimitTests {
  static let discharge = #"{"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 10 h"]}"#
  static let charge = #"{"charge": "100 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}"#

  /// Limits −50 mV to 2.3 V (hard: 50 mV beyond), 5 mA, tolerance 2 s and 1 s; open circuit from 0 V to 3.3 V.
  static func bench(_ steps: String, charge: String = "2 mAh") throws -> PilotBench {
    PilotBench(
      try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: steps, charge: charge)))
  }

  // MARK: Rule 1

  @Test func hazard01VoltageLimitsKnowTheDirectionOfCurrent() throws {
    var bench = try Self.bench(Self.discharge)
    bench.start(at: 2.8)
    #expect(bench.begun == 2)
    bench.accept()
    // Far above the upper limit, and discharging: that is the way out, however long it takes.
    for _ in 0..<60 { bench.read(2.75, -100e-6) }
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)

    // Inside the limits and charging: passing the upper one ends it at once.
    var charging = try Self.bench(#"{"charge": "100 uA", "until": ["step_time >= 10 h"]}"#)
    charging.start(at: 2.0)
    charging.accept()
    charging.read(2.29, 100e-6)
    #expect(!charging.wantsOpenCircuit)
    charging.read(2.36, 100e-6)
    #expect(charging.wantsOpenCircuit)
    #expect(charging.journal.latches.first?.code == .limitVoltageHigh)
  }

  @Test func hazard01ACellAboveItsLimitIsNotChargedFurther() throws {
    var bench = try Self.bench(Self.charge)
    bench.start(at: 2.8)
    #expect(bench.begun == 1, "the circuit is closed")
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.first?.code == .limitVoltageHigh)
  }

  /// The current turns without a rest: what was measured under the other direction counts.
  @Test func hazard01ACellAboveItsLimitIsNotChargedRightAfterADischarge() throws {
    let discharge = #"{"discharge": "100 uA", "until": ["voltage <= 10 mV", "step_time >= 4 s"]}"#
    var bench = try Self.bench(discharge + ", " + Self.charge)
    bench.start(at: 2.8)
    bench.accept()
    for _ in 0..<4 { bench.read(2.75, -100e-6) }
    let before = bench.begun
    bench.end(.cutOff(1))
    #expect(bench.begun == before)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.first?.code == .limitVoltageHigh)
  }

  /// A smaller current in the same direction may follow where the larger one has just passed the limit.
  @Test func hazard01ASmallerCurrentMayFollowALargerOne() throws {
    var bench = try Self.bench(
      #"{"charge": "1 mA", "until": ["voltage >= 2.25 V", "step_time >= 1 h"]}, "#
        + #"{"charge": "100 uA", "until": ["voltage >= 2.25 V", "step_time >= 1 h"]}"#)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(2.2, 1e-3) }
    bench.read(2.31, 1e-3)
    let before = bench.begun
    bench.end(.cutOff(0))
    #expect(bench.begun == before + 1 && bench.journal.latches.isEmpty)
  }

  @Test func hazard01CurrentAgainstTheCommandIsItsOwnFault() throws {
    var bench = try Self.bench(Self.discharge)
    bench.start(at: 2.0)
    bench.accept()
    bench.read(2.0, 100e-6)
    #expect(!bench.wantsOpenCircuit)
    bench.read(2.0, 100e-6)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == .instrumentWrongDirection)
  }

  /// An instrument that acknowledges and does nothing, one whose lead came off, one whose range is too small.
  @Test(arguments: [0, -49e-6, -151e-6, -20e-6])
  func faults13ACurrentThatIsNotTheCommandedOneEndsIt(amperes: Double) throws {
    var bench = try Self.bench(Self.discharge)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<10 { bench.read(2.0, amperes) }
    #expect(!bench.wantsOpenCircuit)
    bench.read(2.0, -100e-6)
    for _ in 0..<10 { bench.read(2.0, amperes) }
    #expect(!bench.wantsOpenCircuit, "one reading as it should be begins the count anew")
    bench.read(2.0, amperes)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == .instrumentSetpointNotFollowed)
  }

  @Test(arguments: [-51e-6, -149e-6, -88e-6]) func faults13WhatAConvertersOffsetDoesIsNoFault(amperes: Double) throws {
    var bench = try Self.bench(Self.discharge)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<100 { bench.read(2.0, amperes) }
    #expect(!bench.wantsOpenCircuit && bench.journal.latches.isEmpty)
  }

  @Test(arguments: [(-0.06, FaultCode.limitVoltageLowAtRest), (2.31, .limitVoltageHighAtRest)])
  func hazard01ACellThatWasInsideIsJudgedAtRest(volts: Double, code: FaultCode) throws {
    var bench = try Self.bench(Self.discharge + #", {"rest": "1 h"}"#)
    bench.start(at: 2.8)
    bench.accept()
    for _ in 0..<3 { bench.read(0.02, -100e-6) }
    bench.read(0.009, -100e-6)
    bench.end(.cutOff(0))
    #expect(bench.setpoint?.mode == .openCircuit)
    bench.accept()
    bench.read(0.03, 0)
    #expect(bench.journal.latches.isEmpty)
    bench.read(volts, 0)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == code)
  }

  @Test func hazard01AFreshCellRestsOutsideItsLimits() throws {
    var bench = try Self.bench(#"{"rest": "1 h"}, "# + Self.discharge)
    bench.start(at: 2.8)
    bench.accept()
    for _ in 0..<20 { bench.read(2.8, 0) }
    #expect(!bench.wantsOpenCircuit)
    // Outside the limits and outside where a new cell may stand.
    bench.read(3.4, 0)
    #expect(bench.journal.latches.first?.code == .limitVoltageHighAtRest)
  }

  @Test func aHalfCycleThatPassedItsLimitIsLeftByWhoeverResumesTheRun() throws {
    // 2 µAh are 72 s at 100 µA.
    var bench = try Self.bench(Self.discharge + ", " + Self.charge, charge: "2 uAh")
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<75 where !bench.wantsOpenCircuit { bench.read(1.5, -100e-6) }
    #expect(bench.journal.latches.first?.code == .limitHalfCycleCharge)
    bench.end(.requested)
    #expect(bench.pilot.state == .held)
    bench.feed(.person(.resume, actor: "ada"))
    bench.check(Array(repeating: 1.5, count: 10))
    #expect(bench.setpoint?.mode == .constantCurrent(Current(picoamperes: 100_000_000)), "the way back")
    let left = bench.journal.halfCycles.first
    #expect(left?.flags.contains(.truncated) == true)
  }

  // MARK: Rule 2

  @Test func hazard02AHoldFromFarAwayIsRefused() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    // The compiler refuses what cannot fit; here the step before ended on its time, far from the voltage to be held.
    var bench = try Self.bench(Self.discharge + ", " + hold)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.49, -100e-6) }
    let before = bench.begun
    bench.end(.cutOff(1))
    #expect(bench.begun == before)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.has(.holdStartedFarAway))
  }

  @Test func hazard02TheCurrentOfAHoldIsBoundedOnBothSides() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    var bench = try Self.bench(Self.discharge + ", " + hold)
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    let setpoint = try #require(bench.setpoint)
    #expect(setpoint.mode == .constantVoltage(Voltage(millivolts: 10)))
    // The instrument's own bound, and the host's.
    #expect(setpoint.bounds.currentMagnitude == Current(picoamperes: 20_000_000))
    bench.accept()
    bench.read(0.01, -19e-6)
    #expect(!bench.wantsOpenCircuit)
    bench.read(0.01, -21e-6)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == .limitCurrentDischarge)
  }

  @Test func hazard09AHoldWhoseCurrentTurnsIsLatched() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    let cycle = #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + hold + ", "
    var bench = try Self.bench(cycle + Self.charge + "]}")
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.01, -19e-6)
    for _ in 0..<2 { bench.read(0.01, 1e-6) }
    #expect(bench.journal.latches.first?.code == .holdCurrentReversed)
    // A hold that ends by its current is over when the current turns, if what turned is small enough to end it.
    let ending = hold.replacing("[", with: #"["current <= 5 uA", "#)
    for (amperes, latches) in [(1e-6, 0), (6e-6, 1)] {
      var ended = try Self.bench(
        cycle.replacing(hold, with: ending) + Self.charge + "]}")
      ended.start(at: 2.0)
      ended.accept()
      for _ in 0..<3 { ended.read(0.01, -100e-6) }
      ended.end(.cutOff(0))
      ended.accept()
      ended.read(0.01, -19e-6)
      for _ in 0..<2 { ended.read(0.01, amperes) }
      #expect(ended.journal.latches.count == latches)
    }
  }

  /// A hold that is taken up again after an open circuit is judged as any other.
  @Test func hazard09AHoldThatIsTakenUpAgainIsWatchedFromItsBeginning() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "1 mA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    let cycle = #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + hold + ", "
    var bench = try Self.bench(cycle + Self.charge + "]}")
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.feed(.person(.pause, actor: "anna"))
    bench.end(.requested)
    bench.feed(.person(.resume, actor: "anna"))
    bench.check(Array(repeating: 0.015, count: 10))
    #expect(bench.setpoint?.mode == .constantVoltage(Voltage(millivolts: 10)))
    bench.accept()
    bench.read(0.01, 5e-6)
    #expect(bench.journal.latches.isEmpty)
    bench.read(0.01, 5e-6)
    #expect(bench.journal.latches.first?.code == .holdCurrentReversed)
  }

  // MARK: Rule 10

  @Test func hazard10NothingIsJudgedBeforeItHasSettled() throws {
    var bench = try Self.bench(#"{"discharge": "100 uA", "until": ["step_charge >= 0.001 uAh", "step_time >= 10 h"]}"#)
    bench.start(at: 2.0)
    bench.accept()
    bench.read(2.0, -100e-6, after: 0.05)
    bench.read(2.0, -100e-6, after: 0.04)
    #expect(!bench.wantsOpenCircuit)
    bench.read(2.0, -100e-6, after: 0.05)
    #expect(bench.wantsOpenCircuit)
  }

  @Test func hazard10ThreeEmptyHalfCyclesHoldTheRun() throws {
    let cycles = #"{"cycles": 100, "purpose": "life", "label": "x", "steps": ["#
    var bench = try Self.bench(cycles + Self.discharge + ", " + Self.charge + "]}")
    bench.start(at: 1.0)
    var halves = 0
    while bench.pilot.state == .running, halves < 10 {
      halves += 1
      bench.accept()
      let sign = halves % 2 == 1 ? -1.0 : 1.0
      for _ in 0..<2 { bench.read(sign < 0 ? -0.02 : 2.1, sign * 100e-6) }
      bench.end(.cutOff(0))
    }
    #expect(halves == 3)
    #expect(bench.pilot.state == .held)
    #expect(bench.journal.latches.first?.code == .runNoProgress)
    #expect(bench.journal.halfCycles.allSatisfy { $0.flags.contains(.empty) })
  }

  @Test func hazard10WhatAPersonSkipsIsNotAnEmptyHalfCycle() throws {
    let cycles = #"{"cycles": 100, "purpose": "life", "label": "x", "steps": ["#
    var bench = try Self.bench(cycles + Self.discharge + ", " + Self.charge + "]}")
    bench.start(at: 1.0)
    for half in 0..<6 {
      bench.accept()
      bench.read(1.0, half % 2 == 0 ? -100e-6 : 100e-6)
      bench.feed(.person(.skip, actor: "anna"))
      bench.end(.requested)
    }
    #expect(bench.pilot.state == .running && bench.journal.latches.isEmpty)
    #expect(bench.journal.halfCycles.count == 6)
    #expect(bench.journal.halfCycles.allSatisfy { $0.flags.isSuperset(of: [.empty, .truncated]) })
  }

  // MARK: Rules 14, 15, 16, 20

  @Test func hazard14TwoClippedReadingsOpenTheCircuit() throws {
    var bench = try Self.bench(
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + Self.charge + "]}")
    bench.start(at: 2.0)
    bench.accept()
    bench.read(1.9, -100e-6)
    bench.read(1.9, -100e-6, .overload)
    bench.read(1.9, -100e-6)
    #expect(!bench.wantsOpenCircuit)
    bench.read(1.9, -100e-6, .overload)
    bench.read(1.9, -100e-6, .overload)
    #expect(bench.wantsOpenCircuit)
    #expect(bench.journal.latches.first?.code == .instrumentOverload)
    bench.end(.requested)
    bench.feed(.person(.stop, actor: "tester"))
    #expect(bench.journal.halfCycles.last?.flags.contains(.overload) == true)
  }

  @Test func hazard14BothDirectionsOfACycleShareARange() throws {
    let small = #"{"charge": "10 uA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]}"#
    var bench = try Self.bench(
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + small + "]}")
    bench.start(at: 2.0)
    let first = bench.setpoint?.rangeCurrent
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    #expect(bench.begun == 3)
    #expect(bench.setpoint?.rangeCurrent == first)
    #expect(first == Current(picoamperes: 100_000_000))
  }

  @Test func hazard15ChargeAgainstTheProgramIsKeptApart() throws {
    let hold = #"{"hold": "10 mV", "current_at_most": "20 uA", "until": ["hold_time >= 1 h", "step_time >= 2 h"]}"#
    var bench = try Self.bench(
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + hold + ", "
        + Self.charge + "]}")
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<3 { bench.read(0.01, -100e-6) }
    bench.end(.cutOff(0))
    bench.accept()
    bench.read(0.01, -10e-6)
    bench.read(0.01, 10e-6)
    // The circuit opens one second after a reading with 10 µA in the wrong direction.
    bench.clock += 1
    bench.end(.cutOff(0))
    let row = try #require(bench.journal.halfCycles.last)
    #expect(row.direction == .discharge)
    #expect(row.reverseCharge == Charge(nanocoulombs: 10_000))
    // 3 s of 100 µA less 2 ms, then 10 µA for 998 ms, nothing net for 1 s, and 10 µA back for 1 s.
    #expect(row.charge == Charge(nanocoulombs: 299_800 + 9_980 - 10_000))
  }

  @Test func hazard16AnEdgeIsToldInOrder() throws {
    var bench = try Self.bench(
      #"{"cycles": 2, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + Self.charge + "]}")
    bench.start(at: 2.0)
    for (volts, amperes) in [(0.01, -100e-6), (2.0, 100e-6)] {
      bench.accept()
      for _ in 0..<60 { bench.read(volts, amperes) }
      bench.end(.cutOff(0))
    }
    let words = bench.last.entries.map { entry in
      switch entry {
      case .stepEnded: "step ended"
      case .halfCycleUpdated: "half-cycle closed"
      case .cycleClosed: "cycle closed"
      case .halfCycleOpened: "half-cycle opened"
      case .stepStarted: "step started"
      case .stepBegan, .temperature, .testUpdated, .event, .runState, .latched, .checkpoint, .checkpointDropped,
        .amended,
        .amendmentRefused, .impedancePoint:
        "other"
      case .summaryUpdated: "summary updated"
      }
    }
    #expect(
      words == [
        "step ended", "half-cycle closed", "cycle closed", "summary updated", "half-cycle opened", "step started",
      ])
    // The closing record is in the same batch as what is computed from it.
    #expect(bench.journal.records.contains { $0.flags.contains(.stepEnd) && $0.charge > .zero })
  }

  @Test func hazard20SoftLimitsTolerateAndHardOnesDoNot() throws {
    var soft = try Self.bench(Self.charge)
    soft.start(at: 1.0)
    soft.accept()
    // Soft at 2.3 V for 2 s, hard at 2.35 V; the step's own end is 2.0 V and comes first, so it is made late.
    soft = try Self.bench(#"{"charge": "100 uA", "until": ["step_time >= 10 h"]}"#)
    soft.start(at: 1.0)
    soft.accept()
    soft.read(2.31, 100e-6)
    soft.read(2.31, 100e-6)
    #expect(!soft.wantsOpenCircuit)
    // Back inside: the tolerance begins anew.
    soft.read(2.29, 100e-6)
    soft.read(2.31, 100e-6)
    soft.read(2.31, 100e-6)
    #expect(!soft.wantsOpenCircuit)
    soft.read(2.31, 100e-6)
    #expect(soft.journal.latches.first?.code == .limitVoltageHigh)

    var hard = try Self.bench(#"{"charge": "100 uA", "until": ["step_time >= 10 h"]}"#)
    hard.start(at: 1.0)
    hard.accept()
    hard.read(2.351, 100e-6)
    #expect(hard.journal.latches.first?.code == .limitVoltageHigh)
    // The instrument holds the hard one by itself.
    #expect(hard.setpoint?.bounds.upperVoltage == Voltage(millivolts: 2_350))
    #expect(hard.setpoint?.bounds.lowerVoltage == Voltage(millivolts: -100))
  }

  @Test func hazard20CurrentLimitsAreSoftAndHardToo() throws {
    var bench = try Self.bench(#"{"charge": "4 mA", "until": ["step_time >= 10 min"]}"#)
    bench.start(at: 1.0)
    bench.accept()
    bench.read(1.0, 5.1e-3)
    #expect(!bench.wantsOpenCircuit)
    bench.read(1.0, 5.1e-3)
    #expect(bench.journal.latches.first?.code == .limitCurrentCharge)
    bench = try Self.bench(#"{"charge": "4 mA", "until": ["step_time >= 10 min"]}"#)
    bench.start(at: 1.0)
    bench.accept()
    bench.read(1.0, 10.1e-3)
    #expect(bench.journal.latches.first?.code == .limitCurrentCharge)
  }

  @Test func tooMuchChargeInAHalfCycleIsLatched() throws {
    let steps =
      #"{"cycles": 1, "purpose": "life", "label": "x", "steps": ["# + Self.discharge + ", " + Self.charge + "]}"
    var bench = PilotBench(
      try TestLaboratory.program(
        TestLaboratory.text(
          role: "anode-half-cell", steps: steps, charge: "1 uAh", empty: #"{"below": "0.1 uAh", "in_a_row": 3}"#)))
    bench.start(at: 2.0)
    bench.accept()
    for _ in 0..<35 { bench.read(1.9, -100e-6) }
    #expect(!bench.wantsOpenCircuit)
    for _ in 0..<3 { bench.read(1.9, -100e-6) }
    #expect(bench.journal.latches.first?.code == .limitHalfCycleCharge)
  }
}
