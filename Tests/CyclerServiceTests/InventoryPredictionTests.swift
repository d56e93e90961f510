// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import CyclerService

@Suite struct InventoryPredictionTests {
  @Test func aThousandCyclesAtThreeNinesLeaveAThird() {
    let left = InventoryPrediction.retention(coulombicEfficiency: 0.999, cycles: 1_000)
    #expect(abs(left - 0.36769542477096373) < 1e-12)
  }

  @Test(arguments: [(100.0, 0.997771), (500, 0.999554), (1_000, 0.999777), (3_000, 0.9999256)])
  func whatALifeToEightyPerCentNeeds(cycles: Double, efficiency: Double) {
    let needed = InventoryPrediction.coulombicEfficiency(retention: 0.8, cycles: cycles)
    #expect(abs(needed - efficiency) < 6e-7)
  }

  @Test func eachOfTheThreeFollowsFromTheOthers() {
    for efficiency in stride(from: 0.9, through: 0.9999, by: 0.0111) {
      for cycles in [1.0, 17, 400, 2_500] {
        let left = InventoryPrediction.retention(coulombicEfficiency: efficiency, cycles: cycles)
        #expect(abs(InventoryPrediction.cycles(coulombicEfficiency: efficiency, retention: left) / cycles - 1) < 1e-9)
        let back = InventoryPrediction.coulombicEfficiency(retention: left, cycles: cycles)
        #expect(abs(back / efficiency - 1) < 1e-12)
      }
    }
    #expect(InventoryPrediction.cycles(coulombicEfficiency: 1, retention: 0.8) == .infinity)
  }

  @Test func theMeanIsTheOneWhosePowerIsTheProduct() throws {
    let mean = try #require(InventoryPrediction.meanEfficiency([0.99, 0.999, 0.995]))
    #expect(abs(mean * mean * mean - 0.99 * 0.999 * 0.995) < 1e-12)
    #expect(InventoryPrediction.meanEfficiency([Double]()) == nil)
    #expect(InventoryPrediction.meanEfficiency([0.9, 0]) == nil)
  }

  @Test func sodiumIsAsThickAsItsFaradaysSay() {
    // The review gives 1166 mAh/g.
    #expect(abs(SodiumMetal.specificCapacity - 1_165.8) < 0.05)
    // 1 mAh/cm2 weighs 0.858 mg, which is 8.86 µm.
    #expect(abs(SodiumMetal.thicknessMicrometres(arealCapacity: 1) - 8.861) < 0.001)
  }
}
