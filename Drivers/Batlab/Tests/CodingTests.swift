// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import BatlabDriver

@Suite struct CodingTests {
  private static func bytes(_ packet: RegisterPacket) -> [UInt8] {
    var bytes: [UInt8] = []
    packet.write(into: &bytes)
    return bytes
  }

  @Test func packetsAreThoseOfTheReferenceClient() {
    #expect(Self.bytes(RegisterPacket(.presence)) == [0xAA, 0x05, 0x01, 0, 0])
    #expect(Self.bytes(RegisterPacket(.watchdog, writing: 255)) == [0xAA, 0x04, 0x91, 0xFF, 0])
    #expect(Self.bytes(RegisterPacket(.settings, writing: 4)) == [0xAA, 0x04, 0x86, 0x04, 0])
    #expect(Self.bytes(RegisterPacket(.setpoint(2), writing: 0x0240)) == [0xAA, 0x02, 0x83, 0x40, 0x02])
  }

  @Test func voltagesAreSignedAndClippedOnesAreNone() {
    #expect(BatlabScale.voltage(0) == .zero)
    #expect(BatlabScale.voltage(16_384) == Voltage(millivolts: 2_250))
    #expect(BatlabScale.voltage(0xFFFF) == Voltage(nanovolts: -137_329))
    #expect(BatlabScale.voltage(1) == Voltage(nanovolts: 137_329))
    #expect(BatlabScale.voltage(32_699) != nil)
    #expect(BatlabScale.voltage(32_700) == nil)
    #expect(BatlabScale.voltage(0x7FFF) == nil)
    #expect(BatlabScale.voltage(0x8000) == nil)
  }

  @Test func currentsAreMagnitudes() {
    #expect(BatlabScale.currentMagnitude(8_000) == Current(picoamperes: 1_000_000_000_000))
    #expect(BatlabScale.currentMagnitude(0) == .zero)
    #expect(BatlabScale.currentMagnitude(32_700) == nil)
    #expect(BatlabScale.currentMagnitude(0xFFFF) == nil)
    #expect(BatlabScale.setpoint(Current(amperes: -1)) == 128)
    #expect(BatlabScale.setpoint(Current(amperes: 0.1)) == 13)
    #expect(BatlabScale.setpoint(Current(amperes: 9)) == 575)
  }

  @Test func limitsAreNeverWiderThanAsked() {
    #expect(BatlabScale.upperLimit(Voltage(millivolts: 4_000)) == 0x71C7)
    #expect(BatlabScale.lowerLimit(Voltage(millivolts: 4_000)) == 0x71C8)
    #expect(BatlabScale.lowerLimit(Voltage(millivolts: 1_000)) == 13_107, "not below what is seen as a cell")
    #expect(BatlabScale.lowerLimit(Voltage(millivolts: -50)) == 13_107)
    #expect(BatlabScale.upperLimit(Voltage(millivolts: 5_500)) == 32_700)
    #expect(BatlabScale.currentLimit(Current(amperes: 1.500_1)) == 12_000)
    #expect(BatlabScale.currentLimit(Current(amperes: 12)) == 32_700)
  }

  @Test func aReadingSaysWhatIsNotKnown() {
    var channel = BatlabChannel()
    channel.course = HostedSetpoint(setpoint(amperes: -0.5))
    channel.voltage = 0x7FFF
    channel.current = 0
    let blind = BatlabDriver.reading(of: channel, at: .zero)
    #expect(blind.voltage == nil && blind.current == nil && blind.quality == [.overload, .underload])
    channel.voltage = 16_384
    channel.current = 4_000
    let sound = BatlabDriver.reading(of: channel, at: .zero)
    #expect(sound.current == Current(amperes: -0.5) && sound.quality == [])
    channel.current = 32_767
    #expect(BatlabDriver.reading(of: channel, at: .zero).current == nil)
  }

  @Test func theErrorSaysWhy() {
    #expect(BatlabErrors.end(0) == nil)
    for bit: UInt16 in [1, 2, 4, 8, 16, 32] {
      guard case .bound? = BatlabErrors.end(bit) else {
        Issue.record("bit \(bit)")
        continue
      }
    }
    guard case .failed(let fault)? = BatlabErrors.end(0x0200) else {
      Issue.record("no overload")
      return
    }
    #expect(fault.code == .instrumentOverload)
    #expect(BatlabErrors.end(0x0400) == nil)
  }

  @Test func anAnswerIsFoundInNoise() {
    let question = RegisterPacket(.voltage(1))
    var scanner = AnswerScanner()
    let found = [0x00, 0xAA, 0xAA, 0x01, 0x06, 0x11, 0x22, 0xAA, 0x01, 0x87, 0, 0, 0xAA, 0x01, 0x07, 0xAA, 0x40]
      .compactMap { scanner.take($0, answering: question) }
    #expect(found == [0x40AA])
  }

  @Test func aLeaseFitsTheCounter() {
    #expect(BatlabLease.ticks(for: TimeSpan(seconds: 10)) == 100)
    #expect(BatlabLease.ticks(for: TimeSpan(seconds: 60)) == 255)
    #expect(BatlabLease.ticks(for: TimeSpan(milliseconds: 100)) == 20)
  }
}
