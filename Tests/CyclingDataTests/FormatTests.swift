// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Layouts as the programs of instruments write them, each with the same two half-cycles: 1 mA for an hour each way, or a
// little less. Where a layout was seen stands beside it; the tables here are our own.

import CyclerModel
import Foundation
import Quantities
import Testing

@testable import CyclingData

/// A table in the layout of some program.
struct Layout: CustomTestStringConvertible, Sendable {
  var name: String
  var text: String
  var capacities = [0.001, -0.0009]
  /// A part of a note that must be there.
  var note: String?
  var columns: String?

  var testDescription: String { name }

  private static let maccorHead = "Today's Date\t28-Nov-23\nDate of Test:\t23-Nov-23 3:56:08 PM\n\n"

  static let all: [Layout] = [
    // jepegit/cellpy, testdata/data/neware_uio.csv.
    Layout(
      name: "Neware, plain",
      text: """
        DataPoint,Cycle Index,Step Index,Step Type,Time,Cumulative Time,Current(A),Voltage(V),Capacity(Ah),Date
        1,1,1,Rest,00:00:00,00:00:00,0.00000000,2.0,0,2022-05-18 16:27:52
        2,1,2,CC Chg,00:00:00,00:00:00,0.001,2.1,0,2022-05-18 16:27:52
        3,1,2,CC Chg,01:00:00,01:00:00,0.001,4.0,0.001,2022-05-18 17:27:52
        4,1,3,CC DChg,00:00:00,01:00:00,-0.001,3.9,0,2022-05-18 17:27:52
        5,1,3,CC DChg,00:54:00,01:54:00,-0.001,2.0,0.0009,2022-05-18 18:21:52
        """, note: "what the instrument counted (“Capacity(Ah)”)"),
    // jepegit/cellpy, prms of the IFE's Neware (Record Index, Cur(mA), Relative Time(h:min:s.ms), CapaCity(mAh)).
    Layout(
      name: "Neware, relative times and no sign",
      text: """
        Record Index,Cycle,Step,Status,Relative Time(h:min:s.ms),Absolute Time,Cur(mA),Voltage(V),CapaCity(mAh)
        1,1,1,CC_Chg,0:00:00.000,2021-01-01 10:00:00,1,2.1,0
        2,1,1,CC_Chg,1:00:00.000,2021-01-01 11:00:00,1,4.0,1
        3,1,2,CC_DChg,0:00:00.000,2021-01-01 11:00:00,1,3.9,0
        4,1,2,CC_DChg,0:54:00.000,2021-01-01 11:54:00,1,2.0,0.9
        """, note: "magnitudes"),
    // MXY0001/First_Test, step_function.py (电压(V), 电流(A), 工步号).
    Layout(
      name: "Neware, Chinese",
      text: """
        数据序号,循环号,工步号,工步类型,时间,总时间,电流(A),电压(V),容量(Ah)
        1,1,1,恒流充电,00:00:00,00:00:00,0.001,2.1,0
        2,1,1,恒流充电,01:00:00,01:00:00,0.001,4.0,0.001
        3,1,2,恒流放电,00:00:00,01:00:00,0.001,3.9,0
        4,1,2,恒流放电,00:54:00,01:54:00,0.001,2.0,0.0009
        """, note: "magnitudes"),
    // ImperialCollegeLondon/PyProBE, tests/sample_data/arbin.
    Layout(
      name: "Arbin",
      text: """
        \u{FEFF}Data Point,Date Time,Test Time (s),Step Time (s),Cycle Index,Step Index,Current (A),Voltage (V),Charge \
        Capacity (Ah),Discharge Capacity (Ah),Capacity (Ah),mAh/g
        1,\t09/20/2024 08:32:34.558,1800,1800,1,1,0.001,3,0.0005,0,0.0005,
        2,\t09/20/2024 09:02:34.558,3600,1800,1,1,0.001,4,0.001,0,0.001,
        3,\t09/20/2024 09:32:34.558,5400,1800,1,2,-0.001,3,0.001,0.0005,0.0005,
        4,\t09/20/2024 09:56:34.558,6840,3240,1,2,-0.001,2,0.001,0.0009,0.0001,
        """, capacities: [0.0005, -0.0009], note: "what the instrument counted (“Charge Capacity (Ah)”"),
    // TRI-AMDD/beep, beep/tests/test_files/FastCharge_000025_CH8.csv, units in its docs.
    Layout(
      name: "Arbin, as BEEP writes it",
      text: """
        Data_Point,Test_Time,DateTime,Step_Time,Step_Index,Cycle_Index,Current,Voltage,Charge_Capacity,Discharge_Capacity
        0,10.0,1494645243.4715,10.0,0.0,0.0,0.0,2.0,0.0,0.0
        1,10.0,1494645243.4715,0.0,1.0,0.0,0.001,2.1,0.0,0.0
        2,3610.0,1494648843.4715,3600.0,1.0,0.0,0.001,4.0,0.001,0.0
        3,3610.0,1494648843.4715,0.0,2.0,0.0,-0.001,3.9,0.001,0.0
        4,6850.0,1494652083.4715,3240.0,2.0,0.0,-0.001,2.0,0.001,0.0009
        """, note: "“Charge_Capacity” and “Discharge_Capacity”"),
    // ImperialCollegeLondon/PyProBE, tests/sample_data/biologic.
    Layout(
      name: "EC-Lab, decimal commas",
      text: "EC-Lab ASCII FILE\r\nNb header lines : 5\r\n\r\nEcell ctrl range : min = 0,00 V, max = 9,00 V\r\n"
        + "mode\tox/red\tNs\ttime/s\tcontrol/V/mA\tEcell/V\tI/mA\tdQ/mA.h\tdq/mA.h\t(Q-Qo)/mA.h\tCapacity/mA.h\t\r\n"
        + "1\t1\t0\t0,000000E+000\t1,0\t2,1\t1,0000000E+000\t0,0\t0,0\t0,0\t0,0\t\r\n"
        + "1\t1\t0\t3,600000E+003\t1,0\t4,0\t1,0000000E+000\t1,0\t1,0\t1,0\t1,0\t\r\n"
        + "1\t0\t1\t3,600000E+003\t-1,0\t3,9\t-1,0000000E+000\t0,0\t0,0\t1,0\t0,0\t\r\n"
        + "1\t0\t1\t6,840000E+003\t-1,0\t2,0\t-1,0000000E+000\t-1,0\t-0,9\t0,1\t0,9\t\r\n",
      note: "what the instrument counted (“dq/mA.h”)"),
    // TRI-AMDD/beep, beep/tests/test_files/xTESLADIAG_000019_CH70.070.
    Layout(
      name: "Maccor, seconds",
      text: maccorHead
        + "Rec#\tCyc#\tStep\tTest (Sec)\tStep (Sec)\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\tDPt Time\r\n"
        + "1\t0\t1\t0.0000\t0.0000\t0.0\t0.0\t0.0000000000\t3.45\tR\t0\t07/11/2019 14:02:33\r\n"
        + "2\t0\t2\t0.0000\t0.0000\t0.0\t0.0\t0.0010000000\t2.1\tC\t1\t07/11/2019 14:02:33\r\n"
        + "3\t0\t2\t3600.0000\t3600.0000\t0.001\t0.0\t0.0010000000\t4.0\tC\t133\t07/11/2019 15:02:33\r\n"
        + "4\t0\t3\t3600.0000\t0.0000\t0.0\t0.0\t0.0010000000\t3.9\tD\t1\t07/11/2019 15:02:33\r\n"
        + "5\t0\t3\t6840.0000\t3240.0000\t0.0009\t0.0\t0.0010000000\t2.0\tD\t133\t07/11/2019 15:56:33\r\n",
      note: "magnitudes"),
    // jepegit/cellpy, examples/data/maccor_three.txt.
    Layout(
      name: "Maccor, days and milliamperes",
      text: maccorHead + "Rec#\tCyc#\tStep\tTestTime\tStepTime\tmAmp-hr\tmWatt-hr\tmAmps\tVolts\tState\tES\n"
        + "1\t0\t1\t  0d 23:00:00.00\t  0d 00:00:00.00\t0.0\t0.0\t1.0\t2.1\tC\t0\n"
        + "2\t0\t1\t  1d 00:00:00.00\t  0d 01:00:00.00\t1.0\t2.0\t1.0\t4.0\tC\t1\n"
        + "3\t0\t2\t  1d 00:00:00.00\t  0d 00:00:00.00\t0.0\t0.0\t1.0\t3.9\tD\t1\n"
        + "4\t0\t2\t  1d 00:54:00.00\t  0d 00:54:00.00\t0.9\t2.0\t1.0\t2.0\tD\t1\n",
      note: "magnitudes"),
    // jepegit/cellpy, examples/data/maccor_two.txt: the times are minutes, which the file does not say.
    Layout(
      name: "Maccor, minutes and commas",
      text:
        "Name:\tcell\n\nRec\tCycle P\tCycle C\tStep\tTestTime\tStepTime\tCap. [Ah]\tCurrent [A]\tVoltage [V]\tMd\tES\n\n"
        + "1\t0\t1\t1\t0,000000\t0,000000\t0,00000000\t0,00100000\t2,1\tC\t0\n"
        + "2\t0\t1\t1\t60,000000\t60,000000\t0,00100000\t0,00100000\t4,0\tC\t0\n"
        + "3\t0\t1\t2\t60,000000\t0,000000\t0,00000000\t0,00100000\t3,9\tD\t0\n"
        + "4\t0\t1\t2\t114,000000\t54,000000\t0,00090000\t0,00100000\t2,0\tD\t0\n",
      note: "magnitudes", columns: "time_min=TestTime,step_time_min=StepTime"),
    // ImperialCollegeLondon/PyProBE, tests/sample_data/basytec.
    Layout(
      name: "BaSyTec",
      text: "~Resultfile from Basytec Battery Test System\n~Date and Time of Data Converting: 01.01.2024\n"
        + "~Time[s]\tDataSet\tt-Step[s]\tt-Set[s]\tt-Cyc[s]\tLine\tCommand\tU[V]\tI[A]\tAh[Ah]\tAh-Step\tCyc-Count\tState\n"
        + "0\t1\t0\t0\t0\t3\tPause\t2\t0\t0\t0\t0\t3\n0\t2\t0\t0\t0\t4\tCharge\t2.1\t0.001\t0\t0\t1\t1\n"
        + "3600\t3\t3600\t3600\t3600\t4\tCharge\t4\t0.001\t0.001\t0.001\t1\t2\n"
        + "3600\t4\t0\t0\t3600\t5\tDischarge\t3.9\t-0.001\t0.001\t0\t1\t1\n"
        + "6840\t5\t3240\t3240\t6840\t5\tDischarge\t2\t-0.001\t0.0001\t-0.0009\t1\t2\n"),
    // BatLabLancaster/preparenovonix, example_data/example_data.csv: two tests, each with its head.
    Layout(
      name: "Novonix, two sections",
      text: novonix(
        "1/3/2019 9:33:48 AM,1,1,0.0,0.0,0.001,2.1,0.0,20.0\n1/3/2019 9:33:48 AM,1,1,1.0,1.0,0.001,4.0,0.001,20.0\n")
        + novonix(
          "1/3/2019 9:33:48 AM,1,2,0,0,-0.001,3.9,0,20\n1/3/2019 9:33:48 AM,1,2,0.9,0.9,-0.001,2.0,-0.0009,20\n"),
      note: "1 section of other lines"),
    // jepegit/cellpy, testdata/data/pec.csv.
    Layout(
      name: "PEC",
      text: """
        Regime Name,test
        Start Time,02/22/2019 16:23:26
        Test,Cell,Step,Cycle,Total Time (Seconds),Step Time (Seconds),Voltage (mV),Current (mA),Charge Capacity (mAh),\
        Discharge Capacity (mAh)
        187,1,0,0,0,0,2100,1,0,0
        187,1,0,0,3600,3600,4000,1,1,0
        187,1,1,0,3600,0,3900,-1,1,0
        187,1,1,0,6840,3240,2000,-1,1,0.9
        """, note: "“Charge Capacity (mAh)”"),
    // jepegit/cellpy, prms of Land (TestTime/Sec, Current/mA, Capacity/mAh, Cycle-Index).
    Layout(
      name: "Land",
      text: "Record\tCycle-Index\tStep-Index\tTestTime/Sec.\tStepTime/Sec.\tVoltage/V\tCurrent/mA\tCapacity/mAh\n"
        + "1\t1\t1\t0\t0\t2.1\t1\t0\n2\t1\t1\t3600\t3600\t4.0\t1\t1\n3\t1\t2\t3600\t0\t3.9\t-1\t0\n"
        + "4\t1\t2\t6840\t3240\t2.0\t-1\t0.9\n"),
    // jepegit/cellpy, testdata/data/batmo_bdf.csv: a model in which discharging is positive.
    Layout(
      name: "the other sign",
      text: """
        Test Time / h,Current / A,Voltage / V,Step Type / 1,Cycle Count / 1,Charge Capacity / Ah,Discharge Capacity / Ah
        0,-0.001,2.1,charge,1,0,0
        1,-0.001,4.0,charge,1,0.001,0
        1,0.001,3.9,discharge,1,0.001,0
        1.9,0.001,2.0,discharge,1,0.001,0.0009
        """, note: "discharging as positive"),
    // PyProBE's own tables.
    Layout(
      name: "PyProBE",
      text: """
        Time [s],Step,Event,Current [A],Voltage [V],Capacity [Ah]
        0.0,1,0,0.001,2.1,0.0
        3600.0,1,0,0.001,4.0,0.001
        3600.0,2,1,-0.001,3.9,0.001
        6840.0,2,1,-0.001,2.0,0.0001
        """),
    Layout(
      name: "a name with a comma",
      text: "\"time, of the test (s)\",time_s,\"current_A\",\"voltage_V\"\n0,0,0.001,2.1\n3600,3600,0.001,4\n"
        + "3600,3600,-0.001,3.9\n6840,6840,-0.001,2\n"),
  ]

  private static func novonix(_ rows: String) -> String {
    "[Summary]\nNovonix Neware Data File\nStarted: 1/3/2019\n[End Summary]\n[Protocol]\n  Charge:\n[End Protocol]\n[Data]\n"
      + "Date and Time,Cycle Number,Step Number,Run Time (h), Step Time (h),Current (A),Potential (V),Capacity (Ah),"
      + "Temperature (°C)\n" + rows
  }
}

@Suite("Layouts of other programs") struct FormatTests {
  @Test(arguments: Layout.all) func isRead(layout: Layout) throws {
    for pieces in [7, 64, .max] {
      let result = try analyze(layout.text + "\n", pieces: pieces) {
        if let columns = layout.columns { $0.columns = (try? ColumnMap(written: columns)) ?? ColumnMap() }
      }
      let found = result.capacities
      #expect(
        found.count == 2 && zip(found, layout.capacities).allSatisfy { abs($0 - $1) < 1e-12 },
        "\(found), \(result.notes)")
      if let note = layout.note { #expect(result.notes.contains { $0.contains(note) }, "\(result.notes)") }
    }
  }

  /// Text as programs under Windows save it, with its mark and without, in pieces that end anywhere.
  @Test(arguments: [true, false]) func wideText(isBigEndian: Bool) throws {
    let text = "time_s,current_µA,voltage_V\n0,1000,2\n3600,1000,4\n3600,-1000,4\n6840,-1000,2\n"
    for mark in ["\u{FEFF}", ""] {
      let bytes = Array((mark + text).utf16).flatMap { unit -> [UInt8] in
        let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
        return isBigEndian ? [high, low] : [low, high]
      }
      for size in [1, 2, 3, 5, 1_000] {
        var options = AnalysisOptions()
        options.role = .fullCell
        var analysis = try DataAnalysis(options)
        for begin in stride(from: 0, to: bytes.count, by: size) {
          try bytes[begin..<min(begin + size, bytes.count)].withUnsafeBytes { try analysis.read($0) }
        }
        #expect(try analysis.finish().capacities == [0.001, -0.0009])
      }
    }
  }

  private static let words = "time_s,current_A,voltage_V,step_type\n"

  /// Signs that say one thing and words that say another are no data.
  @Test func signsAndWordsThatContradict() throws {
    let mixed =
      "0,0.001,2,charge\n3600,0.001,4,charge\n3600,-0.001,4,discharge\n7200,-0.001,2,discharge\n"
      + "7200,-0.001,2,charge\n9000,-0.001,4,charge\n"
    let found = try problem(Self.words + mixed)
    #expect(found.code == "data.signs" && found.line == 6, "\(found)")
    let lost = try problem(
      Self.words + "0,0.001,2,charge\n3600,0.001,4,charge\n3600,0.001,4,discharge\n7200,0.001,2,discharge\n"
        + "7200,0.001,2,profile\n9000,0.001,4,profile\n")
    #expect(lost.code == "data.no_sign", "\(lost)")
  }

  /// Counters tell that a file without words has the other sign.
  @Test func countersAgainstTheSign() throws {
    let found = try problem(
      "Test Time / s,Current / A,Voltage / V,Charging Capacity / Ah,Discharging Capacity / Ah\n0,-0.001,2,0,0\n"
        + "3600,-0.001,4,0.001,0\n3600,0.001,4,0.001,0\n7200,0.001,2,0.001,0.001\n")
    #expect(found.code == "data.signs" && found.line == 2, "\(found)")
  }

  /// Noise at the turn of a step is no contradiction, and keeps its sign.
  @Test func noiseAgainstTheWord() throws {
    let text =
      "0,-0.000001,2,charge\n10,0.001,2,charge\n3610,0.001,4,charge\n3610,0.000001,4,discharge\n"
      + "3620,-0.001,4,discharge\n7220,-0.001,2,discharge\n"
    let result = try analyze(Self.words + text)
    #expect(result.capacities.map { ($0 * 1e5).rounded() } == [100, -100], "\(result.capacities)")
    #expect(!result.notes.contains { $0.contains("magnitudes") || $0.contains("as positive") })
  }

  /// Magnitudes without a word look like one long charge, which is told.
  @Test func magnitudesWithoutAWord() throws {
    let result = try analyze(
      "time_s,current_A,voltage_V,step_index\n0,0.001,2,1\n3600,0.001,4,1\n3600,0.001,4,2\n7200,0.001,2,2\n")
    #expect(result.notes.contains { $0.contains("magnitudes") }, "\(result.notes)")
    let formation = try analyze(
      "time_s,current_A,voltage_V,step_index\n0,0.001,2,1\n3600,0.001,4,1\n3600,0.0005,3.9,2\n7200,0.0005,4,2\n")
    #expect(!formation.notes.contains { $0.contains("magnitudes") }, "\(formation.notes)")
  }

  @Test(arguments: [
    (Array("BIO-LOGIC MODULAR FILE\u{1A}  \n".utf8), "data.binary", "EC-Lab"),
    (Array("NEWARE\u{0}\u{0}\n".utf8), "data.binary", "BTSDA"),
    ([0x28, 0xB5, 0x2F, 0xFD, 0x0A], "data.compressed", "zstd"),
    ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x0A], "data.archive", "CSV"),
    ([0x00, 0x01, 0x00, 0x00, 0x53, 0x74, 0x0A], "data.archive", "mdb-export"),
    ([0x1F, 0x8B], "data.compressed", "gunzip"),
  ]) func whatIsNoTableIsNamed(bytes: [UInt8], code: String, hint: String) throws {
    let found = try problem(ofBytes: bytes)
    #expect(found.code == code && found.hint.contains(hint), "\(found)")
  }

  @Test func aDateIsNoTime() throws {
    let found = try problem("time/s\tEcell/V\tI/mA\n11/20/2024 11:38:41.707\t4\t1\n")
    #expect(found.code == "data.date" && found.hint.contains("relative"), "\(found)")
    let minutes = try problem("TestTime\tCurrent [A]\tVoltage [V]\n0,5\t0,1\t4\n")
    #expect(minutes.code == "data.no_unit" && minutes.hint.contains("time_min"), "\(minutes)")
  }
}
