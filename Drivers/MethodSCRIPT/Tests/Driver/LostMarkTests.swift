// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import MethodSCRIPTDriver

/// The line has no checksum: the word of a circuit that closed or opened can be swallowed like any other. What flowed is
/// then told as not known, and the conversation goes on (hazard rule 11).
@Suite struct LostMarkTests {
  /// A line with one wrong byte.
  private static func garbled(_ line: String) -> String { line.replacing("ja", with: "jz") }

  private static func circuit(_ events: [DriverEvent]) -> [DriverEvent] {
    events.filter {
      switch $0 {
      case .circuitClosed, .circuitOpened, .circuitMarkLost, .holdBegan: true
      case .identified, .began, .reading, .ended, .refused, .orphanEnded, .circuit, .temperature, .fault, .impedance:
        false
      }
    }
  }

  @Test func hazard11TheFirstClosingIsMissed() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(Self.garbled(mark(1, at: 1_000)))
    #expect(
      Self.circuit(conversation.receive("M000A\n" + sample(1_000, 900_000, -134_300)).events) == [
        .circuitMarkLost(channel: 0, at: TimeSpan(milliseconds: 1_000)), .circuitClosed(channel: 0, at: .zero),
      ])
    #expect(Self.circuit(conversation.receive(sample(2_000, 899_000, -134_300)).events).isEmpty)
  }

  @Test func hazard11TheClosingOfAHoldIsMissed() {
    var conversation = Conversation.running(Samples.hold)
    conversation.receive(Self.garbled(mark(3, at: 1_000)))
    #expect(
      Self.circuit(conversation.receive("M000A\n" + sample(1_000, 10_000, -134_300)).events) == [
        .circuitMarkLost(channel: 0, at: TimeSpan(milliseconds: 1_000)), .circuitClosed(channel: 0, at: .zero),
        .holdBegan(channel: 0, at: .zero),
      ])
  }

  /// Between the constant current and its hold the circuit is opened for a moment.
  private static func holding(_ marks: String) -> [DriverEvent] {
    var conversation = Conversation.running(Samples.chargeThenHold)
    conversation.receive(mark(1, at: 900) + "M000A\n" + sample(1_000, 4_250_100, 1_000_000) + "*\n")
    let events = conversation.receive(marks + "M0007\n" + sample(1_521, 4_250_000, 400_000)).events
    let rest = conversation.receive("*\n" + ending(10, opened: 2_030, sampled: 2_021, 4_250_000, 99_000)).events
    return circuit(events + rest)
  }

  @Test func hazard11TheOpeningBeforeAHoldIsMissed() {
    let closing = TimeSpan(microseconds: 1_021_000)
    #expect(
      Self.holding(Self.garbled(mark(2, at: 1_010_000)) + mark(3, at: 1_021_000)) == [
        .circuitMarkLost(channel: 0, at: closing), .circuitOpened(channel: 0, at: closing),
        .circuitClosed(channel: 0, at: closing), .holdBegan(channel: 0, at: closing),
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 2_030)),
      ])
  }

  @Test func hazard11TheClosingBeforeAHoldIsMissed() {
    let opening = TimeSpan(microseconds: 1_010_000)
    #expect(
      Self.holding(mark(2, at: 1_010_000) + Self.garbled(mark(3, at: 1_021_000))) == [
        .circuitOpened(channel: 0, at: opening),
        .circuitMarkLost(channel: 0, at: TimeSpan(milliseconds: 1_521)),
        .circuitClosed(channel: 0, at: opening), .holdBegan(channel: 0, at: opening),
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 2_030)),
      ])
  }

  /// The circuit was closed for half a second, and only the script's last message says so.
  @Test func hazard11TheClosingIsMissedAndNothingIsRead() {
    var conversation = Conversation.running(Samples.discharge)
    conversation.receive(Self.garbled(mark(1, at: 1_000)))
    let events = conversation.receive(ending(0, opened: 500, sampled: -1, 0, 0)).events
    #expect(
      Self.circuit(events) == [
        .circuitMarkLost(channel: 0, at: TimeSpan(milliseconds: 500)), .circuitClosed(channel: 0, at: .zero),
        .circuitOpened(channel: 0, at: TimeSpan(milliseconds: 500)),
      ])
  }

  /// Aborted before it had closed anything: nothing was missed.
  @Test func aScriptThatClosedNothingIsNotSuspected() {
    var conversation = Conversation.running(Samples.discharge)
    #expect(Self.circuit(conversation.receive(ending(0, opened: 2, sampled: -1, 0, 0)).events).isEmpty)
  }
}
