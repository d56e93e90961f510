// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Foundation
import Testing

@testable import CyclerService

@Suite("What a port's thread knows of a circuit") struct KnownCircuitTests {
  private func bench() throws -> ThreadBench {
    let bench = try ThreadBench(makeDriver: { ToldDriver() }, news: { _ in })
    bench.send([.identified, .open])
    #expect(bench.sees(.openConfirmed))
    return bench
  }

  /// A bench whose instrument has said who it is and was told to begin its first set-point.
  private func begun() throws -> ThreadBench {
    let bench = try bench()
    #expect(bench.worker.send(.attach(channel: 0, of: ToldDriver.identity, try HandOverTests.pilot())))
    bench.awaitWritten("begin\n")
    return bench
  }

  @Test("a circuit that an instrument was told to close is not shown as open until it says so") func told() throws {
    let bench = try begun()
    #expect(bench.sees(.unknown))
    bench.send([.closed])
    #expect(bench.sees(.closed))
    bench.end()
  }

  @Test("a refused set-point closes nothing") func refused() throws {
    let bench = try begun()
    #expect(bench.sees(.unknown))
    bench.send([.refused])
    #expect(bench.sees(.openConfirmed))
    bench.end()
  }

  /// It has no lease and drives its cell until somebody opens its circuit.
  @Test("who left a cell driven is looked for when the daemon stops") func leftDriven() throws {
    let bench = try begun()
    bench.send([.closed])
    #expect(bench.sees(.closed))
    bench.unplug()
    bench.send([.deaf])
    bench.awaitWritten("safe\n")
    bench.worker.send(.suspendAndEnd)
    bench.plugIn()
    bench.awaitWritten("who\n", times: 2)
    #expect(!bench.worker.isFinished, "it has not said yet that its circuit is open")
    bench.send([.identified])
    bench.send([.open])
    bench.ended()
    #expect(!bench.written().contains("safe\nsafe\n"), "it was heard, and its patience is not over")
  }

  @Test("who left nothing driven is not waited for") func leftOpen() throws {
    let bench = try bench()
    bench.unplug()
    bench.send([.deaf])
    bench.awaitWritten("safe\n")
    bench.worker.send(.suspendAndEnd)
    bench.ended()
  }
}
