// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The error numbers that a cycler meets, in words. The instrument knows some three hundred; the others are shown as
// they came.

/// Error numbers of the MethodSCRIPT instruments, from the maker's published table.
enum InstrumentErrors {
  /// "0014 (open circuit asked for with the cell on)", or the number alone.
  static func describe(_ code: Substring) -> String {
    guard let words = words(code) else { return String(code) }
    return "\(code) (\(words))"
  }

  /// The cell was overloaded so badly that the instrument stopped.
  static let criticalOverload = "0032"
  /// A script is running.
  static let wrongMode = "0006"

  private static func words(_ code: Substring) -> String? {
    switch code {
    case "0003": "unknown command"
    case "0006": "not possible now, a script is running or none is"
    case "0009": "time-out"
    case "000F": "potential not possible"
    case "0010": "not a number"
    case "0014": "open circuit measured with the cell on"
    case "001B": "not supported by this model"
    case "0021": "unknown potentiostat mode"
    case "0023": "not possible in this mode"
    case "0032": "critical cell overload"
    case "0058", "005A": "the loop could not keep its timing"
    case "0080": "the counter electrode oscillates"
    case "4001": "unknown script command"
    case "4005": "the script is too large"
    case "4026": "a variable is declared twice"
    case "4027": "the cell must be on for this"
    case "4028": "the cell must be off for this"
    case "400B": "measuring loops must not be nested"
    case "7FFF": "fatal, the instrument restarts"
    default: nil
    }
  }
}
