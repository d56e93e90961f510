// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerService
import Foundation
import Synchronization
import Testing

/// Live streams between the client and the real server.
@Suite struct ControlStreamTests {
  /// The indices of the records that a stream gives.
  private func indices(
    _ client: ControlClient, _ request: StreamRequest, persistence: ControlClient.Persistence = .init()
  ) async throws -> [Int] {
    var indices: [Int] = []
    try await client.stream(request, persistence: persistence) { news in
      if case .frame(let received) = news, case .record(let record) = received.frame.body {
        indices.append(record.step_record_index)
      }
    }
    return indices
  }

  @Test func aStreamGivesEverythingOnceAndEnds() async throws {
    try await ControlBench.run { bench in
      let seen = try await indices(bench.client, StreamRequest(run: .last))
      #expect(seen == Array(0..<10))
    }
  }

  @Test(arguments: [0, 1, 8, 9] as [Int32])
  func aStreamResumesExactlyAfterItsCursor(last: Int32) async throws {
    let operations = OperationsDouble()
    try await ControlBench.run(operations) { bench in
      let request = StreamRequest(run: .last, after: operations.cursor(last))
      let seen = try await indices(bench.client, request)
      #expect(seen == Array(Int(last) + 1..<10))
    }
  }

  @Test func aStreamThatBreaksGoesOnWithoutGapOrRepetition() async throws {
    let operations = OperationsDouble(recordCount: 20, streamTail: .breaking(after: 7))
    try await ControlBench.run(operations) { bench in
      let persistence = ControlClient.Persistence(firstPause: .milliseconds(1))
      let seen = try await indices(bench.client, StreamRequest(run: .last), persistence: persistence)
      #expect(seen == Array(0..<20))
      #expect(operations.asked.withLock { $0 } == ["stream after nothing", "stream after e0_r3s1i6c0"])
    }
  }

  @Test func aBreakAmongFramesWithoutCursorsIsMadeGood() async throws {
    let operations = OperationsDouble(recordCount: 20, streamTail: .breaking(after: 7), cursorsAt: [0, 3, 12])
    try await ControlBench.run(operations) { bench in
      let persistence = ControlClient.Persistence(firstPause: .milliseconds(1))
      let seen = try await indices(bench.client, StreamRequest(run: .last), persistence: persistence)
      #expect(seen == Array(0..<20))
      #expect(operations.asked.withLock { $0 } == ["stream after nothing", "stream after e0_r3s1i6c0"])
    }
  }

  @Test func aStreamOutlivesTheDaemon() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "nacycler-restart-\(UInt32.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "s").path
    let seen = Shared<[Int]>([])
    let ready = AsyncStream<Void>.makeStream()
    let reader = Shared<Task<Void, any Error>?>(nil)
    try await ControlBench.run(OperationsDouble(recordCount: 5, streamTail: .silent), at: path) { bench in
      let task = Task {
        let persistence = ControlClient.Persistence(firstPause: .milliseconds(5), longestPause: .milliseconds(5))
        try await bench.client.stream(StreamRequest(run: .last), persistence: persistence) { news in
          guard case .frame(let received) = news else { return }
          switch received.frame.body {
          case .record(let record): seen.withLock { $0.append(record.step_record_index) }
          case .ready: ready.continuation.yield()
          case .cycle, .event, .run, .bye: break
          }
        }
      }
      reader.withLock { $0 = task }
      for await _ in ready.stream { break }
    }
    #expect(seen.withLock { $0 } == Array(0..<5))
    try await ControlBench.run(OperationsDouble(recordCount: 9), at: path) { _ in
      try await reader.withLock { $0 }?.value
    }
    #expect(seen.withLock { $0 } == Array(0..<9))
  }

  @Test func aSilentStreamSaysThatItIsStillThere() async throws {
    let operations = OperationsDouble(recordCount: 1, streamTail: .silent)
    try await ControlBench.run(operations, { $0.streamComment = .milliseconds(20) }) { bench in
      let raw = try bench.rawConnection("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
      defer { close(raw) }
      let text = await bench.read(raw, until: ": still here", times: 3)
      #expect(text.components(separatedBy: ": still here").count > 3)
      #expect(text.contains("id: e0_r3s1i0c0\nevent: record\ndata: {"))
    }
  }

  @Test func aReaderThatDoesNotReadIsDroppedAndCostsNothing() async throws {
    let operations = OperationsDouble(recordCount: 0, streamTail: .endless)
    try await ControlBench.run(operations, { $0.patience = .milliseconds(200) }) { bench in
      let stuck = try bench.rawConnection("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
      defer { close(stuck) }
      // Others are served while it is stuck.
      _ = try await bench.client.status()
      #expect(await bench.hasHungUp(stuck))
      // What it made the server read is what fits into the buffers of one connection, not what 10 s could give.
      #expect(operations.batchesTaken.withLock { $0 } < 200)
    }
  }

  @Test func stuckReadersDoNotDelayTheEnd() async throws {
    let operations = OperationsDouble(recordCount: 0, streamTail: .endless)
    let clock = ContinuousClock()
    let began = Shared(clock.now)
    let stuck = Shared<[Int32]>([])
    try await ControlBench.run(operations, { $0.patience = .milliseconds(500) }) { bench in
      for _ in 0..<8 {
        let descriptor = try bench.rawConnection("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        stuck.withLock { $0.append(descriptor) }
      }
      _ = try await bench.client.status()
      began.withLock { $0 = clock.now }
    }
    // Patience and its quarter take a second; without the bound it would be for ever. A loaded machine may sit between.
    #expect(clock.now - began.withLock { $0 } < .seconds(120))
    for descriptor in stuck.withLock({ $0 }) { close(descriptor) }
  }

  @Test func tooManyStreamsAreRefusedAndCommandsStillGetIn() async throws {
    let operations = OperationsDouble(recordCount: 1, streamTail: .silent)
    try await ControlBench.run(operations, { $0.mostStreams = 2 }) { bench in
      var open: [Int32] = []
      defer { open.forEach { close($0) } }
      for _ in 0..<2 {
        let raw = try bench.rawConnection("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(await bench.read(raw, until: "event: ready").contains("event: ready"))
        open.append(raw)
      }
      let refusal = await #expect(throws: RequestRefused.self) {
        try await bench.client.stream(StreamRequest(run: .last)) { _ in }
      }
      #expect(refusal?.body.code == "stream.too_many")
      _ = try await bench.client.command("stop", CommandRequest(), on: .last)
    }
  }

  @Test func aStreamSaysGoodbyeWhenTheDaemonStops() async throws {
    let text = Shared("")
    let reader = Shared<Task<Void, Never>?>(nil)
    try await ControlBench.run(OperationsDouble(recordCount: 1, streamTail: .silent)) { bench in
      let raw = try bench.rawConnection("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(await bench.read(raw, until: "event: ready").contains("event: ready"))
      let task = Task.detached {
        let rest = await bench.read(raw)
        close(raw)
        text.withLock { $0 = rest }
      }
      reader.withLock { $0 = task }
    }
    await reader.withLock { $0 }?.value
    #expect(text.withLock { $0 }.contains("event: bye\ndata: {\"reason\":\"stopping\"}"))
  }
}

/// A value that several tasks of a test share.
private final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>
  init(_ value: Value) { mutex = Mutex(value) }
  func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
    mutex.withLock { value in
      var copy = value
      let result = body(&copy)
      value = copy
      return result
    }
  }
}
