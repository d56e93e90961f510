// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerService
import Foundation
import Glibc
import Synchronization
import Testing

/// Requests that take long, in what they carry or in what they ask for.
@Suite struct LongRequestTests {
  /// So many bytes in pieces; nil after the last.
  private static func pieces(_ count: Int64, of size: Int = 1 << 18) -> @Sendable () throws -> [UInt8]? {
    let left = Mutex(count)
    return {
      let now = left.withLock { value in
        let now = min(value, Int64(size))
        value -= now
        return now
      }
      return now == 0 ? nil : [UInt8](repeating: 7, count: Int(now))
    }
  }

  @Test func anArchiveIsLargerThanAnyOtherBody() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let count: Int64 = 9 << 20
      let taken = try await bench.client.importArchive(count: count, asCell: "ä/1", next: Self.pieces(count)).value
      #expect(taken.records == count && taken.cell == "ä/1")
      #expect(operations.asked.withLock { $0 } == ["\(NSUserName()) imports \(count) bytes as ä/1"])
      let itself = try await bench.client.importArchive(count: 0, asCell: nil, next: { nil }).value
      #expect(itself.cell == "c")
    }
  }

  @Test func oneArchiveComesInAtATimeAndNoneThatIsTooLarge() async throws {
    try await ControlBench.run { bench in
      let other = try bench.rawConnection("POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
      func code(_ count: Int64 = 0) async -> String? {
        do {
          _ = try await bench.client.importArchive(count: count, asCell: nil, next: Self.pieces(count))
          return nil
        } catch {
          return (error as? RequestRefused)?.body.code ?? "\(error)"
        }
      }
      // The other one has the seat as soon as its head is read, before its file is made, and gives it back with its connection.
      // Asking meanwhile could take the seat from it.
      let folder = URL(fileURLWithPath: bench.socketPath).deletingLastPathComponent().path + "/transfers"
      try await Self.wait { (try? FileManager.default.contentsOfDirectory(atPath: folder))?.count == 1 }
      #expect(await code() == "archive.busy")
      close(other)
      try await Self.wait { await code() == nil }
      #expect(await code((16 << 30) + 1) == "archive.too_large")
    }
  }

  @Test func whatCannotBeKeptIsRefusedBeforeItIsSent() async throws {
    try await ControlBench.run { bench in
      let folder = URL(fileURLWithPath: bench.socketPath).deletingLastPathComponent().path + "/transfers"
      try Data().write(to: URL(fileURLWithPath: folder))
      let refused = await #expect(throws: RequestRefused.self) {
        _ = try await bench.client.importArchive(count: 5 << 20, asCell: nil, next: Self.pieces(5 << 20))
      }
      #expect(refused?.body.code == "archive.no_room" && refused?.kind == .unavailable)
      try FileManager.default.removeItem(atPath: folder)
      _ = try await bench.client.importArchive(count: 5 << 20, asCell: nil, next: Self.pieces(5 << 20))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func aRefusalIsHeardByWhoeverIsSending() async throws {
    try await ControlBench.run { bench in
      let refused = await #expect(throws: RequestRefused.self) {
        _ = try await bench.client.importArchive(count: 5 << 20, asCell: "refused", next: Self.pieces(5 << 20))
      }
      #expect(refused?.body.code == "archive.damaged" && refused?.kind == .impossible)
    }
  }

  @Test func whatCannotBeReadIsToldAndNotWaitedFor() async throws {
    struct Unreadable: Error {}
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      await #expect(throws: Unreadable.self) {
        _ = try await bench.client.importArchive(count: 1_000, asCell: nil) { throw Unreadable() }
      }
      #expect(operations.asked.withLock { $0 } == [])
    }
  }

  @Test func aRecountTravelsWholeAndEndsWithItsConnection() async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let answer = try await bench.client.recompute(.last, RecomputeRequest(sodiation_plateau_below_V: 0.05)).value
      #expect(answer.half_cycles == 4 && answer.cycles_other == 0 && answer.parameter_set.is_own)
      #expect(try await bench.client.parameterSets(of: .last).value.parameter_sets.map(\.cycles) == [2])
      _ = try await bench.client.cycles(of: .last, parameterSet: try #require(ParameterSetName("low & slow, 3")))
      let name = NSUserName()
      #expect(operations.asked.withLock { $0 } == ["\(name) recomputes with 0.05 V", "cycles under low & slow, 3"])
      let body = #"{"label":"for ever"}"#
      let connection = try bench.rawConnection(
        "POST /v1/runs/last/recompute HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      try await Self.wait(until: { operations.asked.withLock { $0.count } == 3 })
      close(connection)
      try await Self.wait(until: { operations.asked.withLock { $0.last } == "recompute was cancelled" })
    }
  }

  private static func wait(until isSo: () async -> Bool) async throws {
    // Not a measure of speed: a thousand other tests want the same threads.
    let deadline = ContinuousClock.now + .seconds(600)
    while await !isSo() {
      try #require(ContinuousClock.now < deadline)
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}
