// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import ReplayEmulator
import Testing

@testable import ReplayDriver

@Suite struct ConformanceTests {
  private static func transcript(_ name: String) throws -> DriverTranscript {
    var laboratory = try Laboratory(csv: smallTest, pace: name.hasPrefix("fast") ? .greatest : .real)
    try laboratory.introduce()
    let charge = setpoint(
      .constantCurrentThenVoltage(Current(amperes: 0.001), Voltage(millivolts: 3_900)), [heldBelow(0.0001)], step: 3)
    switch name {
    case "look and rest", "fast look and rest":
      laboratory.play(looking())
      laboratory.play(resting(step: 2, after(60)))
    case "charge and hold", "fast charge and hold":
      laboratory.play(resting(step: 2, after(60)))
      laboratory.play(charge)
    case "stopped":
      laboratory.command(.begin(resting(step: 2, after(60))))
      laboratory.run(seconds: 25)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 2)
    case "refused": laboratory.play(charging(1))
    case "bound":
      laboratory.play(resting(step: 2, after(60)))
      laboratory.play(setpoint(.constantCurrent(Current(amperes: 0.001)), upper: 3.25, step: 3))
    case "no end":
      laboratory.play(resting(step: 2, after(60)))
      laboratory.play(charging(0.001, step: 3))
    case "lost":
      laboratory.command(.begin(resting(step: 2, after(60))))
      laboratory.run(seconds: 15)
      laboratory.lose()
      laboratory.open()
      laboratory.run(seconds: 2)
    default: break
    }
    return DriverTranscript(name: name, entries: laboratory.entries)
  }

  @Test(arguments: [
    "open", "look and rest", "fast look and rest", "charge and hold", "fast charge and hold", "stopped", "refused",
    "bound",
    "no end", "lost",
  ])
  func survivesASpoiledLine(name: String) throws {
    let transcript = try Self.transcript(name)
    let violations = DriverConformance.check(transcript) { ReplayDriver() }
    print("conformance", name, transcript.entries.count, violations.count)
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func theTranscriptsHoldReadingsAndEnds() throws {
    let transcript = try Self.transcript("charge and hold")
    let outcome = DriverConformance.replay(transcript.entries) { ReplayDriver() }
    #expect(outcome.readings.count == 23 && outcome.ends == [.cutOff(0), .cutOff(0)])
  }

  @Test func survivesRandomBytes() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let alphabet = Array("0123456789 .*-+eRVBCXSNIABCDEF\n\r".utf8) + [0, 0x80, 0xFF]
    for _ in 0..<200 {
      var driver = ReplayDriver()
      var outputs = DriverOutputs()
      var now = HostInstant(microseconds: 0)
      driver.handle(.opened, at: now, into: &outputs)
      for _ in 0..<200 {
        let bytes = (0..<Int(next() % 60)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
        bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        now = now + TimeSpan(milliseconds: Int64(next() % 300))
        driver.handle(.tick, at: now, into: &outputs)
      }
      #expect(outputs.wakeAt != nil, "it goes on to ask")
      #expect(!outputs.events.contains { if case .reading = $0 { true } else { false } })
    }
  }

  /// The same bytes to the player: it answers what is a line and crashes on nothing.
  @Test func thePlayerSurvivesRandomLines() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let words = [
      "O", "P", "A", "G", "?", "7.1", "7.2", "0", "1", "99999999999999999999", "-1", "rest", "look", "charge",
      "discharge",
      "hold", "current", "both", "1000000000", "", "5", "300",
    ]
    for _ in 0..<300 {
      var player = ReplayInstrument(try Recording(text: Array(smallTest.utf8), name: "test"))
      var output: [UInt8] = []
      for _ in 0..<100 {
        let body = (0..<Int(next() % 6)).map { _ in words[Int(next() % UInt64(words.count))] }.joined(separator: " ")
        Array((WireTests.closed(body) + "\n").utf8).withUnsafeBytes { player.receive($0) }
        _ = player.run(until: player.time + Double(next() % 40), output: &output, outputLimit: 2_000)
        output.removeAll()
      }
      #expect(player.rowsPlayed <= 36)
    }
  }
}
