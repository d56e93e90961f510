// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CycleStore
import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclerService

/// Streams over a real store: what the commits since have touched, everything once, in order.
@Suite("Live streams") struct LiveStreamTests {
  private func stream(_ laboratory: StoredLaboratory, after: StreamCursor? = nil) async throws -> LiveStream {
    let request = StreamRequest(run: nil, after: after)
    let place = try await laboratory.store.read { try StreamCursor(of: request, run: nil, in: $0) }
    return LiveStream(store: laboratory.store, request: request, run: nil, from: place, compile: { _ in [:] })
  }

  /// Takes frames until one fits.
  private func frames(_ live: LiveStream, until fits: (StreamFrame.Body) -> Bool) async throws -> [StreamFrame] {
    var taken: [StreamFrame] = []
    while let batch = try await live.next() {
      #expect(batch.last?.cursor != nil, "whoever was told a batch can come back after it")
      taken += batch
      if batch.contains(where: { fits($0.body) }) { return taken }
    }
    return taken
  }

  private func records(_ frames: [StreamFrame]) -> [String] {
    frames.compactMap { if case .record(let record) = $0.body { record.name } else { nil } }
  }

  private static func isReady(_ body: StreamFrame.Body) -> Bool { body == .ready }

  @Test("a commit brings what it wrote and nothing else") func touched() async throws {
    let laboratory = try StoredLaboratory(runs: 3)
    let live = try await stream(laboratory)
    let first = try await frames(live, until: Self.isReady)
    #expect(first.first?.cursor != nil, "the place is known from the first frame")
    #expect(first.filter { if case .run = $0.body { true } else { false } }.count == 3)
    laboratory.push(run: 2, 0..<2)
    let second = try await frames(live) { _ in true }
    #expect(second.map(\.body).count == 2)
    #expect(records(second) == ["2.1.0", "2.1.1"])
    #expect(second.map { $0.cursor != nil } == [false, true])
    #expect(second.last.flatMap(\.cursor)?[run: 2].recordIndex == 1)
    laboratory.store.stopAndWait()
  }

  @Test("a reader that comes back gets the last words of runs that ended meanwhile, and all of those that it never saw")
  func away() async throws {
    let laboratory = try StoredLaboratory(runs: 2)
    // The stream comes first: of a run that is over by then it would show nothing.
    let live = try await stream(laboratory)
    var seen = try await frames(live, until: Self.isReady)
    laboratory.push(run: 1, 0..<3)
    laboratory.push(run: 2, 0..<1, ends: true)
    while records(seen).count < 4 || !seen.contains(where: { $0.body.isOver(2) }) {
      seen += try #require(try await live.next())
    }
    #expect(records(seen).sorted() == ["1.1.0", "1.1.1", "1.1.2", "2.1.0"])
    let cursor = try #require(seen.last?.cursor)
    #expect("\(cursor)".contains("_n2_r1s1i2c0"), "a run that is over needs no place")

    laboratory.push(run: 1, 3..<5, ends: true)
    try laboratory.addRun(3)
    laboratory.push(run: 3, 0..<2, ends: true)
    try await laboratory.settle()
    await #expect(throws: RequestRefused.self, "a cursor of another database") {
      _ = try await stream(laboratory, after: StreamCursor(event: 1_000_000, runs: []))
    }
    let back = try await frames(try await stream(laboratory, after: StreamCursor("\(cursor)")), until: Self.isReady)
    #expect(records(back) == ["1.1.3", "1.1.4", "3.1.0", "3.1.1"])
    #expect(back.filter { $0.body.isOver(1) || $0.body.isOver(3) }.count == 2)
    #expect(back.last?.cursor.map { "\($0)".hasSuffix("_n3") } == true)

    let new = try await frames(try await stream(laboratory), until: Self.isReady)
    #expect(records(new).isEmpty, "without a cursor, runs that are over are not shown")
    laboratory.store.stopAndWait()
  }

  @Test("a slow reader of busy runs gets each record once and in order, each cycle before the next cycle's records")
  func busy() async throws {
    let runs: Int64 = 5
    let laboratory = try StoredLaboratory(runs: runs)
    let live = try await stream(laboratory)
    let writer = Task {
      var generator = SystemRandomNumberGenerator()
      for cycle in 1...12 as ClosedRange<Int64> {
        for run in 1...runs {
          var index: Int32 = 0
          while index < 100 {
            let next = min(100, index + Int32.random(in: 1...60, using: &generator))
            laboratory.push(run: run, step: Int32(cycle), index..<next)
            index = next
          }
        }
        if Bool.random(using: &generator) { try await laboratory.settle() }
      }
      for run in 1...runs { laboratory.push(run: run, step: 12, 100..<101, ends: true) }
    }
    var over: Set<Int64> = []
    var places: [Int64: (step: Int, index: Int, cycle: Int64)] = [:]
    while over.count < runs, let batch = try await live.next() {
      #expect(batch.count < 2_000, "a reader that does not read makes nobody hold more than about a batch")
      for frame in batch {
        switch frame.body {
        case .record(let record):
          let at = places[record.run] ?? (1, -1, 0)
          #expect(
            (record.step_count, record.step_record_index)
              == (at.index == 99 && at.step < 12
                ? (at.step + 1, 0) : (at.step, at.index + 1)))
          #expect(record.cycle_number == at.cycle + 1)
          places[record.run] = (record.step_count, record.step_record_index, at.cycle)
        case .cycle(let cycle):
          #expect(cycle.cycle_number == (places[cycle.run]?.cycle ?? 0) + 1)
          places[cycle.run]?.cycle = cycle.cycle_number
        case .run(let status): if status.is_over { over.insert(status.run) }
        case .event, .ready, .bye: break
        }
      }
    }
    try await writer.value
    for run in 1...runs { #expect(places[run].map { $0.step == 12 && $0.index == 100 && $0.cycle == 11 } == true) }
    laboratory.store.stopAndWait()
  }
}

extension RecordFrame {
  /// Run, step and index.
  fileprivate var name: String { "\(run).\(step_count).\(step_record_index)" }
}

extension StreamFrame.Body {
  /// Whether it says that a run is over.
  fileprivate func isOver(_ run: Int64) -> Bool {
    if case .run(let status) = self { status.run == run && status.is_over } else { false }
  }
}
