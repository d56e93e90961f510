// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CycleStore
import CyclerModel
import Logging
import Quantities
import Testing

@testable import CyclerService

/// What another daemon finds, and what it takes for still meant.
@Suite("Recovery") struct RecoveryTests {
  /// An event of a test's run.
  private enum Past {
    case stopAsked(at: Int64)
    case stopped(at: Int64)
    case pauseAsked(at: Int64)
    case paused(at: Int64)
    case resumed(at: Int64, by: String)
    case notes(Int)

    var rows: [EventRow] {
      switch self {
      case .stopAsked(let at): [row(at, .runStopAsked, "anna", "stop asked for")]
      case .stopped(let at): [row(at, .runStopped, "anna", "stopped")]
      case .pauseAsked(let at): [row(at, .runPauseAsked, "anna", "pause asked for")]
      case .paused(let at): [row(at, .runPaused, "anna", "paused; the circuit is open")]
      case .resumed(let at, let actor): [row(at, .runResumed, actor, "resumed")]
      case .notes(let count): (0..<count).map { _ in row(1, .runNote, "daemon", "a word") }
      }
    }

    private func row(_ at: Int64, _ code: FaultCode, _ actor: String, _ detail: String) -> EventRow {
      EventRow(
        at: UnixInstant(microseconds: at), run: 1, channel: nil, stepID: nil, stepTime: nil, code: code,
        severity: .info, actor: actor, detail: detail)
    }
  }

  private func stopActor(after past: [Past]) async throws -> String? {
    try await asker(after: past) { try await $0.stopActor(of: $1) }
  }

  private func pauseActor(after past: [Past]) async throws -> String? {
    try await asker(after: past) { try await $0.pauseActor(of: $1) }
  }

  private func asker(
    after past: [Past], _ find: (Laboratory, StoredRun) async throws -> String?
  ) async throws -> String? {
    let stored = try StoredLaboratory(runs: 1)
    try stored.store.writeNow { edit in
      for row in past.flatMap(\.rows) { try edit.addEvent(row) }
    }
    let laboratory = laboratory(stored)
    let run = try #require(try await stored.store.read { try $0.run(1) })
    let actor = try await find(laboratory, run)
    stored.store.stopAndWait()
    return actor
  }

  @Test("what a run said last is waited for, and not for ever") func lastWords() async throws {
    let stored = try StoredLaboratory(runs: 1)
    let laboratory = laboratory(stored)
    #expect(await laboratory.waitForCommit(of: nil, patience: .zero))
    stored.push(run: 1, 0..<10)
    let (said, patience) = (InletPlace(in: stored.inlet), Duration.seconds(60))
    #expect(await laboratory.waitForCommit(of: said, patience: patience))
    #expect(said.isCommitted)
    // The same records again can never be stored: the store says so, and whoever waits does not wait on.
    stored.push(run: 1, 0..<10)
    #expect(await !laboratory.waitForCommit(of: InletPlace(in: stored.inlet), patience: patience))
    stored.store.stopAndWait()
  }

  private func laboratory(_ stored: StoredLaboratory) -> Laboratory {
    Laboratory(
      store: stored.store, configuration: LaboratoryConfiguration(), roster: PortRoster(),
      logger: Logger(label: "test"))
  }

  @Test("a run that this version cannot take up is held with its checkpoint, and a person can end it") func setAside()
    async throws
  {
    // Its protocol is an empty object, which compiles to nothing.
    let stored = try StoredLaboratory(runs: 1)
    let checkpoint = JournalEntry.checkpoint(run: 1, at: UnixInstant(microseconds: 5), state: [9, 9, 9])
    stored.push(checkpoint)
    stored.push(
      .halfCycleOpened(
        HalfCycleRow(
          halfCycleID: RowIdentity.halfCycle(run: 1, number: 1), run: 1, number: 1, cycleNumber: 1,
          direction: .discharge, purpose: nil, label: nil, charge: .zero, reverseCharge: .zero, energy: .zero,
          constantVoltageCharge: .zero, plateauCharge: nil, gapCharge: .zero, endReason: nil, flags: [])))
    try await stored.settle()
    for _ in 0..<2 {
      let laboratory = laboratory(stored)
      try await laboratory.recover()
      #expect(await laboratory.channels[1]?.run == 1, "nothing else can be started on its channel")
      #expect(await laboratory.waiting.isEmpty)
    }
    let run = try #require(try await stored.store.read { try $0.run(1) })
    #expect(run.runState == .held && run.stateReason == Laboratory.setAsideReason)
    #expect(try await stored.store.read { try $0.checkpoints().map(\.state) } == [[9, 9, 9]])
    #expect(try await stored.store.read { try $0.events(run: 1, of: [.runHeld]).count } == 1, "told once")
    let later = laboratory(stored)
    try await later.recover()
    let anna = Requester(name: "anna", userID: 1, processID: 1, requestID: "r1")
    for command in [RunCommand.pause, .resume, .skip] {
      await #expect(throws: RequestRefused.self) { _ = try await later.command(command, on: run, anna) }
    }
    _ = try await later.command(.stop, on: run, anna)
    #expect(try await stored.store.read { try $0.run(1)?.runState } == .stopped)
    #expect(try await stored.store.read { try $0.checkpoints().isEmpty })
    #expect(await later.channels[1]?.run == nil)
    // The half-cycle in which it was left is no number to be trusted.
    let half = try #require(try await stored.store.read { try $0.halfCycles(run: 1).first })
    #expect(half.endReason == "stopped by anna" && half.gapChargeNc == nil)
    #expect(DataFlags(rawValue: half.flags).isSuperset(of: [.truncated, .chargeUnknown]))
    stored.store.stopAndWait()
  }

  @Test("a store that cannot be read ends the daemon, which is started again, and no run") func unreadable()
    async throws
  {
    let stored = try StoredLaboratory(runs: 1)
    let laboratory = laboratory(stored)
    let run = try #require(try await stored.store.read { try $0.run(1) })
    stored.store.stopAndWait()
    await #expect(throws: (any Error).self) { try await laboratory.setAside(run, CannotGoOn("it is a test")) }
    await #expect(throws: (any Error).self) { try await laboratory.recover() }
  }

  @Test("a stop that was acknowledged is carried out, however much was said before and after") func stop() async throws
  {
    #expect(try await stopActor(after: []) == nil)
    #expect(try await stopActor(after: [.stopAsked(at: 5)]) == "anna")
    #expect(try await stopActor(after: [.resumed(at: 3, by: "anna"), .stopAsked(at: 5)]) == "anna")
    #expect(try await stopActor(after: [.notes(10_001), .stopAsked(at: 5), .notes(2)]) == "anna")
    // The policy's resumption is nobody's wish.
    #expect(try await stopActor(after: [.stopAsked(at: 5), .resumed(at: 9, by: "daemon")]) == "anna")
  }

  @Test("a stop that was carried out, or after which a person resumed the run, is not meant any more") func past()
    async throws
  {
    #expect(try await stopActor(after: [.stopAsked(at: 5), .stopped(at: 6)]) == nil)
    #expect(try await stopActor(after: [.stopAsked(at: 5), .resumed(at: 9, by: "ben")]) == nil)
    #expect(try await stopActor(after: [.stopAsked(at: 5), .resumed(at: 9, by: "ben"), .stopAsked(at: 12)]) == "anna")
  }

  @Test("a pause that was acknowledged is carried out, unless it was or a person resumed the run since") func pause()
    async throws
  {
    #expect(try await pauseActor(after: [.notes(3)]) == nil)
    #expect(try await pauseActor(after: [.pauseAsked(at: 5), .resumed(at: 9, by: "daemon")]) == "anna")
    #expect(try await pauseActor(after: [.pauseAsked(at: 5), .paused(at: 6)]) == nil)
    #expect(try await pauseActor(after: [.pauseAsked(at: 5), .resumed(at: 9, by: "ben")]) == nil)
    #expect(try await stopActor(after: [.pauseAsked(at: 5)]) == nil)
  }

  @Test("a resumption that was stored late, or before the clock went back, takes no stop back") func late() async throws
  {
    #expect(try await stopActor(after: [.stopAsked(at: 5), .resumed(at: 4, by: "ben")]) == "anna")
    #expect(try await stopActor(after: [.resumed(at: 900, by: "ben"), .stopAsked(at: 5)]) == "anna")
  }
}
