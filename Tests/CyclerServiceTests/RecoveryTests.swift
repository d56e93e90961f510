// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

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
    case resumed(at: Int64, by: String)
    case notes(Int)

    var rows: [EventRow] {
      switch self {
      case .stopAsked(let at): [row(at, .runStopped, "anna", Laboratory.stopAsked)]
      case .stopped(let at): [row(at, .runStopped, "anna", "stopped")]
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
    let stored = try StoredLaboratory(runs: 1)
    try stored.store.writeNow { edit in
      for row in past.flatMap(\.rows) { try edit.addEvent(row) }
    }
    let laboratory = Laboratory(
      store: stored.store, configuration: LaboratoryConfiguration(), roster: PortRoster(),
      logger: Logger(label: "test"))
    let run = try #require(try await stored.store.read { try $0.run(1) })
    let actor = try await laboratory.stopActor(of: run)
    stored.store.stopAndWait()
    return actor
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

  @Test("a resumption that was stored late, or before the clock went back, takes no stop back") func late() async throws
  {
    #expect(try await stopActor(after: [.stopAsked(at: 5), .resumed(at: 4, by: "ben")]) == "anna")
    #expect(try await stopActor(after: [.resumed(at: 900, by: "ben"), .stopAsked(at: 5)]) == "anna")
  }
}
