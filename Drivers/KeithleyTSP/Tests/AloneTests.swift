// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleyTSPEmulator
import Quantities
import Testing
import VirtualLab

@testable import KeithleyTSPDriver

/// What the instrument does without the host: cut-offs, bounds, the end of the lease.
@Suite struct AloneTests {
  private static let discharge = Laboratory.setpoint(
    .constantCurrent(Laboratory.microamperes(-300)), until: [], lease: TimeSpan(seconds: 10))

  /// Both channels drive, and the cable is pulled.
  private func abandoned(_ setpoint: Setpoint, after seconds: Double = 3) throws -> Laboratory {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    for channel in 0...1 { laboratory.command(.begin(setpoint), channel: channel) }
    laboratory.pass(10) { $0.hasBegun(0) && $0.hasBegun(1) }
    laboratory.pass(seconds)
    #expect(laboratory.instrument.meters.allSatisfy { $0.isOn })
    laboratory.isCut = true
    return laboratory
  }

  /// Whenever the cable is pulled, both cells are disconnected when the lease is over, and not before.
  @Test(arguments: 0..<8) func leaseDisconnectsBothCells(step: Int) throws {
    var laboratory = try abandoned(Self.discharge, after: 3 + Double(step) * 0.13)
    laboratory.pass(8)
    #expect(laboratory.instrument.meters.allSatisfy { $0.isOn })
    laboratory.pass(2.6)
    #expect(laboratory.instrument.meters.allSatisfy { !$0.isOn && $0.offMode == .highImpedance })
    let before = laboratory.instrument.cells.map(\.terminalCharge)
    laboratory.pass(600)
    #expect(laboratory.instrument.cells.map(\.terminalCharge) == before)
  }

  /// Each channel has a lease of its own.
  @Test func theShorterLeaseEndsFirst() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.command(.begin(Self.discharge))
    var long = Self.discharge
    long.lease = TimeSpan(seconds: 30)
    laboratory.command(.begin(long), channel: 1)
    laboratory.pass(10) { $0.hasBegun(0) && $0.hasBegun(1) }
    laboratory.pass(2)
    laboratory.isCut = true
    laboratory.pass(15)
    #expect(laboratory.instrument.meters.map(\.isOn) == [false, true])
    laboratory.pass(20)
    #expect(laboratory.instrument.meters.map(\.isOn) == [false, false])
  }

  /// The host comes back after the lease: it is told, with the moment.
  @Test func tellsThatTheLeaseWasOver() throws {
    var laboratory = try abandoned(Self.discharge)
    laboratory.events = []
    laboratory.pass(15)
    laboratory.isCut = false
    laboratory.pass(20) { $0.end(0) != nil && $0.end(1) != nil }
    #expect(laboratory.end(0) == .leaseExpired && laboratory.end(1) == .leaseExpired)
    let opened = laboratory.events.compactMap { if case .circuitOpened(_, let at) = $0 { at.seconds } else { nil } }
    #expect(opened.count == 2 && opened.allSatisfy { $0 > 12 && $0 < 15.5 }, "\(opened)")
    #expect(laboratory.circuit(0) == .openConfirmed && laboratory.circuit(1) == .openConfirmed)
  }

  /// The lease is renewed for as long as the host is there, also by readings that are rarer than the lease.
  @Test(arguments: [1, 20]) func leaseIsRenewed(interval: Int64) throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.run(
      Laboratory.setpoint(
        .constantCurrent(Laboratory.microamperes(-20)), until: [Laboratory.time(100)],
        interval: TimeSpan(seconds: interval), lease: TimeSpan(seconds: 3)),
      atMost: 200)
    #expect(laboratory.end() == .cutOff(0))
  }

  /// Virtual time may pass a thousand times as fast as the host's: it renews by what the readings say, and the emulator
  /// holds still where it could be the end of a lease.
  @Test func leaseIsRenewedWhereTimeRuns() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.command(
      .begin(
        Laboratory.setpoint(
          .constantCurrent(Laboratory.microamperes(-20)), until: [Laboratory.time(4_000)], lease: TimeSpan(seconds: 20))
      ))
    var driver = laboratory.driver
    var now = laboratory.now
    var events: [DriverEvent] = []
    var ended: SetpointEnd?
    for _ in 0..<100_000 where ended == nil {
      now = now + TimeSpan(milliseconds: 1)
      var line: [UInt8] = []
      let pause = laboratory.instrument.run(until: .greatestFiniteMagnitude, output: &line, outputLimit: 4_096)
      #expect(pause != .reachedLimit)
      var outputs = DriverOutputs()
      line.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
      outputs.writes.withUnsafeBytes { laboratory.instrument.receive($0) }
      events += outputs.events
      if case .ended(_, _, let end)? = outputs.events.last { ended = end }
    }
    #expect(ended == .cutOff(0) && laboratory.instrument.time > 4_000)
    #expect(events.count { if case .reading = $0 { true } else { false } } > 3_900)
    print("4,000 s in \((now - laboratory.now).seconds) s of the host")
  }

  /// Cut-offs and bounds act where nobody hears of them.
  @Test(arguments: ["voltage", "time", "upper", "lower", "current", "duration"])
  func judgesWithoutTheHost(what: String) throws {
    var setpoint = Laboratory.setpoint(
      .constantCurrent(Laboratory.microamperes(-300)), until: [], lease: TimeSpan(seconds: 4_000))
    switch what {
    case "voltage": setpoint.cutOffs = [Laboratory.voltage(.atMost, 1_000)]
    case "time": setpoint.cutOffs = [Laboratory.time(500)]
    case "upper":
      setpoint.mode = .constantCurrent(Laboratory.microamperes(300))
      setpoint.bounds.upperVoltage = Voltage(millivolts: 2_850)
    case "lower": setpoint.bounds.lowerVoltage = Voltage(millivolts: 1_000)
    case "duration": setpoint.bounds.duration = TimeSpan(seconds: 500)
    default: setpoint.bounds.currentMagnitude = Laboratory.microamperes(310)
    }
    var laboratory = try abandoned(setpoint, after: 2)
    if what == "current" { for channel in 0...1 { laboratory.instrument.meters[channel].sourceGainError = 0.05 } }
    let wentOff = laboratory.pass(3_000) { !$0.instrument.meters[0].isOn && !$0.instrument.meters[1].isOn }
    laboratory.pass(1)
    #expect(wentOff || laboratory.instrument.meters.allSatisfy { !$0.isOn })
    let volts = laboratory.instrument.cells[0].voltage(under: .current(-3e-4))
    if what == "voltage" || what == "lower" { #expect(volts > 0.95, "\(volts)") }
    laboratory.events = []
    laboratory.isCut = false
    laboratory.pass(20) { $0.end(0) != nil && $0.end(1) != nil }
    for channel in 0...1 {
      switch (what, laboratory.end(channel)) {
      case ("voltage", .cutOff(0)?), ("time", .cutOff(0)?): continue
      case ("upper", .bound?), ("lower", .bound?), ("current", .bound?), ("duration", .bound?): continue
      default: Issue.record("\(what) of channel \(channel): \(String(describing: laboratory.end(channel)))")
      }
    }
  }

  /// A limit of the voltage acts in the direction of the measured current only (hazard rule 1).
  @Test func aFreshCellAboveItsUpperBoundMayBeDischarged() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    var setpoint = Self.discharge
    setpoint.bounds.upperVoltage = Voltage(millivolts: 2_000)
    setpoint.cutOffs = [Laboratory.time(5)]
    laboratory.run(setpoint, atMost: 20)
    #expect(laboratory.end() == .cutOff(0))
    setpoint.mode = .constantCurrent(Laboratory.microamperes(50))
    laboratory.run(setpoint, channel: 1, atMost: 20)
    guard case .bound? = laboratory.end(1) else {
      Issue.record("\(String(describing: laboratory.end(1)))")
      return
    }
  }

  /// A current that leads to a voltage which the limit cannot hold: alone, the instrument disconnects there.
  @Test func disconnectsAtATargetThatItCannotHoldAlone() throws {
    var setpoint = Laboratory.setpoint(
      .constantCurrentThenVoltage(Laboratory.microamperes(-300), Voltage(millivolts: 1_500)), until: [],
      lease: TimeSpan(seconds: 4_000))
    setpoint.bounds.lowerVoltage = Voltage(millivolts: -50)
    var laboratory = try abandoned(setpoint, after: 2)
    laboratory.pass(2_000)
    #expect(laboratory.instrument.meters.allSatisfy { !$0.isOn })
    #expect(laboratory.instrument.cells[0].voltage(under: .current(-3e-4)) > 1.4)
  }

  /// What the limit holds it goes on holding, until the cut-off of the hold.
  @Test func holdsAndEndsTheHoldAlone() throws {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    laboratory.run(
      Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.voltage(.atMost, 300)]),
      atMost: 9_000)
    laboratory.events = []
    laboratory.command(
      .begin(
        Laboratory.setpoint(
          .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: 1_000)),
          until: [Laboratory.tail(60)], lease: TimeSpan(seconds: 20_000))))
    laboratory.pass(5) { $0.hasBegun() }
    laboratory.isCut = true
    laboratory.pass(15_000)
    #expect(!laboratory.instrument.meters[0].isOn)
    laboratory.isCut = false
    laboratory.pass(20) { $0.end() != nil }
    #expect(laboratory.end() == .cutOff(0))
  }
}
