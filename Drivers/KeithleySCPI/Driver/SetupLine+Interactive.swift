// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The lines of a 2450 and a 2460. What they measure goes by functions: where a current is sourced the voltage is
// measured and the current read back, and the other way about; so four wires, integration time and the absence of
// every correction are set for both.

internal import Quantities

extension SetupLine {
  /// Ten digits: a microsecond of the buffer's clock until it is begun anew.
  private static let digits = 10.0

  static let openingInteractive = [
    SetupLine("*CLS"),
    SetupLine(
      ":FORM ASC;:FORM:ASC:PREC 10;:SENS:COUN 1;:FORM?;:FORM:ASC:PREC?;:SENS:COUN?",
      [.word("ASC"), .number(digits), .number(1)]),
    both(":SENS:VOLT:RSEN ON", ":SENS:CURR:RSEN ON", [.number(1), .number(1)]),
    both(":SOUR:VOLT:READ:BACK ON", ":SOUR:CURR:READ:BACK ON", [.number(1), .number(1)]),
    both(":SENS:VOLT:NPLC 1", ":SENS:CURR:NPLC 1", [.number(1), .number(1)]),
    both(":SENS:VOLT:AVER OFF", ":SENS:CURR:AVER OFF", [.number(0), .number(0)]),
    both(":SENS:VOLT:REL:STAT OFF", ":SENS:CURR:REL:STAT OFF", [.number(0), .number(0)]),
    both(":SENS:VOLT:UNIT VOLT", ":SENS:CURR:UNIT AMP", [.word("VOLT"), .word("AMP")]),
    both(":CALC:VOLT:MATH:STAT OFF", ":CALC:CURR:MATH:STAT OFF", [.number(0), .number(0)]),
  ]

  /// Begins with an empty event log: a question that was overtaken by a stop leaves an entry in it, and so does whoever
  /// stands in front of the instrument.
  static let isStillSetUpInteractive = SetupLine(
    "*CLS;:SENS:VOLT:RSEN?;:SENS:CURR:RSEN?;:SOUR:CURR:READ:BACK?;:FORM:ASC:PREC?",
    [.number(1), .number(1), .number(1), .number(digits)])

  /// Two commands and their questions.
  private static func both(_ first: String, _ second: String, _ expected: [Expected]) -> SetupLine {
    let questions = [first, second].map { $0.prefix { $0 != " " } + "?" }
    return SetupLine("\(first);\(second);\(questions[0]);\(questions[1])", expected)
  }

  /// A level is zero before its range changes, because no range is taken that does not hold the level that is set; and
  /// the measuring range is free before the limit changes, because a limit far below it is not taken.
  static func currentInteractive(
    _ current: Current, range: Current, compliance: Voltage, sense: Voltage
  ) -> [SetupLine] {
    [
      SetupLine(
        ":SOUR:FUNC CURR;:SENS:FUNC \"VOLT\";:SOUR:CURR 0;:SOUR:CURR:RANG \(written(range))"
          + ";:SOUR:CURR \(written(current));:SOUR:FUNC?;:SENS:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR?",
        [.word("CURR"), .word("VOLT"), .number(range.amperes), .number(current.amperes)]),
      SetupLine(
        ":SENS:VOLT:RANG:AUTO ON;:SOUR:CURR:VLIM \(written(compliance));:SENS:VOLT:RANG \(written(sense))"
          + ";:SOUR:CURR:VLIM?;:SENS:VOLT:RANG?",
        [.number(compliance.volts), .number(sense.volts)]),
    ]
  }

  static func voltageInteractive(
    _ voltage: Voltage, range: Voltage, compliance: Current, sense: Current
  ) -> [SetupLine] {
    [
      SetupLine(
        ":SOUR:FUNC VOLT;:SENS:FUNC \"CURR\";:SOUR:VOLT 0;:SOUR:VOLT:RANG \(written(range))"
          + ";:SOUR:VOLT \(written(voltage));:SOUR:FUNC?;:SENS:FUNC?;:SOUR:VOLT:RANG?;:SOUR:VOLT?",
        [.word("VOLT"), .word("CURR"), .number(range.volts), .number(voltage.volts)]),
      SetupLine(
        ":SENS:CURR:RANG:AUTO ON;:SOUR:VOLT:ILIM \(written(compliance));:SENS:CURR:RANG \(written(sense))"
          + ";:SOUR:VOLT:ILIM?;:SENS:CURR:RANG?",
        [.number(compliance.amperes), .number(sense.amperes)]),
    ]
  }
}
