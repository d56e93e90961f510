// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import RodeostatEmulator
import Testing
import VirtualLab

@testable import RodeostatDriver

/// What driver and instrument do together when all is well, against what really passed through the cell.
@Suite struct ConversationTests {
  @Test func itIsMadeSafeBeforeItIsAskedWhoItIs() throws {
    let laboratory = try Laboratory.identified()
    let lines = laboratory.written.split(separator: "\n").map { $0.drop { $0 == " " } }
    #expect(
      lines.prefix(2) == [
        "{\"command\":\"stopTest\"}", "{\"command\":\"setAllElectConnected\",\"connected\":false}",
      ])
    #expect(lines.firstIndex(of: "{\"command\":\"getVariant\"}") == 5)
    let identity = try #require(laboratory.identity)
    #expect(identity.model == "10V_microAmpV0.2" && identity.serial == "70001" && identity.firmware == "FW0.1.0")
    #expect(identity.capabilities == RodeostatDriver.capabilities(ofModel: identity.model))
    #expect(laboratory.circuit == .openConfirmed && laboratory.faults.isEmpty)
  }

  /// What it can do is said before anything begins, and the compiler refuses the rest by it.
  @Test func itsCapabilitiesSayThatItDrivesNoCurrent() throws {
    for variant in RodeostatModel.Variant.allCases {
      for bits in [12, 16] {
        let name = RodeostatModel(variant: variant, bits: bits).name
        let capabilities = try #require(RodeostatDriver.capabilities(ofModel: name))
        #expect(capabilities.kinds == [.rest, .openCircuitCheck, .constantVoltage, .voltageSweep])
        #expect(capabilities.limits.kinds == capabilities.kinds)
        #expect(capabilities.openCircuit == .disconnectedAndMeasured)
        #expect(!capabilities.holdsBounds && capabilities.hasLease && capabilities.leaseHole != nil)
        #expect(capabilities.currentRanges == capabilities.currentRanges.sorted())
      }
    }
    #expect(RodeostatDriver.capabilities(ofModel: "10V_microAmpV0.1") == nil)
  }

  @Test(arguments: [-0.015, 0.015]) func aHoldIsTheCells(distance: Double) throws {
    var laboratory = try Laboratory.identified()
    let stands = laboratory.trueVoltage
    laboratory.run(
      setpoint(
        .constantVoltage(Voltage(volts: stands + distance)), until: [after(seconds: 600)], milliseconds: 100),
      atMost: 700)
    #expect(laboratory.end == .cutOff(0) && laboratory.circuit == .openConfirmed)
    #expect(!laboratory.instrument.isClosed)
    let readings = laboratory.readings
    let error = laboratory.measuredCharge / laboratory.trueCharge - 1
    print("hold", distance, readings.count, "coulombs", laboratory.measuredCharge, laboratory.trueCharge, error)
    // A step of the converter is 0.49 µA, here up to half a per cent of what flows.
    #expect(abs(laboratory.measuredCharge - laboratory.trueCharge) < 600 * 0.25e-6)
    #expect(laboratory.trueCharge * distance > 0)
    #expect(readings.count >= 5_990 && readings.allSatisfy { $0.quality.isEmpty && $0.range == 4 })
    let deviation = readings.compactMap { $0.voltage.map { abs($0.volts - stands - distance) } }.max() ?? 1
    print("hold", distance, "volts", deviation)
    // One step of the output's converter, downwards, and half a step of the input's.
    #expect(deviation < 0.001)
  }

  @Test func aHoldEndsByItsCurrent() throws {
    var laboratory = try Laboratory.identified()
    let target = laboratory.trueVoltage - 0.015
    let decayed = CutOff(
      quantity: .currentMagnitude, comparison: .atMost, threshold: 60_000_000, onlyInHold: true)
    laboratory.run(setpoint(.constantVoltage(Voltage(volts: target)), until: [decayed]), atMost: 20_000)
    let last = try #require(laboratory.readings.last?.current)
    print("decay", last.written, laboratory.readings.count)
    #expect(laboratory.end == .cutOff(0) && last.magnitude <= Current(picoamperes: 60_000_000) && last < .zero)
  }

  @Test(arguments: [
    (from: 0.0, to: [-0.05], rate: 1e-4), (from: 0.0, to: [0.2, -0.02], rate: 1e-3),
    (from: 0.0, to: [0.3, 0.0], rate: 0.02),
  ]) func aSweepIsTheCells(way: (from: Double, to: [Double], rate: Double)) throws {
    let board = RodeostatBoard(processor: .teensy, current: .tenMilliAmp)
    var laboratory = try Laboratory.identified(way.rate < 1e-3 ? RodeostatBoard() : board)
    let stands = (laboratory.trueVoltage * 1e3).rounded() / 1e3
    let targets = way.to.map { stands + $0 }
    laboratory.run(
      sweep(
        from: stands, to: targets, voltsPerSecond: way.rate, microamperes: way.rate < 1e-3 ? 900 : 9_000,
        milliseconds: way.rate < 0.01 ? 200 : 50), atMost: 2_000)
    #expect(laboratory.end == .cutOff(0) && laboratory.circuit == .openConfirmed)
    #expect(laboratory.closed.count == way.to.count)
    let readings = laboratory.readings
    let difference = laboratory.measuredCharge - laboratory.trueCharge
    let passed =
      readings.compactMap { $0.current?.amperes.magnitude }.reduce(0, +) / Double(readings.count)
      * laboratory.closed.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    print(
      "sweep", way, readings.count, "coulombs", laboratory.measuredCharge, laboratory.trueCharge, "of", passed,
      difference / passed)
    #expect(abs(difference) < 0.01 * passed)
    // Each reading stands where the sweep is at its time.
    var worst = 0.0
    for (leg, stretch) in laboratory.closed.enumerated() {
      let from = leg == 0 ? stands : targets[leg - 1]
      let sign: Double = targets[leg] > from ? 1 : -1
      for reading in readings where stretch.contains(reading.time.seconds) {
        let way = min(way.rate * (reading.time.seconds - stretch.lowerBound), abs(targets[leg] - from))
        worst = max(worst, abs((reading.voltage?.volts ?? 9) - from - sign * way))
      }
    }
    print("sweep", way.rate, "volts", worst)
    #expect(worst < 0.001 + max(way.rate * 0.05, 0.001))
  }

  @Test func aSweepEndsByAnotherCondition() throws {
    var laboratory = try Laboratory.identified(RodeostatBoard(current: .tenMilliAmp))
    let stands = laboratory.trueVoltage
    let high = CutOff(
      quantity: .voltage, comparison: .atLeast, threshold: Int64((stands + 0.1) * 1e9), onlyInHold: false)
    laboratory.run(
      sweep(
        from: stands, to: [stands + 0.5], voltsPerSecond: 0.005, alsoUntil: [high], microamperes: 9_000,
        milliseconds: 50), atMost: 100)
    #expect(laboratory.end == .cutOff(1))
    let last = try #require(laboratory.readings.last?.voltage?.volts)
    #expect(last >= stands + 0.1 && last < stands + 0.102)
  }

  @Test func aRestMeasuresTheOpenCell() throws {
    var laboratory = try Laboratory.identified()
    let before = laboratory.trueCharge
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 60)], milliseconds: 1_000), atMost: 90)
    let readings = laboratory.readings
    #expect(laboratory.end == .cutOff(0) && readings.count == 61)
    #expect(readings.allSatisfy { $0.current == .zero && $0.range == 0 })
    let error = try #require(readings.last?.voltage?.volts) - laboratory.trueVoltage
    print("rest", laboratory.trueVoltage, error)
    // The range of 1 V: half of 0.49 mV.
    #expect(abs(error) < 0.000_25 && laboratory.trueCharge == before)
    #expect(!laboratory.events.contains { if case .circuitClosed = $0 { true } else { false } })
    #expect(!laboratory.written.contains("\"setCtrElectConnected\"") && !laboratory.written.contains("runTest"))
  }

  /// A fresh cell above 2 V and one near 0 V are measured in different ranges.
  @Test(arguments: [("hard-carbon", "5V"), ("anode-free-nvpf", "1V")]) func aRestFindsItsRange(
    name: String, range: String
  )
    throws
  {
    var laboratory = try Laboratory.identified(cell: Laboratory.cell(name))
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 2)]), atMost: 10)
    let told = laboratory.written.split(separator: "\n").last { $0.contains("setRefElectVoltRange") } ?? ""
    print("range", name, laboratory.trueVoltage, told)
    #expect(told.contains("\"\(range)\""))
  }

  /// The instrument ends a test by itself: while the host is there it is told to go on, by a quarter of the lease.
  @Test(arguments: [true, false]) func theLeaseIsRenewedAndRunsOut(isSweep: Bool) throws {
    var laboratory = try Laboratory.identified()
    let stands = laboratory.trueVoltage
    let long =
      isSweep
      ? sweep(from: stands, to: [stands + 0.3], voltsPerSecond: 0.000_2, lease: 5)
      : setpoint(.constantVoltage(Voltage(volts: stands + 0.01)), lease: 5)
    laboratory.command(.begin(long))
    laboratory.run(seconds: 300)
    #expect(laboratory.instrument.isClosed && laboratory.end == nil, "renewed")
    #expect(laboratory.written.split(separator: "\n").filter { $0.contains("setParam") }.count > 200)
    let cutAt = laboratory.instrument.time
    laboratory.isCut = true
    let isOpen = laboratory.run(seconds: 20) { !$0.instrument.isClosed }
    print("lease", isSweep, laboratory.instrument.time - cutAt)
    #expect(isOpen && laboratory.instrument.time - cutAt < 5.1)
    #expect(laboratory.circuit != .openConfirmed, "nobody has confirmed it")
    laboratory.run(seconds: 5)
    #expect(laboratory.circuit == .unknown && laboratory.faults.contains(.linkTimeout))
    laboratory.isCut = false
    laboratory.run(seconds: 5)
    #expect(laboratory.circuit == .openConfirmed && laboratory.end != nil)
  }

  /// A host that was held up for longer than the lease finds it run out.
  @Test func aHostThatWasHeldUpIsTold() throws {
    var laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), lease: 5)))
    laboratory.run(seconds: 10)
    laboratory.instrument.receive(
      Array("{\"command\":\"setParam\",\"test\":\"constant\",\"param\":{\"duration\":1}}\n".utf8))
    laboratory.run(seconds: 1)
    #expect(laboratory.faults == [.instrumentError], "somebody else ended it")
    // Held up: nothing that the host hears is heard in time.
    laboratory = try Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), lease: 5)))
    laboratory.run(seconds: 10.05)
    var late: [UInt8] = []
    while laboratory.instrument.isTesting {
      _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &late, outputLimit: 1_000_000)
    }
    laboratory.instrument.rest(until: laboratory.instrument.time + 1)
    laboratory.receive(late)
    laboratory.run(seconds: 2)
    #expect(laboratory.end == .leaseExpired && laboratory.circuit == .openConfirmed)
  }

  @Test func aStopGoesBeforeEverything() throws {
    for seconds in [0.0, 0.000_5, 0.002, 0.004, 0.006, 0.2, 0.201, 0.202, 5.2, 7.01] {
      var laboratory = try Laboratory.identified()
      laboratory.command(.begin(setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage + 0.01)))))
      laboratory.run(seconds: seconds)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 0.1)
      #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed, "after \(seconds) s")
      #expect(!laboratory.instrument.isClosed && !laboratory.instrument.isTesting)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 0.1)
      #expect(laboratory.circuit == .openConfirmed)
      // And it is as good as new.
      laboratory.run(
        setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), until: [after(seconds: 1)]), atMost: 5)
      #expect(laboratory.end == .cutOff(0))
    }
  }

  @Test(arguments: RodeostatBoard.CurrentVariant.allCases) func everyBoardIsDriven(
    variant: RodeostatBoard.CurrentVariant
  ) throws {
    for processor in [RodeostatBoard.Processor.itsyBitsy, .teensy] {
      var laboratory = try Laboratory.identified(RodeostatBoard(processor: processor, current: variant))
      let model = try #require(laboratory.identity?.model)
      #expect(model.hasSuffix("(Teensy)") == (processor == .teensy))
      let capabilities = try #require(RodeostatDriver.capabilities(ofModel: model))
      let most = capabilities.maximumCurrent.amperes * 1e6
      let way = min(0.01, most * 1e-6 * 20)
      let held = setpoint(
        .constantVoltage(Voltage(volts: laboratory.trueVoltage + way)), until: [after(seconds: 10)],
        microamperes: most)
      laboratory.run(held, atMost: 20)
      let isMeasured = laboratory.readings.allSatisfy { $0.quality.isEmpty }
      print("board", model, most, laboratory.readings.count, laboratory.measuredCharge, laboratory.trueCharge)
      // The finest ranges are soon beyond what a cell of this size takes: they say so.
      #expect(isMeasured ? laboratory.end == .cutOff(0) : laboratory.faults == [.instrumentBoundReached])
    }
  }

  /// A multiplexer that was left on would lead the electrodes elsewhere.
  @Test func aMultiplexerIsSwitchedOff() throws {
    let board = RodeostatBoard(processor: .teensy)
    var laboratory = Laboratory(RodeostatInstrument(board: board, cell: try Laboratory.cell(charged: -1)))
    laboratory.instrument.receive(Array("{\"command\":\"setMuxEnabled\",\"muxEnabled\":true}\n".utf8))
    laboratory.run(seconds: 0.1)
    try laboratory.introduce()
    laboratory.run(
      setpoint(.constantVoltage(Voltage(volts: laboratory.trueVoltage)), until: [after(seconds: 1)]), atMost: 5)
    #expect(laboratory.end == .cutOff(0) && !laboratory.heard.contains("\"n\""))
  }
}

extension RodeostatInstrument {
  mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { receive($0) } }
}
