// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension TSPInstrument {
  /// What an output does to its cell now.
  public func terminals(channel: Int) -> TerminalState? {
    guard meters.indices.contains(channel) else { return nil }
    return TerminalState(cells[channel], under: meters[channel].drive(of: cells[channel]))
  }

  /// Lets a channel misbehave in every way that there is. Commands are what its attributes are set to; the language, and
  /// what runs in it, is sound. Behind an open relay it measures nothing, and repeats that.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard meters.indices.contains(channel) else { return false }
    meters[channel].fault = nil
    let found = meters[channel].measure(cells[channel])
    meters[channel].fault = kind.map { MeterFault($0, volts: found.volts, amperes: found.amperes) }
    return true
  }

  /// Whether a channel does not take what it is told: a liar says nothing, and who refuses puts it into the error queue
  /// (its number by SCPI; unverified).
  mutating func isIdleByFault(_ channel: Int) -> Bool {
    let kind = meters[channel].fault?.kind
    if kind == .refusing { complain(-221, "Settings conflict") }
    return kind == .liar || kind == .refusing
  }
}
