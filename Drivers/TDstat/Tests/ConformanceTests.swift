// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import TDstatEmulator
import Testing
import VirtualLab

@testable import TDstatDriver

/// The suite that every driver passes, on what was said between driver and emulator.
///
/// A conversion is six bytes of which every value means something, and nothing protects them but the checksum of the USB
/// packet. A byte that turns into another one inside of them is another measurement, as a digit that turns into a digit is on
/// other lines; that, and nothing else, is beyond the suite here.
@Suite struct ConformanceTests {
  private static let names = [
    "rest", "current", "hold", "hand-over", "beyond its range", "lost", "opening of a MYSTAT",
  ]

  private static func transcript(_ name: String) throws -> DriverTranscript {
    if name == "opening of a MYSTAT" {
      var board = TDstatBoard(.mystat)
      board.storedShunts = [0x80, 0, 0x80, 0, 0x80, 0, 0x80, 0]
      var laboratory = try Laboratory.identified(board)
      laboratory.run(setpoint(.openCircuit, until: [after(seconds: 0.5)], every: 50), atMost: 3)
      return laboratory.transcript(name)
    }
    var laboratory = try Laboratory.identified()
    let stands = laboratory.trueVoltage
    switch name {
    case "rest":
      laboratory.command(.begin(setpoint(.openCircuit, every: 50)))
      laboratory.run(seconds: 1)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
    case "current":
      laboratory.run(
        setpoint(.constantCurrent(microamperes(-1_000)), until: [after(seconds: 1)], every: 50), atMost: 5)
    case "hold":
      laboratory.run(
        setpoint(.constantVoltage(volts(stands + 0.01)), until: [after(seconds: 1)], every: 50), atMost: 5)
    case "hand-over":
      laboratory.run(
        setpoint(
          .constantCurrentThenVoltage(microamperes(1_000), volts(stands + 0.06)), until: [after(seconds: 1.5)],
          every: 50), atMost: 5)
    case "beyond its range":
      laboratory.run(
        setpoint(.constantVoltage(volts(stands + 0.5)), range: 150, atMost: 200, every: 50), atMost: 5)
    default: laboratory.lose()
    }
    return laboratory.transcript(name)
  }

  /// Whether a violation says that a byte of a conversion was turned into another.
  private static func isBeyond(_ violation: DriverConformance.Violation, in transcript: DriverTranscript) -> Bool {
    guard violation.rule == .damageInventsNothing || violation.rule == .damageEndsNothing,
      violation.detail.contains(" turned into "),
      let number = violation.detail.dropFirst("entry ".count).split(separator: ",").first.flatMap({ Int($0) }),
      case .received(let bytes) = transcript.entries[number], bytes.count == 6
    else { return false }
    // Those that are kept are read until two agree, at the opening.
    let earlier = transcript.entries[..<number].count { if case .received = $0 { true } else { false } }
    return earlier >= 8
  }

  @Test(arguments: names) func survivesASpoiledLine(name: String) throws {
    let transcript = try Self.transcript(name)
    let violations = DriverConformance.check(transcript) { TDstatDriver() }
    let rest = violations.filter { !Self.isBeyond($0, in: transcript) }
    print("conformance", name, transcript.entries.count, violations.count, rest.count)
    #expect(rest.isEmpty, "\(rest.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func theTranscriptsHoldReadingsAndEnds() throws {
    for (name, readings) in [("rest", 8), ("current", 9), ("hold", 9), ("hand-over", 10), ("beyond its range", 1)] {
      let sound = DriverConformance.replay(try Self.transcript(name).entries) { TDstatDriver() }
      #expect(sound.readings.count >= readings && sound.ends.count == 1, "\(name) \(sound.readings.count)")
    }
  }

  @Test func survivesRandomBytes() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    let pieces: [[UInt8]] = [
      Array("OK".utf8), Array("WAIT".utf8), Array("?".utf8), [0x80, 0, 0], [0, 0, 0], [0xFF, 0xFF, 0xFF], [0x60, 0, 0],
      [0x9F, 0xFF, 0xFF], [0x3F], [0x0A],
    ]
    let transcript = try Self.transcript("hand-over").entries
    for _ in 0..<300 {
      var driver = TDstatDriver()
      var now = HostInstant(microseconds: 0)
      let sound = next(transcript.count)
      var ends = 0
      for (place, entry) in transcript.enumerated() {
        var outputs = DriverOutputs()
        switch entry {
        case .opened: driver.handle(.opened, at: now, into: &outputs)
        case .command(let channel, let command):
          driver.handle(.command(channel: channel, command), at: now, into: &outputs)
        case .tick(let span):
          now = now + span
          driver.handle(.tick, at: now, into: &outputs)
        case .lost: driver.handle(.lost, at: now, into: &outputs)
        case .received(let bytes):
          let garbage = (0..<next(4)).flatMap { _ in pieces[next(pieces.count)] }
          (place < sound ? bytes : garbage).withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        }
        ends += outputs.events.count { if case .ended = $0 { true } else { false } }
        #expect(outputs.writes.count <= 14, "one packet, or none")
      }
      #expect(ends <= 1)
    }
  }
}
