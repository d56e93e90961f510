// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleySCPIDriver
import KeithleySCPIEmulator
import Quantities
import Testing
import VirtualLab

/// What goes wrong, and what the driver says of it.
@Suite struct FailureTests {
  static let discharge = Laboratory.setpoint(
    .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(30)], bounds: Laboratory.bounds)

  /// In the middle of a discharge.
  private func discharging() throws -> Laboratory {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(20) { $0.readings.count >= 3 }
    return laboratory
  }

  @Test func muteFromTheBeginning() throws {
    var laboratory = Laboratory(cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.isMute = true
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.identity == nil && laboratory.faults.contains(.linkTimeout))
    #expect(laboratory.circuit == .unknown)
    laboratory.command(.begin(Self.discharge))
    #expect(laboratory.refusal?.code == .instrumentRefused)
  }

  /// It asks on, and finds the instrument when it comes back; the set-point is then over, and the cell disconnected.
  @Test func muteWhileDriving() throws {
    var laboratory = try discharging()
    laboratory.instrument.isMute = true
    laboratory.pass(6)
    #expect(Set(laboratory.faults) == [.linkTimeout])
    #expect(laboratory.circuit == .unknown && laboratory.end == nil)
    laboratory.instrument.isMute = false
    laboratory.pass(3)
    guard case .failed(let fault) = laboratory.end else {
      Issue.record("it ended with \(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .linkTimeout && laboratory.circuit == .openConfirmed)
    // Nobody knows when it was disconnected.
    #expect(laboratory.events.contains { if case .circuitMarkLost = $0 { true } else { false } })
  }

  @Test func aPersonSwitchesItOff() throws {
    var laboratory = try discharging()
    laboratory.instrument.tripOutput()
    laboratory.pass(5)
    #expect(laboratory.faults == [.instrumentError] && laboratory.circuit == .openConfirmed)
  }

  @Test func interlockRefusesToSwitchOn() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.instrument.isInterlocked = true
    laboratory.run(Self.discharge, atMost: 20)
    #expect(laboratory.refusal?.code == .instrumentError && !laboratory.hasBegun)
    #expect(laboratory.refusal?.detail.contains("802") == true && laboratory.circuit == .openConfirmed)
    // The queue was read to its end, and the next set-point is not blamed for it.
    laboratory.instrument.isInterlocked = false
    laboratory.events = []
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.end == .cutOff(0))
  }

  /// Acknowledged and not carried out.
  @Test(arguments: ["SOUR:CURR:LEV", "SOUR:CURR:RANG", "SENS:VOLT:PROT", "OUTP", "SOUR:FUNC"])
  func findsWhatWasNotCarriedOut(command: String) throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.instrument.ignored = [command]
    laboratory.run(Self.discharge, atMost: 30)
    let code = try #require(laboratory.refusal?.code)
    #expect(code == .instrumentSetpointNotFollowed || code == .instrumentError)
    #expect(!laboratory.hasBegun && laboratory.circuit == .openConfirmed)
  }

  @Test func withoutFourWiresNothingBegins() throws {
    var laboratory = Laboratory(cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.ignored = ["SYST:RSEN"]
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.identity == nil && laboratory.faults == [.instrumentSetpointNotFollowed])
    laboratory.command(.openCircuit)
    laboratory.pass(2)
    #expect(laboratory.circuit == .openConfirmed)
  }

  /// An output that cannot be switched off is never called open.
  @Test func offThatIsNotCarriedOutIsNotConfirmed() throws {
    var laboratory = try discharging()
    laboratory.instrument.ignored = ["OUTP"]
    laboratory.events = []
    laboratory.command(.openCircuit)
    laboratory.pass(5)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown && laboratory.faults.contains(.linkTimeout))
    laboratory.instrument.ignored = []
    laboratory.pass(3)
    #expect(laboratory.circuit == .openConfirmed && laboratory.end != nil)
  }

  @Test func overdrivenConvertersGiveNoNumbers() throws {
    var laboratory = try discharging()
    laboratory.events = []
    laboratory.instrument.meter.isOverdriven = true
    laboratory.pass(3)
    #expect(laboratory.readings.count >= 2)
    #expect(laboratory.readings.allSatisfy { $0.voltage == nil && $0.current == nil && $0.quality == .overload })
  }

  @Test func powerCutLeavesTheCellToTheDriver() throws {
    var laboratory = try discharging()
    laboratory.instrument.powerCycle()
    laboratory.pass(5)
    #expect(laboratory.end != nil && laboratory.circuit == .openConfirmed)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cell.terminalCharge == before)
  }

  /// It wakes up as a source of 0 V while nobody uses it.
  @Test func powerCutOfAnUnusedInstrumentIsFound() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.pass(60)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.instrument.powerCycle()
    laboratory.pass(7)
    let after = laboratory.instrument.cell.terminalCharge
    #expect(after < before)
    laboratory.pass(600)
    #expect(laboratory.instrument.cell.terminalCharge == after && laboratory.circuit == .openConfirmed)
    // Nothing was said of it all that was not asked for, and a set-point may begin at any time.
    laboratory.pass(5.2)
    laboratory.run(Self.discharge, atMost: 60)
    #expect(laboratory.refusal == nil)
  }

  /// A clock that is not set to zero is read all the same.
  @Test func clockThatIsNotSetToZero() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.pass(300)
    laboratory.instrument.ignored = ["SYST:TIME:RES"]
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.run(Self.discharge, atMost: 60)
    let truth = laboratory.instrument.cell.terminalCharge - before
    #expect(laboratory.end == .cutOff(0) && abs(laboratory.charge - truth) < 0.05 * 3e-4)
  }

  @Test func muteWhileUnused() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    laboratory.instrument.isMute = true
    laboratory.pass(9)
    #expect(laboratory.faults == [.linkTimeout] && laboratory.circuit == .unknown)
    laboratory.instrument.isMute = false
    laboratory.pass(3)
    #expect(laboratory.circuit == .openConfirmed)
  }

  @Test func anotherModelIsLeftAlone() throws {
    var laboratory = Laboratory(cell: try Laboratory.cell("hard-carbon"))
    laboratory.instrument.maker = "KEITHLEY INSTRUMENTS INC.,MODEL 2000"
    laboratory.open()
    laboratory.pass(10)
    #expect(laboratory.faults == [.linkIdentity] && laboratory.identity == nil)
  }

  /// A wish for an open circuit is fulfilled at whatever moment it comes, and loss never leaves a confirmation.
  @Test(arguments: 0..<16) func opensAndLosesInEveryState(step: Int) throws {
    let cell = try Laboratory.cell("hard-carbon")
    var laboratory = Laboratory.identified(cell)
    laboratory.command(.begin(Self.discharge))
    laboratory.pass(Double(step) * 0.13)
    var lost = laboratory
    laboratory.command(.openCircuit)
    laboratory.pass(3)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed)
    let before = laboratory.instrument.cell.terminalCharge
    laboratory.pass(60)
    #expect(laboratory.instrument.cell.terminalCharge == before)
    lost.lose()
    #expect(lost.circuit == .unknown && lost.outputs.wakeAt == nil)
    // Opened again, it is made safe before anything else.
    lost.events = []
    lost.open()
    lost.pass(10) { $0.identity != nil }
    #expect(lost.identity != nil && lost.circuit == .openConfirmed)
  }

  /// One answer in three is damaged: slower, and nothing wrong.
  @Test func worksOnABadLine() throws {
    var laboratory = Laboratory(cell: try Laboratory.cell("hard-carbon"))
    laboratory.spoil = { bytes, number in
      guard number % 3 == 0, bytes.count > 4 else { return bytes }
      var bytes = bytes
      bytes.remove(at: bytes.count / 2)
      return bytes
    }
    laboratory.open()
    laboratory.pass(60) { $0.identity != nil }
    laboratory.run(Self.discharge, atMost: 120)
    #expect(
      laboratory.end == .cutOff(0) && laboratory.readings.count > 10,
      "\(laboratory.readings.count), \(laboratory.faults)")
    #expect(laboratory.readings.allSatisfy { abs(($0.current?.amperes ?? 0) + 3e-4) < 1e-6 })
  }

  @Test func refusesWhatItCannot() throws {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"))
    var setpoint = Self.discharge
    setpoint.rangeCurrent = Current(picoamperes: 2_000_000_000_000)
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    setpoint = Self.discharge
    setpoint.mode = .sweep(
      Setpoint.Sweep(from: .zero, to: [Voltage(millivolts: 100)], rate: VoltageRate(count: 1_000), ownEnd: 0))
    laboratory.events = []
    laboratory.command(.begin(setpoint))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    #expect(laboratory.outputs.writes.isEmpty)
  }
}
