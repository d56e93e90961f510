// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclingEngine
import Quantities
import Testing

@Suite struct VoltageDriftTests {
  private func feed(_ drift: inout VoltageDrift, _ seconds: some Sequence<Int>, _ volts: (Double) -> Double?) {
    for second in seconds {
      drift.add(volts(Double(second)).map { Voltage(volts: $0) }, at: TimeSpan(seconds: Int64(second)))
    }
  }

  @Test func aSteadySlopeIsToldAfterTenMinutes() throws {
    for slope in [-3e-3, 1e-3, 0] {
      var drift = VoltageDrift()
      feed(&drift, 0..<610) { 0.5 + slope / 3_600 * $0 }
      #expect(drift.nanovoltsPerHour == nil)
      feed(&drift, 610..<611) { 0.5 + slope / 3_600 * $0 }
      let found = try #require(drift.nanovoltsPerHour)
      #expect(abs(Double(found) - abs(slope) * 1e9) <= 12, "\(found), to a nanovolt of each mean")
    }
  }

  /// 100 µV of noise on each reading would be 0.6 mV/h by single readings.
  @Test func noiseIsAveraged() throws {
    var drift = VoltageDrift()
    var state: UInt64 = 7
    feed(&drift, 0..<5_000) { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return 0.5 + (Double(state >> 40) / Double(1 << 24) - 0.5) * 2e-4
    }
    #expect(try #require(drift.nanovoltsPerHour) < 500_000)
  }

  @Test func anIntervalWithoutAReadingBeginsAnew() {
    var drift = VoltageDrift()
    feed(&drift, 0..<700) { _ in 0.5 }
    #expect(drift.nanovoltsPerHour == 0)
    feed(&drift, 700..<720) { _ in nil }
    feed(&drift, 720..<1_330) { _ in 0.5 }
    #expect(drift.nanovoltsPerHour == nil)
    feed(&drift, 1_330..<1_331) { _ in 0.5 }
    #expect(drift.nanovoltsPerHour == 0)
    drift.reset()
    #expect(drift.nanovoltsPerHour == nil)
  }

  @Test func absurdValuesDoNotTrap() {
    var drift = VoltageDrift()
    for index in Int64(0)..<200 {
      drift.add(
        Voltage(nanovolts: index.isMultiple(of: 2) ? .min : .max), at: TimeSpan(microseconds: index * 10_000_000))
    }
    #expect(drift.nanovoltsPerHour == 0, "sixty intervals apart they are alike")
    drift.add(Voltage(nanovolts: 0), at: TimeSpan(microseconds: .max))
    drift.add(Voltage(nanovolts: 0), at: TimeSpan(microseconds: -1))
  }
}
