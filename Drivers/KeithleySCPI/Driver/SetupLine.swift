// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The lines that bring the instrument from one known state to another. Each line asks back what it set and what went
// wrong, so that a command that was acknowledged and not carried out is found before a cell feels it. Nothing here
// switches the output on. `*RST` is never sent: it would put the switched-off output into its NORMAL state, in which
// the instrument holds 0 V across a cell that is connected.

internal import CyclerModel
internal import Quantities

/// One line of commands, and the answers that show that they were carried out.
struct SetupLine: Sendable, Hashable {
  /// What a question must be answered with.
  enum Expected: Sendable, Hashable {
    /// This word, or one that begins with it, in whatever case.
    case word(String)
    /// This number within a ten-thousandth.
    case number(Double)

    func isMet(by answer: Substring) -> Bool {
      switch self {
      case .word(let word):
        // Some answers are in quotes.
        return (answer.first == "\"" ? answer.dropFirst() : answer).uppercased().hasPrefix(word)
      case .number(let wanted):
        guard let found = Double(answer) else { return false }
        return (found - wanted).magnitude <= max(wanted.magnitude * 1e-4, 1e-12)
      }
    }
  }

  /// Commands and questions, without the error queue's.
  var text: String
  /// What the questions are answered with, in their order.
  var expected: [Expected]

  init(_ text: String, _ expected: [Expected] = []) {
    self.text = text
    self.expected = expected
  }

  // MARK: After identification

  /// Everything that `*RST` would have set and a measurement depends on.
  static func opening(_ dialect: ScpiDialect) -> [SetupLine] {
    switch dialect {
    case .series2400: opening2400
    case .interactive: openingInteractive
    }
  }

  /// Whether the instrument still is as `opening` left it: a power cut since then would have changed all of this. Asked
  /// before each set-point.
  static func isStillSetUp(_ dialect: ScpiDialect) -> SetupLine {
    switch dialect {
    case .series2400:
      SetupLine(
        ":SYST:RSEN?;:SENS:FUNC:CONC?;:FORM:ELEM?", [.word("1"), .word("1"), .word("VOLT,CURR,TIME,STAT")])
    case .interactive: isStillSetUpInteractive
    }
  }

  private static let opening2400 = [
    SetupLine("*CLS"),
    SetupLine(
      ":SYST:RSEN ON;:SOUR:CLE:AUTO OFF;:SYST:TIME:RES:AUTO OFF;:SYST:RSEN?;:SOUR:CLE:AUTO?",
      [.word("1"), .word("0")]),
    SetupLine(":FORM ASC;:FORM:ELEM VOLT,CURR,TIME,STAT;:FORM:ELEM?", [.word("VOLT,CURR,TIME,STAT")]),
    SetupLine(
      ":SENS:FUNC:CONC ON;:SENS:FUNC 'VOLT','CURR';:SENS:AVER OFF;:SENS:VOLT:NPLC 1;:SENS:FUNC:CONC?;:SENS:VOLT:NPLC?",
      [.word("1"), .number(1)]),
    SetupLine(
      ":ARM:COUN 1;:TRIG:COUN 1;:SOUR:CURR:MODE FIX;:SOUR:VOLT:MODE FIX;:TRIG:COUN?", [.number(1)]),
  ]

  // MARK: Of a set-point

  /// No current in a small range; the compliance is out of a cell's way and bounds a lead that fell off.
  static func zeroCurrent(of model: KeithleyModel) -> [SetupLine] {
    current(.zero, range: KeithleyModel.zeroRange, compliance: Voltage(millivolts: 20_000), of: model)
  }

  /// A current, with a voltage that it shall not pass in either direction.
  static func current(_ current: Current, range: Current, compliance: Voltage, of model: KeithleyModel) -> [SetupLine] {
    let sense = model.range(holding: compliance)
    guard model.dialect == .series2400 else {
      return currentInteractive(current, range: range, compliance: compliance, sense: sense)
    }
    return [
      SetupLine(
        ":SOUR:FUNC CURR;:SOUR:CURR:RANG \(written(range));:SOUR:CURR:LEV \(written(current))"
          + ";:SOUR:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR:LEV?",
        [.word("CURR"), .number(range.amperes), .number(current.amperes)]),
      SetupLine(
        ":SENS:VOLT:PROT \(written(compliance));:SENS:VOLT:RANG \(written(sense));:SENS:VOLT:PROT?;:SENS:VOLT:RANG?",
        [.number(compliance.volts), .number(sense.volts)]),
    ]
  }

  /// A voltage, with a current that it shall not pass in either direction.
  static func voltage(_ voltage: Voltage, compliance: Current, range: Current, of model: KeithleyModel) -> [SetupLine] {
    let source = model.range(holding: voltage)
    guard model.dialect == .series2400 else {
      return voltageInteractive(voltage, range: source, compliance: compliance, sense: range)
    }
    return [
      SetupLine(
        ":SOUR:FUNC VOLT;:SOUR:VOLT:RANG \(written(source));:SOUR:VOLT:LEV \(written(voltage))"
          + ";:SOUR:FUNC?;:SOUR:VOLT:RANG?;:SOUR:VOLT:LEV?",
        [.word("VOLT"), .number(source.volts), .number(voltage.volts)]),
      SetupLine(
        ":SENS:CURR:PROT \(written(compliance));:SENS:CURR:RANG \(written(range));:SENS:CURR:PROT?;:SENS:CURR:RANG?",
        [.number(compliance.amperes), .number(range.amperes)]),
    ]
  }

  static func written(_ current: Current) -> String { ScpiNumber.written(current.picoamperes, decimals: 12) }
  static func written(_ voltage: Voltage) -> String { ScpiNumber.written(voltage.nanovolts, decimals: 9) }
}
