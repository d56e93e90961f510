// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import KeithleyTSPDriver

/// Lines, numbers and calls on their own.
@Suite struct CodingTests {
  private func line(_ text: String) -> ProgramLine? { Array(text.utf8).withUnsafeBytes { ProgramLine($0) } }
  private func number(_ text: String) -> ProgramNumber? {
    Array(text.utf8).withUnsafeBytes { ProgramNumber($0, at: 0) }
  }

  private static let reading = "R2 123 000001234.567890 +3.700123456e+00 -1.000012345e-03 2"

  @Test func readsLinesByValue() throws {
    let origin = ProgramLine.Origin(channel: 1, number: 123)
    let time = TimeSpan(microseconds: 1_234_567_890)
    #expect(
      line(Self.reading)
        == .reading(
          origin, time: time, voltage: Voltage(nanovolts: 3_700_123_456), current: Current(picoamperes: -1_000_012_345),
          .hold))
    #expect(line("C2 123 000001234.567890") == .closed(origin, time: time))
    #expect(line("H2 123 000001234.567890") == .held(origin, time: time))
    #expect(line("O2 123 000001234.567890 101 0 0") == .opened(origin, time: time, reason: 101))
    #expect(line("E2 123 -286 anything") == .error(origin) && line("T") == .alive)
  }

  /// A byte less, a byte more, or another one anywhere is no line, or the same line with another digit.
  @Test func refusesWhatIsNotExact() {
    for text in [Self.reading, "C2 123 000001234.567890", "O2 123 000001234.567890 101 0 0"] {
      let bytes = Array(text.utf8)
      for place in bytes.indices {
        var shorter = bytes
        shorter.remove(at: place)
        #expect(shorter.withUnsafeBytes { ProgramLine($0) } == nil, "without byte \(place) of \(text)")
        var longer = bytes
        longer.insert(UInt8(ascii: "0"), at: place)
        #expect(longer.withUnsafeBytes { ProgramLine($0) } == nil, "with a byte before \(place) of \(text)")
        var other = bytes
        other[place] = UInt8(ascii: "$")
        #expect(other.withUnsafeBytes { ProgramLine($0) } == nil, "another byte \(place) of \(text)")
      }
    }
    // An output that is on, or whose off mode is none that disconnects, is no proof.
    #expect(line("O2 123 000001234.567890 101 1 0") == nil && line("O2 123 000001234.567890 101 0 -2") == nil)
    #expect(line("O3 123 000001234.567890 101 0 0") == nil && line("") == nil && line("TT") == nil)
  }

  @Test func whatIsNoMeasurementIsNoNumber() {
    #expect(number("+9.910000000e+37")?.count(decimals: 9) == nil && number("+9.900000000e+37") != nil)
    #expect(number("+3.700123456e+00")?.count(decimals: 9) == 3_700_123_456)
    #expect(number("-1.234567891e-09")?.count(decimals: 12) == -1_235)
    #expect(number("+3.000000000e+00")?.count(decimals: 12) == 3_000_000_000_000)
    #expect(number("+1.000000000e-99")?.count(decimals: 12) == 0)
    for text in ["+nan", "nan             ", "+3.70012345e+000", "3.7001234560e+00", "+3.700123456E+00"] {
      #expect(number(text) == nil, "\(text)")
    }
  }

  @Test func readsTheStateByValue() {
    let state = InstrumentState("S 123 0 0 0 0 1 2", number: 123)
    #expect(state?.isOff == true && state?.version == 1 && state?.errors == 2)
    for (text, isOff) in [("S 123 1 0 0 0 1 0", false), ("S 123 0 -2 0 0 1 0", false), ("S 123 0 0 0 0 0 0", true)] {
      #expect(InstrumentState(text, number: 123)?.isOff == isOff, "\(text)")
    }
    for text in [
      "S 124 0 0 0 0 1 0", "S 123 0 0 0 1 0", "S 123 0 0 0 0 1 0 0", "S 123 0 0 0 0 -1 0", "S 123 a 0 0 0 1 0",
    ] {
      #expect(InstrumentState(text, number: 123) == nil, "\(text)")
    }
  }

  @Test func writesCallsByValue() throws {
    let mode = Setpoint.Mode.constantCurrentThenVoltage(Laboratory.microamperes(100), Voltage(millivolts: 2_000))
    let call = try SetpointCall(
      Laboratory.setpoint(mode, until: [Laboratory.tail(10), Laboratory.voltage(.above, 2_100), Laboratory.time(60)]))
    #expect(
      call.message(channel: 1, number: 123)
        == "nc_begin{c=2,q=123,m=1,x=100000000e-12,l=2900000000e-9,d=1,g=2000000000e-9,o=1,r=1000000000e-12,"
        + "u=2900000000e-9,w=-50000000e-9,b=800000000e-12,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,"
        + "e=60000000e-6,k={{2,1,10000000e-12,1},{1,4,2100000000e-9,0},{3,2,60000000e-6,0}}}")
    #expect(
      call.holding(Voltage(millivolts: 2_000)).message(channel: 0, number: 5).hasPrefix(
        "nc_begin{c=1,q=5,m=2,x=2000000000e-9,l=800000000e-12,y=1,r=1000000000e-12,"))
    let rest = try SetpointCall(Laboratory.setpoint(.openCircuit, until: [Laboratory.tail(1), Laboratory.time(5)]))
    #expect(
      rest.message(channel: 0, number: 999)
        == "nc_begin{c=1,q=999,m=0,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,"
        + "k={{0,1,1000000e-12,1},{3,2,5000000e-6,0}}}")
  }

  /// The limit is a hold of its own only where it cannot act on the other side.
  @Test func holdsByItsLimitOnlyWhileCharging() throws {
    func isOwn(_ microamperes: Int64, to millivolts: Int64) throws -> Bool {
      let mode = Setpoint.Mode.constantCurrentThenVoltage(
        Laboratory.microamperes(microamperes), Voltage(millivolts: millivolts))
      return try SetpointCall(Laboratory.setpoint(mode, until: [])).message(channel: 0, number: 1).contains("o=1")
    }
    #expect(try isOwn(100, to: 2_000))
    #expect(try !isOwn(-100, to: 10))
    // The lower bound is −50 mV: a limit of 20 mV would act there.
    #expect(try !isOwn(100, to: 20))
    #expect(try !isOwn(100, to: -40))
  }

  @Test func oneRangeForBothDirections() throws {
    // 400 µA and 100 µA in the same range, whatever the current is (hazard rule 14).
    for current in [Int64(-100), 100, -400] {
      #expect(
        try SetpointCall(Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(current)), until: [])).rangeIndex
          == 4)
    }
  }

  @Test func theModelsAreTheFamilys() {
    #expect(KeithleyTSPDriver.descriptor.family == "keithley_tsp" && KeithleyTSPDriver.descriptor.matches.isEmpty)
    #expect(KeithleyTSPDriver.capabilities(ofModel: "2400") == nil)
    for model in ["2602", "2602A", "2602B"] {
      let capabilities = KeithleyTSPDriver.capabilities(ofModel: model)
      #expect(capabilities?.channels == 2 && capabilities?.hasLease == true && capabilities?.holdsBounds == true)
      #expect(capabilities?.leaseHole?.isEmpty == false && capabilities?.openCircuit == .zeroCurrentHeld)
      #expect(capabilities?.currentAccuracy.count == 9)
    }
  }
}
