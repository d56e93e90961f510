// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclingEngine
import Quantities
import Testing

@Suite struct ChargePerVoltTests {
  /// Readings along a curve that says what charge has passed at a voltage.
  private func feed(
    _ slope: inout ChargePerVolt, _ millivolts: some Sequence<Double>, _ nanocoulombs: (Double) -> Double
  ) {
    for voltage in millivolts {
      slope.add(Voltage(volts: voltage / 1_000), Charge(nanocoulombs: Int64(nanocoulombs(voltage))))
    }
  }

  @Test(arguments: [0.7, 3.3, 12.5], [true, false])
  func aStraightLineHasItsSlopeWhateverTheReadingsAre(step: Double, isRising: Bool) throws {
    var slope = ChargePerVolt()
    let up = stride(from: 101.0, through: 160.0, by: step)
    let way = isRising ? Array(up) : up.reversed()
    // 2 C for each volt, discharging downwards.
    feed(&slope, way) { ($0 - way[0]) * 2_000_000 }
    #expect(try abs(#require(slope.nanocoulombsPerVolt) - 2_000_000_000) < 2_000)
  }

  @Test func nothingIsKnownBeforeTwoLines() {
    var slope = ChargePerVolt()
    feed(&slope, [101, 104, 104.9, 106, 109]) { $0 * 1_000 }
    #expect(slope.nanocoulombsPerVolt == nil)
    feed(&slope, [110]) { $0 * 1_000 }
    #expect(slope.nanocoulombsPerVolt == 1_000_000)
    slope.reset()
    #expect(slope.nanocoulombsPerVolt == nil)
  }

  /// The voltage stands still while charge passes: what has passed over 5 mV is the least that the slope can be.
  @Test func aPlateauIsSeenBeforeItIsOver() {
    var slope = ChargePerVolt()
    feed(&slope, [111, 109, 104, 99]) { (111 - $0) * 1_000 }
    #expect(slope.nanocoulombsPerVolt == 1_000_000)
    var told: [Int64] = []
    for charge in stride(from: Int64(12_000), through: 60_000, by: 4_000) {
      slope.add(Voltage(volts: 0.098), Charge(nanocoulombs: charge))
      told.append(slope.nanocoulombsPerVolt ?? 0)
    }
    // 11,000 nC lay at the line of 100 mV.
    #expect(told.first == 1_000_000 && told.last == (60_000 - 11_000) * 200)
    #expect(told == told.sorted())
  }

  /// A voltage that trembles around a line crosses it once.
  @Test func noiseAroundALineChangesNothing() {
    var slope = ChargePerVolt()
    feed(&slope, [111, 106, 104]) { (111 - $0) * 1_000 }
    for index in 0..<50 {
      slope.add(Voltage(volts: index.isMultiple(of: 2) ? 0.1052 : 0.1048), Charge(nanocoulombs: 7_000))
    }
    feed(&slope, [102, 99]) { (111 - $0) * 1_000 }
    #expect(slope.nanocoulombsPerVolt == 1_000_000)
  }

  @Test func absurdValuesDoNotTrap() {
    var slope = ChargePerVolt()
    for nanovolts in [Int64.max, .min, 0, .max, -1, .min + 1] {
      for charge in [Int64.min, .max, 0] { slope.add(Voltage(nanovolts: nanovolts), Charge(nanocoulombs: charge)) }
    }
    slope.add(nil, .zero)
  }
}
