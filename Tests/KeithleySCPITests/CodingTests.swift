// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import KeithleySCPIDriver

/// Numbers, readings and set-up lines on their own.
@Suite struct CodingTests {
  private func number(_ text: String) -> ScpiNumber? {
    Array(text.utf8).withUnsafeBytes { ScpiNumber($0, at: 0) }
  }

  @Test func readsExactNumbersOnly() {
    #expect(number("+3.700123E+00")?.count(decimals: 9) == 3_700_123_000)
    #expect(number("-1.000012E-03")?.count(decimals: 12) == -1_000_012_000)
    #expect(number("+1.234567E-09")?.count(decimals: 12) == 1_235)
    #expect(number("+0.000000E+00")?.count(decimals: 9) == 0)
    for text in ["+3.70012E+00", "3.700123E+00", "+37.00123E+0", "+3.700123E+0", "+3.700123e+00", "+3.7001a3E+00", ""] {
      #expect(number(text) == nil, "\(text)")
    }
  }

  @Test func whatIsNoMeasurementIsNoNumber() {
    #expect(number("+9.910000E+37")?.count(decimals: 9) == nil && number("+9.900000E+37")?.count(decimals: 9) == nil)
    #expect(number("+9.999999E+08")?.count(decimals: 12) == nil)
    #expect(number("+1.000000E-99")?.count(decimals: 12) == 0)
  }

  @Test(arguments: [
    (1_000_000_000, 12, "1E-3"), (-134_300_000, 12, "-1.343E-4"), (4_300_000_000, 9, "4.3E0"), (0, 9, "0"),
    (20_000_000_000, 9, "2E1"), (1, 12, "1E-12"), (1_050_000_000_000, 12, "1.05E0"),
  ]) func writesArguments(count: Int64, decimals: Int, text: String) {
    #expect(ScpiNumber.written(count, decimals: decimals) == text)
  }

  @Test func readsAReading() throws {
    let text = "123;+3.700123E+00,-1.000012E-03,+7.282000E+01,+4.247560E+06"
    let reading = try #require(Array(text.utf8).withUnsafeBytes { MeterReading($0, from: 4) })
    #expect(reading.voltage == Voltage(nanovolts: 3_700_123_000) && reading.time == TimeSpan(milliseconds: 72_820))
    #expect(reading.current == Current(picoamperes: -1_000_012_000))
    #expect(reading.status.contains([.remoteSense, .compliance]) && reading.quality.isEmpty)
    for spoiled in [text + "0", String(text.dropLast()), text.replacing(",", with: ";")] {
      #expect(Array(spoiled.utf8).withUnsafeBytes { MeterReading($0, from: 4) } == nil)
    }
  }

  @Test func keepsRule18() throws {
    let bounds = Laboratory.bounds
    func plan(_ mode: Setpoint.Mode) throws -> SourcePlan {
      try SourcePlan(Laboratory.setpoint(mode, until: [], bounds: bounds))
    }
    let charge = try plan(.constantCurrentThenVoltage(Laboratory.microamperes(100), Voltage(millivolts: 2_000)))
    #expect(charge.ownHold(openVoltage: Voltage(millivolts: 1_800)) == Voltage(millivolts: 2_000))
    #expect(charge.ownHold(openVoltage: Voltage(millivolts: 1_801)) == nil)
    #expect(charge.ownHold(openVoltage: Voltage(millivolts: -1_801)) == nil)
    #expect(charge.voltageCompliance(openVoltage: Voltage(millivolts: 1_801)) == bounds.upperVoltage)
    #expect(charge.voltageCompliance(openVoltage: Voltage(millivolts: 3_000)) == Voltage(millivolts: 3_200))
    let discharge = try plan(.constantCurrentThenVoltage(Laboratory.microamperes(-100), Voltage(millivolts: 10)))
    #expect(discharge.ownHold(openVoltage: .zero) == nil)
    // 400 µA and 100 µA in the same range, whatever the current is (hazard rule 14).
    #expect(charge.rangeIndex == 3 && discharge.rangeIndex == 3)
  }
}
