// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver on one side and a test that plays the instrument on the other. Everything that happens is kept as a
// transcript, so that the conformance suite can spoil it in all its ways.

import CyclerModel
import InstrumentKit
import Quantities

@testable import MethodSCRIPTDriver

struct Conversation {
  var driver = MethodSCRIPTDriver()
  var entries: [DriverTranscript.Entry] = []
  var now = HostInstant(microseconds: 1_000_000)
  var wakeAt: HostInstant?

  /// What the driver said to one input.
  struct Answer {
    var writes: String
    var events: [DriverEvent]
  }

  private mutating func take(_ input: DriverInput) -> Answer {
    var outputs = DriverOutputs()
    driver.handle(input, at: now, into: &outputs)
    wakeAt = outputs.wakeAt
    return Answer(writes: String(decoding: outputs.writes, as: UTF8.self), events: outputs.events)
  }

  mutating func open() -> Answer {
    entries.append(.opened)
    return take(.opened)
  }

  mutating func lose() -> Answer {
    entries.append(.lost)
    return take(.lost)
  }

  mutating func command(_ command: ChannelCommand, channel: Int = 0) -> Answer {
    entries.append(.command(channel: channel, command))
    return take(.command(channel: channel, command))
  }

  /// The instrument sends text.
  @discardableResult
  mutating func receive(_ text: String) -> Answer { receive(Array(text.utf8)) }

  /// The instrument sends bytes.
  @discardableResult
  mutating func receive(_ bytes: [UInt8]) -> Answer {
    entries.append(.received(bytes))
    return bytes.withUnsafeBytes { take(.bytes($0)) }
  }

  /// Time passes, and a tick comes.
  @discardableResult
  mutating func tick(milliseconds: Int64) -> Answer {
    entries.append(.tick(after: TimeSpan(milliseconds: milliseconds)))
    now = now + TimeSpan(milliseconds: milliseconds)
    return take(.tick)
  }

  /// Time passes until the driver wants to be woken.
  @discardableResult
  mutating func tickWhenWanted() -> Answer {
    guard let wakeAt else { return Answer(writes: "", events: []) }
    return tick(milliseconds: (wakeAt - now).microseconds / 1_000)
  }

  func transcript(_ name: String) -> DriverTranscript { DriverTranscript(name: name, entries: entries) }

  /// Opens the port of an instrument at which nothing runs.
  mutating func openIdle(firmware: String = "es4_hr1500", serial: String = "ES4HR23A0007") -> [DriverEvent] {
    _ = open()
    receive("\nZ!0006\n")
    tickWhenWanted()
    receive("e\n\n")
    return introduce(firmware: firmware, serial: serial)
  }

  /// What an EmStat4 LR answered to `CM`, by a published transcript.
  static let features = "000000000000000000000000000003FFFFBFE8FFFFFFFFFFFFFFFFFFFFBFFFFE"

  /// Answers the driver's questions.
  mutating func introduce(
    firmware: String = "es4_hr1500", serial: String = "ES4HR23A0007", features: String = Self.features
  ) -> [DriverEvent] {
    receive("t\(firmware)#Mar 12 2026 14:28:01\nR*\n")
    receive("i\(serial)\n")
    receive("v01.09.00\n")
    let known = receive("CM\(features)\n")
    guard known.events.isEmpty else { return known.events }
    // It may be deaf, after an error.
    if known.writes.isEmpty { tickWhenWanted() }
    let milliampere = ["nexus1": ",10,208", "espico": ",10,20A"][String(firmware.prefix(6))] ?? ",10,215"
    return receive("e\n" + measured(nanoamperes: 0, milliampere) + "\n").events
  }

  /// The script that measures the current, taken and ended.
  static let nothingFlows = "e\n" + measured(nanoamperes: 0) + "\n"

  /// The instrument takes the script that disconnects, and then the one that measures the current.
  @discardableResult
  mutating func disconnect() -> [DriverEvent] {
    let first = receive("e\n\n")
    guard first.writes == MethodSCRIPTDriver.proofScript else { return first.events }
    return first.events + receive(Self.nothingFlows).events
  }

  /// A conversation with an identified instrument that has taken the set-point's script.
  static func running(_ setpoint: Setpoint) -> Conversation {
    var conversation = Conversation()
    _ = conversation.openIdle()
    _ = conversation.command(.begin(setpoint))
    conversation.receive("e\n")
    return conversation
  }
}

/// One variable of a package: type, digits as they are before the offset, prefix, metadata.
func variable(_ type: String, _ digits: Int, _ prefix: String, _ metadata: String = "") -> String {
  let hexadecimal = String(digits + 0x800_0000, radix: 16, uppercase: true)
  return type + String(repeating: "0", count: 7 - hexadecimal.count) + hexadecimal + prefix + metadata
}

/// A package line.
func package(_ variables: String...) -> String { "P" + variables.joined(separator: ";") + "\n" }

/// The line that marks a moment of the circuit, in microseconds.
func mark(_ kind: Int64, at microseconds: Int) -> String {
  package(variable("ja", Int(kind), "i"), variable("eb", microseconds, "u"))
}

/// A reading in milliseconds, microvolts and nanoamperes.
func sample(_ milliseconds: Int, _ microvolts: Int, _ nanoamperes: Int) -> String {
  package(
    variable("eb", milliseconds, "m"), variable("ab", microvolts, "u", ",10,206"),
    variable("ba", nanoamperes, "n", ",10,212"))
}

/// The last message of the script of `Samples.token`, with the end of the script.
func ending(
  _ reason: Int64, opened milliseconds: Int, sampled: Int, _ microvolts: Int, _ nanoamperes: Int,
  kind: String = "driven"
) -> String {
  "Tnacycler 12 34 \(kind)\n"
    + package(
      variable("ja", 9, "i"), variable("jb", Int(reason), "i"), variable("eb", milliseconds, "m"),
      variable("eb", sampled, "m"), variable("ab", microvolts, "u"), variable("ba", nanoamperes, "n"))
    + measured(nanoamperes: 0) + "\n"
}

/// The current of a cell that was disconnected, measured in the range of 1 mA.
func measured(nanoamperes: Int, _ metadata: String = ",10,215") -> String {
  package(variable("ja", 6, "i"), variable("ba", nanoamperes, "n", metadata))
}

/// The reading that `sample` stands for.
func reading(_ milliseconds: Int64, _ microvolts: Int64, _ nanoamperes: Int64) -> Reading {
  Reading(
    time: TimeSpan(milliseconds: milliseconds), voltage: Voltage(nanovolts: microvolts * 1_000),
    current: Current(picoamperes: nanoamperes * 1_000), range: 0x12)
}
