// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The suite that every driver passes, on what was said between driver and emulator. When copying: a transcript of each state that
// your driver can be in.

import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import TemplateDriver

@Suite struct ConformanceTests {
  private static func transcript(_ name: String) -> DriverTranscript {
    var laboratory = Laboratory.identified()
    switch name {
    case "rest":
      laboratory.command(.begin(setpoint(.openCircuit, every: 100)))
      laboratory.run(seconds: 1)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
    case "current":
      laboratory.run(setpoint(.constantCurrent(milliamperes(1)), until: [after(seconds: 4)], every: 100), atMost: 9)
    case "hand-over":
      laboratory.run(
        setpoint(
          .constantCurrentThenVoltage(milliamperes(1), Voltage(millivolts: 3_011)),
          until: [after(seconds: 1, .holdTime)], every: 100), atMost: 9)
    case "lost": laboratory.lose()
    default: break
    }
    return DriverTranscript(name: name, entries: laboratory.entries)
  }

  @Test(arguments: ["opening", "rest", "current", "hand-over", "lost"]) func survivesASpoiledLine(name: String) {
    let transcript = Self.transcript(name)
    let violations = DriverConformance.check(transcript) { TemplateDriver() }
    print("conformance", name, transcript.entries.count, violations.count)
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test(arguments: [("rest", 5), ("current", 30), ("hand-over", 15)])
  func theTranscriptsHoldReadingsAndAnEnd(name: String, readings: Int) {
    let sound = DriverConformance.replay(Self.transcript(name).entries) { TemplateDriver() }
    #expect(sound.readings.count >= readings && sound.ends.count == 1, "\(name) \(sound.readings.count)")
  }

  @Test func survivesRandomBytes() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    let pieces = [
      "01 ", "OK", "M ", "ID ", "ERR ", "-1", "99999999999999999999", " ", "*", "FFFF", "\n", "\r", "\u{FF}",
    ]
    for _ in 0..<200 {
      var driver = TemplateDriver()
      var outputs = DriverOutputs()
      var now = HostInstant(microseconds: 0)
      driver.handle(.opened, at: now, into: &outputs)
      for _ in 0..<100 {
        let text = (0..<next(6)).map { _ in pieces[next(pieces.count)] }.joined()
        Array(text.utf8).withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        now = now + TimeSpan(milliseconds: Int64(next(200)))
        driver.handle(.tick, at: now, into: &outputs)
      }
      #expect(outputs.wakeAt != nil)
      #expect(!outputs.events.contains { if case .identified = $0 { true } else { false } })
    }
  }
}
