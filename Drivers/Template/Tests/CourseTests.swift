// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Set-points against what really passed through the cell. When copying: one test for each kind of step that your instrument can do,
// and one for what it refuses.

import CyclerModel
import InstrumentKit
import Quantities
import TemplateEmulator
import Testing
import VirtualLab

@testable import TemplateDriver

@Suite struct CourseTests {
  @Test func itIsStoppedBeforeItIsAskedWhoItIs() throws {
    let laboratory = Laboratory.identified()
    #expect(laboratory.words.prefix(3) == ["OFF", "MEASURE?", "ID?"])
    let identity = try #require(laboratory.identity)
    #expect(identity.model == "TEMPLATE-1" && identity.serial == "000042" && identity.firmware == "1.4")
    #expect(TemplateDriver.capabilities(ofModel: identity.model) == identity.capabilities)
    #expect(laboratory.circuit == .openConfirmed)
  }

  @Test func aRestIsMeasuredAndDrivesNothing() throws {
    var laboratory = Laboratory.identified(volts: 2.5)
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 3)]), atMost: 10)
    #expect(laboratory.end == .cutOff(0))
    #expect((6...8).contains(laboratory.readings.count))
    for reading in laboratory.readings {
      #expect(reading.voltage == Voltage(millivolts: 2_500) && reading.current == .zero)
    }
    #expect(laboratory.instrument.cell.terminalCharge == 0)
    #expect(!laboratory.words.contains("ON"))
  }

  @Test func aCurrentEndsAtItsVoltage() throws {
    var laboratory = Laboratory.identified()
    laboratory.run(setpoint(.constantCurrent(milliamperes(-1)), until: [voltage(.atMost, 2.98)]), atMost: 60)
    #expect(laboratory.end == .cutOff(0))
    let last = try #require(laboratory.readings.last)
    #expect(last.voltage.map { $0 <= Voltage(millivolts: 2_980) } == true)
    #expect(last.current == milliamperes(-1) && last.range == 1)
    // All moments are known to an answer: 10 mV of ohmic drop and 10 s of 1 mA, counted to its last microseconds.
    let openedAt = try #require(laboratory.openedAt)
    #expect(abs(openedAt * -1e-3 - laboratory.instrument.cell.terminalCharge) < 5e-6)
    #expect(!laboratory.hasLostMark && laboratory.circuit == .openConfirmed && !laboratory.instrument.isOn)
  }

  @Test func aCurrentBecomesAHold() throws {
    var laboratory = Laboratory.identified()
    laboratory.run(
      setpoint(
        .constantCurrentThenVoltage(milliamperes(1), Voltage(millivolts: 3_020)), until: [after(seconds: 5, .holdTime)]),
      atMost: 60)
    #expect(laboratory.end == .cutOff(0))
    let holdBeganAt = try #require(laboratory.holdBeganAt)
    #expect((10...10.3).contains(holdBeganAt))
    let held = laboratory.readings.filter { $0.time.seconds > holdBeganAt + 0.1 }
    #expect(held.count >= 9)
    #expect(held.allSatisfy { $0.voltage == Voltage(millivolts: 3_020) })
    // The circuit stays closed: mode and value go over at once.
    #expect(laboratory.words.filter { $0 == "ON" }.count == 1)
  }

  @Test func aHoldKeepsItsVoltage() throws {
    var laboratory = Laboratory.identified()
    laboratory.run(setpoint(.constantVoltage(Voltage(millivolts: 3_005)), until: [after(seconds: 4)]), atMost: 20)
    #expect(laboratory.end == .cutOff(0))
    #expect(laboratory.readings.allSatisfy { $0.voltage == Voltage(millivolts: 3_005) })
    #expect(laboratory.instrument.cell.terminalCharge > 0)
  }

  @Test func theSmallestRangeThatHoldsItIsTaken() {
    var laboratory = Laboratory.identified()
    laboratory.run(
      setpoint(.constantCurrent(milliamperes(0.5)), until: [after(seconds: 1)], rangeMilliamperes: 1.5), atMost: 5)
    #expect(laboratory.end == .cutOff(0) && laboratory.words.contains("RANGE 2"))
  }

  @Test func aBoundOpensTheCircuit() throws {
    var laboratory = Laboratory.identified(volts: 4.98)
    laboratory.run(setpoint(.constantCurrent(milliamperes(1))), atMost: 60)
    guard case .bound(let fault)? = laboratory.end else {
      Issue.record("\(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .instrumentBoundReached && !laboratory.instrument.isOn)
    // Within one measurement and the answers to it.
    #expect(laboratory.instrument.cell.voltage(under: .current(1e-3)) < 5.000_3)
  }

  @Test func theLongestTimeEndsIt() {
    var laboratory = Laboratory.identified()
    laboratory.run(setpoint(.constantCurrent(milliamperes(1)), seconds: 3), atMost: 10)
    guard case .bound? = laboratory.end else {
      Issue.record("\(String(describing: laboratory.end))")
      return
    }
    #expect(laboratory.openedAt.map { (3...3.2).contains($0) } == true)
  }

  @Test func whatItCannotDoIsRefusedBeforeAByteIsSent() {
    let refused: [Setpoint] = [
      setpoint(.constantCurrent(milliamperes(1)), rangeMilliamperes: 20),
      setpoint(.constantCurrent(milliamperes(11))),
      setpoint(.constantCurrent(Current(picoamperes: 999))),
      setpoint(.constantVoltage(Voltage(millivolts: 10_001))),
      setpoint(.constantCurrentThenVoltage(milliamperes(1), Voltage(millivolts: -10_001))),
    ]
    for setpoint in refused {
      var laboratory = Laboratory.identified()
      let words = laboratory.words
      laboratory.command(.begin(setpoint))
      #expect(laboratory.refusal?.code == .instrumentRefused, "\(setpoint.mode)")
      #expect(laboratory.words == words, "\(setpoint.mode)")
    }
  }

  @Test func aSecondSetpointAndAnotherChannelAreRefused() {
    var laboratory = Laboratory.identified()
    laboratory.command(.begin(setpoint(.openCircuit)))
    laboratory.run(seconds: 1)
    laboratory.command(.begin(setpoint(.openCircuit)))
    #expect(laboratory.refusal?.code == .instrumentRefused)
    laboratory.command(.openCircuit, channel: 3)
    #expect(laboratory.circuit == .unknown)
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 1)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed)
  }
}
