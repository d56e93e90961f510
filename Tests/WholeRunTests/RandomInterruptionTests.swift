// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Whatever happens whenever it happens: a run finishes or stops as it was told, and never tells a wrong number.

import CyclerModel
@testable import CyclingRun
import InstrumentKit
import MethodSCRIPTEmulator
import Quantities
import Testing
import VirtualLab

/// Seeded misfortunes at seeded moments.
@Suite struct RandomInterruptionTests {
  /// What can happen.
  enum Misfortune: CaseIterable {
    case kill, killForLong, unplug, unplugForLong, powerLoss, powerLossAndKill, silence, suspend, pauseAndResume, skip
  }

  /// A cycle of a few minutes with a hold, so that every kind of step is met.
  static let steps = """
    {"cycles": 2, "purpose": "life", "label": "life", "steps": [
      {"discharge": "2 mA", "until": ["voltage <= 10 mV", "step_time >= 4 min"]},
      {"discharge": "1 mA", "to": "10 mV", "hold_until": ["current <= 100 uA", "hold_time >= 2 min"],
       "until": ["step_time >= 6 min"]},
      {"rest": "20 s"},
      {"charge": "2 mA", "until": ["voltage >= 2.0 V", "step_charge >= 60 uAh", "step_time >= 10 h"]},
      {"charge": "0.4 mA", "until": ["voltage >= 2.0 V", "step_time >= 10 h"]},
      {"rest": "20 s"}
    ]}
    """

  static func world(seed: UInt64) throws -> RunWorld {
    // Held only by a cell that does not fit; every one of these interruptions is short enough.
    let program = try TestLaboratory.program(
      TestLaboratory.text(role: "anode-half-cell", steps: steps, every: "5 s"))
    return RunWorld(cell: try TestLaboratory.cell("hard-carbon", seed: seed), program: program, seed: seed)
  }

  /// Seeds that once found something: a wish for an open circuit that crossed the instrument's own end on the line, and
  /// a hold that the instrument began with a lease of its own after the host had gone.
  static let memorable: [UInt64] = [1_017, 1_072, 1_073, 1_092, 1_140, 1_210]
  static let memorableStops: [UInt64] = [2_128, 2_144, 2_145, 2_156, 2_178]

  @Test(arguments: Array(UInt64(1)...40) + memorable)
  func whateverHappensTheNumbersAreHonest(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var world = try Self.world(seed: seed)
    world.turnsACommit = Int.random(in: 1...6, using: &generator)
    var story = "seed \(seed), a commit every \(world.turnsACommit) turns:"
    for _ in 0..<Int.random(in: 1...5, using: &generator) {
      let pause = Int.random(in: 1...400, using: &generator)
      _ = world.run(turns: pause, slice: 1) { $0.pilot.isOver }
      if world.pilot.isOver { break }
      let misfortune = try #require(Misfortune.allCases.randomElement(using: &generator))
      story += " \(misfortune) at \(Int(world.instrument.time)) s;"
      try Self.strike(&world, misfortune, &generator)
    }
    try Self.finish(&world, story)
    try HazardWorldTests.expectHonesty(world, current: 2e-3, Comment(rawValue: story))
    #expect(world.journal.states.last == .completed, Comment(rawValue: story))
    #expect(world.journal.latches.isEmpty, Comment(rawValue: story))
  }

  @Test(arguments: Array(UInt64(101)...120) + memorableStops)
  func stoppedAtAnyMomentItStopsAndTheNumbersAreHonest(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var world = try Self.world(seed: seed)
    _ = world.run(turns: Int.random(in: 1...1_200, using: &generator), slice: 1) { $0.pilot.isOver }
    let isAway = Bool.random(using: &generator)
    if isAway { world.loseLink() }
    world.feedRun(.person(.stop, actor: "tester"))
    let hasStopped = world.run(turns: 100, slice: 1) { $0.pilot.isOver }
    #expect(hasStopped, "seed \(seed)")
    // The instrument of a lost link opens the circuit by itself.
    world.passWithoutHost(seconds: 200)
    #expect(!world.instrument.isCellOn, "seed \(seed)")
    #expect([.stopped, .completed].contains(world.journal.states.last), "seed \(seed)")
    try HazardWorldTests.expectHonesty(world, current: 2e-3, "seed \(seed), away: \(isAway)")
  }

  @Test func theSameMisfortunesGiveTheSameRows() throws {
    func rows() throws -> KeptJournal {
      var generator = SplitMix(state: 77)
      var world = try Self.world(seed: 77)
      for misfortune in Misfortune.allCases {
        _ = world.run(turns: 60, slice: 1) { $0.pilot.isOver }
        if !world.pilot.isOver { try Self.strike(&world, misfortune, &generator) }
      }
      try Self.finish(&world, "seed 77")
      return world.journal
    }
    let first = try rows()
    let second = try rows()
    #expect(first.records == second.records)
    #expect(first.entries == second.entries)
  }

  @Test func aCheckpointSurvivesItselfAtEveryReading() throws {
    var world = try Self.world(seed: 5)
    var count = 0
    var failed = 0
    while !world.pilot.isOver, count < 20_000 {
      _ = world.run(turns: 1, slice: 1) { $0.pilot.isOver }
      if world.pilot.isOver { break }
      if count == 300 { world.feedRun(.person(.pause, actor: "tester")) }
      if count == 320 { world.feedRun(.person(.resume, actor: "tester")) }
      count += 1
      var writer = ByteWriter()
      world.pilot.checkpoint(into: &writer)
      var restored = try RunPilot(
        identity: world.pilot.identity, program: world.pilot.program, settings: RunSettings.aReadingASecond,
        checkpoint: writer.bytes, since: world.now.unix)
      var again = ByteWriter()
      restored.checkpoint(into: &again)
      // The only news are the last words: that the run is interrupted, since when and at which voltage; before, it may
      // not have been. An absent word is one byte, a present one nine, so that they are 22 bytes at most. Behind them
      // stands what came with later formats, 44 bytes at least, of which nothing may change.
      let before = zip(again.bytes, writer.bytes).prefix { $0 == $1 }.count
      let behind = zip(again.bytes.reversed(), writer.bytes.reversed()).prefix { $0 == $1 }.count
      let isChanged = again.bytes != writer.bytes
      if isChanged, behind < 44 || max(again.count, writer.count) - before - behind > 22 { failed += 1 }
      if count % 37 == 0 {
        // Cut short or with a word more it is refused, not guessed at.
        #expect(throws: ByteReader.Malformed.self) {
          _ = try RunPilot(
            identity: world.pilot.identity, program: world.pilot.program, settings: RunSettings.aReadingASecond,
            checkpoint: Array(writer.bytes.dropLast()), since: world.now.unix)
        }
        #expect(throws: ByteReader.Malformed.self) {
          _ = try RunPilot(
            identity: world.pilot.identity, program: world.pilot.program, settings: RunSettings.aReadingASecond,
            checkpoint: writer.bytes + [0], since: world.now.unix)
        }
      }
    }
    #expect(world.journal.states.last == .completed, "\(count) \(world.journal.events.suffix(3))")
    #expect(failed == 0 && count > 500)
  }

  // MARK: - Parts

  static func strike(_ world: inout RunWorld, _ misfortune: Misfortune, _ generator: inout SplitMix) throws {
    let short = Double.random(in: 0...40, using: &generator)
    let long = Double.random(in: 70...1_500, using: &generator)
    switch misfortune {
    case .kill: try world.killAndRestart(after: short)
    case .killForLong: try world.killAndRestart(after: long)
    case .unplug, .unplugForLong:
      world.loseLink()
      world.passWithoutHost(seconds: misfortune == .unplug ? short : long)
      world.restoreLink()
    case .powerLoss:
      world.loseLink()
      world.instrument.powerCycle()
      world.passWithoutHost(seconds: short)
      world.restoreLink()
    case .powerLossAndKill:
      world.instrument.powerCycle()
      try world.killAndRestart(after: short)
    case .silence: world.passWithoutHost(seconds: long)
    case .suspend:
      world.feedRun(.suspend)
      _ = world.run(turns: 100, slice: 0.1) { $0.pilot.isCircuitOpen }
      world.commit()
      try world.killAndRestart(after: long)
    case .pauseAndResume:
      world.feedRun(.person(.pause, actor: "tester"))
      _ = world.run(turns: 200, slice: 0.1) { $0.pilot.canResume }
      world.passWithoutHost(seconds: short)
      world.feedRun(.person(.resume, actor: "tester"))
    case .skip:
      world.feedRun(.person(.skip, actor: "tester"))
    }
  }

  /// Lets the run go on; a run that is held because the cell relaxed by more than 0.5 V is resumed by a person.
  static func finish(_ world: inout RunWorld, _ story: String) throws {
    var resumptions = 0
    while !world.pilot.isOver {
      let hasSettled = world.run(turns: 40_000, slice: 1) { $0.pilot.isOver || $0.pilot.canResume }
      if world.pilot.isOver { return }
      resumptions += 1
      let events = world.journal.events.suffix(6).map { "\($0.code.rawValue): \($0.detail)" }
      try #require(hasSettled && resumptions <= 20, "\(story) \(world.pilot.state) \(events)")
      world.feedRun(.person(.resume, actor: "tester"))
    }
  }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
