// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import BatlabEmulator
import CyclerModel
import InstrumentKit
import Quantities
import Testing

@testable import BatlabDriver

@Suite struct ConformanceTests {
  private static func transcript(_ name: String) throws -> DriverTranscript {
    var laboratory = try Laboratory.withCells(2)
    try laboratory.introduce()
    switch name {
    case "discharge":
      laboratory.command(.begin(setpoint(amperes: -0.5, cutOffs: [after(seconds: 4)])))
      laboratory.run(seconds: 6)
    case "charge and rest":
      laboratory.command(.begin(setpoint(amperes: 0.5)))
      laboratory.command(.begin(setpoint(amperes: nil)), channel: 1)
      laboratory.run(seconds: 3)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 1)
    case "stopped by the instrument":
      laboratory.command(.begin(setpoint(amperes: 0.5)))
      laboratory.run(seconds: 2)
      laboratory.instrument.hasSupply = false
      laboratory.run(seconds: 2)
    case "lost": laboratory.lose()
    default: break
    }
    return DriverTranscript(name: name, entries: laboratory.entries)
  }

  @Test(arguments: ["open", "discharge", "charge and rest", "stopped by the instrument", "lost"])
  func survivesASpoiledLine(name: String) throws {
    let transcript = try Self.transcript(name)
    let violations = DriverConformance.check(transcript) { BatlabDriver() }
    print("conformance", name, transcript.entries.count, violations.count)
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func theTranscriptsHoldReadings() throws {
    let transcript = try Self.transcript("charge and rest")
    #expect(DriverConformance.replay(transcript.entries) { BatlabDriver() }.readings.count >= 4)
  }

  @Test func survivesRandomBytes() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let alphabet: [UInt8] = [0xAA, 0xAF, 0, 1, 2, 3, 4, 6, 7, 0x80, 0x83, 0xFF]
    for _ in 0..<100 {
      var driver = BatlabDriver()
      var outputs = DriverOutputs()
      var now = HostInstant(microseconds: 0)
      driver.handle(.opened, at: now, into: &outputs)
      for _ in 0..<200 {
        let bytes = (0..<Int(next() % 40)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
        bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        now = now + TimeSpan(milliseconds: Int64(next() % 200))
        driver.handle(.tick, at: now, into: &outputs)
      }
      #expect(outputs.wakeAt != nil || driver.link == .ready)
      #expect(!outputs.events.contains { if case .reading = $0 { true } else { false } })
    }
  }
}
