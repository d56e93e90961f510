// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import Foundation
import Glibc
import InstrumentIO
import Quantities
import Testing

@testable import CyclerService

@Suite("A port's thread and those who ask of it") struct PortWorkerTests {
  private func ask() -> PersonAsk { PersonAsk(run: 7, .request(.pause), actor: "anna") }

  @Test("what is asked of a run that is not there is sent back, not swallowed") func elsewhere() async throws {
    let bench = try ThreadBench()
    #expect(await bench.worker.answer(to: ask(), channel: 0, patience: .seconds(10)) == .changing)
    bench.end()
    #expect(!bench.worker.send(.release(channel: 0)), "nothing can be left with a thread that has ended")
    #expect(await bench.worker.answer(to: ask(), channel: 0, patience: .seconds(10)) == .changing)
  }

  @Test("a thread that does not turn answers nobody, and does not act later on what was taken back") func stalled()
    async throws
  {
    let gate = Gate()
    let bench = try ThreadBench(gate)
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        gate.isReached.wait()
        continuation.resume()
      }
    }
    let asked = ask()
    #expect(await bench.worker.answer(to: asked, channel: 0, patience: .milliseconds(50)) == .silent)
    #expect(!asked.take(), "what was taken back is not carried out")
    gate.open()
    bench.end()
  }

  @Test("an instrument that confirms nothing at the daemon's end is told to be safe twice") func farewell() throws {
    let bench = try ThreadBench()
    while bench.worker.lastBeat.microseconds == 0 { sched_yield() }
    bench.worker.send(.suspendAndEnd)
    bench.ended()
    // The first may be answered with an error, after which an instrument is deaf for a while.
    #expect(bench.written() == "safe\nsafe\n")
  }

  @Test("a thread is stalled when it has turned and then stands still") func stall() throws {
    let worker = try PortWorker(path: "/nowhere")
    let now = HostInstant(microseconds: 100_000_000)
    worker.beat(now)
    #expect(!worker.isStalled(at: now + TimeSpan(seconds: 60)), "a thread that has ended is not stalled")
    let bench = try ThreadBench()
    bench.worker.beat(now)
    bench.worker.send(.release(channel: 0))
    while bench.worker.lastBeat <= now { sched_yield() }
    let beat = bench.worker.lastBeat
    #expect(!bench.worker.isStalled(at: beat + TimeSpan(seconds: 4)))
    #expect(bench.worker.isStalled(at: HostClock.now() + TimeSpan(seconds: 60)))
    bench.end()
  }
}
