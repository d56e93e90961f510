// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import RodeostatEmulator
import Testing
import VirtualLab

@testable import RodeostatDriver

/// The suite that every driver passes, on what was said between driver and emulator.
@Suite struct ConformanceTests {
  private static func transcript(_ name: String) throws -> DriverTranscript {
    var laboratory = try Laboratory.identified()
    let stands = laboratory.trueVoltage
    switch name {
    case "hold":
      laboratory.run(
        setpoint(.constantVoltage(Voltage(volts: stands - 0.01)), until: [after(seconds: 6)], milliseconds: 1_000),
        atMost: 10)
    case "sweep":
      laboratory.run(
        sweep(from: stands, to: [stands + 0.006, stands], voltsPerSecond: 0.005, milliseconds: 400), atMost: 30)
    case "rest":
      laboratory.command(.begin(setpoint(.openCircuit, milliseconds: 500)))
      laboratory.run(seconds: 2)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
    case "beyond its range":
      laboratory.run(
        setpoint(.constantVoltage(Voltage(volts: stands + 0.5)), until: [after(seconds: 6)], microamperes: 90),
        atMost: 10)
    default: laboratory.lose()
    }
    return laboratory.transcript(name)
  }

  @Test(arguments: ["hold", "sweep", "rest", "beyond its range", "lost"]) func survivesASpoiledLine(name: String) throws
  {
    let transcript = try Self.transcript(name)
    let violations = DriverConformance.check(transcript) { RodeostatDriver() }
    print("conformance", name, transcript.entries.count, violations.count)
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func theTranscriptsHoldReadingsAndEnds() throws {
    for (name, readings) in [("hold", 5), ("sweep", 6), ("rest", 4), ("beyond its range", 1)] {
      let sound = DriverConformance.replay(try Self.transcript(name).entries) { RodeostatDriver() }
      #expect(sound.readings.count >= readings && sound.ends.count == 1, "\(name)")
    }
  }

  /// From any byte on, the line is understood again with its next line.
  @Test func everyBeginningIsForgotten() throws {
    var laboratory = try Laboratory.identified()
    let line = Array("{\"success\":true,\"response\":{\"command\":\"getVariant\",\"variant\":\"x\"}}".utf8)
    for cut in 0...line.count {
      laboratory.forget()
      laboratory.receive(Array(line.prefix(cut)) + [0x0A])
      laboratory.run(setpoint(.openCircuit, until: [after(seconds: 1)]), atMost: 5)
      #expect(laboratory.end == .cutOff(0) && laboratory.readings.count == 6, "after \(cut) bytes")
    }
  }

  @Test func survivesRandomLines() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    let pieces = [
      "{", "}", "[", "]", "\"", ":", ",", "\\", "t", "v", "i", "le", "true", "false", "null", "1", "0", ".", "-", "e",
      "\n", "\r\n", "\u{0}", "success", "response", "command", "getCurr", "getRefVolt", "stopTest", "{}\n",
      "{\"t\":", "{\"success\":true,\"response\":{\"command\":\"", "\"}}\n", "connected", "\u{ff}",
    ]
    let transcript = try Self.transcript("hold").entries
    for _ in 0..<200 {
      var driver = RodeostatDriver()
      var outputs = DriverOutputs()
      var now = HostInstant(microseconds: 0)
      let sound = next(transcript.count)
      for (place, entry) in transcript.enumerated() {
        switch entry {
        case .opened: driver.handle(.opened, at: now, into: &outputs)
        case .command(let channel, let command):
          driver.handle(.command(channel: channel, command), at: now, into: &outputs)
        case .tick(let span):
          now = now + span
          driver.handle(.tick, at: now, into: &outputs)
        case .lost: driver.handle(.lost, at: now, into: &outputs)
        case .received(let bytes):
          let garbage = (0..<next(30)).flatMap { _ in Array(pieces[next(pieces.count)].utf8) }
          (place < sound ? bytes : garbage).withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        }
      }
      let ends = outputs.events.filter { if case .ended = $0 { true } else { false } }
      #expect(ends.count <= 1)
    }
  }
}
