// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
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

  private func decimal(_ text: String) -> ScpiDecimal? {
    Array(text.utf8).withUnsafeBytes { ScpiDecimal($0) }
  }

  @Test(arguments: [
    ("-1.234567890E-03", 12, -1_234_567_890), ("3.700123", 9, 3_700_123_000), ("0.266978", 6, 266_978),
    ("4", 0, 4), ("+2.5e2", 0, 250), ("0.000000000E+00", 12, 0), ("9.5E-13", 12, 1), ("-4.0E-13", 12, 0),
    ("1.23456789012345678901234E+00", 9, 1_234_567_890), ("123456789012345678901E-18", 6, 123_456_789), (".5", 1, 5),
  ]) func readsNumbersOfAnyForm(text: String, decimals: Int, count: Int64) {
    #expect(decimal(text)?.count(decimals: decimals) == count)
  }

  @Test func whatIsNoNumberOfAnyFormIsNone() {
    for text in ["", "-", ".", "1.2.3", "1E", "1E+", "1E+1234", "1 ", "E5", "1,2", "--1", "NAN", "0x10"] {
      #expect(decimal(text) == nil, "\(text)")
    }
    // Overflow, not a number, and what no counter holds.
    for text in ["9.9E+37", "9.910000E37", "-9.9E+37", "1E10", "1E999"] {
      #expect(decimal(text) != nil && decimal(text)?.count(decimals: 12) == nil, "\(text)")
    }
  }

  /// A 2450's answer says everything twice; what differs is no reading.
  @Test func readsAReadingThatComesTwice() throws {
    func reading(_ text: String, _ sourced: ScpiDialect.Sourced) -> MeterReading? {
      Array(text.utf8).withUnsafeBytes { MeterReading(interactive: $0, from: 4, sourced: sourced) }
    }
    let numbers = "-1.000012000E-03,3.700123456E+00,7.282000100E+01"
    let text = "123;\(numbers),\(numbers);0;1"
    let current = try #require(reading(text, .current))
    #expect(current.current == Current(picoamperes: -1_000_012_000))
    #expect(current.voltage == Voltage(nanovolts: 3_700_123_456) && current.time == TimeSpan(microseconds: 72_820_001))
    #expect(current.status == .remoteSense && current.quality.isEmpty)
    let voltage = try #require(reading("123;3.7,-1E-3,2.0,3.7,-1E-3,2.0;1;1", .voltage))
    #expect(voltage.voltage == Voltage(millivolts: 3_700) && voltage.current == Current(picoamperes: -1_000_000_000))
    #expect(voltage.status == [.remoteSense, .compliance])
    // A blank behind each comma, as the manual says.
    let spaced = reading(text.replacing(",", with: ", "), .current)
    #expect(spaced == current)
    let overflow = try #require(reading("123;1E-3,9.9E+37,2.0,1E-3,9.9E+37,2.0;0;1", .current))
    #expect(overflow.voltage == nil && overflow.current != nil && overflow.quality == .overload)
    // Every byte that gets lost is seen, and an output that is off is no reading.
    for index in text.indices.dropFirst(4) {
      var spoiled = text
      spoiled.remove(at: index)
      #expect(reading(spoiled, .current) == nil, "\(spoiled)")
    }
    #expect(reading("123;\(numbers),\(numbers);0;0", .current) == nil)
    for spoiled in ["123", "123;", "123;;1", "123;1,2,3;0;1", "123;1,2,3,1,2,3;2;1", "123;1,2,-3,1,2,-3;0;1"] {
      #expect(reading(spoiled, .current) == nil, "\(spoiled)")
    }
  }

  /// What a 2460 cannot give at its largest currents is refused before anything is closed.
  @Test func keepsToThePowerOfA2460() throws {
    func plan(_ amperes: Int64, _ millivolts: Int64, _ model: KeithleyModel) throws(Fault) -> SourcePlan {
      let bounds = Bounds(
        lowerVoltage: Voltage(millivolts: 1_000), upperVoltage: Voltage(millivolts: millivolts),
        currentMagnitude: Current(picoamperes: 7_100_000_000_000), duration: TimeSpan(seconds: 100))
      var setpoint = Laboratory.setpoint(
        .constantCurrent(Current(picoamperes: amperes * 1_000_000_000_000)), until: [], bounds: bounds)
      setpoint.rangeCurrent = Current(picoamperes: amperes * 1_000_000_000_000)
      return try SourcePlan(setpoint, of: model)
    }
    #expect(try plan(7, 4_300, .model2460).range == Current(picoamperes: 7_000_000_000_000))
    #expect(try plan(7, 4_300, .model2460).hasRoom(above: Voltage(millivolts: 7_100)))
    #expect(try !plan(7, 4_300, .model2460).hasRoom(above: Voltage(millivolts: 7_200)))
    #expect(try plan(4, 19_000, .model2460).range == Current(picoamperes: 4_000_000_000_000))
    for (amperes, millivolts, model) in [(7, 8_000, .model2460), (5, 11_000, .model2460), (2, 4_300, .model2450)]
      as [(Int64, Int64, KeithleyModel)]
    {
      #expect(throws: Fault.self) { try plan(amperes, millivolts, model) }
    }
  }

  @Test func knowsItsModels() throws {
    for (name, most, ranges, smallest) in [
      ("2400", 1_050, 7, 1_000_000), ("2450", 1_050, 9, 10_000), ("2460", 7_350, 10, 1_000_000),
    ] as [(String, Int64, Int, Int64)] {
      let capabilities = try #require(KeithleySCPIDriver.capabilities(ofModel: name))
      #expect(capabilities.maximumCurrent == Current(picoamperes: most * 1_000_000_000))
      #expect(capabilities.currentRanges.count == ranges && capabilities.currentAccuracy.count == ranges)
      #expect(capabilities.currentRanges.first == Current(picoamperes: smallest))
      #expect(capabilities.currentRanges == capabilities.currentRanges.sorted())
      #expect(!capabilities.hasLease && capabilities.leaseHole != nil && capabilities.openCircuit == .zeroCurrentHeld)
    }
    #expect(KeithleySCPIDriver.capabilities(ofModel: "2461") == nil)
  }

  @Test func keepsRule18() throws {
    let bounds = Laboratory.bounds
    func plan(_ mode: Setpoint.Mode) throws -> SourcePlan {
      try SourcePlan(Laboratory.setpoint(mode, until: [], bounds: bounds), of: .model2400)
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
