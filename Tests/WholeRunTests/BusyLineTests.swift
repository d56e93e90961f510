// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import MethodSCRIPTEmulator
import Quantities
import Testing

/// A line on which everything arrives, in order and late.
struct BusyLine: Sendable {
  var towardsInstrument: LateBytes
  var towardsHost: LateBytes

  init(seed: UInt64) {
    towardsInstrument = LateBytes(generator: SplitMix(state: seed))
    towardsHost = LateBytes(generator: SplitMix(state: ~seed))
  }

  /// One direction.
  struct LateBytes: Sendable {
    var generator: SplitMix
    private var sent: [(due: Int64, bytes: [UInt8])] = []
    private var lastDue: Int64 = 0

    init(generator: SplitMix) { self.generator = generator }

    /// Mostly at once, at times later than the instrument is deaf, now and then later than an answer may take.
    mutating func send(_ bytes: [UInt8], at now: HostInstant) {
      guard !bytes.isEmpty else { return }
      let longest: Int64 = [3_000, 3_000, 3_000, 150_000, 700_000].randomElement(using: &generator) ?? 0
      lastDue = max(lastDue, now.microseconds + Int64.random(in: 0...longest, using: &generator))
      sent.append((lastDue, bytes))
    }

    mutating func arrivals(at now: HostInstant) -> [[UInt8]] {
      let count = sent.prefix { $0.due <= now.microseconds }.count
      defer { sent.removeFirst(count) }
      return sent.prefix(count).map(\.bytes)
    }
  }
}

/// A host or a bench with much else to do is late with everything. That alarms nobody and opens no circuit.
@Suite struct BusyLineTests {
  /// Steps that end just after a renewal was asked for, by readings and by themselves, so that nearly every end meets
  /// something on the line.
  private static let steps = """
    {"repeat": 6, "steps": [
      {"rest": "21 s"}, {"discharge": "1 mA", "until": ["voltage <= 10 mV", "step_charge >= 6 uAh", "step_time >= 1 h"]},
      {"charge": "1 mA", "until": ["voltage >= 2.0 V", "step_time >= 21 s"]}
    ]}
    """

  @Test(arguments: [UInt64(5), 10, 14, 17])
  func lateAnswersRaiseNoAlarm(seed: UInt64) throws {
    let program = try TestLaboratory.program(TestLaboratory.text(role: "anode-half-cell", steps: Self.steps))
    var world = RunWorld(cell: try TestLaboratory.cell("hard-carbon", seed: seed), program: program, seed: seed)
    world.busyLine = BusyLine(seed: seed)
    let isOver = world.run(turns: 3_000_000, slice: 0.02) { $0.pilot.isOver || $0.journal.states.last == .held }
    let story = world.journal.events.filter { $0.severity != .info }.map { "\($0.code.rawValue): \($0.detail)" }
    #expect(isOver && world.pilot.state == .completed, "\(story)")
    #expect(world.journal.latches.isEmpty)
    #expect(
      !world.journal.halfCycles.contains { $0.flags.contains(.gap) || $0.flags.contains(.interrupted) }, "\(story)")
    try HazardWorldTests.expectHonesty(world)
  }
}
