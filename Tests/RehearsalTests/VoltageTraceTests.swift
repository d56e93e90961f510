// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Quantities
import Rehearsal
import Testing

@Suite("A voltage against time in a bounded number of points") struct VoltageTraceTests {
  @Test func aShortOneIsKeptAsItIs() {
    var trace = VoltageTrace(limit: 8)
    for second in 0..<8 {
      trace.add(Voltage(millivolts: Int64(second)), at: TimeSpan(seconds: Int64(second)))
    }
    #expect(trace.length == TimeSpan(seconds: 1))
    #expect(trace.stretches.map(\.lowest) == (0..<8).map { Voltage(millivolts: $0) })
    #expect(trace.stretches.map(\.from) == (0..<8).map { TimeSpan(seconds: $0) })
  }

  /// However long the run and wherever its extremes: they are there, in the right stretch.
  @Test(arguments: [10, 63, 64, 65, 1_000, 100_000]) func aLongOneKeepsItsExtremes(_ seconds: Int64) throws {
    var trace = VoltageTrace(limit: 64)
    let (dip, peak) = (seconds / 3, seconds / 2)
    for second in 0..<seconds {
      let voltage: Int64 = second == dip ? -50 : second == peak ? 4_250 : 3_000
      trace.add(Voltage(millivolts: voltage), at: TimeSpan(seconds: second))
    }
    #expect(trace.stretches.count <= 64)
    #expect(trace.stretches.count > 64 / 2 || seconds < 64)
    let low = try #require(trace.stretches.last { $0.from <= TimeSpan(seconds: dip) })
    let high = try #require(trace.stretches.last { $0.from <= TimeSpan(seconds: peak) })
    #expect(low.lowest == Voltage(millivolts: -50))
    #expect(high.highest == Voltage(millivolts: 4_250))
    #expect(trace.stretches.filter { $0.lowest < .zero }.count == 1)
    for (earlier, later) in zip(trace.stretches, trace.stretches.dropFirst()) {
      #expect(later.from - earlier.from == trace.length)
    }
  }

  @Test func aGapStaysOne() {
    var trace = VoltageTrace(limit: 4)
    trace.add(Voltage(millivolts: 1), at: .zero)
    trace.add(Voltage(millivolts: 2), at: TimeSpan(seconds: 100))
    #expect(trace.length == TimeSpan(seconds: 32))
    #expect(trace.stretches.map(\.from) == [.zero, TimeSpan(seconds: 96)])
  }
}
