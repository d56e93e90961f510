// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Quantities
import Testing

@Suite struct WrittenQuantityTests {
  @Test(arguments: ["10 mV", "-50 mV", "4.25 V", "2 V", "0 V", "1.23456 V", "-0.5 uV", "100 uV"])
  func voltagesRoundTrip(_ text: String) throws {
    #expect(try Voltage(written: text).written == text)
  }

  @Test(arguments: ["40 h", "6 h", "10 min", "1.5 h", "2 d", "45 s", "100 ms", "36 h", "100 s", "1.5 ms", "90 h"])
  func timesRoundTrip(_ text: String) throws {
    #expect(try TimeSpan(written: text).written == text)
  }

  @Test(arguments: ["0.1 A/g", "20 mA/g", "0.5 mA/cm2", "C/20", "2 C", "0.5 C", "C/2.5", "134.3 uA", "1 A", "50 nA"])
  func currentsRoundTrip(_ text: String) throws {
    #expect(try CurrentExpression(written: text).written == text)
  }

  @Test(arguments: ["160 mAh/g", "0.5 mAh/cm2", "350 uAh", "1.2 Ah", "2.5 mAh"])
  func chargesRoundTrip(_ text: String) throws {
    #expect(try ChargeExpression(written: text).written == text)
  }

  @Test func otherQuantitiesRoundTrip() throws {
    #expect(try Mass(written: "1.234 mg").written == "1.234 mg")
    #expect(try Mass(written: "1.234 mg").micrograms == 1_234)
    #expect(try Area(written: "1.131 cm2").written == "1.131 cm2")
    #expect(try Energy(written: "1.5 mWh").written == "1.5 mWh")
    #expect(try Power(written: "5 mW") == Power(count: 5_000_000_000))
    #expect(try Power(written: "0.25 uW").written == "0.25 uW" && Power(written: "1.5 W").written == "1.5 W")
    #expect(try Resistance(written: "1 kohm") == Resistance(count: 1_000_000_000))
    #expect(try Resistance(written: "4.7 Mohm").written == "4.7 Mohm")
    // The two differ in their case alone.
    #expect(try Resistance(written: "5 mohm") == Resistance(count: 5_000))
    #expect(try Frequency(written: "10 mHz") == Frequency(microhertz: 10_000))
    #expect(try Frequency(written: "10 MHz") == Frequency(microhertz: 10_000_000_000_000))
    #expect(try Frequency(written: "12.5 kHz").written == "12.5 kHz" && Frequency(written: "1 uHz").written == "1 uHz")
    #expect(try Share(written: "1 %").partsPerMillion == 10_000)
    #expect(try Share(written: "0.5 %").written == "0.5 %")
  }

  @Test func anyCountSurvivesBeingWritten() throws {
    let seed: UInt64 = 20_261_123
    print("seed \(seed)")
    var random = SplitMix(seed)
    for _ in 0..<20_000 {
      let count = Int64(bitPattern: random.next()) >> Int64(4 + random.next() % 56)  // at most 18 digits
      #expect(try Voltage(written: Voltage(count: count).written).count == count)
      #expect(try Current(written: Current(count: count).written).count == count)
      #expect(try TimeSpan(written: TimeSpan(count: count).written).count == count)
      // Ampere-hours need more digits than coulombs have; 18 of them suffice up to 2.5 kAh.
      let charge = count >> 10
      #expect(try Charge(written: Charge(count: charge).written).count == charge)
    }
  }

  /// The digits against a plain division, at every size.
  @Test func shownIsRoundedToItsDigits() throws {
    let seed: UInt64 = 20_261_128
    print("seed \(seed)")
    var random = SplitMix(seed)
    for _ in 0..<20_000 {
      let count = Int64(bitPattern: random.next()) >> Int64(random.next() % 60)
      let digits = 1 + Int(random.next() % 9)
      let shown = Voltage(count: count).shown(digits: digits)
      let parts = shown.split(separator: " ")
      let size = [("V", 1e9), ("mV", 1e6), ("uV", 1e3)].first { $0.0 == parts[1] }?.1 ?? 0
      let value = try #require(Double(parts[0]))
      // Half a unit of the last digit, and what Double cannot tell.
      let step = max(1e-12, pow(10, log10(max(abs(Double(count) / size), 1)).rounded(.down) + 1 - Double(digits)))
      #expect(
        abs(value - Double(count) / size) <= min(step, 1) * 0.5000001 + abs(value) * 1e-15, "\(count) as \(shown)")
      #expect(!parts[0].contains(".") || !parts[0].hasSuffix("0"), "\(shown)")
    }
  }

  @Test(arguments: [
    (0, "0 V"), (1_000_000_000, "1 V"), (-1_500_000, "-1.5 mV"), (999_999, "1000 uV"), (4_250_000_000, "4.25 V"),
    (Int64.max, "9223372037 V"), (Int64.min, "-9223372037 V"), (1, "0.001 uV"),
  ])
  func someAreShown(_ count: Int64, _ text: String) { #expect(Voltage(count: count).shown() == text) }

  @Test(arguments: [
    ("10", "bare number"), ("10mV", "exactly one space"), ("10  mV", "exactly one space"), ("ten mV", "not a decimal"),
    ("+10 mV", "not a decimal"), ("1e-2 V", "not a decimal"), ("010 mV", "not a decimal"), (".5 V", "not a decimal"),
    ("5. V", "not a decimal"), ("10 mv", "not a unit"), ("10 mA", "not a unit"), ("", "is not a voltage"),
    ("0.0001 uV", "too small"), ("1234567890123456789 V", "18 digits"), ("999999999999 V", "too large"),
    ("\u{2212}10 mV", "not a decimal"),
  ])
  func wrongSpellingsAreRefused(_ text: String, _ part: String) {
    #expect(
      performing: { _ = try Voltage(written: text) },
      throws: { error in
        guard let problem = error as? QuantityProblem else { return false }
        return problem.message.contains(part) && !problem.hint.isEmpty
      })
  }

  @Test func nearlyRightUnitsAreNamed() {
    #expect(hint { _ = try Voltage(written: "10 mv") } == "write `10 mV`")
    #expect(hint { _ = try CurrentExpression(written: "50 \u{B5}A") } == "write `50 uA`")
    #expect(hint { _ = try CurrentExpression(written: "0.5 mA/cm\u{B2}") } == "write `0.5 mA/cm2`")
    #expect(hint { _ = try Voltage(written: "10mV") } == "write `10 mV`")
  }

  private func hint(_ read: () throws -> Void) -> String? {
    do {
      try read()
      return nil
    } catch {
      return (error as? QuantityProblem)?.hint
    }
  }

  @Test func shownValuesAreShort() {
    #expect(Current(amperes: 1.23456789e-3).shown() == "1.2346 mA")
    #expect(Charge(nanocoulombs: 1_234_567_891).shown() == "342.94 uAh")
    #expect(Voltage(nanovolts: 999_999_999).shown(digits: 4) == "1000 mV")
    #expect(Current(picoamperes: 7).shown() == "0.007 nA")
  }
}

@Suite struct CellExpressionTests {
  @Test func specificCurrentsFollowTheMass() throws {
    let current = try CurrentExpression(written: "0.1 A/g")
    #expect(
      try current.resolved(activeMass: Mass(micrograms: 1_234), area: nil, nominalCapacity: nil).picoamperes
        == 123_400_000)
    #expect(throws: ResolutionProblem.missing(.activeMass)) {
      try current.resolved(activeMass: nil, area: Area(count: 1), nominalCapacity: Charge(count: 1))
    }
  }

  @Test func ratesAreExact() throws {
    let oneMilliampereHour = Charge(nanocoulombs: 3_600_000_000)
    let third = try CurrentExpression(written: "C/3")
    #expect(
      try third.resolved(activeMass: nil, area: nil, nominalCapacity: oneMilliampereHour).picoamperes == 333_333_333)
    let twice = try CurrentExpression(written: "2 C")
    #expect(
      try twice.resolved(activeMass: nil, area: nil, nominalCapacity: oneMilliampereHour).picoamperes == 2_000_000_000)
    let half = try CurrentExpression(written: "C/2.5")
    #expect(
      try half.resolved(activeMass: nil, area: nil, nominalCapacity: oneMilliampereHour).picoamperes == 400_000_000)
  }

  @Test func arealValuesFollowTheArea() throws {
    let area = Area(squareMillimetreThousandths: 113_100)
    let current = try CurrentExpression(written: "0.5 mA/cm2")
    #expect(try current.resolved(activeMass: nil, area: area, nominalCapacity: nil).picoamperes == 565_500_000)
    let charge = try ChargeExpression(written: "0.5 mAh/cm2")
    #expect(try charge.resolved(activeMass: nil, area: area).nanocoulombs == 2_035_800_000)
    let specific = try ChargeExpression(written: "300 mAh/g")
    #expect(try specific.resolved(activeMass: Mass(micrograms: 1_200), area: nil).nanocoulombs == 1_296_000_000)
  }

  @Test func overflowIsRefusedAndNeverTraps() throws {
    let current = try CurrentExpression(written: "999999999999999999 A/g")
    #expect(throws: ResolutionProblem.tooLarge) {
      try current.resolved(activeMass: Mass(count: .max), area: nil, nominalCapacity: nil)
    }
    let slow = try CurrentExpression(written: "C/0.00000000000000001")
    #expect(throws: ResolutionProblem.tooLarge) {
      try slow.resolved(activeMass: nil, area: nil, nominalCapacity: Charge(count: .max))
    }
  }
}

/// A small repeatable source of numbers (SplitMix64, Steele, Lea and Flood 2014).
struct SplitMix {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
