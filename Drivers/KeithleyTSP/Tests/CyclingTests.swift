// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleyTSPEmulator
import Quantities
import Testing
import VirtualLab

@testable import KeithleyTSPDriver

/// Driver and emulator against each other, against what really passed through the cells.
@Suite struct CyclingTests {
  @Test func findsItAndDisconnectsFirst() throws {
    let laboratory = Laboratory.identified(try Laboratory.cells())
    let identity = try #require(laboratory.identity)
    #expect(identity.model == "2602B" && identity.serial == "1234567" && identity.firmware == "3.4.1")
    #expect(laboratory.circuit(0) == .openConfirmed && laboratory.circuit(1) == .openConfirmed)
    // Nothing may switch an output on, or reset it into its normal off state, which holds 0 V across a cell.
    #expect(!laboratory.written.contains("*RST") && !laboratory.written.contains("nc_begin{"))
    #expect(laboratory.written.components(of: "reset()") == laboratory.written.components(of: "timer.reset()"))
    #expect(laboratory.written.components(of: "loadscript") == 1)
    let messages = laboratory.written.split(separator: "\n")
    #expect(messages[0] == "endscript" && messages[1] == "abort" && messages[2].hasPrefix("smua.source.offmode="))
    #expect(laboratory.faults.isEmpty && laboratory.driver.damagedMessages == 0)
  }

  /// A socket carries bytes at once, and many messages in one piece.
  @Test func worksOverASocket() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.instrument.byteTime = 0
    laboratory.open()
    laboratory.pass(2) { $0.identity != nil }
    #expect(laboratory.identity != nil)
    for channel in 0...1 {
      laboratory.command(
        .begin(
          Laboratory.setpoint(
            .constantCurrentThenVoltage(Laboratory.microamperes(-300), Voltage(millivolts: 2_000)),
            until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 5_000_000, onlyInHold: true)])),
        channel: channel)
    }
    laboratory.pass(900) { $0.end(0) != nil && $0.end(1) != nil }
    for channel in 0...1 {
      #expect(laboratory.end(channel) == .cutOff(0) && laboratory.closings(channel) == 2)
      #expect(laboratory.holdBegan(channel) != nil)
    }
    laboratory.command(.begin(Laboratory.setpoint(.openCircuit, until: [])))
    laboratory.pass(2)
    laboratory.command(.openCircuit)
    laboratory.pass(1)
    #expect(laboratory.end(0) == .requested && laboratory.faults.isEmpty && laboratory.driver.damagedMessages == 0)
  }

  /// What the driver exists to end: an instrument that wakes up discharges both cells at its outputs.
  @Test func endsTheShortCircuitsOfAnInstrumentThatWokeUp() throws {
    var laboratory = Laboratory(try Laboratory.cells())
    laboratory.instrument.rest(until: 10)
    for channel in 0...1 {
      let woken = try #require(laboratory.instrument.cellTruth(channel: channel).open)
      #expect(woken.direction == -1 && woken.terminalCharge > 1e-3)
    }
    laboratory.open()
    laboratory.pass(20) { $0.identity != nil }
    let opened = [0, 1].map { laboratory.instrument.cellTruth(channel: $0) }
    laboratory.pass(60)
    #expect([0, 1].map { laboratory.instrument.cellTruth(channel: $0) } == opened)
  }

  /// The charge of the readings is the cell's, but for the milliseconds at the ends and the converter's steps.
  @Test(arguments: [true, false]) func countsTheCellsCharge(isLong: Bool) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let before = laboratory.instrument.cells[0].terminalCharge
    let seconds: Int64 = isLong ? 6_000 : 120
    let current = Laboratory.microamperes(isLong ? -20 : -300)
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(current), until: [Laboratory.time(seconds)],
        interval: TimeSpan(seconds: isLong ? 30 : 1)),
      atMost: Double(seconds) + 60)
    #expect(laboratory.end() == .cutOff(0))
    let truth = laboratory.instrument.cells[0].terminalCharge - before - preflight(laboratory)
    // 5 ms of the current where the relay switches, and half a step of 1 nA in each reading.
    let tolerance = 0.005 * abs(current.amperes) + 0.5e-9 * Double(seconds)
    print("discharge of \(seconds) s: readings \(laboratory.charge()) C, cell \(truth) C")
    #expect(abs(laboratory.charge() - truth) < tolerance, "\(laboratory.charge()) C for \(truth) C")
    #expect(laboratory.readings().count >= (isLong ? 200 : 120))
    #expect(laboratory.readings().allSatisfy { $0.quality.isEmpty && $0.range == 5 })
    let last = try #require(laboratory.readings().last)
    // Judged every quarter of a second on the instrument, whatever the interval of its readings is.
    #expect(last.time.seconds >= Double(seconds) && last.time.seconds < Double(seconds) + 0.4)
  }

  /// What flows while the open-circuit voltage is measured: 5·10⁻⁵ of the smallest range, for a quarter of a second.
  private func preflight(_ laboratory: Laboratory) -> Double { 5e-12 * 0.25 }

  /// Down by current, up by current and hold, as a cycle goes, both channels at once and each for itself.
  @Test func cyclesBothChannelsAtOnce() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let start = [0, 1].map { laboratory.instrument.cells[$0].terminalCharge }
    let cutOffs: [Int64] = [300, 500]
    let currents: [Int64] = [-300, -240]
    for channel in 0...1 {
      laboratory.command(
        .begin(
          Laboratory.setpoint(
            .constantCurrent(Laboratory.microamperes(currents[channel])),
            until: [Laboratory.voltage(.atMost, cutOffs[channel])])), channel: channel)
    }
    laboratory.pass(10_000) { $0.end(0) != nil && $0.end(1) != nil }
    for channel in 0...1 {
      #expect(laboratory.end(channel) == .cutOff(0))
      let last = try #require(laboratory.readings(channel).last?.voltage)
      // The measurement that met the cut-off is among the readings, and lies at most a quarter of a second beyond.
      #expect(last.volts <= Double(cutOffs[channel]) / 1_000 && last.volts > Double(cutOffs[channel]) / 1_000 - 0.002)
      let truth = laboratory.instrument.cells[channel].terminalCharge - start[channel]
      print("discharge of channel \(channel): readings \(laboratory.charge(channel)) C, cell \(truth) C")
      #expect(abs(laboratory.charge(channel) - truth) < 0.005 * 3e-4 + 3e-6 * abs(truth))
    }
    laboratory.events = []
    let middle = [0, 1].map { laboratory.instrument.cells[$0].terminalCharge }
    for channel in 0...1 {
      laboratory.command(
        .begin(
          Laboratory.setpoint(
            .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)),
            until: [Laboratory.tail(60)], stepCount: 2)), channel: channel)
    }
    laboratory.pass(20_000) { $0.end(0) != nil && $0.end(1) != nil }
    for channel in 0...1 {
      #expect(laboratory.end(channel) == .cutOff(0))
      let hold = try #require(laboratory.holdBegan(channel))
      // The circuit was closed once: the instrument went over by its own limit.
      #expect(laboratory.closings(channel) == 1)
      let held = laboratory.readings(channel).filter { $0.time > hold }.compactMap(\.voltage?.volts)
      #expect(held.count > 5 && held.allSatisfy { abs($0 - 1) < 0.002 })
      let truth = laboratory.instrument.cells[channel].terminalCharge - middle[channel]
      print("charge and hold of channel \(channel): readings \(laboratory.charge(channel)) C, cell \(truth) C")
      // The bend lies between two readings: half the fall of one second.
      #expect(abs(laboratory.charge(channel) - truth) < 3e-4 * truth)
    }
    #expect(laboratory.faults.isEmpty && laboratory.driver.damagedMessages == 0)
  }

  /// A limit that is off by more than a hold may be, and a hold on the other side of the current.
  @Test(arguments: [0.01, -0.01, 0]) func holdsWithTheSourceWhereTheLimitCannot(error: Double) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(-300), Voltage(millivolts: 400)),
        until: [Laboratory.tail(100)]),
      atMost: 10_000)
    #expect(laboratory.end() == .cutOff(0) && laboratory.closings() == 2)
    guard error != 0 else { return }
    laboratory.instrument.meters[0].limitError = error
    laboratory.events = []
    let before = laboratory.instrument.cells[0].terminalCharge
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)),
        until: [Laboratory.tail(100)]),
      atMost: 10_000)
    #expect(laboratory.end() == .cutOff(0) && laboratory.closings() == 2)
    let hold = try #require(laboratory.holdBegan())
    let held = laboratory.readings().filter { $0.time > hold }.compactMap(\.voltage?.volts)
    #expect(!held.isEmpty && held.allSatisfy { abs($0 - 1) < 0.002 })
    // The time of the set-point went on while the source was changed.
    #expect(zip(laboratory.readings(), laboratory.readings().dropFirst()).allSatisfy { $0.time < $1.time })
    let truth = laboratory.instrument.cells[0].terminalCharge - before
    print("charge and hold by source: readings \(laboratory.charge()) C, cell \(truth) C")
    #expect(abs(laboratory.charge() - truth) < 1e-3 * truth)
  }

  /// A voltage from the beginning, of which the current falls.
  @Test func holdsAVoltage() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let open = laboratory.instrument.cells[0].voltage(under: .open)
    let before = laboratory.instrument.cells[0].terminalCharge
    let target = Voltage(nanovolts: Int64((open - 0.02) * 1e3) * 1_000_000)
    laboratory.run(
      Laboratory.setpoint(
        .constantVoltage(target),
        until: [
          CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 60_000_000, onlyInHold: true)
        ], interval: TimeSpan(milliseconds: 250)), atMost: 100)
    #expect(laboratory.end() == .cutOff(0) && laboratory.closings() == 1)
    #expect(laboratory.readings().allSatisfy { abs(($0.voltage ?? .zero).volts - target.volts) < 1e-3 })
    let truth = laboratory.instrument.cells[0].terminalCharge - before
    print("hold: readings \(laboratory.charge()) C, cell \(truth) C")
    // The current falls before the second reading: at most half of what it would have been without.
    let first = try #require(laboratory.readings().first?.current?.amperes)
    #expect(truth < 0 && abs(laboratory.charge() - truth) < abs(first) * 0.25 / 2)
  }

  /// A rest holds no current in the smallest range, and counts what flows all the same.
  @Test func restsAtZeroCurrent() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let before = laboratory.instrument.cells[1].terminalCharge
    laboratory.run(
      Laboratory.setpoint(.openCircuit, until: [Laboratory.time(60)]), channel: 1, atMost: 100)
    #expect(laboratory.end(1) == .cutOff(0))
    let truth = laboratory.instrument.cells[1].terminalCharge - before
    #expect(laboratory.readings(1).count >= 60 && laboratory.readings(1).allSatisfy { ($0.voltage?.volts ?? 0) > 2 })
    #expect(laboratory.readings(1).allSatisfy { $0.quality.isEmpty && $0.range == 1 })
    // 5 pA for a minute, in steps of 0.1 pA.
    #expect(truth > 2e-10 && abs(laboratory.charge(1) - truth) < 1e-11)
  }

  /// Hazard rule 18: the limit is never nearer to the cell than 0.2 V, whatever the bounds are.
  @Test func limitStaysAwayFromAFreshCell() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let bounds = Bounds(
      lowerVoltage: Voltage(millivolts: -50), upperVoltage: Voltage(millivolts: 2_000),
      currentMagnitude: Laboratory.microamperes(800), duration: TimeSpan(seconds: 100))
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(3)], bounds: bounds), atMost: 30)
    #expect(laboratory.end() == .cutOff(0))
    let open = try #require(laboratory.readings().first?.voltage?.volts)
    #expect(laboratory.instrument.meters[0].voltageLimit > open + 0.2 - 0.03)
    #expect(laboratory.readings().allSatisfy { abs(($0.current?.amperes ?? 0) + 3e-4) < 1e-6 })
  }

  /// A stopped channel leaves the other alone, and a begun one interrupts it for about a second only.
  @Test func channelsComeAndGoIndependently() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    let long = Laboratory.setpoint(
      .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(60)], lease: TimeSpan(seconds: 10))
    laboratory.command(.begin(long), channel: 1)
    laboratory.pass(5) { $0.hasBegun(1) }
    for round in 1...6 {
      laboratory.command(
        .begin(
          Laboratory.setpoint(
            .constantCurrent(Laboratory.microamperes(round % 2 == 0 ? 200 : -200)), until: [],
            stepCount: Int32(round + 1)))
      )
      laboratory.pass(4)
      laboratory.command(.openCircuit)
      laboratory.pass(3) { $0.circuit(0) == .openConfirmed }
      #expect(laboratory.circuit(0) == .openConfirmed && laboratory.end(0) == .requested)
    }
    laboratory.pass(60) { $0.end(1) != nil }
    #expect(laboratory.end(1) == .cutOff(0) && laboratory.closings(1) == 1 && laboratory.faults.isEmpty)
    let times = laboratory.readings(1).map(\.time.seconds)
    let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
    print("longest gap of the other channel: \(gaps.max() ?? 0) s")
    #expect(times.count >= 45 && (gaps.max() ?? 9) < 2.2)
  }
}
