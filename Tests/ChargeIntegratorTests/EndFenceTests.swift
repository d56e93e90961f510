// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
@testable import CyclingEngine
import Quantities
import Testing

/// What is not looked at behind the fence can hold nowhere.
@Suite struct EndFenceTests {
  private static let edges: [Int64] = [.min, .min + 1, -1_000, -1, 0, 1, 7, 1_000, .max - 1, .max]

  private func live(_ value: () -> Int64) -> LiveQuantities {
    var live = LiveQuantities()
    live.voltage = value() % 3 == 0 ? nil : Voltage(nanovolts: value())
    live.current = value() % 3 == 0 ? nil : Current(picoamperes: value())
    live.voltageDrift = value() % 3 == 0 ? nil : value()
    live.holdTime = value() % 3 == 0 ? nil : TimeSpan(microseconds: value())
    live.stepTime = TimeSpan(microseconds: value())
    live.halfCycleTime = TimeSpan(microseconds: value())
    live.cycleTime = TimeSpan(microseconds: value())
    live.testTime = TimeSpan(microseconds: value())
    live.stepCharge = Charge(nanocoulombs: value())
    live.halfCycleCharge = Charge(nanocoulombs: value())
    live.stepEnergy = Energy(nanojoules: value())
    return live
  }

  @Test func noConditionHoldsInsideTheFence() {
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0...UInt64.max, using: &generator)
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    func value() -> Int64 {
      switch next() % 4 {
      case 0: Self.edges[Int(next() % UInt64(Self.edges.count))]
      case 1: Int64(next() % 21) - 10
      default: Int64(bitPattern: next() << 31 ^ next())
      }
    }
    var inside = 0
    for _ in 0..<200_000 {
      let ends = (0..<Int(next() % 4)).map { _ in
        EndCondition(
          quantity: EndCondition.Quantity.allCases[Int(next() % 11)],
          comparison: Comparison.allCases[Int(next() % 4)], threshold: value(), onlyInHold: next() % 2 == 0, text: "x")
      }
      let fence = EndFence(ends: ends, joined: [])
      let live = live(value)
      if fence.mayBeMet(live) { continue }
      inside += 1
      let step = ProgramStep(
        path: "", label: nil, purpose: nil, action: .rest, ends: ends, halfCycle: nil, rangeCurrent: .zero)
      #expect(StepJudgement(of: step).firstMet(live) == nil, "seed \(seed): \(ends) \(live)")
    }
    #expect(inside > 20_000, "a fence that lets nothing out hides nothing; seed \(seed)")
  }
}
