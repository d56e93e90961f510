// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension EBCInstrument {
  /// What it does to the cell now.
  public func terminals(channel: Int) -> TerminalState? {
    channel == 0 ? TerminalState(cell, under: drive) : nil
  }

  /// Lets it misbehave. Its line has no refusal, no overload and nothing that is no number; as nothing is acknowledged, a
  /// liar is one to which no command gets through.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0 else { return false }
    switch kind {
    case .refusing, .overload, .notANumber: return false
    case nil, .liar, .frozenReading, .wrongValue: break
    }
    fault = nil
    fault = kind.map { MeterFault($0, volts: measuredVolts, amperes: measuredAmperes) }
    return true
  }
}
