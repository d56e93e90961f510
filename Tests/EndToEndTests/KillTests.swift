// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension ProgramTests {
  /// `kill -9` at random moments of a run: `make campaign` has a hundred of them in three hundred cycles.
  @Suite struct KillTests {
    @Test func killedDaemonLosesNothingAcknowledgedAndTheRunFinishes() throws {
      let environment = ProcessInfo.processInfo.environment
      let kills = Int(environment["NACYCLER_TEST_KILLS"] ?? "") ?? 8
      let cycles = Int(environment["NACYCLER_TEST_KILL_CYCLES"] ?? "") ?? 24
      let seed = UInt64(environment["NACYCLER_TEST_SEED"] ?? "") ?? UInt64.random(in: 1...1_000_000)
      print("seed \(seed)")
      var random = SeededMoments(seed: seed)
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "20000")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(
        .hardCarbon, cycles: cycles, to: rig.directory, every: "30 s", resumeWithin: "1 h")
      #expect(try rig.nactl("start", file).status == 0)
      var acknowledged: [String] = []
      for number in 1...kills {
        poll(nil, 0, Int32(random.next(below: 1_200)))
        acknowledged = try acknowledgedRecords(rig)
        rig.killDaemon()
        try expectKept(acknowledged, rig)
        try rig.launchDaemon()
        try goOnIfHeld(rig)
        if number.isMultiple(of: 20) { print("\(number) kills") }
        if try rig.sqlite("SELECT state FROM run") == "completed" { break }
      }
      try finish(rig)
      try rig.expectRecount()
      let comparison = try TruthComparison(rig)
      comparison.expectAgreement()
      let undamaged = comparison.stored.filter { !$0.isDamaged }.count
      print("\(comparison.stored.count) half-cycles, \(undamaged) unflagged, worst \(comparison.worst * 1e6) ppm")
      #expect(
        try rig.sqlite("SELECT count(*) FROM cycle WHERE coulombic_efficiency IS NOT NULL AND (flags & 21504) != 0")
          == "0")
    }

    /// What a person was told is so: a pause outlives the daemon that took it, and only a person goes on.
    @Test func anAcknowledgedPauseOutlivesAKill() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "100")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 40, to: rig.directory, every: "30 s", resumeWithin: "1 h")
      #expect(try rig.nactl("start", file).status == 0)
      // The first time at once, perhaps before the run has said a word.
      for turn in 0...4 {
        try rig.wait(for: "the run to drive its cell", seconds: 60) {
          if turn == 0 { return true }
          // A machine that stood still for longer than the lease asks for a person again.
          if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
          return
            try rig.sqlite("SELECT state FROM run") == "running"
            && rig.sqlite("SELECT kind FROM step ORDER BY step_id DESC LIMIT 1") != "open_circuit_check"
        }
        let pause = try rig.nactl("pause", "last")
        rig.killDaemon()
        #expect(pause.status == 0, "\(pause.errors)")
        try rig.launchDaemon()
        try rig.waitForChannels(1)
        #expect(try rig.waitForRun(states: ["paused", "held", "completed"], seconds: 60) == "paused")
        let steps = try rig.sqlite("SELECT count(*) FROM step")
        try rig.wait(for: "a later word of the instrument", seconds: 20) {
          try rig.channel()["voltage_V"] as? Double != nil
        }
        #expect(try rig.sqlite("SELECT count(*) FROM step") == steps)
        let resume = try rig.nactl("resume", "last")
        #expect(resume.status == 0, "\(resume.errors)")
      }
      #expect(try rig.nactl("stop", "last").status == 0)
    }

    /// What a person was told is so: a skip outlives the daemon that took it, and skips one step.
    @Test func anAcknowledgedSkipOutlivesAKill() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "100")
      try rig.startDaemon(extra: ["--lease", "300"])
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 40, to: rig.directory, every: "30 s", resumeWithin: "1 h")
      #expect(try rig.nactl("start", file).status == 0)
      for turn in 1...4 {
        try rig.wait(for: "the run to drive its cell", seconds: 60) {
          if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
          return
            try rig.sqlite("SELECT state FROM run") == "running"
            && rig.sqlite("SELECT kind FROM step ORDER BY step_id DESC LIMIT 1") == "constant_current"
        }
        let skip = try rig.nactl("skip", "last")
        rig.killDaemon()
        #expect(skip.status == 0, "\(skip.errors)")
        try rig.launchDaemon()
        try rig.waitForChannels(1)
        try rig.wait(for: "the step to be over", seconds: 60) {
          if try rig.sqlite("SELECT state FROM run") == "held" { _ = try rig.nactl("resume", "last") }
          return try rig.sqlite("SELECT count(*) FROM event WHERE code = 'run.step_skipped'") == "\(turn)"
        }
        let steps = try rig.sqlite("SELECT step_count, kind, end_reason FROM step")
        let events = try rig.sqlite("SELECT code, step_id & 4095, detail FROM event")
        // A step that meets its own end between the word and the deed is over by that, which is told too.
        let ended = try rig.sqlite(
          """
          SELECT (SELECT count(*) FROM step WHERE end_reason LIKE 'skipped%') \
          + (SELECT count(*) FROM event WHERE code = 'run.step_skipped' AND detail LIKE 'the step had met its own end%')
          """)
        #expect(ended == "\(turn)", "\(steps) \(events)")
      }
      #expect(try rig.nactl("stop", "last").status == 0)
    }

    /// The last acknowledged records, as a client sees them.
    private func acknowledgedRecords(_ rig: LaboratoryRig) throws -> [String] {
      let result = try rig.nactl("tail", "last", "--records", "-n", "50", "--no-follow", "--format", "ndjson")
      return result.output.split(separator: "\n").map(String.init)
    }

    /// Every record that a client was shown is there exactly once.
    private func expectKept(_ acknowledged: [String], _ rig: LaboratoryRig) throws {
      for line in acknowledged {
        guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { continue }
        let body = object["record"] as? [String: Any] ?? object
        guard let step = body["step_count"] as? Int, let index = body["step_record_index"] as? Int else { continue }
        let found = try rig.sqlite(
          """
          SELECT count(*) FROM record JOIN step USING(step_id) WHERE run_id = 1 AND step_count = \(step) \
          AND step_record_index = \(index)
          """)
        #expect(found == "1", "step \(step), record \(index)")
      }
    }

    /// Three starts in ten minutes hold the run (hazard rule 3); a person looks and resumes.
    private func goOnIfHeld(_ rig: LaboratoryRig) throws {
      try rig.waitForChannels(1)
      if try rig.sqlite("SELECT state FROM run") == "held" { try resume(rig) }
    }

    private func finish(_ rig: LaboratoryRig) throws {
      for _ in 0..<10 {
        let state = try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 600)
        if state != "held" { break }
        try resume(rig)
      }
      #expect(try rig.sqlite("SELECT state FROM run") == "completed")
    }

    /// A person looks and goes on; the run is no longer held when this returns.
    private func resume(_ rig: LaboratoryRig) throws {
      let result = try rig.nactl("resume", "last")
      #expect(result.status == 0, "\(result.errors)")
      try rig.wait(for: "the run to go on", seconds: 20) { try rig.sqlite("SELECT state FROM run") != "held" }
    }
  }
}

/// Moments that are the same for the same seed (splitmix64).
struct SeededMoments {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next(below bound: UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return (mixed ^ mixed >> 31) % bound
  }

  /// So many of the elements, in any order.
  mutating func some<Element>(of elements: [Element], count: Int) -> [Element] {
    var rest = elements
    return (0..<count).map { _ in rest.remove(at: Int(next(below: UInt64(rest.count)))) }
  }
}
