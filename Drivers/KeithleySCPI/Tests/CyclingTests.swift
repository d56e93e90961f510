// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleySCPIEmulator
import Quantities
import Testing
import VirtualLab

@testable import KeithleySCPIDriver

/// Driver and emulator against each other on a hard-carbon half cell.
@Suite struct CyclingTests {
  @Test func findsItAndDisconnectsFirst() throws {
    let laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    let identity = try #require(laboratory.identity)
    #expect(identity.model == "2400" && identity.serial == "1234567")
    #expect(identity.capabilities.currentAccuracy.count == 7 && identity.capabilities.openCircuit == .zeroCurrentHeld)
    #expect(laboratory.circuit == .openConfirmed)
    // `*RST` would hold 0 V across the cell, and nothing may switch the output on.
    #expect(!laboratory.written.contains("*RST") && !laboratory.written.contains("OUTP ON"))
    let first = try #require(laboratory.written.split(separator: "\n").first)
    #expect(first.contains(":OUTP:SMOD HIMP;:OUTP OFF"))
  }

  /// What the driver exists to end: an instrument that wakes up discharges the cell at its output.
  @Test func endsTheShortCircuitOfAnInstrumentThatWokeUp() throws {
    var laboratory = Laboratory(cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.rest(until: 10)
    let woken = try #require(laboratory.instrument.cellTruth(channel: 0).open)
    #expect(woken.direction == -1 && woken.terminalCharge > 1e-7)
    laboratory.open()
    laboratory.pass(5) { $0.identity != nil }
    let opened = laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cellTruth(channel: 0).open?.terminalCharge == opened)
  }

  @Test func safeStopNeedsNoState() throws {
    var instrument = KeithleyInstrument(serial: "1", cell: try Laboratory.cell("hard-carbon"))
    var output: [UInt8] = []
    KeithleySCPIDriver.safeStopBytes.withUnsafeBytes { instrument.receive($0) }
    _ = instrument.run(until: 1, output: &output, outputLimit: 1_000)
    let before = instrument.cellTruth(channel: 0)
    instrument.rest(until: 100)
    #expect(instrument.cellTruth(channel: 0) == before)
  }

  /// The charge of the readings is the cell's, but for the milliseconds at the ends and the converter's steps.
  @Test(arguments: [true, false]) func countsTheCellsCharge(isLong: Bool) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
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
    // 1 ms of the current at the ends, and half a step of 10 nA in each reading.
    let tolerance = 0.001 * abs(current.amperes) + 5e-9 * Double(seconds)
    print("discharge of \(seconds) s: readings \(laboratory.charge) C, cell \(truth) C")
    #expect(abs(laboratory.charge - truth) < tolerance, "\(laboratory.charge) C for \(truth) C")
    #expect(laboratory.readings.count >= (isLong ? 395 : 118))
    #expect(laboratory.readings.allSatisfy { $0.quality.isEmpty && $0.range == 4 })
    // The clock of seven digits was set to zero once in the long one, and no time was lost.
    #expect(laboratory.written.components(of: ":SYST:TIME:RES;:READ?") == (isLong ? 1 : 0))
    let last = try #require(laboratory.readings.last)
    #expect(abs(last.time.seconds - Double(seconds)) < 31)
  }

  /// Down by current, up by current and hold, as a cycle goes.
  @Test func cyclesAndHoldsByItsOwnCompliance() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
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
    #expect(laboratory.events.count { if case .circuitClosed = $0 { true } else { false } } == 1)
    let held = laboratory.readings.filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(held.count > 5 && held.allSatisfy { abs($0 - 1) < 0.002 })
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("charge and hold: readings \(laboratory.charge) C, cell \(truth) C, hold from \(hold.seconds) s")
    // The bend lies between two readings: half the fall of one second.
    #expect(abs(laboratory.charge - truth) < 3e-4 * truth)
  }

  /// A compliance that is off by more than a hold may be, and a hold on the other side of the current.
  @Test(arguments: [0.01, -0.01, 0]) func holdsWithTheSourceWhereComplianceCannot(error: Double) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(-300), Voltage(millivolts: 300)),
        until: [CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 100_000_000, onlyInHold: true)],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    #expect(laboratory.end == .cutOff(0))
    #expect(laboratory.events.count { if case .circuitClosed = $0 { true } else { false } } == 2)
    guard error != 0 else { return }
    laboratory.instrument.meter.complianceError = error
    laboratory.events = []
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)),
        until: [CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 100_000_000, onlyInHold: true)],
        bounds: Laboratory.bounds),
      atMost: 10_000)
    #expect(laboratory.end == .cutOff(0))
    #expect(laboratory.events.count { if case .circuitClosed = $0 { true } else { false } } == 2)
    let hold = try #require(laboratory.holdBegan)
    let held = laboratory.readings.filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(!held.isEmpty && held.allSatisfy { abs($0 - 1) < 0.002 })
    let truth = laboratory.instrument.cell.terminalCharge - before
    print("charge and hold by source: readings \(laboratory.charge) C, cell \(truth) C")
    #expect(abs(laboratory.charge - truth) < 1e-3 * truth)
  }

  /// A rest holds no current in the smallest range, and counts what flows all the same.
  @Test func restsAtZeroCurrent() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(
      Laboratory.setpoint(.openCircuit, until: [Laboratory.time(60)], bounds: Laboratory.bounds), atMost: 100)
    #expect(laboratory.end == .cutOff(0))
    let truth = laboratory.instrument.cell.terminalCharge - before
    #expect(laboratory.readings.count >= 58 && laboratory.readings.allSatisfy { ($0.voltage?.volts ?? 0) > 2 })
    #expect(truth > 1e-9 && abs(laboratory.charge - truth) < 1e-9)
  }

  /// Hazard rule 18: the compliance is never nearer to the cell than 0.2 V, whatever the bounds are.
  @Test func complianceStaysAwayFromAFreshCell() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
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

  /// The compliance bounds a charge that nothing else ends.
  @Test func complianceEndsACharge() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.run(
      Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(300)), until: [], bounds: Laboratory.bounds),
      atMost: 3_000)
    #expect(laboratory.faults == [.instrumentBoundReached] && laboratory.circuit == .openConfirmed)
    #expect(laboratory.readings.count > 1)
    #expect(laboratory.readings.allSatisfy { ($0.voltage?.volts ?? 9) < 2.902 })
  }

  @Test func holdsAVoltageAndLimitsItsCurrent() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
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
    #expect(laboratory.end == .cutOff(0))
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
}

extension String {
  func components(of text: String) -> Int { split(separator: text, omittingEmptySubsequences: false).count - 1 }
}
