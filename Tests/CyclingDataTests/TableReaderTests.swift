// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Testing

@testable import CyclingData

@Suite("Reading tables") struct TableReaderTests {
  private static let plain = "time_s,current_A,voltage_V\n0,0.001,2\n1800,0.001,3\n3600,0.001,4\n"

  @Test(arguments: [
    plain, "\u{FEFF}" + plain, plain.replacing("\n", with: "\r\n"), plain + "\n\n\r\n", String(plain.dropLast()),
    plain.replacing(",", with: ";"), plain.replacing(",", with: "\t"), plain.replacing(",", with: " , "),
    "time_s;current_A;voltage_V\n0;0,001;2\n1800;0,001;3\n3600;0,001;4\n", "# by hand\n" + plain,
    "time_min,current_mA,voltage_mV\n0,1,2000\n30,1,3000\n60,1,4000\n",
    plain.replacing("0.001", with: "\"0.001\""), plain.replacing("0.001", with: "1e-3"),
    plain.replacing("time_s,current_A,voltage_V", with: "t_s,i_A,u_V"),
    "time_s,current_A,voltage_V,step\n0,0.001,2,first\n1800,0.001,3,first\n3600,0.001,4,first\n",
    plain + "time_s,current_A,voltage_V\n", plain.replacing("\n1800", with: "\n\n1800"),
    ",time_s,current_A,voltage_V\n0,0,0.001,2\n1,1800,0.001,3\n2,3600,0.001,4\n",
    "time_s,current_A,voltage_V,\n0,0.001,2,\n1800,0.001,3,\n3600,0.001,4,\n",
    "note,time_s,current_A,voltage_V\n\"a, b\",0,0.001,2\n,1800,0.001,3\n,3600,0.001,4\n", plain + ",,\n",
  ]) func theSameTable(text: String) throws {
    for pieces in [1, 2, 3, 7, 64, .max] {
      let result = try analyze(text, pieces: pieces)
      #expect(result.capacities == [0.001] && result.records == 3, "pieces of \(pieces): \(result.notes)")
      #expect(result.halfCycles.first?.lastVoltage == 4)
    }
  }

  @Test(arguments: ["time_s,current_A,voltage_V\n", "time_s,current_A,voltage_V\n1,,3\n"])
  func aTableWithoutARecordIsRefused(text: String) throws { #expect(try problem(text).code == "data.no_records") }

  /// Currents as magnitudes, with their direction in a letter.
  @Test func statesOfOneLetter() throws {
    let result = try analyze(
      "time_s,current_A,voltage_V,State\n0,0.001,2,C\n3600,0.001,4,C\n3601,0.001,4,D\n7201,0.001,2,D\n")
    #expect(result.halfCycles.count == 2)
  }

  @Test(arguments: ["3600,0.001", "3600,0.001,", "3600", "36", "3600,0.0,", "3600,-"])
  func aLastLineThatIsCutOff(tail: String) throws {
    let result = try analyze("time_s,current_A,voltage_V,x\n0,0.001,2,1\n1800,0.001,3,1\n" + tail)
    #expect(result.records == 2 && result.notes.contains { $0.contains("cut off") }, "\(result.notes)")
    #expect(result.capacities == [0.0005])
  }

  @Test func whatIsMissingIsLeftOutAndSaid() throws {
    let result = try analyze(
      "time_s,current_A,voltage_V\n0,0.001,2\n900,,3\n1800,0.001,nan\n2700,NaN,3\n3600,0.001,4\n")
    #expect(result.capacities == [0.001] && result.records == 3)
    #expect(result.notes.contains { $0.hasPrefix("2 records left out, because time or current") }, "\(result.notes)")
  }

  @Test(arguments: [
    ("0,0.001,2\n10,abc,3\n", "data.number", 3, "“abc” in the column “current_A”"),
    ("0,0.001,2\n10,0.001\n", "data.fields", 3, "there are 2 fields where the heading has 3"),
    ("0,0,001,2\n", "data.fields", 2, "there are 4 fields where the heading has 3"),
    ("0,1e9,2\n", "data.number", 2, "“1e9” in the column “current_A”"),
    ("0,1e400,2\n", "data.number", 2, "“1e400”"),
    ("0,1:00,2\n", "data.number", 2, "“1:00” in the column “current_A”"),
    ("2021-02-10 12:00:00,1,2\n", "data.date", 2, "“2021-02-10 12:00:00” in the column “time_s”"),
  ]) func aLineThatCannotBeRead(lines: String, code: String, line: Int, message: String) throws {
    let found = try problem("time_s,current_A,voltage_V\n" + lines)
    #expect(found.code == code && found.line == line && found.message.contains(message), "\(found)")
  }

  /// What no cell does is refused and overflows nothing.
  @Test func absurdQuantities() throws {
    let rows = (0..<40).map { "\($0)e9,\($0 % 4 < 2 ? "" : "-")999999,9e5\n" }.joined()
    let found = try problem("time_s,current_A,voltage_V,dq/mA.h\n" + rows.replacing("\n", with: ",9e10\n"))
    #expect(found.code == "data.absurd" && found.hint.contains("units"), "\(found)")
    #expect(try problem("time_s,current_A,voltage_V\n" + rows) { $0.gapLimit = 1e12 }.code == "data.absurd")
  }

  @Test func decimalCommasBetweenCommasAreToldFrom() throws {
    let found = try problem("time_s,current_A,voltage_V\n0,0,0010,3,5\n")
    #expect(found.hint.contains("semicolons"), "\(found)")
    let mixed = try problem("time_s;current_A;voltage_V\n0;0,001;2\n1;0.001;3\n")
    #expect(mixed.code == "data.number" && mixed.line == 3, "\(mixed)")
  }

  @Test func whatIsNoTextIsNamed() throws {
    #expect(try problem(ofBytes: [0x1F, 0x8B, 8, 0, 10]).code == "data.compressed")
    #expect(try problem(ofBytes: Array("PK\u{3}\u{4}abc\n".utf8)).code == "data.archive")
    #expect(try problem(ofBytes: Array("PAR1abc\n".utf8)).code == "data.parquet")
    #expect(try problem(ofBytes: [1, 2, 0, 3, 10]).code == "data.binary")
    #expect(try problem(ofBytes: [UInt8](repeating: 0x61, count: 300_000)).code == "data.long_line")
    #expect(try problem(ofBytes: []).code == "data.empty")
    #expect(try problem("\n\n").code == "data.no_heading")
  }

  /// Latin-1, as older programs write it.
  @Test func aMicroSignOfOneByte() throws {
    var options = AnalysisOptions()
    options.role = .fullCell
    var analysis = try DataAnalysis(options)
    let bytes = Array("time_s,current(".utf8) + [0xB5] + Array("A),voltage_V\n0,1000,2\n3600,1000,3\n".utf8)
    try bytes.withUnsafeBytes { try analysis.read($0) }
    #expect(try analysis.finish().capacities == [0.001])
  }

  /// Neware's lines of cycles and steps between the records.
  @Test func layersOfNeware() throws {
    let text = """
      Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah)
      ,Step Index,Step Type,Step Time,Capacity(Ah)
      ,,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah)
      1,0.1,0.1
      ,1,CC Chg,01:00:00,0.001
      ,,1,00:00:00,00:00:00,0.001,2,0
      ,,2,01:00:00,01:00:00,0.001,4,0.0010005
      ,2,CC DChg,01:00:00,0.001
      ,,3,00:00:00,01:00:00,-0.001,3.9,0
      ,,4,01:00:00,02:00:00,-0.001,2,0.0009

      """
    let result = try analyze(text)
    #expect(result.capacities == [0.0010005, -0.0009] && result.usesCounter, "\(result)")
  }

  /// Currents without a sign, as some exports of Neware write them.
  @Test func magnitudes() throws {
    let text = """
      Record ID,Step ID,Status,Time(h:min:s.ms),Voltage(V),Cur(mA)
      1,1,CC_Chg,0:00:00.000,2,1
      2,1,CC_Chg,1:00:00.000,4,1
      3,2,CC_DChg,0:00:00.000,3.9,1
      4,2,CC_DChg,0:30:00.000,2,1

      """
    let result = try analyze(text)
    #expect(result.capacities == [0.001, -0.0005])
    #expect(
      result.notes.contains { $0.contains("magnitudes") } && result.notes.contains { $0.contains("steps' times") })
  }
}
