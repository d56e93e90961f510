// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import CyclingData

@Suite("Headings") struct TableHeaderTests {
  private func actions(_ line: String) throws -> String {
    let header = try #require(try TableHeader(line: line, map: ColumnMap()))
    return header.fields.map { "\($0.action)" }.joined(separator: " ")
  }

  private func scales(_ line: String) throws -> [ColumnScale] {
    try #require(try TableHeader(line: line, map: ColumnMap())).fields.map {
      ColumnScale($0.exponent, factor: $0.factor)
    }
  }

  @Test(arguments: [
    ("time_s,current_A,voltage_V", "time current voltage"),
    ("time_s,current_A,voltage_V,step_index,step_time_s", "time current voltage step stepTime"),
    ("Test Time / s,Voltage / V,Current / A,Step Count / 1,Step ID", "time voltage current step"),
    ("test_time_second,voltage_volt,current_ampere,step_index", "time voltage current"),
    ("Record Index / 1,Test Time / s,Voltage / V,Current / A,Step Index / 1", "skip time voltage current"),
    (
      "Data_Point,Test_Time(s),Date_Time,Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)",
      "skip time skip stepTime step skip current voltage"
    ),
    (
      "DataPoint,Step Index,Step Type,Time,Total Time,Current(mA),Voltage(V)",
      "skip step stepType stepTime time current voltage"
    ),
    ("Record ID\tTime(h:min:s.ms)\tVoltage(V)\tCurrent(mA)", "skip stepTime voltage current"),
    ("mode\tNs\ttime/s\tdq/mA.h\tEcell/V\t<I>/mA", "skip step time firstCounter voltage current"),
    ("Time [s],Step,Current [A],Voltage [V],Capacity [Ah]", "time step current voltage"),
    ("t;x\ntime_h;current_mA;voltage_mV", "time current voltage"),
  ]) func isRecognised(line: String, expected: String) throws {
    #expect(try actions(String(line.split(separator: "\n").last ?? "")) == expected)
  }

  @Test func units() throws {
    let one = ColumnScale()
    #expect(
      try scales("time_h,current_mA,voltage_mV") == [ColumnScale(factor: 3_600), ColumnScale(-3), ColumnScale(-3)])
    #expect(try scales("Total Time / min,I/µA,Ewe/V") == [ColumnScale(factor: 60), ColumnScale(-6), one])
    #expect(try scales("time_ms,current(uA),voltage(V)") == [ColumnScale(-3), ColumnScale(-6), one])
    let counters = try scales("time_s,current_A,voltage_V,Charge_Capacity(Ah),Discharge_Capacity(mAh)")
    #expect(counters[3...] == [ColumnScale(factor: 3_600), ColumnScale(-3, factor: 3_600)])
  }

  @Test func countersOfTheFormatComeFirst() throws {
    let header = try #require(
      try TableHeader(
        line: "time_s,current_A,voltage_V,qc_inst_Ah,qd_inst_Ah,Charging Capacity / Ah,Discharging Capacity / Ah",
        map: ColumnMap()))
    #expect(
      header.countersArePrimary && header.counterNames == ["Charging Capacity / Ah", "Discharging Capacity / Ah"])
    let copies = try #require(
      try TableHeader(line: "time_s,current_A,voltage_V,step_index,q_step_inst_Ah", map: ColumnMap()))
    #expect(!copies.countersArePrimary && copies.counters.count == 1)
    // Without steps nobody knows where a step's counter begins anew.
    let lost = try #require(try TableHeader(line: "time_s,current_A,voltage_V,Capacity(Ah)", map: ColumnMap()))
    #expect(lost.counters.isEmpty)
  }

  @Test func aMapSaysWhatNamesDoNot() throws {
    let map = try ColumnMap(written: "time_s=Zeit,current_mA=Strom,voltage_V=U (V)")
    let header = try #require(try TableHeader(line: "Zeit,U (V),Strom", map: map))
    #expect(header.fields.map(\.action) == [.time, .voltage, .current] && header.fields[2].exponent == -3)
    let text = "Zeit,U (V),Strom\n0,2,1\n3600,4,1\n"
    #expect(try analyze(text) { $0.columns = map }.capacities == [0.001])
    #expect(try problem("Zeit,U,Strom\n0,2,1\n") { $0.columns = map }.message.contains("“U (V)”"))
  }

  @Test(arguments: ["time", "time_s", "tim_s=x", "current=x", "time_s=a,time_h=b", "energy_Wh=x"])
  func aMapThatSaysNothing(text: String) throws {
    #expect(throws: DataProblem.self) { _ = try ColumnMap(written: text) }
  }

  @Test func aQuantityWithoutAUnitIsNone() throws {
    #expect(try TableHeader(line: "time_s,current,voltage_V", map: ColumnMap()) == nil)
    let found = try problem("time_s,current,voltage_V\n0,1,2\n")
    #expect(found.code == "data.no_heading" && found.line == 1, "\(found)")
    #expect(
      found.message == "no line names a column with the current; the columns are “time_s”, “current”, “voltage_V”")
    let time = try problem("Time,current_A,voltage_V\n0,1,2\n")
    #expect(time.code == "data.no_unit" && time.line == 2 && time.hint.contains("time_s=Time"), "\(time)")
    #expect(try analyze("Time,current_A,voltage_V\n0:00:00,1,2\n1:00:00,1,3\n").capacities == [1])
  }

  @Test func linesInFrontOfTheHeading() throws {
    let text = "EC-Lab ASCII FILE\nNb header lines : 4\n\ntime/s\t<I>/mA\tEwe/V\n0\t1\t2\n3600\t1\t3\n"
    #expect(try analyze(text).capacities == [0.001])
  }
}
