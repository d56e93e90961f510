// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import BatlabEmulator
import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import BatlabDriver

@Suite struct ConversationTests {
  @Test func itIsMadeSafeBeforeItIsAskedWhoItIs() throws {
    var laboratory = try Laboratory.withCells()
    laboratory.open()
    #expect(laboratory.writes == [0, 0, 0, 0, 0xAA, 0, 0x80, 6, 0])
    let isSafe = laboratory.run(seconds: 3) { $0.contains(.circuit(channel: 3, .openConfirmed)) }
    #expect(isSafe)
    guard case .identified(let identity)? = laboratory.events.first else {
      Issue.record("\(laboratory.events)")
      return
    }
    #expect(identity.serial == "70001" && identity.firmware == "7" && identity.model == "Batlab V1.0")
    #expect(identity.capabilities == BatlabDriver.capabilities(ofModel: identity.model))
    #expect(laboratory.events.count == 5)
  }

  @Test(arguments: [-1.0, 1.0, -0.25, 2.0 / 3]) func theChargeIsTheCells(amperes: Double) throws {
    var laboratory = try Laboratory.withCells(gain: 0.985)
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: amperes, cutOffs: [after(seconds: 60)])))
    laboratory.run(seconds: 70) { $0.contains { if case .ended = $0 { true } else { false } } }
    #expect(laboratory.end() == .cutOff(0))
    let charge = try #require(laboratory.chargeFromReadings())
    let truth = laboratory.trueCharge()
    print("charge", amperes, charge, truth, charge / truth - 1, laboratory.readings().count)
    // The regulator's way up, one 128th of an ampere a millisecond, is before the first reading.
    let ramp = amperes * amperes * 0.128 / 2 * 0.985 * 0.985
    #expect(abs(charge.magnitude - ramp - truth.magnitude) < truth.magnitude * 1e-3)
    #expect(charge * amperes > 0)
    #expect(!laboratory.instrument.isDriven(channel: 0))
    #expect(laboratory.readings().count > 55)
  }

  @Test func fourChannelsShareTheLine() throws {
    var laboratory = try Laboratory.withCells(4)
    try laboratory.introduce()
    for channel in 0..<4 {
      laboratory.command(
        .begin(setpoint(amperes: channel % 2 == 0 ? 0.5 : -0.5, cutOffs: [after(seconds: 40)])), channel: channel)
    }
    laboratory.run(seconds: 50)
    for channel in 0..<4 {
      #expect(laboratory.end(channel: channel) == .cutOff(0))
      #expect(laboratory.readings(channel: channel).count > 35)
      let charge = try #require(laboratory.chargeFromReadings(channel: channel))
      print("four", channel, charge, laboratory.trueCharge(channel: channel))
      #expect(abs(charge - laboratory.trueCharge(channel: channel)) < 0.04)
    }
  }

  @Test func theLeaseIsRenewedWhileAllIsWellAndRunsOutOtherwise() throws {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: -0.5, lease: 5)))
    laboratory.run(seconds: 60)
    #expect(laboratory.instrument.isDriven(channel: 0), "renewed")
    laboratory.isCut = true
    laboratory.run(seconds: 6)
    #expect(!laboratory.instrument.isDriven(channel: 0), "not renewed")
    #expect(laboratory.end() == nil, "nobody has confirmed it")
    #expect(laboratory.events.contains(.circuit(channel: 0, .unknown)))
    laboratory.isCut = false
    laboratory.run(seconds: 5)
    #expect(laboratory.end() == .leaseExpired)
  }

  @Test func aRestMeasuresTheOpenCell() throws {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: nil, cutOffs: [after(seconds: 10)])))
    laboratory.run(seconds: 15)
    #expect(laboratory.end() == .cutOff(0))
    let readings = laboratory.readings()
    #expect(readings.count > 8 && readings.allSatisfy { $0.current == .zero })
    let volts = try #require(readings.last?.voltage?.volts)
    #expect(volts > 2.5 && volts < 3.5)
    #expect(!laboratory.events.contains { if case .circuitClosed = $0 { true } else { false } })
  }
}
