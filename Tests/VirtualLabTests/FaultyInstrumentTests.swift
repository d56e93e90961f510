// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing
import VirtualLab

/// Says "a", "b", … once a second, eight bytes each, and answers each byte that it hears a millisecond later.
private struct Ticker: EmulatedInstrument {
  var time = 0.0
  var said = 0
  var heard: [UInt8] = []
  var dueAt: Double?
  var isOn = false
  var kind: Misbehaviour?
  var cycles = 0

  var hostDeadline: Double? { nil }
  func cellTruth(channel: Int) -> CellTruth { CellTruth() }
  func terminals(channel: Int) -> TerminalState? { TerminalState(isClosed: isOn, volts: 1, amperes: isOn ? 1 : 0) }
  mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard kind != .overload else { return false }
    self.kind = kind
    return true
  }
  mutating func powerCycle() { cycles += 1 }
  mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      heard.append(byte)
      if byte == UInt8(ascii: "1") { isOn = true }
      if byte == UInt8(ascii: "0") { isOn = false }
    }
  }
  mutating func rest(until limit: Double) { time = max(time, limit) }
  mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      let next = Double(said + 1)
      guard next <= limit else {
        time = limit
        return .reachedLimit
      }
      time = next
      output += Array(repeating: UInt8(ascii: "a") + UInt8(said % 26), count: 8)
      said += 1
      if output.count >= outputLimit { return .outputFull }
    }
  }
}

@Suite struct FaultyInstrumentTests {
  /// What arrives until a moment, piece by piece, with the moment of each.
  private static func pieces(_ faults: [ScheduledFault], until end: Double, seed: UInt64 = 1) -> [(
    at: Double, text: String
  )] {
    var instrument = FaultyInstrument(Ticker(), faults: faults, seed: seed)
    return pieces(&instrument, until: end)
  }

  private static func pieces(_ instrument: inout FaultyInstrument, until end: Double) -> [(at: Double, text: String)] {
    var pieces: [(Double, String)] = []
    while instrument.time < end - 1e-6 {
      var output: [UInt8] = []
      _ = instrument.run(until: end, output: &output, outputLimit: 1)
      if !output.isEmpty { pieces.append((instrument.time, String(decoding: output, as: UTF8.self))) }
    }
    return pieces
  }

  private static func near(_ value: Double, _ other: Double) -> Bool { abs(value - other) < 1e-4 }

  @Test func withoutFaultsItIsTheInstrument() {
    let pieces = Self.pieces([], until: 3.5)
    #expect(pieces.map(\.text) == ["aaaaaaaa", "bbbbbbbb", "cccccccc"])
  }

  @Test func aMuteOneIsMuteForItsTime() {
    let pieces = Self.pieces([ScheduledFault(.line(.mute), .time(1.5), seconds: 2)], until: 4.5)
    #expect(pieces.map(\.text) == ["aaaaaaaa", "dddddddd"])
  }

  @Test func replyByReply() {
    func texts(_ fault: LineFault) -> [String] {
      Self.pieces([ScheduledFault(.line(fault), .reply(1), replies: 1)], until: 3.5).map(\.text)
    }
    #expect(texts(.mute) == ["aaaaaaaa", "cccccccc"])
    #expect(texts(.truncated(at: 3)) == ["aaaaaaaa", "bbb", "cccccccc"])
    #expect(texts(.corrupted(at: 2, byte: 0x21)) == ["aaaaaaaa", "bb!bbbbb", "cccccccc"])
    #expect(texts(.duplicated) == ["aaaaaaaa", "bbbbbbbb", "bbbbbbbb", "cccccccc"])
    #expect(texts(.interleaved([0x2A, 0x2B], at: 4)) == ["aaaaaaaa", "bbbb*+bbbb", "cccccccc"])
    #expect(texts(.interleaved([0x2A], at: .max)) == ["aaaaaaaa", "bbbbbbbb*", "cccccccc"])
    #expect(texts(.split(at: 5)) == ["aaaaaaaa", "bbbbb", "bbb", "cccccccc"])
    #expect(texts(.split(at: 0)).count == 10)
  }

  @Test func whatIsLateOrSlowArrivesInOrderAtItsTime() {
    let late = Self.pieces([ScheduledFault(.line(.late(seconds: 1.25)), .reply(0), replies: 1)], until: 3.5)
    #expect(late.map(\.text) == ["aaaaaaaa", "bbbbbbbb", "cccccccc"])
    // The second waits for the first.
    #expect(Self.near(late[0].at, 2.25) && Self.near(late[1].at, 2.25) && Self.near(late[2].at, 3))
    let slow = Self.pieces([ScheduledFault(.line(.slow(bytesPerSecond: 4)), .time(0), seconds: 1.5)], until: 3.1)
    #expect(slow.prefix(8).map(\.text) == Array(repeating: "a", count: 8))
    #expect(Self.near(slow[0].at, 1.25) && Self.near(slow[7].at, 3))
    let glued = Self.pieces([ScheduledFault(.line(.glued(seconds: 2.5)), .time(0))], until: 5.1)
    #expect(glued.map(\.text) == ["aaaaaaaabbbbbbbb", "ccccccccdddddddd"])
    #expect(Self.near(glued[0].at, 2.5))
  }

  @Test func noiseIsTheSeeds() {
    func noise(_ seed: UInt64) -> [String] {
      Self.pieces(
        [ScheduledFault(.line(.garbage(bytesPerSecond: 50, replacing: 0.25)), .time(0), seconds: 2.5)], until: 4.5,
        seed: seed
      ).map(\.text)
    }
    #expect(noise(3) == noise(3))
    #expect(noise(3) != noise(4))
    #expect(noise(3).last == "dddddddd")
    let bytes = Self.pieces(
      [ScheduledFault(.line(.garbage(bytesPerSecond: 50, replacing: 0)), .time(0), seconds: 2)], until: 2.4)
    #expect(bytes.count > 20)
  }

  @Test func aStalledOneHearsAfterwardsWhatTheLineHeld() {
    var instrument = FaultyInstrument(Ticker(), faults: [ScheduledFault(.line(.stall), .time(0.5), seconds: 2)])
    _ = Self.pieces(&instrument, until: 1.2)
    #expect(instrument.isStalled)
    let flood = [UInt8](repeating: 0x78, count: 20_000)
    flood.withUnsafeBytes { instrument.receive($0) }
    #expect((instrument.instrument as? Ticker)?.heard.isEmpty == true)
    _ = Self.pieces(&instrument, until: 2.6)
    #expect(!instrument.isStalled)
    #expect((instrument.instrument as? Ticker)?.heard.count == 16_384)
  }

  @Test func theClosingOfTheCircuitCounts() {
    var instrument = FaultyInstrument(Ticker(), faults: [ScheduledFault(.line(.mute), .closing(2), seconds: 1.9)])
    func say(_ text: String) { Array(text.utf8).withUnsafeBytes { instrument.receive($0) } }
    say("1")
    #expect(Self.pieces(&instrument, until: 1.5).count == 1)
    say("0")
    #expect(Self.pieces(&instrument, until: 2.5).count == 1)
    say("1")
    #expect(Self.pieces(&instrument, until: 4.2).isEmpty)
    #expect(Self.pieces(&instrument, until: 5.2).count == 1)
  }

  @Test func theInstrumentsOwnFaultsBeginAndEnd() {
    var instrument = FaultyInstrument(Ticker(), faults: [ScheduledFault(.instrument(.liar), .time(1.5), seconds: 1)])
    func kind() -> Misbehaviour? { (instrument.instrument as? Ticker)?.kind }
    _ = Self.pieces(&instrument, until: 1.2)
    #expect(kind() == nil && instrument.activeFaults.isEmpty)
    _ = Self.pieces(&instrument, until: 2.2)
    #expect(kind() == .liar && instrument.activeFaults == ["liar"])
    _ = Self.pieces(&instrument, until: 3.2)
    #expect(kind() == nil)
    #expect(!instrument.canMisbehave(.overload, channel: 0) && instrument.canMisbehave(.liar, channel: 0))
  }

  @Test func thePlugAndThePowerAreOrderedOnce() {
    var instrument = FaultyInstrument(
      Ticker(),
      faults: [
        ScheduledFault(.disconnect, .time(1.5), seconds: 2), ScheduledFault(.reboot, .time(5.5), seconds: 1),
      ])
    _ = Self.pieces(&instrument, until: 1.4)
    #expect(instrument.takeLinkOrder() == nil)
    var output: [UInt8] = []
    // It comes back at once, so that the line's holder hears of it.
    while instrument.takeLinkOrder() == nil, instrument.time < 3 {
      #expect(instrument.run(until: 3, output: &output, outputLimit: 1_000) == .reachedLimit)
    }
    #expect(Self.near(instrument.time, 1.5))
    while instrument.time < 5.4 { _ = instrument.run(until: 5.4, output: &output, outputLimit: 1_000) }
    #expect((instrument.instrument as? Ticker)?.cycles == 0)
    _ = instrument.run(until: 6, output: &output, outputLimit: 1_000)
    #expect((instrument.instrument as? Ticker)?.cycles == 1)
    let order = instrument.takeLinkOrder()
    #expect(order?.isReboot == true && order?.seconds == 1)
    #expect(instrument.takeLinkOrder() == nil)
  }
}
