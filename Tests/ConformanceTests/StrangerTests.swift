// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What one family's first words do at the instruments of another: whoever asks at a port of which only the name is known
// must turn nothing on there, and must take nobody for one of his own.

import CyclerModel
import DriverTrials
import InstrumentKit
import Quantities
import Testing
import VirtualLab

/// One driver at another family's instrument.
private struct StrangerTrial {
  var driver: any InstrumentDriver
  var instrument: any EmulatedInstrument
  var identity: InstrumentIdentity?
  /// The largest current that flowed, and the largest before the first word.
  var (amperes, amperesBefore) = (0.0, 0.0)
  private var outputs = DriverOutputs()
  private let start = HostInstant(microseconds: 1_000_000)

  init(_ asking: DriverFamily, at other: DriverFamily) {
    driver = asking.driver.init()
    instrument = other.makeInstrument(other.makeCell())
    amperesBefore = instrument.terminals(channel: 0)?.amperes.magnitude ?? 0
  }

  private func now() -> HostInstant { start + TimeSpan(microseconds: Int64(instrument.time * 1e6)) }

  private mutating func give(_ input: DriverInput) {
    outputs.removeAll()
    driver.handle(input, at: now(), into: &outputs)
    for case .identified(let who) in outputs.events { identity = who }
    outputs.writes.withUnsafeBytes { instrument.receive($0) }
  }

  /// As long as a probe has patience with a family.
  mutating func ask(seconds: Double = 8) {
    give(.opened)
    while instrument.time < seconds, identity == nil {
      let due = outputs.wakeAt.map { Double(($0 - start).microseconds) / 1e6 } ?? seconds
      let limit = max(min(due, seconds, instrument.time + 0.05), instrument.time + 1e-4)
      var said: [UInt8] = []
      if instrument.run(until: limit, output: &said, outputLimit: 1) == .idle { instrument.rest(until: limit) }
      amperes = max(amperes, instrument.terminals(channel: 0)?.amperes.magnitude ?? 0)
      let wakeAt = outputs.wakeAt
      if !said.isEmpty { said.withUnsafeBytes { give(.bytes($0)) } }
      if let wakeAt, wakeAt <= now() { give(.tick) }
    }
  }
}

@Suite struct StrangerTests {
  @Test(arguments: families.map(\.name)) func itsFirstWordsTurnNothingOnElsewhere(name: String) throws {
    let asking = try #require(families.first { $0.name == name })
    for other in families where other.drivesCells {
      var trial = StrangerTrial(asking, at: other)
      trial.ask()
      // What an instrument wakes up with, such as a 2602's source of 0 V, flows with or without words.
      #expect(trial.amperes <= max(trial.amperesBefore * 1.01, other.amperes * 0.02), "\(name) at \(other.name)")
      let isOwn = asking.driver.descriptor.family == other.driver.descriptor.family
      #expect((trial.identity != nil) == isOwn, "\(name) at \(other.name): \(trial.identity?.model ?? "nobody")")
    }
  }
}
