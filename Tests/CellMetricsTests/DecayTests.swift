// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import Quantities
import Testing

@Suite("Decay and slippage") struct DecayTests {
  @Test(arguments: [
    (0.8, 100, 0.002, 0.0022289477), (0.5, 1, 0.5, 0.5), (1.0, 7, 0, 0), (1.21, 2, -0.105, -0.1),
    // A retention that both definitions are told of, and are far apart.
    (0.645, 8, 0.044375, 0.0533379566),
  ]) func bothDefinitions(retention: Double, cycles: Int64, linear: Double, geometric: Double) throws {
    let decay = try #require(DecayRate(retention: retention, intervals: cycles))
    #expect(abs(decay.linear - linear) < 1e-12 && abs(decay.geometric - geometric) < 1e-7, "\(decay)")
  }

  static let far: [(Double, Int64, Double)] = [
    (1_000, 100, 0.07151930523760641), (1_000, 1, 999), (201, 1_000, 0.005317392321806835),
    (1e6, 3, 99), (1e300, 5, 1e60 - 1), (1e300, 100_000, 0.006931668851804), (1.7e308, 1, 1.7e308),
    (1e-300, 3_000, -0.205671765275718), (.leastNonzeroMagnitude, 1, -1), (1e9, 1_000_000_000_000, 2.0723e-11),
  ]

  /// A cell that stood at nothing when its reference was taken can come back to any multiple of it.
  @Test(arguments: far) func farFromTheReference(retention: Double, cycles: Int64, gain: Double) throws {
    let decay = try #require(DecayRate(retention: retention, intervals: cycles))
    #expect(abs(decay.geometric + gain) <= 1e-12 * max(1, gain), "\(decay)")
  }

  /// What is stored of ordinary retentions is told again to the last digit.
  @Test func storedDecaysStay() throws {
    for (retention, cycles, geometric) in [
      (0.33, 2, 0.42554373534619705),
      (0.801, 4, 0.05396298517944986),
      (1.02, 4, -0.0049629315732038215),
      (0.801, 9, 0.024353475578213546),
      (50.0, 9, -0.5444521049463791),
      (0.801, 10, 0.02194505856751494),
      (50.0, 10, -0.4787576366283137),
      (0.33, 17, 0.06313440465630771),
    ] as [(Double, Int64, Double)] {
      #expect(try #require(DecayRate(retention: retention, intervals: cycles)).geometric == geometric)
    }
  }

  @Test func theRootIsOne() throws {
    for (retention, cycles) in [(1e-9, 5_000), (0.3, 3), (0.999999, 2), (20, 17)] as [(Double, Int64)] {
      let decay = try #require(DecayRate(retention: retention, intervals: cycles))
      var left = 1.0
      for _ in 0..<cycles { left *= 1 - decay.geometric }
      #expect(abs(left / retention - 1) < 1e-9)
    }
  }

  @Test func nothingToTell() {
    #expect(DecayRate(retention: 0.9, intervals: 0) == nil && DecayRate(retention: 0, intervals: 3) == nil)
    #expect(DecayRate(retention: .nan, intervals: 3) == nil)
  }

  @Test func endPointsMove() {
    var slippage = EndPointSlippage()
    var net: Int64 = 0
    func take(_ direction: Direction, _ charge: Int64?, _ ends: Bool = true) -> Int64? {
      net += (charge ?? 0) * Int64(direction.rawValue)
      return slippage.take(direction, end: charge.map { _ in Charge(nanocoulombs: net) }, isEndPoint: ends)?
        .nanocoulombs
    }
    #expect(take(.charge, 100) == nil)
    #expect(take(.discharge, 95) == nil)
    #expect(take(.charge, 98) == 3)
    #expect(take(.discharge, 97) == 1)
    // One that was stopped is no end-point, but its charge counts.
    #expect(take(.charge, 50, false) == nil)
    #expect(take(.discharge, 48) == 2)
    #expect(take(.charge, 98) == nil)
    #expect(take(.charge, nil) == nil)
    #expect(take(.discharge, 40) == nil)
  }
}
