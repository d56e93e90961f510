// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import InstrumentKit
import Quantities
import Testing

@testable import CyclerService

/// A recording between a port's thread and its reader.
@Suite struct TranscriptTapTests {
  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test func whatIsLeftIsFetchedInOrderAndThenItIsOver() async throws {
    let tap = TranscriptTap(recorded: "emulated", note: nil)
    #expect(tap.leave(Array("@ 0 opened\n".utf8)) && tap.leave(Array("@ 1\n".utf8)))
    #expect(text(tap.fetch()) == "@ 0 opened\n@ 1\n" && tap.fetch() == [])
    tap.end("enough")
    tap.end("twice")
    #expect(!tap.leave(Array("@ 2\n".utf8)), "nothing follows the last line")
    #expect(text(tap.fetch()) == ". enough\n" && tap.fetch() == nil)
  }

  @Test func aBoundThatIsPassedEndsItInItsLastLine() {
    let small = TranscriptTap(recorded: "emulated", note: nil, mostBytes: 1 << 20)
    let line = [UInt8](repeating: 0x2D, count: 999) + [0x0A]
    var count = 0
    while small.leave(line) {
      count += 1_000
      _ = small.fetch()
    }
    #expect(text(small.fetch()) == ". the recording has reached its largest size, 1 MiB\n")
    #expect(count <= 1 << 20 && count > 900_000)

    let slow = TranscriptTap(recorded: "emulated", note: nil)
    count = 0
    while slow.leave(line) { count += 1_000 }
    #expect(count <= TranscriptTap.mostWaiting && count > TranscriptTap.mostWaiting - 2_000)
    let fetched = text(slow.fetch())
    #expect(fetched?.hasSuffix("\n. the recording was not fetched fast enough: \(count) bytes waited\n") == true)
  }

  @Test func whoGoesAwayEndsIt() async throws {
    let tap = TranscriptTap(recorded: "emulated", note: nil)
    var reading: TranscriptReading? = TranscriptReading(tap, seconds: nil)
    #expect(tap.leave([0x0A]))
    #expect(try await reading?.next() == [0x0A])
    reading = nil
    #expect(tap.isOver)
    let timed = TranscriptReading(TranscriptTap(recorded: "emulated", note: nil), seconds: 0.01)
    #expect(text(try await timed.next()) == ". 0.01 s have passed\n")
    #expect(try await timed.next() == nil)
  }

  @Test func whatNobodyWaitsForIsNotBegun() async {
    let tap = TranscriptTap(recorded: "emulated", note: nil)
    #expect(await tap.answer(patience: .milliseconds(10)) == .silent)
    #expect(!tap.accept())
    let other = TranscriptTap(recorded: "emulated", note: nil)
    other.refuse("busy")
    #expect(await other.answer(patience: .seconds(10)) == .refused("busy"))
  }

  @Test func aThreadRecordsFromItsNextOpeningOn() async throws {
    let bench = try ThreadBench()
    let tap = TranscriptTap(recorded: "emulated", note: "a thread")
    #expect(bench.worker.send(.record(tap)))
    #expect(await tap.answer(patience: .seconds(30)) == .taken)
    let second = TranscriptTap(recorded: "emulated", note: nil)
    #expect(bench.worker.send(.record(second)))
    #expect(await second.answer(patience: .seconds(30)) == .refused("it is being recorded already"))
    let reading = TranscriptReading(tap, seconds: nil)
    var all: [UInt8] = []
    while !String(decoding: all, as: UTF8.self).contains("\n@ 0 opened\n") {
      all += try #require(try await reading.next())
    }
    bench.end()
    while let more = try await reading.next() { all += more }
    let transcript = try InstrumentTranscript(all)
    #expect(transcript.header.family == "silent" && transcript.header.note == "a thread")
    #expect(transcript.turns.map(\.input) == [.opened, .lost])
    #expect(transcript.ending.hasPrefix("the port is closed for good"))
    #expect(TranscriptReplay.differences(in: transcript) { SilentDriver() } == [])
  }
}
