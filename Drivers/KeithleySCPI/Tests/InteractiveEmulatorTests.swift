// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import KeithleySCPIEmulator
import Testing
import VirtualLab

/// The emulated 2450 and 2460 as their reference manual has them, without a driver.
@Suite struct InteractiveEmulatorTests {
  private struct Bench {
    var instrument: KeithleyInstrument

    init(_ model: KeithleyInstrument.Model = .model2450) throws {
      instrument = KeithleyInstrument(model, serial: "04000000", cell: try Laboratory.cell("hard-carbon"))
    }

    /// The answer to a line; empty where there is none.
    mutating func say(_ line: String) -> String {
      var output: [UInt8] = []
      Array((line + "\n").utf8).withUnsafeBytes { instrument.receive($0) }
      while instrument.run(until: instrument.time + 10, output: &output, outputLimit: 1_000_000) != .idle {}
      return String(decoding: output.dropLast(), as: UTF8.self)
    }
  }

  @Test func saysWhoItIs() throws {
    var bench = try Bench()
    #expect(bench.say("*IDN?") == "KEITHLEY INSTRUMENTS,MODEL 2450,04000000,1.7.12b")
    #expect(bench.say("*LANG?") == "SCPI" && bench.say("SYST:ERR?") == "0,\"No error;0;0 0\"")
    #expect(bench.say("*ESE 231;*ESE?;*OPC?") == "231;1")
    #expect(bench.say("*ESR?") == "128" && bench.say("*ESR?") == "0")
    bench = try Bench(.model2460)
    #expect(bench.say("*IDN?").contains("MODEL 2460"))
  }

  /// Commands behind one that is refused are not carried out; those before it are.
  @Test func leavesALineAtTheFirstError() throws {
    var bench = try Bench()
    #expect(bench.say(":SENS:VOLT:NPLC 2;:NONSENSE 1;:SENS:VOLT:NPLC 3;:SENS:VOLT:NPLC?") == "")
    #expect(bench.say(":SENS:VOLT:NPLC?") == "2.000000E+00")
    #expect(bench.say(":SYST:ERR:COUN?") == "1")
    let entry = bench.say(":SYST:ERR?")
    #expect(entry.hasPrefix("-113,\"Undefined header;1;2026/01/01 00:00:") && entry.hasSuffix("\""), "\(entry)")
    for (line, number) in [
      (":SENS:VOLT:NPLC 11", -222), (":SENS:VOLT:NPLC FAST", -104), (":SENS:VOLT:NPLC", -109),
      (":OUTP:CURR:SMOD LOUD", -224), (":READ? \"nowhere\"", -224), (":READ? \"defbuffer1\",COLOUR", 1_133),
      (":TRAC:FEED:CONT NEXT", -113), (":SENS:VOLT:PROT 3", -113), (":FETC?", -230), (":INIT", -221),
    ] {
      #expect(bench.say(line) == "")
      #expect(bench.say(":SYST:ERR?").hasPrefix("\(number),"), "\(line)")
    }
    _ = bench.say("NONSENSE")
    _ = bench.say(":SYST:CLE")
    #expect(bench.say(":SYST:ERR?") == "0,\"No error;0;0 0\"")
  }

  @Test func understandsShortLongAndOptionalWords() throws {
    var bench = try Bench()
    _ = bench.say(":SENSe1:VOLTage:DC:RANGe:UPPer 1.5")
    for question in [
      "VOLT:RANG?", ":sens:volt:rang:upp?", ":SENSE:VOLTAGE:DC:RANGE?", "SENS1:VOLT:RANG?",
    ] {
      #expect(bench.say(question) == "2.000000E+00", "\(question)")
    }
    #expect(bench.say(":SENS:VOLT:RANG:AUTO?") == "0" && bench.say("SENS:VOLT:NPLC? MAX") == "1.000000E+01")
    _ = bench.say(":SOUR1:CURR:LEV:IMM:AMPL 1e-4")
    #expect(bench.say("SOUR:CURR?") == "1.000000E-04" && bench.say(":SOUR:CURR:RANG?") == "1.000000E-04")
    // What follows on the same path needs no root.
    #expect(bench.say(":SENS:CURR:NPLC 5;RSEN ON;:SENS:CURR:NPLC?;RSEN?") == "5.000000E+00;1")
    #expect(bench.say(":SENS:VOLTAG:NPLC?") == "" && bench.say(":SYST:ERR?").hasPrefix("-113"))
  }

  @Test func anotherCommandSetComesWithThePower() throws {
    var bench = try Bench()
    _ = bench.say("*LANG SCPI2400")
    #expect(bench.say("*LANG?") == "SCPI")
    bench.instrument.powerCycle()
    #expect(bench.say("*LANG?") == "SCPI2400" && bench.say(":SYST:RSEN?;:OUTP:SMOD?") == "0;NORM")
    #expect(bench.say("*IDN?").contains("MODEL 2450"))
    _ = bench.say("*LANG TSP")
    bench.instrument.powerCycle()
    #expect(bench.say("*LANG?") == "TSP" && bench.say(":OUTP?") == "" && bench.say("*ESE 100;*ESE?") == "")
    _ = bench.say("*LANG SCPI")
    bench.instrument.powerCycle()
    #expect(bench.say("*LANG?") == "SCPI" && bench.say(":SYST:ERR?") == "0,\"No error;0;0 0\"")
  }

  /// Each function has an off state of its own, and without a function both are meant.
  @Test func offStatesBelongToFunctions() throws {
    var bench = try Bench()
    #expect(bench.say(":OUTP:CURR:SMOD?;:OUTP:VOLT:SMOD?") == "NORM;NORM")
    _ = bench.say(":OUTP:VOLT:SMOD HIMPedance")
    #expect(bench.say(":OUTP:CURR:SMOD?;:OUTP:VOLT:SMOD?") == "NORM;HIMP")
    // It wakes up as a source of voltages: disconnected now.
    let before = bench.instrument.cell.terminalCharge
    bench.instrument.rest(until: bench.instrument.time + 10)
    #expect(bench.instrument.cell.terminalCharge == before)
    // As a source of currents it is not.
    _ = bench.say(":SOUR:FUNC CURR")
    bench.instrument.rest(until: bench.instrument.time + 10)
    #expect(bench.instrument.cell.terminalCharge < before)
    _ = bench.say(":OUTP:SMOD HIMP")
    #expect(bench.say(":OUTP:CURR:SMOD?;:OUTP:VOLT:SMOD?") == "HIMP;HIMP")
  }

  /// A range that does not hold the level is not taken, nor a level that the range does not hold.
  @Test func rangesHoldLevels() throws {
    var bench = try Bench()
    _ = bench.say(":SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-3;:SOUR:CURR 8E-4")
    _ = bench.say(":SOUR:CURR:RANG 1E-4")
    #expect(bench.say(":SYST:ERR?").hasPrefix("-222") && bench.say(":SOUR:CURR:RANG?") == "1.000000E-03")
    _ = bench.say(":SOUR:CURR 1.1E-3")
    #expect(bench.say(":SYST:ERR?").hasPrefix("-222") && bench.say(":SOUR:CURR?") == "8.000000E-04")
    _ = bench.say(":SOUR:CURR 1.05E-3")
    #expect(bench.say(":SYST:ERR?").hasPrefix("0") && bench.say(":SOUR:CURR?") == "1.050000E-03")
    _ = bench.say(":SOUR:CURR:RANG:AUTO ON;:SOUR:CURR 2E-8")
    #expect(bench.say(":SOUR:CURR:RANG?") == "1.000000E-07")
    // A fixed measuring range keeps the limit from being too small.
    _ = bench.say(":SENS:VOLT:RANG 200;:SOUR:CURR:VLIM 5")
    #expect(bench.say(":SYST:ERR?").hasPrefix("-222"))
    _ = bench.say(":SENS:VOLT:RANG:AUTO ON;:SOUR:CURR:VLIM 5")
    #expect(bench.say(":SOUR:CURR:VLIM?") == "5.000000E+00")
  }

  @Test func powerOfA2460LimitsItsLimits() throws {
    var bench = try Bench(.model2460)
    _ = bench.say(":SOUR:FUNC CURR;:SOUR:CURR:VLIM 20;:SOUR:CURR:RANG 7")
    #expect(bench.say(":SOUR:CURR:VLIM?") == "7.350000E+00" && bench.say(":SYST:ERR?").hasPrefix("0"))
    _ = bench.say(":SOUR:CURR:VLIM 8")
    #expect(bench.say(":SYST:ERR?").hasPrefix("-222"))
    _ = bench.say(":SOUR:CURR 7.35;:SOUR:CURR:RANG 7")
    #expect(bench.say(":SOUR:CURR?") == "7.350000E+00")
    _ = bench.say(":SOUR:CURR 0;:SOUR:CURR:RANG 4;:SOUR:CURR:VLIM 21")
    #expect(bench.say(":SOUR:CURR:VLIM?") == "2.100000E+01")
  }

  /// Reading, read-back source, relative time and state in one answer, as often as asked for.
  @Test func measuresAndReadsBack() throws {
    var bench = try Bench()
    _ = bench.say(":SENS:FUNC \"VOLT\";:SENS:VOLT:RSEN ON;:SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-3;:SOUR:CURR -3E-4")
    _ = bench.say(":SOUR:CURR:VLIM 5;:OUTP ON")
    let first = bench.say(":READ? \"defbuffer1\",SOUR,READ,REL,SOURSTAT,SOUR,READ,REL").split(separator: ",")
    #expect(first.count == 7 && first[0] == first[4] && first[1] == first[5] && first[2] == "0.000000E+00")
    // Read back, within its error of 1e-4 and 5e-5 of range; four wires, output on, no limit.
    let amperes = try #require(Double(first[0]))
    #expect(abs(amperes + 3e-4) < 1e-7 && amperes != -3e-4 && first[3] == "200")
    let before = bench.instrument.time
    let second = bench.say(":READ?")
    // Two power-line cycles, and what the processor takes.
    #expect(abs(bench.instrument.time - before - 0.052) < 0.002)
    #expect(second == bench.say(":FETC?") && second.contains("E+00"))
    #expect(
      bench.say(":TRAC:ACT?") == "2" && bench.say(":TRAC:DATA? 1,2,\"defbuffer1\",REL").hasPrefix("0.000000E+00,"))
    _ = bench.say(":SOUR:CURR:READ:BACK OFF;:FORM:ASC:PREC 10")
    #expect(bench.say(":READ? \"defbuffer1\",SOUR") == "-3.000000000E-04")
    let ratio = try #require(Double(bench.say(":MEAS:RES?")))
    #expect(ratio < -1_000 && bench.say(":SENS:FUNC?") == "\"RES\"")
    #expect(bench.say(":MEAS:VOLT? \"defbuffer1\",UNIT,SOURUNIT") == "VOLT,AMP")
  }

  @Test func tellsOfLimitsAndProtection() throws {
    var bench = try Bench()
    _ = bench.say(
      ":SENS:FUNC \"VOLT\";:SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-3;:SOUR:CURR 3E-4;:SOUR:CURR:VLIM 20;:OUTP ON")
    #expect(bench.say(":SOUR:CURR:VLIM:TRIP?") == "0")
    // A fresh cell takes no charge below its limit for long.
    bench.instrument.rest(until: bench.instrument.time + 3_000)
    #expect(bench.say(":SOUR:CURR:VLIM:TRIP?;:SOUR:VOLT:PROT:TRIP?") == "1;0")
    // Beyond a measuring range it is an overflow.
    _ = bench.say(":SENS:VOLT:RANG 0.2")
    #expect(bench.say(":READ?") == "9.900000E+37")
    bench = try Bench()
    _ = bench.say(":SOUR:VOLT:PROT PROT5;:SENS:FUNC \"VOLT\";:SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-3;:SOUR:CURR 3E-4")
    #expect(bench.say(":SOUR:VOLT:PROT?;:SOUR:CURR:VLIM?") == "PROT5;5.000000E+00")
    _ = bench.say(":SOUR:CURR:VLIM 6")
    #expect(bench.say(":SYST:ERR?").hasPrefix("-222"))
    _ = bench.say(":OUTP ON")
    bench.instrument.rest(until: bench.instrument.time + 3_000)
    #expect(bench.say(":SOUR:VOLT:PROT:TRIP?") == "1")
    let volts = try #require(Double(bench.say(":READ?")))
    #expect(abs(volts - 5) < 0.000_01)
  }

  @Test func keepsReadingsInBuffers() throws {
    var bench = try Bench()
    _ = bench.say(":TRAC:MAKE \"mine\", 10;:SENS:FUNC \"VOLT\";:SOUR:FUNC CURR;:OUTP ON;:SENS:COUN 4")
    _ = bench.say(":TRAC:TRIG \"mine\"")
    #expect(bench.say(":TRAC:ACT? \"mine\"") == "4" && bench.say(":TRAC:ACT?") == "0")
    _ = bench.say(":READ? \"mine\"")
    _ = bench.say(":READ? \"mine\"")
    // Full, and it stops.
    #expect(bench.say(":TRAC:ACT? 'mine'") == "10" && bench.say(":TRAC:FILL:MODE? 'mine'") == "ONCE")
    let times = bench.say(":TRAC:DATA? 1,10,'mine',REL").split(separator: ",").compactMap { Double($0) }
    #expect(times.count == 10 && times[0] == 0 && zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    let average = try #require(Double(bench.say(":TRAC:STAT:AVER? \"mine\"")))
    let most = try #require(Double(bench.say(":TRAC:STAT:MAX? \"mine\"")))
    #expect(average > 2 && most >= average)
    _ = bench.say(":TRAC:FILL:MODE CONT,\"mine\";:TRAC:TRIG \"mine\";:TRAC:TRIG \"mine\";:TRAC:TRIG \"mine\"")
    // The oldest two are gone; their time still counts.
    let later = bench.say(":TRAC:DATA? 1,10,\"mine\",REL").split(separator: ",").compactMap { Double($0) }
    #expect(later.count == 10 && later[0] > 0 && zip(later, later.dropFirst()).allSatisfy { $0 < $1 })
    #expect(bench.say(":TRAC:DATA? 1,11,\"mine\"") == "" && bench.say(":SYST:ERR?").hasPrefix("-222"))
    _ = bench.say(":TRAC:CLE \"mine\"")
    #expect(bench.say(":TRAC:ACT? \"mine\"") == "0")
    _ = bench.say(":TRAC:DEL \"mine\"")
    #expect(bench.say(":TRAC:ACT? \"mine\"") == "" && bench.say(":SYST:ERR?").hasPrefix("-224"))
    _ = bench.say(":SENS:COUN 1;:TRIG:LOAD \"SimpleLoop\", 3, 0.1")
    let begun = bench.instrument.time
    _ = bench.say(":INIT;*WAI")
    #expect(bench.say(":TRAC:ACT?") == "3" && bench.instrument.time - begun > 0.4)
  }

  /// Nothing that comes over a line stops it or makes it grow without bound.
  @Test func survivesNonsense() throws {
    var bench = try Bench()
    var generator = SplitMix(state: 2_450)
    let words = [
      ":SENS", ":VOLT", ":CURR", ":RANG", "?", " ", "\"", "'", ",", ";", "1E99", "-1", "NaN", ":TRAC:DATA?", "*ESE",
      ":FUNC", "defbuffer1", ":READ?", ":", "::", "1", ":SOUR", "MAX", "ON", ":MAKE", "\u{0}", "é", ":FORM:ASC:PREC 16",
    ]
    for _ in 0..<3_000 {
      let line = (0..<Int(generator.next() % 9)).map { _ in words[Int(generator.next() % UInt64(words.count))] }
      _ = bench.say(line.joined())
    }
    _ = bench.say("*CLS")
    #expect(bench.say("*IDN?").contains("2450"), "seed 2450")
  }

  private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
