// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleyTSPDriver
import Quantities
import Testing

/// The suite that every driver passes, on what was said between driver and emulator.
@Suite struct ConformanceTests {
  private static func transcript(_ name: String, _ act: (inout Laboratory) -> Void) throws -> DriverTranscript {
    var laboratory = Laboratory.identified(try Laboratory.cells())
    act(&laboratory)
    return laboratory.transcript(name)
  }

  @Test func survivesASpoiledLineWhileBothDrive() throws {
    let transcript = try Self.transcript("two currents") { laboratory in
      laboratory.command(
        .begin(
          Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(2)])))
      laboratory.pass(0.4)
      laboratory.run(
        Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(-200)), until: [Laboratory.time(1)], stepCount: 2),
        channel: 1, atMost: 20)
      laboratory.pass(5) { $0.end() != nil }
    }
    try Self.check(transcript, readings: 4, ends: 2)
  }

  @Test func survivesASpoiledLineWhileGoingOver() throws {
    let transcript = try Self.transcript("constant current, then voltage") { laboratory in
      // The fresh cell stands above the target: it goes over at the first measurement that has settled.
      laboratory.run(
        Laboratory.setpoint(
          .constantCurrentThenVoltage(Laboratory.microamperes(-100), Voltage(millivolts: 2_580)),
          until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 1_500_000, onlyInHold: true)]),
        atMost: 60)
    }
    try Self.check(transcript, readings: 3, ends: 1)
  }

  @Test func survivesASpoiledLineAtRest() throws {
    let transcript = try Self.transcript("rest") { laboratory in
      laboratory.command(.begin(Laboratory.setpoint(.openCircuit, until: [])))
      laboratory.pass(4) { $0.readings().count >= 2 }
      laboratory.command(.openCircuit)
      laboratory.pass(3) { $0.end() != nil }
    }
    try Self.check(transcript, readings: 2, ends: 1)
  }

  @Test func survivesASpoiledLineWhenTheLeaseRunsOut() throws {
    let transcript = try Self.transcript("lease") { laboratory in
      laboratory.command(
        .begin(
          Laboratory.setpoint(
            .constantCurrent(Laboratory.microamperes(-100)), until: [], lease: TimeSpan(seconds: 2))))
      laboratory.pass(2) { $0.readings().count >= 1 }
      laboratory.isCut = true
      laboratory.pass(1)
      laboratory.isCut = false
      laboratory.pass(6) { $0.end() != nil }
    }
    try Self.check(transcript, readings: 1, ends: 0)
  }

  private static func check(_ transcript: DriverTranscript, readings: Int, ends: Int) throws {
    let sound = DriverConformance.replay(transcript.entries) { KeithleyTSPDriver() }
    // The replay is what happened, not an empty one.
    #expect(sound.readings.count >= readings && sound.ends.count >= ends)
    let violations = DriverConformance.check(transcript) { KeithleyTSPDriver() }
    #expect(
      violations.isEmpty, "\(violations.count): \(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }
}
