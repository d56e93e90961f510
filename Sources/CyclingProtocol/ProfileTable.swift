// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A profile of currents from a file that a spreadsheet or a script writes: two columns, how long and how much. It
// becomes the rows that a person would have written, and those are what is stored with a run.

import Quantities

/// Reads tables of currents.
enum ProfileTable {
  /// Why a file holds no profile.
  struct Fault: Error {
    var message: String
  }

  /// Names of the second column, with the unit that each stands for.
  private static let currents = [
    "current_A": "A", "current_mA": "mA", "current_uA": "uA", "current_C": "C", "current_A_per_g": "A/g",
    "current_mA_per_g": "mA/g", "current_mA_per_cm2": "mA/cm2",
  ]
  private static let header = "duration_s,current_mA"

  /// The rows, each as the language writes it.
  /// - Parameter content: `duration_s,current_UNIT` and a line a row with commas between, currents positive charging.
  static func rows(of content: [UInt8]) throws(Fault) -> [String] {
    let text = String(decoding: content, as: UTF8.self)
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    var head = lines.first ?? ""
    if head.first == "\u{FEFF}" { head.removeFirst() }
    let names = fields(of: head)
    guard names.count == 2, names[0] == "duration_s", let unit = currents[names[1]] else {
      throw Fault(
        message: "line 1: its columns are not those of a profile, like \(header); currents are "
          + currents.keys.sorted().joined(separator: ", "))
    }
    var rows: [String] = []
    for (index, line) in lines.enumerated().dropFirst() {
      // The line end of the last line.
      if line.isEmpty, index == lines.count - 1 { continue }
      let cells = fields(of: line)
      guard cells.count == 2, let duration = number(cells[0]), duration.mantissa > 0, let current = number(cells[1])
      else {
        throw Fault(
          message: "line \(index + 1): `\(line.prefix(60))` is no row: two decimal numbers with a comma between, the "
            + "first above 0")
      }
      rows.append(row(current, unit) + " for \(duration.written) s")
    }
    if rows.isEmpty { throw Fault(message: "it has no row below its header") }
    return rows
  }

  private static func row(_ current: DecimalNumber, _ unit: String) -> String {
    if current.mantissa == 0 { return "rest" }
    return current.mantissa > 0
      ? "charge \(current.written) \(unit)" : "discharge \(current.negated.written) \(unit)"
  }

  private static func fields(of line: String) -> [String] {
    line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
      String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// A decimal number, with an exponent where a program writes one.
  private static func number(_ text: String) -> DecimalNumber? {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    guard let written = parts.first, let number = try? DecimalNumber(written: written) else { return nil }
    guard parts.count == 2 else { return parts.count == 1 ? number : nil }
    guard let exponent = Int(parts[1]), (-18...18).contains(exponent) else { return nil }
    guard
      let power = try? DecimalNumber(written: Substring("1" + String(repeating: "0", count: min(abs(exponent), 17))))
    else { return nil }
    let scaled = exponent < 0 ? number.quotient(power) : number.product(power)
    return abs(exponent) == 18 ? nil : scaled
  }
}
