// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension MethodSCRIPTInstrument {
  /// What it does to the cell now.
  public func terminals(channel: Int) -> TerminalState? {
    guard channel == 0 else { return nil }
    var upToDate = potentiostat
    upToDate.settle(at: clock)
    return upToDate.terminals
  }

  /// Lets it misbehave in every way that there is. A liar runs scripts, and
  /// the cell's switch stays where it is; it neither ends a script nor prolongs a measurement when it is told to.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0 else { return false }
    potentiostat.misbehave(kind, at: clock)
    return true
  }
}
