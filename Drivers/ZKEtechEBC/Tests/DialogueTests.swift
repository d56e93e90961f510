// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import ZKEtechEBCDriver

/// Dialogues, byte by byte, that no emulator had a part in.
@Suite struct DialogueTests {
  /// A driver whose inputs are written down here.
  struct Desk {
    var driver = ZKEtechEBCDriver()
    var now = HostInstant(microseconds: 5_000_000)
    var events: [DriverEvent] = []

    /// Gives an input at a time in milliseconds from the start; what is written then.
    mutating func give(_ input: DriverInput, at milliseconds: Int64) -> [UInt8] {
      var outputs = DriverOutputs()
      now = HostInstant(microseconds: 5_000_000 + milliseconds * 1_000)
      driver.handle(input, at: now, into: &outputs)
      events += outputs.events
      return outputs.writes
    }

    mutating func hear(_ bytes: [UInt8], at milliseconds: Int64) -> [UInt8] {
      bytes.withUnsafeBytes { give(.bytes($0), at: milliseconds) }
    }
  }

  private static let idle = FrameTests.report(0x00, millivolts: 3_001, FrameNumbers())

  /// Stop, connect, two reports that count for nothing, one that does.
  private static func identified() -> Desk {
    var desk = Desk()
    #expect(desk.give(.opened, at: 0) == FrameTests.bytes(.stop))
    #expect(desk.give(.tick, at: 199).isEmpty)
    #expect(desk.give(.tick, at: 200) == FrameTests.bytes(.connect))
    #expect(desk.hear(FrameTests.report(0x64, millivolts: 3_001, FrameNumbers()), at: 700).isEmpty)
    #expect(desk.events.isEmpty)
    #expect(desk.hear(idle, at: 2_700).isEmpty)
    #expect(desk.events.last == .circuit(channel: 0, .openConfirmed))
    desk.events = []
    return desk
  }

  @Test func aChargeAsThePublishedReportShowsIt() throws {
    var desk = Self.identified()
    let wanted = setpoint(charge(0.1, to: 3_000), until: [fallen(toMilliamperes: 110)])
    #expect(
      desk.give(.command(channel: 0, .begin(wanted)), at: 3_000)
        == [0xFA, 0x21, 0x00, 0x0A, 0x01, 0x3C, 0x00, 0x0A, 0x1C, 0xF8])
    #expect(desk.events == [.circuit(channel: 0, .closed)])
    #expect(desk.hear(FrameTests.published, at: 4_700).isEmpty)
    let reading = Reading(
      time: TimeSpan(milliseconds: 1_700), voltage: Voltage(millivolts: 510), current: nil, quality: .underload)
    #expect(
      desk.events.dropFirst() == [
        .began(channel: 0, wanted.token), .circuitClosed(channel: 0, at: .zero), .reading(channel: 0, reading),
      ])
    desk.events = []
    // Held at 2.998 V with 0.09 A: below the host's end, so the hold has begun, and ends with the next report.
    let held = FrameTests.report(
      0x0C, amperes: 7, millivolts: 2_998,
      FrameNumbers(10, 300, 10))
    #expect(desk.hear(held, at: 6_700).isEmpty)
    #expect(desk.events.last == .holdBegan(channel: 0, at: TimeSpan(milliseconds: 3_700)))
    #expect(desk.hear(held, at: 8_700) == FrameTests.bytes(.stop))
    #expect(desk.hear(Self.idle, at: 9_100).isEmpty, "written before the stop was carried out")
    #expect(desk.hear(Self.idle, at: 10_700).isEmpty)
    #expect(
      desk.events.suffix(3) == [
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 5_700)), .circuit(channel: 0, .openConfirmed),
        .ended(channel: 0, wanted.token, .cutOff(0)),
      ])
  }

  @Test func aDischargeIsStartedAgainUntilItRuns() {
    var desk = Self.identified()
    let wanted = setpoint(constant(-1), until: [after(seconds: 10)], lower: 2_000, seconds: 120)
    let start: [UInt8] = [0xFA, 0x01, 0x00, 0x64, 0x00, 0xC8, 0x00, 0x02, 0xAF, 0xF8]
    #expect(desk.give(.command(channel: 0, .begin(wanted)), at: 3_000) == start)
    #expect(desk.hear(Self.idle, at: 3_400).isEmpty, "it may be on its way")
    #expect(desk.hear(Self.idle, at: 5_400) == start)
    let numbers = FrameNumbers(100, 200, 2)
    #expect(desk.hear(FrameTests.report(0x0A, amperes: 99, millivolts: 2_900, numbers), at: 7_400).isEmpty)
    let reading = Reading(
      time: TimeSpan(seconds: 2), voltage: Voltage(millivolts: 2_900), current: Current(amperes: -0.99))
    #expect(desk.events.last == .reading(channel: 0, reading), "its clock began with the second")
    let running = FrameTests.report(0x0A, amperes: 100, millivolts: 2_890, numbers)
    for milliseconds: Int64 in [9_400, 11_400, 13_400] { #expect(desk.hear(running, at: milliseconds).isEmpty) }
    // Time ends it to the microsecond, between two reports.
    #expect(desk.give(.tick, at: 15_399).isEmpty)
    #expect(desk.give(.tick, at: 15_400) == FrameTests.bytes(.stop))
    _ = desk.hear(Self.idle, at: 17_400)
    #expect(desk.events.contains(.circuitOpened(channel: 0, at: TimeSpan(seconds: 10))))
    #expect(desk.events.last == .ended(channel: 0, wanted.token, .cutOff(0)))
  }

  @Test func aStopIsSentUntilItStops() {
    var desk = Self.identified()
    let wanted = setpoint(constant(-1), lower: 2_000, seconds: 120)
    let numbers = FrameNumbers(100, 200, 2)
    let running = FrameTests.report(0x0A, amperes: 100, millivolts: 2_900, numbers)
    _ = desk.give(.command(channel: 0, .begin(wanted)), at: 3_000)
    _ = desk.hear(running, at: 4_400)
    #expect(desk.give(.command(channel: 0, .openCircuit), at: 4_500) == FrameTests.bytes(.stop))
    for round in 1...4 {
      #expect(desk.hear(running, at: 4_400 + Int64(round) * 2_000) == FrameTests.bytes(.stop))
    }
    // A status that nobody knows and one with a current confirm nothing.
    #expect(desk.hear(FrameTests.report(0xC8, millivolts: 2_900, numbers), at: 14_400).isEmpty)
    let doubtful = FrameTests.report(0x00, amperes: 100, millivolts: 2_900, numbers)
    #expect(desk.hear(doubtful, at: 16_400) == FrameTests.bytes(.stop))
    let told = desk.events.count { if case .fault(0, let fault) = $0 { fault.code == .instrumentError } else { false } }
    #expect(told == 1 && !desk.events.contains(.circuit(channel: 0, .openConfirmed)))
    _ = desk.hear(Self.idle, at: 18_400)
    #expect(desk.events.contains(.circuitOpened(channel: 0, at: TimeSpan(milliseconds: 13_400))))
    #expect(desk.events.last == .ended(channel: 0, wanted.token, .requested))
  }

  @Test func commandsNeverFollowEachOtherTooFast() {
    var desk = Self.identified()
    let wanted = setpoint(constant(-1), lower: 2_000)
    #expect(!desk.give(.command(channel: 0, .begin(wanted)), at: 3_000).isEmpty)
    #expect(desk.give(.command(channel: 0, .openCircuit), at: 3_050).isEmpty)
    #expect(desk.give(.tick, at: 3_200) == FrameTests.bytes(.stop))
  }
}
