// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleySCPIDriver
import KeithleySCPIEmulator
import Quantities
import Testing

/// The suite that every driver passes, on what was said between driver and emulator.
@Suite struct ConformanceTests {
  /// One of each command set.
  private static let models: [KeithleyInstrument.Model] = [.model2400, .model2450]

  private static func transcript(
    _ name: String, _ model: KeithleyInstrument.Model, _ act: (inout Laboratory) -> Void
  ) throws -> DriverTranscript {
    var laboratory = Laboratory.identified(try Laboratory.cell("hard-carbon"), model)
    act(&laboratory)
    return laboratory.transcript(name)
  }

  @Test(arguments: models) func survivesASpoiledLineWhileDischarging(model: KeithleyInstrument.Model) throws {
    let transcript = try Self.transcript("constant current", model) { laboratory in
      laboratory.run(
        Laboratory.setpoint(
          .constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(2)], bounds: Laboratory.bounds),
        atMost: 20)
    }
    try Self.check(transcript, readings: 3)
  }

  @Test(arguments: models) func survivesASpoiledLineWhileGoingOver(model: KeithleyInstrument.Model) throws {
    let transcript = try Self.transcript("constant current, then voltage", model) { laboratory in
      // The fresh cell stands above the target: it goes over at the first reading that has settled.
      laboratory.run(
        Laboratory.setpoint(
          .constantCurrentThenVoltage(Laboratory.microamperes(-100), Voltage(millivolts: 2_580)),
          until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 1_500_000, onlyInHold: true)],
          bounds: Laboratory.bounds),
        atMost: 60)
    }
    try Self.check(transcript, readings: 3)
  }

  @Test(arguments: models) func survivesASpoiledLineAtRest(model: KeithleyInstrument.Model) throws {
    let transcript = try Self.transcript("rest", model) { laboratory in
      laboratory.command(
        .begin(Laboratory.setpoint(.openCircuit, until: [], bounds: Laboratory.bounds)))
      laboratory.pass(3) { $0.readings.count >= 2 }
      laboratory.command(.openCircuit)
      laboratory.pass(3) { $0.end != nil }
    }
    try Self.check(transcript, readings: 2)
  }

  private static func check(_ transcript: DriverTranscript, readings: Int) throws {
    let sound = DriverConformance.replay(transcript.entries) { KeithleySCPIDriver() }
    // The replay is what happened, not an empty one.
    #expect(sound.readings.count >= readings && sound.ends.count == 1)
    let violations = DriverConformance.check(transcript) { KeithleySCPIDriver() }
    #expect(
      violations.isEmpty, "\(violations.count): \(violations.prefix(5).map(\.description).joined(separator: "\n"))")
  }
}
