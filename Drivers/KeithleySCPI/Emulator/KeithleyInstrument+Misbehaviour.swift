// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension KeithleyInstrument {
  /// What its output does to the cell now.
  public func terminals(channel: Int) -> TerminalState? {
    channel == 0 ? TerminalState(cell, under: meter.drive(of: cell)) : nil
  }

  /// Lets it misbehave in every way that there is. Behind an open relay it measures nothing, and repeats that.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0 else { return false }
    let found = meter.observe(cell)
    fault = kind.map { MeterFault($0, volts: found.volts ?? 0, amperes: found.amperes ?? 0) }
    meter.isOverdriven = kind == .overload
    return true
  }

  /// Whether a command is not carried out: a liar says nothing, and who refuses puts it into the queue of errors. Common
  /// commands are about the conversation and not about the output; they are carried out.
  mutating func isIdleByFault(_ unit: ScpiUnit) -> Bool {
    guard unit.keywords.first?.hasPrefix("*") == false else { return false }
    if fault?.kind == .refusing { complain(-221, "Settings conflict") }
    return fault?.kind == .liar || fault?.kind == .refusing
  }

  /// What an interactive model's display would show.
  func shown(_ found: SourceMeter.Observation) -> (volts: Double, amperes: Double) {
    let (volts, amperes) = (found.volts ?? SourceMeter.overflow, found.amperes ?? SourceMeter.overflow)
    guard let fault else { return (volts, amperes) }
    if fault.kind == .notANumber { return (SourceMeter.notANumber, SourceMeter.notANumber) }
    return (fault.volts(volts), fault.amperes(amperes))
  }

  /// What a 2400's display would show.
  func shown(_ found: (volts: Double, amperes: Double, status: Int)) -> (volts: Double, amperes: Double, status: Int) {
    guard let fault else { return found }
    if fault.kind == .notANumber { return (SourceMeter.notANumber, SourceMeter.notANumber, found.status) }
    return (fault.volts(found.volts), fault.amperes(found.amperes), found.status)
  }
}
