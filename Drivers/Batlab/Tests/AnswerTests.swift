// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import BatlabEmulator
import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import BatlabDriver

@Suite struct AnswerTests {
  private var now = HostInstant(microseconds: 5_000_000)

  private static func give(
    _ driver: inout BatlabDriver, _ bytes: [UInt8], at now: HostInstant
  ) -> DriverOutputs {
    var outputs = DriverOutputs()
    bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
    return outputs
  }

  private static func tick(_ driver: inout BatlabDriver, at now: HostInstant) -> DriverOutputs {
    var outputs = DriverOutputs()
    driver.handle(.tick, at: now, into: &outputs)
    return outputs
  }

  /// A driver that has asked the first cell to stop.
  private func opened() -> BatlabDriver {
    var driver = BatlabDriver()
    var outputs = DriverOutputs()
    driver.handle(.opened, at: now, into: &outputs)
    return driver
  }

  @Test func onlyTheAnswerToTheQuestionCounts() {
    var driver = opened()
    // Of another cell, of another register, of a read, a stream packet.
    for wrong: [UInt8] in [
      [0xAA, 1, 0x80, 0, 0], [0xAA, 0, 0x83, 0, 0], [0xAA, 0, 0x00, 6, 0],
      [0xAF, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
      let outputs = Self.give(&driver, wrong, at: now)
      #expect(outputs.writes.isEmpty && driver.question != nil)
    }
    #expect(Self.give(&driver, [0xAA, 0, 0x80, 0, 0], at: now).writes.isEmpty)
    #expect(driver.question == nil, "it waits before it reads back")
    let later = now + RegisterTask.writeDelay
    #expect(Self.tick(&driver, at: later).writes == [0xAA, 0, 0x00, 0, 0])
  }

  @Test func aStopIsConfirmedByTwoAnswers() {
    var driver = opened()
    _ = Self.give(&driver, [0xAA, 0, 0x80, 0, 0], at: now)
    let later = now + RegisterTask.writeDelay
    _ = Self.tick(&driver, at: later)
    #expect(Self.give(&driver, [0xAA, 0, 0x00, 6, 0], at: later).writes == [0xAA, 0, 0x00, 0, 0], "asked again")
    #expect(Self.give(&driver, [0xAA, 0, 0x00, 3, 0], at: later).writes == [0xAA, 0, 0x80, 6, 0], "written again")
  }

  @Test func aLateAnswerIsNotTakenForTheNextOne() {
    var driver = opened()
    let missed = now + BatlabDriver.answerDeadline
    #expect(Self.tick(&driver, at: missed).writes.isEmpty)
    // It comes while nothing is asked.
    #expect(Self.give(&driver, [0xAA, 0, 0x80, 0, 0], at: missed).writes.isEmpty)
    let again = missed + BatlabDriver.drainTime
    #expect(Self.tick(&driver, at: again).writes == [0, 0, 0, 0, 0xAA, 0, 0x80, 6, 0])
  }

  @Test func anAnswerThatCameTwiceCountsOnce() throws {
    var laboratory = try Laboratory.withCells()
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: 0.5, cutOffs: [after(seconds: 3)])))
    laboratory.run(seconds: 4)
    let once = DriverConformance.replay(laboratory.entries) { BatlabDriver() }
    #expect(once.readings.count == 3)
    let doubled = laboratory.entries.map { entry -> DriverTranscript.Entry in
      if case .received(let bytes) = entry { return .received(bytes + bytes) }
      return entry
    }
    let twice = DriverConformance.replay(doubled) { BatlabDriver() }
    #expect(twice.readings.allSatisfy { reading in once.readings.contains { $0.voltage == reading.voltage } })
    #expect(twice.ends == once.ends)
  }

  @Test func aStreamBetweenAnswersChangesNothing() throws {
    var laboratory = try Laboratory.withCells()
    laboratory.instrument.receive([0xAA, 0, 0x84, 2, 0])
    laboratory.instrument.receive([0xAA, 1, 0x84, 2, 0])
    try laboratory.introduce()
    laboratory.command(.begin(setpoint(amperes: -0.5, cutOffs: [after(seconds: 5)])))
    laboratory.run(seconds: 7)
    #expect(laboratory.end() == .cutOff(0) && laboratory.readings().count == 5)
  }
}

extension BatlabInstrument {
  mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { receive($0) } }
}
