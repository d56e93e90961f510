// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Testing

@testable import CyclerService

@Suite struct DamageCountTests {
  @Test("what a driver counts from each opening anew is counted on for its port") func countsOn() throws {
    let bench = try ThreadBench(makeDriver: { ToldDriver() }, news: { _ in })
    // Left on the line by whoever spoke before.
    bench.send([.damaged])
    bench.send([.identified, .open])
    #expect(bench.sees(.openConfirmed) && bench.counts(damaged: 0))
    bench.send([.damaged, .damaged])
    #expect(bench.counts(damaged: 2))
    // The port is closed and opened anew.
    bench.send([.deaf])
    bench.awaitWritten("who\n", times: 2)
    bench.send([.identified, .open])
    #expect(bench.sees(.openConfirmed))
    bench.send([.damaged])
    #expect(bench.counts(damaged: 3))
    bench.send([.damaged])
    #expect(bench.counts(damaged: 4))
    bench.end()
  }
}
