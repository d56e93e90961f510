// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension RodeostatInstrument {
  /// What it does to the cell now.
  public func terminals(channel: Int) -> TerminalState? {
    channel == 0 ? TerminalState(cell, under: drive) : nil
  }

  /// Lets it misbehave. Its firmware has no word for what is no number.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0, kind != .notANumber else { return false }
    fault = kind.map { MeterFault($0, volts: cell.voltage(under: drive), amperes: cell.current(under: drive)) }
    return true
  }

  /// Whether a command is refused.
  func refuses(_ name: String) -> Bool { fault?.kind == .refusing && Self.isCommand(name) }

  /// Whether a command is acknowledged and not carried out.
  func liesAbout(_ name: String) -> Bool { fault?.kind == .liar && Self.isCommand(name) }

  /// Whether a message asks for something to be done, and not for what is.
  private static func isCommand(_ name: String) -> Bool {
    name.hasPrefix("set") || name.hasPrefix("disconnect") || name == "runTest" || name == "stopTest"
  }

  func shownVolts(_ real: Double) -> Double { fault?.volts(real) ?? real }

  /// Overdriven, its converter is at the end on the side of the current.
  func shownAmperes(_ real: Double) -> Double {
    if fault?.kind == .overload { return real < 0 ? -1 : 1 }
    return fault?.amperes(real) ?? real
  }
}
