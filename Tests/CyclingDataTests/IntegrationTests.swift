// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import Testing

@testable import CyclingData

@Suite("Charge in files") struct IntegrationTests {
  private static let head = "time_s,current_A,voltage_V,step_index,step_time_s\n"

  /// 2 mA until 8.5 s into an interval of 10 s, then -4 mA for 1.5 s of it.
  @Test func aBoundaryIsDividedByTheNewStepsTime() throws {
    let lines = "0,0.002,2,1,0\n3600,0.002,3,1,3600\n3610,-0.004,2.9,2,1.5\n7210,-0.004,2,2,3601.5\n"
    let charge = (3_600 + 8.5) * 0.002 / 3_600
    let discharge = (3_600 + 1.5) * 0.004 / 3_600
    let result = try analyze(Self.head + lines)
    #expect(near(result.capacities, [charge, -discharge]))
    // Each side's charge at its own voltage.
    let energy = 0.002 * 3_600 * 2.5 + 0.002 * 8.5 * 3
    #expect(near([result.halfCycles[0].energy?.wattHours ?? 0], [energy / 3_600]))
    let without = try analyze(
      (Self.head + lines).split(separator: "\n").map { $0[..<($0.lastIndex(of: ",") ?? $0.endIndex)] + "\n" }.joined())
    #expect(near(without.capacities, [3_610 * 0.002 / 3_600, -3_600 * 0.004 / 3_600]))
    #expect(without.notes.count { $0.contains("no step times") } == 1)
  }

  /// A rest ends with the interval before the first record of the current, and the current with its own.
  @Test func restsTakeNothing() throws {
    let lines = "0,0,2,1,0\n60,0,2,1,60\n70,0.001,2.1,2,4\n3666,0.001,3,2,3600\n3676,0,2.9,3,6\n4000,0,2.8,3,330\n"
    // 4 s before the first record, 3596 s between, 4 s after the last.
    #expect(near(try analyze(Self.head + lines).capacities, [3_604 * 0.001 / 3_600]))
  }

  /// The first record of a test stands a while after its step began.
  @Test func theFirstIntervalCounts() throws {
    #expect(near(try analyze(Self.head + "5,0.001,2,1,5\n3605,0.001,3,1,3605\n").capacities, [3_605 * 0.001 / 3_600]))
    // Cut out of a longer file, it says nothing of what went before.
    #expect(near(try analyze(Self.head + "900,0.001,2,1,5\n4500,0.001,3,1,3605\n").capacities, [0.001]))
  }

  @Test func aRampIsATrapezoid() throws {
    #expect(near(try analyze(Self.head + "0,0,2,1,0\n3600,0.002,3,1,3600\n7200,0,4,1,7200\n").capacities, [0.002]))
  }

  /// Inside a step the interval in which the current turns is the first of the new run; without steps it is the last of
  /// the old one.
  @Test func aTurnWithoutABoundary() throws {
    let rows = ["0,0.003,2", "3600,0.003,4", "3660,-0.001,4", "7260,-0.001,2"]
    let inside = try analyze("time_s,current_A,voltage_V,step_index\n" + rows.map { $0 + ",1\n" }.joined())
    #expect(near(inside.capacities, [0.003, -0.001 + 60 * 0.001 / 3_600]))
    let outside = try analyze("time_s,current_A,voltage_V\n" + rows.joined(separator: "\n") + "\n")
    #expect(near(outside.capacities, [0.003 + 60 * 0.003 / 3_600, -0.001]))
  }

  @Test func timesThatStandStillOrGoBack() throws {
    let rows = [
      "0,0.001,2", "1800,0.001,3", "1800,0.001,3", "1700,0.5,9", "1750,0.5,9", "3600,0.001,4", "3500,0.5,9",
      "5400,0.001,4",
    ]
    let result = try analyze("time_s,current_A,voltage_V\n" + rows.joined(separator: "\n") + "\n")
    #expect(near(result.capacities, [0.0015]))
    #expect(result.notes.contains("3 records left out, because the time went back"), "\(result.notes)")
    #expect(result.notes.contains("1 record with the time of the record before"))
  }

  /// Two files after one another: nothing is lost but what lies between.
  @Test func aClockThatBeginsAnew() throws {
    let one = SampleTable.cycles(1).withoutSteps
    let again = one.split(separator: "\n").dropFirst().joined(separator: "\n")
    let result = try analyze(one + again + "\n")
    #expect(near(result.capacities, [0.001, -0.00095, 0.001, -0.00095], 1e-9))
    #expect(result.notes.contains { $0.contains("begins anew at line \(SampleTable.cycles(1).rows.count + 2)") })
  }

  /// What may have flowed while nobody wrote is bounded and not counted.
  @Test func aGap() throws {
    var rows = SampleTable.cycles(1).rows
    rows.removeAll { $0.time > 1_000 && $0.time < 2_000 }
    let text = rows.map { "\($0.time),\($0.current),\($0.voltage)\n" }.joined()
    let result = try analyze("time_s,current_A,voltage_V\n" + text)
    #expect(near(result.capacities, [0.001 - 1_000 * 0.001 / 3_600, -0.00095], 1e-9))
    #expect(result.halfCycles[0].gapCharge?.nanocoulombs == 1_000_000_000)
    #expect(result.cycles[0].flags == ["complete", "gap"] && result.cycles[0].summary.coulombicEfficiency != nil)
    #expect(result.notes.contains { $0.hasPrefix("1 gap without records, before line 103") }, "\(result.notes)")
    // A limit of one's own.
    let whole = try analyze("time_s,current_A,voltage_V\n" + text) { $0.gapLimit = 2_000 }
    #expect(near(whole.capacities, [0.001, -0.00095], 1e-9) && whole.halfCycles[0].gapCharge == nil)
  }

  /// The step's own time stood still, so no current flowed.
  @Test func aPause() throws {
    var table = SampleTable()
    table.step(0.001, seconds: 3_600, from: 2, to: 4)
    table.step(-0.001, seconds: 3_600, from: 4, to: 2)
    let text = table.rows.map { row in
      let shift = row.time > 1_800 ? 7_200.0 : 0
      return "\(row.time + shift),\(row.current),\(row.voltage),\(row.step),\(row.stepTime)\n"
    }.joined()
    let result = try analyze(Self.head + text)
    #expect(near(result.capacities, [0.001, -0.001]))
    #expect(result.halfCycles[0].interruption == 7_200 && result.cycles[0].flags.contains("interrupted"))
  }

  // MARK: Counters

  @Test func theInstrumentsCounterComesFirst() throws {
    let head = "time_s,current_A,voltage_V,step_index,step_time_s,"
    let arbin =
      head + "Charge_Capacity(Ah),Discharge_Capacity(Ah)\n"
      + "0,0.001,2,1,0,0.5,0.1\n1800,0.001,3,1,1800,0.5004,0.1\n3600,0.001,4,1,3600,0.501,0.1\n"
      + "3610,-0.001,3.9,2,9,0.50101,0.101\n7201,-0.001,2,2,3600,0.50101,0.2\n"
    let result = try analyze(arbin)
    #expect(near(result.capacities, [0.00101, -0.1]) && result.usesCounter)
    #expect(near([result.halfCycles[0].integral?.ampereHours ?? 0], [3_601 * 0.001 / 3_600]))
    #expect(result.notes.contains { $0.hasPrefix("data quality") })
    #expect(near(try analyze(arbin) { $0.chargeSource = .samples }.capacities, [3_601e-3 / 3_600, -1e-3]))
    let step =
      head
      + "Capacity(mAh),DataPoint\n0,0.001,2,1,0,0,1\n3600,0.001,4,1,3600,1.01,2\n3600,-0.001,3.9,2,0,0,3\n"
      + "7200,-0.001,2,2,3600,0.9,4\n"
    #expect(near(try analyze(step).capacities, [0.00101, -0.0009]))
    let net =
      head
      + "Net Capacity / Ah\n0,0.001,2,1,0,7\n3600,0.001,4,1,3600,7.001\n3600,-0.001,3.9,2,0,7.001\n7200,-0.001,2,2,3600,6.9995\n"
    #expect(near(try analyze(net).capacities, [0.001, -0.0015]))
    let increments =
      head + "dq/mA.h\n0,0.001,2,1,0,0\n3600,0.001,4,1,3600,1.5\n3600,-0.001,3.9,2,0,0\n7200,-0.001,2,2,3600,-1.25\n"
    #expect(near(try analyze(increments).capacities, [0.0015, -0.00125]))
    // A counter that falls back with the cycle.
    let cycles =
      head + "Charge_Capacity(Ah),Discharge_Capacity(Ah)\n"
      + "0,0.001,2,1,0,0,0\n3600,0.001,4,1,3600,0.001,0\n3600,-0.001,4,2,0,0.001,0\n7200,-0.001,2,2,3600,0.001,0.00098\n"
      + "7200,0.001,2,3,0,0,0\n10800,0.001,4,3,3600,0.0009,0\n"
    #expect(near(try analyze(cycles).capacities, [0.001, -0.00098, 0.0009]))
  }

  /// A counter that falls by its last digit has not begun anew.
  @Test func aCounterThatCorrectsItself() throws {
    let text =
      "time_s,current_A,voltage_V,Charge_Capacity(Ah),Discharge_Capacity(Ah)\n0,0.001,2,0,0\n1800,0.001,3,0.00050,0\n"
      + "1810,0.001,3,0.00049,0\n3600,0.001,4,0.001,0\n"
    #expect(near(try analyze(text).capacities, [0.001]))
  }

  @Test func copiesOfACounterOnlyCheck() throws {
    let text = "time_s,current_A,voltage_V,step_index,q_step_inst_Ah\n0,0.001,2,1,0\n3600,0.001,4,1,0.00102\n"
    let result = try analyze(text)
    #expect(near(result.capacities, [0.001]) && !result.usesCounter)
    #expect(result.notes.contains { $0.contains("19608 ppm") }, "\(result.notes)")
    #expect(near(try analyze(text) { $0.chargeSource = .counter }.capacities, [0.00102]))
    #expect(try problem("time_s,current_A,voltage_V\n0,1,2\n") { $0.chargeSource = .counter }.code == "data.no_counter")
  }

  @Test func largeAndSmallCells() throws {
    for capacity in [1e-5, 1e-3, 1, 50] {
      var table = SampleTable()
      for current in [capacity, -capacity] { table.step(current, seconds: 3_600, every: 1, from: 2, to: 4) }
      #expect(near(try analyze(table.text).capacities, [capacity, -capacity], 1e-8), "\(capacity) Ah")
    }
  }

  private func near(_ values: [Double], _ expected: [Double], _ tolerance: Double = 1e-9) -> Bool {
    values.count == expected.count
      && zip(values, expected).allSatisfy { ($0 - $1).magnitude <= tolerance * max($1.magnitude, 1e-3) }
  }
}
