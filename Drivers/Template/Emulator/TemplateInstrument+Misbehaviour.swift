// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How the instrument can be wrong while its line is sound, for the conformance matrix. When copying, answer `false` for what your
// instrument's protocol has no word for, and for nothing else.

public import VirtualLab

extension TemplateInstrument {
  /// What it does to the cell now.
  public func terminals(channel: Int) -> TerminalState? { channel == 0 ? TerminalState(cell, under: drive) : nil }

  /// Lets it misbehave; `liar` and `refusing` act where commands are carried out.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0 else { return false }
    let now = TerminalState(cell, under: drive)
    fault = kind.map { MeterFault($0, volts: now.volts, amperes: now.amperes) }
    return true
  }

  /// What a converter shows, and whether it is at its end.
  func shown(_ real: Double, end: Double, _ quantity: ShownQuantity) -> (value: Double, isBeyond: Bool) {
    if fault?.kind == .overload { return (real < 0 ? -end : end, true) }
    let value = fault.map { quantity == .volts ? $0.volts(real) : $0.amperes(real) } ?? real
    return value.magnitude >= end ? (value < 0 ? -end : end, true) : (value, false)
  }
}

/// What a converter measures.
enum ShownQuantity: Sendable, Hashable { case volts, amperes }
