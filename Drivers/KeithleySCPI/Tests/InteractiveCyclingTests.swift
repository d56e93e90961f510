// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleySCPIEmulator
import Quantities
import Testing
import VirtualLab

@testable import KeithleySCPIDriver

/// The driver against a 2450 and a 2460 in their own SCPI, on a hard-carbon half cell and a cylindrical one.
@Suite struct InteractiveCyclingTests {
  @Test(arguments: Laboratory.interactive) func findsItAndDisconnectsFirst(model: KeithleyInstrument.Model) throws {
    let laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    let identity = try #require(laboratory.identity)
    #expect(identity.model == model.rawValue && identity.serial == "1234567" && identity.firmware == "1.7.12b")
    #expect(identity.capabilities.currentAccuracy.count == (model == .model2450 ? 9 : 10))
    #expect(laboratory.circuit == .openConfirmed && laboratory.faults.isEmpty)
    // `*RST` would hold 0 V across the cell, and nothing may switch the output on.
    #expect(!laboratory.written.contains("*RST") && !laboratory.written.contains("OUTP ON"))
  }

  /// Line by line, what is said to a 2450 from the first byte to the first reading.
  @Test func speaksAsWritten() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    let prelude = [":OUTP:SMOD HIMP;:OUTP OFF", ":OUTP:CURR:SMOD HIMP", ":OUTP:VOLT:SMOD HIMP", ":OUTP OFF"]
    let safe =
      ":OUTP:CURR:SMOD HIMP;:OUTP:VOLT:SMOD HIMP;:OUTP OFF;:OUTP:CURR:SMOD?;:OUTP:VOLT:SMOD?;:OUTP?"
    let settings: [String] = [
      "*ESE 101;*ESE?;*IDN?",
      "*ESE 102;*ESE?;*LANG?",
      "*ESE 103;*ESE?;\(safe)",
      "*ESE 104;*ESE?;*CLS;:SYST:ERR?",
      "*ESE 105;*ESE?;:FORM ASC;:FORM:ASC:PREC 10;:SENS:COUN 1;:FORM?;:FORM:ASC:PREC?;:SENS:COUN?;:SYST:ERR?",
      "*ESE 106;*ESE?;:SENS:VOLT:RSEN ON;:SENS:CURR:RSEN ON;:SENS:VOLT:RSEN?;:SENS:CURR:RSEN?;:SYST:ERR?",
      "*ESE 107;*ESE?;:SOUR:VOLT:READ:BACK ON;:SOUR:CURR:READ:BACK ON;:SOUR:VOLT:READ:BACK?"
        + ";:SOUR:CURR:READ:BACK?;:SYST:ERR?",
      "*ESE 108;*ESE?;:SENS:VOLT:NPLC 1;:SENS:CURR:NPLC 1;:SENS:VOLT:NPLC?;:SENS:CURR:NPLC?;:SYST:ERR?",
      "*ESE 109;*ESE?;:SENS:VOLT:AVER OFF;:SENS:CURR:AVER OFF;:SENS:VOLT:AVER?;:SENS:CURR:AVER?;:SYST:ERR?",
      "*ESE 110;*ESE?;:SENS:VOLT:REL:STAT OFF;:SENS:CURR:REL:STAT OFF;:SENS:VOLT:REL:STAT?;:SENS:CURR:REL:STAT?"
        + ";:SYST:ERR?",
      "*ESE 111;*ESE?;:SENS:VOLT:UNIT VOLT;:SENS:CURR:UNIT AMP;:SENS:VOLT:UNIT?;:SENS:CURR:UNIT?;:SYST:ERR?",
      "*ESE 112;*ESE?;:CALC:VOLT:MATH:STAT OFF;:CALC:CURR:MATH:STAT OFF;:CALC:VOLT:MATH:STAT?"
        + ";:CALC:CURR:MATH:STAT?;:SYST:ERR?",
    ]
    let greeting: [String] = prelude + ["*ESE 100;*ESE?;*IDN?"] + prelude
    #expect(laboratory.lines == greeting + settings)
    laboratory.written = ""
    laboratory.command(
      .begin(
        Laboratory.setpoint(
          .constantCurrent(Laboratory.microamperes(-300)), until: [], bounds: Laboratory.bounds)))
    laboratory.pass(3) { $0.readings.count == 2 }
    let current =
      "READ? \"defbuffer1\",SOUR,READ,REL,SOUR,READ,REL;:SOUR:CURR:VLIM:TRIP?;:OUTP?"
    let course: [String] = [
      "*ESE 113;*ESE?;*CLS;:SENS:VOLT:RSEN?;:SENS:CURR:RSEN?;:SOUR:CURR:READ:BACK?;:FORM:ASC:PREC?;:SYST:ERR?",
      "*ESE 114;*ESE?;:SOUR:FUNC CURR;:SENS:FUNC \"VOLT\";:SOUR:CURR 0;:SOUR:CURR:RANG 1E-6;:SOUR:CURR 0"
        + ";:SOUR:FUNC?;:SENS:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR?;:SYST:ERR?",
      "*ESE 115;*ESE?;:SENS:VOLT:RANG:AUTO ON;:SOUR:CURR:VLIM 2E1;:SENS:VOLT:RANG 2E1"
        + ";:SOUR:CURR:VLIM?;:SENS:VOLT:RANG?;:SYST:ERR?",
      "*ESE 116;*ESE?;:OUTP ON;:OUTP?;:SYST:ERR?",
      "*ESE 117;*ESE?;:\(current)",
      "*ESE 118;*ESE?;\(safe)",
      "*ESE 119;*ESE?;:SOUR:FUNC CURR;:SENS:FUNC \"VOLT\";:SOUR:CURR 0;:SOUR:CURR:RANG 1E-3;:SOUR:CURR -3E-4"
        + ";:SOUR:FUNC?;:SENS:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR?;:SYST:ERR?",
      "*ESE 120;*ESE?;:SENS:VOLT:RANG:AUTO ON;:SOUR:CURR:VLIM 2.9E0;:SENS:VOLT:RANG 2E1"
        + ";:SOUR:CURR:VLIM?;:SENS:VOLT:RANG?;:SYST:ERR?",
      "*ESE 121;*ESE?;:OUTP ON;:OUTP?;:SYST:ERR?",
      "*ESE 122;*ESE?;:TRAC:CLE \"defbuffer1\";:\(current)",
      "*ESE 123;*ESE?;:\(current)",
    ]
    #expect(laboratory.lines == course)
  }

  /// Of the lines of one call at most one asks, and that is the last: a line that carries messages knows what to wait
  /// for.
  @Test(arguments: Laboratory.interactive) func asksOnceInACall(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(-100), Voltage(millivolts: 2_580)),
        until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 1_500_000, onlyInHold: true)],
        bounds: Laboratory.bounds),
      atMost: 60)
    #expect(laboratory.end == .cutOff(0) && laboratory.calls.count > 30)
    for call in laboratory.calls {
      #expect(call.last == "\n")
      let lines = call.split(separator: "\n")
      #expect(lines.dropLast().allSatisfy { !$0.contains("?") }, "\(call)")
    }
  }

  /// What the driver exists to end: an instrument that wakes up discharges the cell at its output.
  @Test(arguments: Laboratory.interactive)
  func endsTheShortCircuitOfAnInstrumentThatWokeUp(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory(model, cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.rest(until: 10)
    let woken = try #require(laboratory.instrument.cellTruth(channel: 0).open)
    #expect(woken.direction == -1 && woken.terminalCharge > 1e-7)
    laboratory.open()
    laboratory.pass(5) { $0.identity != nil }
    let opened = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge == opened)
  }

  @Test(arguments: KeithleyInstrument.Model.allCases) func safeStopNeedsNoState(model: KeithleyInstrument.Model) throws
  {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.command(
      .begin(
        Laboratory.setpoint(
          .constantCurrent(Laboratory.microamperes(-300)), until: [], bounds: Laboratory.bounds)))
    laboratory.pass(20) { $0.readings.count >= 2 }
    var instrument = laboratory.instrument
    var output: [UInt8] = []
    KeithleySCPIDriver.safeStopBytes.withUnsafeBytes { instrument.receive($0) }
    _ = instrument.run(until: instrument.time + 2, output: &output, outputLimit: 1_000)
    let before = instrument.cellTruth(channel: 0)
    #expect(before.open?.direction == -1)
    instrument.rest(until: instrument.time + 100)
    #expect(instrument.cellTruth(channel: 0) == before)
  }

  /// The charge of the readings is the cell's, but for the answers' time at the ends and the converter's steps.
  @Test(arguments: Laboratory.interactive, [true, false])
  func countsTheCellsCharge(model: KeithleyInstrument.Model, isLong: Bool) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    let before = laboratory.instrument.cell.terminalCharge
    let seconds: Int64 = isLong ? 12_000 : 120
    let current = Laboratory.microamperes(isLong ? -20 : -300)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(current), until: [Laboratory.time(seconds)], bounds: Laboratory.bounds,
        interval: TimeSpan(seconds: isLong ? 30 : 1)),
      atMost: Double(seconds) + 60)
    #expect(laboratory.end == .cutOff(0))
    let truth = laboratory.instrument.cell.terminalCharge - before
    // The answers that tell of closing and of opening come 2 and 3 ms after it: 3 ms of the current. And half a step of
    // 1 nA in each reading.
    let tolerance = 0.003 * abs(current.amperes) + 0.5e-9 * Double(seconds)
    print("\(model) discharge of \(seconds) s: readings \(laboratory.charge) C, cell \(truth) C")
    #expect(abs(laboratory.charge - truth) < tolerance, "\(laboratory.charge) C for \(truth) C")
    #expect(laboratory.readings.count >= (isLong ? 395 : 118) && !laboratory.hasLostMark)
    let range: UInt16 = model == .model2450 ? 6 : 4
    #expect(laboratory.readings.allSatisfy { $0.quality.isEmpty && $0.range == range })
    #expect(zip(laboratory.readings, laboratory.readings.dropFirst()).allSatisfy { $0.time < $1.time })
    // The buffer's clock was begun at the first reading, and once more in the long one; no time was lost. (The voltage
    // of the open circuit is on no clock.)
    #expect(laboratory.written.components(of: ":TRAC:CLE \"defbuffer1\"") == (isLong ? 2 : 1))
    let last = try #require(laboratory.readings.last)
    #expect(abs(last.time.seconds - Double(seconds)) < 31)
  }

  /// Down by current, up by current and hold, as a cycle goes.
  @Test(arguments: Laboratory.interactive)
  func cyclesAndHoldsByItsOwnLimit(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.voltage(.atMost, 100)],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    #expect(laboratory.end == .cutOff(0))
    laboratory.events = []
    let before = laboratory.instrument.cell.terminalCharge
    let end = CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 60_000_000, onlyInHold: true)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)), until: [end],
        bounds: Laboratory.bounds),
      atMost: 20_000)
    #expect(laboratory.end == .cutOff(0))
    let hold = try #require(laboratory.holdBegan)
    // The circuit was closed once: the instrument went over by itself.
    #expect(laboratory.closings == 1)
    let held = laboratory.readings.filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(held.count > 5 && held.allSatisfy { abs($0 - 1) < 0.002 })
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("\(model) charge and hold: readings \(laboratory.charge) C, cell \(truth) C, hold from \(hold.seconds) s")
    // The bend lies between two readings: half the fall of one second.
    #expect(abs(laboratory.charge - truth) < 3e-4 * truth)
  }

  /// A limit that is off by more than a hold may be, and a hold on the other side of the current.
  @Test(arguments: Laboratory.interactive, [0.01, -0.01])
  func holdsWithTheSourceWhereTheLimitCannot(model: KeithleyInstrument.Model, error: Double) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    let end = CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 100_000_000, onlyInHold: true)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(-300), Voltage(millivolts: 300)), until: [end],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    #expect(laboratory.end == .cutOff(0) && laboratory.closings == 2)
    laboratory.instrument.meter.complianceError = error
    laboratory.events = []
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)), until: [end],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    #expect(laboratory.end == .cutOff(0) && laboratory.closings == 2 && !laboratory.hasLostMark)
    let hold = try #require(laboratory.holdBegan)
    let held = laboratory.readings.filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(!held.isEmpty && held.allSatisfy { abs($0 - 1) < 0.002 })
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("\(model) charge and hold by source: readings \(laboratory.charge) C, cell \(truth) C")
    // Both bends lie between two readings of a second.
    #expect(abs(laboratory.charge - truth) < 1e-3 * truth)
  }

  /// A rest holds no current in a small range, and counts what flows all the same.
  @Test(arguments: Laboratory.interactive) func restsAtZeroCurrent(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(
      Laboratory.setpoint(.openCircuit, until: [Laboratory.time(60)], bounds: Laboratory.bounds), atMost: 100)
    #expect(laboratory.end == .cutOff(0))
    let truth = laboratory.instrument.cell.terminalCharge - before
    #expect(laboratory.readings.count >= 58 && laboratory.readings.allSatisfy { ($0.voltage?.volts ?? 0) > 2 })
    let range: UInt16 = model == .model2450 ? 3 : 1
    #expect(laboratory.readings.allSatisfy { $0.range == range && $0.quality.isEmpty })
    // 50 pA of offset for a minute; half a step of 1 pA for as long.
    let tolerance: Double = 60 * 0.5e-12 + 1e-12
    #expect(truth > 1e-9 && abs(laboratory.charge - truth) < tolerance)
  }

  /// Hazard rule 18: the limit is never nearer to the cell than 0.2 V, whatever the bounds are.
  @Test(arguments: Laboratory.interactive) func limitStaysAwayFromAFreshCell(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    let bounds = Bounds(
      lowerVoltage: Voltage(millivolts: -50), upperVoltage: Voltage(millivolts: 2_000),
      currentMagnitude: Laboratory.microamperes(800), duration: TimeSpan(seconds: 100))
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(3)], bounds: bounds), atMost: 30)
    #expect(laboratory.end == .cutOff(0))
    #expect(laboratory.instrument.meter.setVoltageLimit > 2.7)
    #expect(laboratory.readings.allSatisfy { abs(($0.current?.amperes ?? 0) + 3e-4) < 1e-6 })
  }

  /// The limit bounds a charge that nothing else ends.
  @Test(arguments: Laboratory.interactive) func limitEndsACharge(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.run(
      Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(300)), until: [], bounds: Laboratory.bounds),
      atMost: 3_000)
    #expect(laboratory.faults == [.instrumentBoundReached] && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count > 1)
    #expect(laboratory.readings.allSatisfy { ($0.voltage?.volts ?? 9) < 2.902 })
  }

  @Test(arguments: Laboratory.interactive)
  func holdsAVoltageAndLimitsItsCurrent(model: KeithleyInstrument.Model) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.voltage(.atMost, 500)],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    laboratory.events = []
    laboratory.run(
      Laboratory.setpoint(
        .constantVoltage(Voltage(millivolts: 490)), until: [Laboratory.time(20)], bounds: Laboratory.bounds),
      atMost: 100)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.count > 15)
    #expect(laboratory.readings.allSatisfy { abs(($0.voltage?.volts ?? 0) - 0.49) < 0.002 })
    laboratory.events = []
    // Hazard rule 2: far away, it would push all it has; the bound is the instrument's own.
    laboratory.run(
      Laboratory.setpoint(
        .constantVoltage(Voltage(millivolts: 2_000)), until: [Laboratory.time(20)], bounds: Laboratory.bounds),
      atMost: 100)
    #expect(laboratory.faults == [.instrumentBoundReached])
    #expect(laboratory.readings.allSatisfy { ($0.current?.amperes ?? 1) < 8.01e-4 })
  }

  /// A comma and a blank between the elements, as the manual says and its examples do not show.
  @Test func readsBlanksBetweenElements() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    laboratory.instrument.elementSeparator = ", "
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(5)], bounds: Laboratory.bounds),
      atMost: 30)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.count >= 5 && laboratory.faults.isEmpty)
  }

  /// Nanoamperes in the range that only a 2450 has.
  @Test func usesTheSmallestRange() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), .model2450)
    var setpoint = Laboratory.setpoint(
      .constantCurrent(Current(picoamperes: -8_000)), until: [Laboratory.time(10)], bounds: Laboratory.bounds)
    setpoint.rangeCurrent = Current(picoamperes: 8_000)
    laboratory.run(setpoint, atMost: 30)
    #expect(laboratory.end == .cutOff(0))
    #expect(laboratory.readings.allSatisfy { $0.range == 1 && abs(($0.current?.amperes ?? 0) + 8e-9) < 2e-12 })
  }

  /// Amperes, which only a 2460 has: an ampere-hour cell up by 3 A and a hold, down by 6 A.
  @Test func cyclesAnAmpereHourCell() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("anode-free-cylindrical"), .model2460)
    let bounds = Bounds(
      lowerVoltage: Voltage(millivolts: 1_900), upperVoltage: Voltage(millivolts: 3_900),
      currentMagnitude: Current(picoamperes: 6_500_000_000_000), duration: TimeSpan(seconds: 40_000))
    let before = laboratory.instrument.cell.terminalCharge
    var up = Laboratory.setpoint(
      .constantCurrentThenVoltage(Current(picoamperes: 3_000_000_000_000), Voltage(millivolts: 3_600)),
      until: [
        CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 1_000_000_000_000, onlyInHold: true)
      ], bounds: bounds)
    up.rangeCurrent = Current(picoamperes: 6_000_000_000_000)
    laboratory.run(up, atMost: 10_000)
    #expect(laboratory.end == .cutOff(0) && laboratory.closings == 1, "\(laboratory.faults)")
    let charged = laboratory.instrument.cell.terminalCharge - before
    print("3 A and hold: readings \(laboratory.charge) C, cell \(charged) C")
    // The bend lies between two readings of a second.
    #expect(charged > 1_000 && abs(laboratory.charge - charged) < 3e-4 * charged)
    laboratory.events = []
    var down = Laboratory.setpoint(
      .constantCurrent(Current(picoamperes: -6_000_000_000_000)), until: [Laboratory.time(60)], bounds: bounds)
    down.rangeCurrent = up.rangeCurrent
    laboratory.run(down, atMost: 200)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.allSatisfy { $0.range == 10 })
    let moved = laboratory.instrument.cell.terminalCharge - before - charged
    // 3 ms of the current at the ends, and half a step of 7 uA in each reading.
    let tolerance: Double = 0.003 * 6 + 3.5e-6 * 60
    print("6 A: readings \(laboratory.charge) C, cell \(moved) C")
    #expect(abs(laboratory.charge - moved) < tolerance)
    // What its power does not allow is refused before a byte is sent.
    laboratory.events = []
    down.bounds.upperVoltage = Voltage(millivolts: 8_000)
    laboratory.command(.begin(down))
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.outputs.writes.isEmpty)
  }
}
