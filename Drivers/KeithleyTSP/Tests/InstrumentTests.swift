// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing
import VirtualLab

@testable import KeithleyTSPEmulator

/// What the emulated instrument does to its cells and says of them, without the driver.
@Suite struct InstrumentTests {
  /// An instrument at a fast line, and what it said.
  private struct Bench {
    var instrument: TSPInstrument
    var said: [String] = []

    init(_ cells: (any VirtualCell, any VirtualCell)) {
      instrument = TSPInstrument(serial: "4023456", cells: cells)
      instrument.byteTime = 0
    }

    mutating func send(_ message: String, seconds: Double = 0.5) {
      Array((message + "\n").utf8).withUnsafeBytes { instrument.receive($0) }
      pass(seconds)
    }

    mutating func pass(_ seconds: Double) {
      let end = instrument.time + seconds
      var output: [UInt8] = []
      while instrument.time < end {
        if instrument.run(until: end, output: &output, outputLimit: 100_000) == .idle { instrument.rest(until: end) }
      }
      said += String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Coulombs through a cell so far.
    func charge(_ channel: Int) -> Double { instrument.cells[channel].terminalCharge }

    /// The numbers of the last line.
    var numbers: [Double] { (said.last ?? "").split(separator: "\t").compactMap { Double($0) } }
  }

  @Test func wakesUpAsAShortCircuitUntilItIsHighImpedance() throws {
    var bench = Bench(try Laboratory.cells())
    bench.pass(10)
    // 0 V with 1 mA at most.
    #expect(abs(bench.charge(0) + 0.01) < 1e-3 && abs(bench.charge(1) + 0.01) < 1e-3)
    bench.send("smua.source.offmode=smua.OUTPUT_HIGH_Z", seconds: 0.1)
    let before = (bench.charge(0), bench.charge(1))
    bench.pass(10)
    #expect(bench.charge(0) == before.0 && bench.charge(1) < before.1 - 5e-3)
    // `OUTPUT_HIGH_Z` as a state of the output does the same without the mode, and reads as off.
    bench.send("smub.source.output=smub.OUTPUT_HIGH_Z print(smub.source.output,smub.source.offmode)", seconds: 0.1)
    let second = bench.charge(1)
    bench.pass(10)
    #expect(bench.charge(1) == second && bench.numbers == [0, 0])
    // A source of 0 A does not discharge it either.
    bench.instrument.powerCycle()
    bench.send("smua.source.offfunc=smua.OUTPUT_DCAMPS", seconds: 0.01)
    let third = bench.charge(0)
    bench.pass(10)
    #expect(bench.charge(0) == third && bench.charge(1) < second)
  }

  @Test func sourcesACurrentWithinItsLimit() throws {
    var bench = Bench(try Laboratory.cells())
    bench.send(
      """
      smua.source.offmode=smua.OUTPUT_HIGH_Z smub.source.offmode=smub.OUTPUT_HIGH_Z smua.sense=smua.SENSE_REMOTE
      smua.source.func=smua.OUTPUT_DCAMPS smua.source.rangei=1e-3 smua.source.leveli=-300e-6 smua.source.limitv=4
      smua.measure.rangev=6 smua.source.output=smua.OUTPUT_ON
      """)
    let before = bench.charge(0)
    bench.pass(100)
    // Its gain error of 10⁻⁴ and 5·10⁻⁵ of its range.
    let sourced = -300e-6 * 1.0001 + 5e-8
    #expect(abs(bench.charge(0) - before - 100 * sourced) < 1e-9 && bench.charge(1) > -2e-6)
    bench.send("i,v=smua.measure.iv() print(i,v,smua.source.compliance)")
    #expect(
      abs(bench.numbers[0] - sourced) < 2e-9 && bench.numbers[1] > 0.5 && bench.said.last?.hasSuffix("false") == true)
    // A limit below the cell's voltage makes a source of that voltage of it, with all the current of its range.
    bench.send("smua.source.limitv=0.5 print(smua.source.compliance,smua.measure.i())")
    #expect(bench.said.last?.hasPrefix("true\t") == true && abs((bench.numbers.last ?? 0) + 1.01e-3) < 1e-8)
  }

  @Test func switchingOffTakesTheRelaysTime() throws {
    var bench = Bench(try Laboratory.cells())
    bench.send("smua.source.offmode=smua.OUTPUT_HIGH_Z smub.source.offmode=smub.OUTPUT_HIGH_Z timer.reset()")
    bench.send(
      "a=timer.measure.t() smua.source.output=1 b=timer.measure.t() smua.measure.iv() c=timer.measure.t() print(b-a,c-b)"
    )
    #expect(bench.numbers.count == 2 && bench.numbers[0] > 0.004 && bench.numbers[0] < 0.006)
    // One power-line cycle each.
    #expect(bench.numbers[1] > 0.042 && bench.numbers[1] < 0.044)
    bench.send("smua.measure.nplc=10 c=timer.measure.t() smua.measure.v() print(timer.measure.t()-c)", seconds: 1)
    #expect(bench.numbers[0] > 0.201 && bench.numbers[0] < 0.203)
  }

  @Test func rangesAndErrors() throws {
    var bench = Bench(try Laboratory.cells())
    bench.send(
      "smua.source.offmode=2 smub.source.offmode=2 smua.source.rangei=3e-4 print(smua.source.rangei,smua.source.autorangei)"
    )
    #expect(bench.numbers == [1e-3, 0])
    bench.send("smua.source.leveli=2e-3 print(smua.source.leveli,errorqueue.next())")
    #expect(bench.said.last == "0.00000e+00\t1.10100e+03\tParameter too big\t2.00000e+01\t1.00000e+00")
    bench.send("smua.source.limitv=0 print(errorqueue.next()) print(errorqueue.next())")
    #expect(bench.said.suffix(2).first?.hasPrefix("1.10200e+03\tParameter too small") == true)
    #expect(bench.said.last == "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00")
    bench.send("smua.source.autorangei=1 smua.source.leveli=2e-3 print(smua.source.rangei)")
    #expect(bench.numbers == [1e-2])
    // Beyond a fixed range nothing is measured.
    bench.send(
      "smua.source.func=0 smua.source.leveli=0 smua.source.limitv=4 smua.measure.rangev=0.1 smua.source.output=1")
    bench.send("print(smua.measure.v(),smua.measure.rangev)")
    #expect(bench.numbers == [9.91e37, 0.1])
    bench.send("format.asciiprecision=3 print(1/3)")
    bench.send("*IDN?")
    #expect(bench.said.last == "Keithley Instruments Inc., Model 2602B, 4023456, 3.4.1")
  }

  @Test func resetsAndLosesItsPower() throws {
    var bench = Bench(try Laboratory.cells())
    bench.send("x=1 smua.sense=1 smua.source.offmode=2 smub.source.offmode=2 smub.source.output=1 reset() print(x)")
    bench.send("print(smua.sense,smua.source.offmode,smub.source.output)")
    #expect(bench.said.first == "1.00000e+00" && bench.numbers == [0, 0, 0])
    bench.instrument.powerCycle()
    bench.send("print(x,smua.sense)")
    #expect(bench.said.last == "nil\t0.00000e+00")
  }

  @Test func bytesTakeTheirTime() throws {
    var instrument = TSPInstrument(serial: "1", cells: try Laboratory.cells())
    var output: [UInt8] = []
    Array("print(1)\n".utf8).withUnsafeBytes { instrument.receive($0) }
    while output.isEmpty { _ = instrument.run(until: 10, output: &output, outputLimit: 1) }
    // 9 bytes there and 12 back, ten bits each at 9,600 per second, and the command.
    #expect(abs(instrument.time - 21 * 10 / 9_600.0) < 2e-3)
  }
}
