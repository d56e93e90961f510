// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import Testing
import ZKEtechEBCDriver
import ZKEtechEBCEmulator

/// The suite that every driver passes, on what was said between driver and emulator.
@Suite struct ConformanceTests {
  private static func transcript(_ name: String) throws -> DriverTranscript {
    var laboratory = try Laboratory.withCell(name == "EBC-A05+" ? .a05Plus : .a20)
    try laboratory.introduce()
    switch name {
    case "discharge", "EBC-A05+":
      _ = laboratory.drive(setpoint(constant(-1), until: [after(seconds: 11)]), atMost: 20)
    case "charge, then rest":
      laboratory.command(.begin(setpoint(constant(2))))
      laboratory.run(seconds: 9)
      laboratory.command(.openCircuit)
      laboratory.run(seconds: 4)
      _ = laboratory.drive(setpoint(.openCircuit, until: [after(seconds: 7)], step: 2), atMost: 10)
    case "hold":
      // The cell stands near 2.9 V: the charge goes over at once. It ends between two reports.
      _ = laboratory.drive(setpoint(charge(5, to: 3_000), until: [afterHold(seconds: 5)]), atMost: 60)
    case "ended by the instrument":
      laboratory.command(.begin(setpoint(constant(-5), lower: 2_700)))
      laboratory.run(seconds: 900) { $0.end != nil }
    case "ended by its voltage":
      _ = laboratory.drive(setpoint(constant(2), until: [at(.atLeast, millivolts: 3_050)]), atMost: 900)
    case "power": _ = laboratory.drive(setpoint(power(3), until: [after(seconds: 5)]), atMost: 20)
    case "stopped by hand":
      laboratory.command(.begin(setpoint(constant(-1))))
      laboratory.run(seconds: 5)
      laboratory.instrument.pressButton()
      laboratory.run(seconds: 3)
    case "lost": laboratory.lose()
    default: break
    }
    return DriverTranscript(name: name, entries: laboratory.entries)
  }

  /// Transcripts and how many readings and ends each holds at least, so that none is empty.
  static let cases: [(String, readings: Int, ends: Int)] = [
    ("open", 0, 0), ("discharge", 5, 1), ("EBC-A05+", 5, 1), ("charge, then rest", 7, 2), ("hold", 3, 1),
    ("ended by the instrument", 3, 1), ("ended by its voltage", 3, 1), ("power", 2, 1), ("stopped by hand", 2, 1),
    ("lost", 0, 0),
  ]

  @Test(arguments: cases) func survivesASpoiledLine(name: String, readings: Int, ends: Int) throws {
    let transcript = try Self.transcript(name)
    let sound = DriverConformance.replay(transcript.entries) { ZKEtechEBCDriver() }
    #expect(sound.readings.count >= readings && sound.ends.count == ends, "\(sound.ends)")
    let violations = DriverConformance.check(transcript) { ZKEtechEBCDriver() }
    print("conformance", name, transcript.entries.count, sound.readings.count, violations.count)
    #expect(violations.isEmpty, "\(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }

  @Test func survivesRandomBytes() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let alphabet: [UInt8] = [0xFA, 0xF8, 0, 1, 9, 0x0A, 0x0C, 0x14, 0x64, 0x80, 0xFF]
    for _ in 0..<100 {
      var driver = ZKEtechEBCDriver()
      var outputs = DriverOutputs()
      var now = HostInstant(microseconds: 0)
      driver.handle(.opened, at: now, into: &outputs)
      for _ in 0..<200 {
        let bytes = (0..<Int(next() % 60)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
        bytes.withUnsafeBytes { driver.handle(.bytes($0), at: now, into: &outputs) }
        now = now + TimeSpan(milliseconds: Int64(next() % 400))
        driver.handle(.tick, at: now, into: &outputs)
      }
      #expect(outputs.wakeAt.map { $0 > now } == true)
      #expect(driver.damagedMessages > 100)
      #expect(!outputs.events.contains { if case .reading = $0 { true } else { false } })
    }
  }
}
