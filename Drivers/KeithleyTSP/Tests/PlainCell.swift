// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import VirtualLab

/// A source of a constant voltage behind a resistor: every number of a dialogue with it can be computed by hand.
struct PlainCell: VirtualCell {
  /// Volts without a current.
  var openVolts = 3.0
  /// Ohms.
  var resistance = 1_000.0
  private(set) var terminalCharge = 0.0
  var lostCharge: Double { 0 }

  mutating func advance(seconds: Double, drive: CellDrive) { terminalCharge += seconds * current(under: drive) }
  func voltage(under drive: CellDrive) -> Double { openVolts + current(under: drive) * resistance }
  func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: return 0
    case .current(let amperes): return amperes
    case .voltage(let volts, let limit): return min(max((volts - openVolts) / resistance, -limit), limit)
    }
  }
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) { (resistance, 0) }
}
