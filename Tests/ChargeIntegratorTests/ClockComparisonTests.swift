// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingEngine
import Quantities
import Testing

/// Hazard rule 22: a clock that runs wrong makes every capacity wrong by as much, so it is told.
@Suite struct ClockComparisonTests {
  /// Feeds set-points of readings a second apart, on an instrument whose clock runs so many millionths fast.
  private func faults(
    partsPerMillion: Int64, setpoints: Int, seconds: Int64, delay: (Int64) -> Int64 = { _ in 20_000 }
  ) -> [Fault] {
    var comparison = ClockComparison()
    var faults: [Fault] = []
    var host: Int64 = 50_000_000
    for _ in 0..<setpoints {
      comparison.setpointBegan()
      // The instrument's own clock begins anew and may have stood still in between.
      for second in 0..<seconds {
        let stamp = second * (1_000_000 + partsPerMillion)
        let arrival = host + second * 1_000_000 + delay(second)
        let fault = comparison.reading(
          stamped: TimeSpan(microseconds: stamp), arrived: HostInstant(microseconds: arrival))
        if let fault { faults.append(fault) }
      }
      host += (seconds + 30) * 1_000_000
    }
    return faults
  }

  @Test(arguments: [-900, 0, 900]) func aGoodClockIsNotTold(partsPerMillion: Int64) {
    #expect(faults(partsPerMillion: partsPerMillion, setpoints: 1, seconds: 20_000).isEmpty)
    #expect(faults(partsPerMillion: partsPerMillion, setpoints: 300, seconds: 61).isEmpty)
  }

  @Test(arguments: [(5_000, "5000 ppm fast"), (-2_000, "2000 ppm slow")])
  func hazard22AClockThatDriftsIsToldHourly(partsPerMillion: Int64, text: String) {
    let long = faults(partsPerMillion: partsPerMillion, setpoints: 1, seconds: 4 * 3_600)
    #expect(long.count == 3)
    #expect(long.allSatisfy { $0.code == .clockDrift && $0.detail.contains(text) }, "\(long)")
    #expect(faults(partsPerMillion: partsPerMillion, setpoints: 200, seconds: 61).count == 3)
  }

  @Test func readingsThatComeLateAreNoDrift() {
    // For half a minute around the end of the hour everything comes ten seconds late.
    let late: (Int64) -> Int64 = { (3_590..<3_620).contains($0) ? 10_000_000 : 20_000 }
    #expect(faults(partsPerMillion: 0, setpoints: 1, seconds: 4_000, delay: late).isEmpty)
  }
}
