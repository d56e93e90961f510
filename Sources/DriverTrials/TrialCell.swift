// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Glibc
public import VirtualLab

/// A cell that is small enough to be driven from one end to the other in seconds: a capacitor and a resistor in a row, solved
/// exactly under each drive, with no side reactions.
public struct TrialCell: VirtualCell {
  /// Volts without current.
  public private(set) var volts: Double
  /// Farads.
  public let capacitance: Double
  /// Ohms.
  public let resistance: Double
  /// Coulombs through the terminals, positive charging.
  public private(set) var terminalCharge = 0.0

  /// A cell that stands at so many volts.
  public init(volts: Double, capacitance: Double, resistance: Double) {
    self.volts = volts
    self.capacitance = capacitance
    self.resistance = resistance
  }

  /// Nothing is lost.
  public var lostCharge: Double { 0 }

  /// The current that a drive drives.
  public func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let target, let limit): min(max((target - volts) / resistance, -limit), limit)
    }
  }

  /// The voltage at the terminals.
  public func voltage(under drive: CellDrive) -> Double { volts + current(under: drive) * resistance }

  /// A resistor and a capacitor.
  public func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) {
    (resistance, -1 / (2 * Double.pi * hertz * capacitance))
  }

  /// Lets seconds pass: with a limited current until the limit is no longer one, and exponentially from there.
  public mutating func advance(seconds: Double, drive: CellDrive) {
    var left = seconds
    if case .voltage(let target, let limit) = drive {
      let distance = target - volts
      let limited = (distance.magnitude - limit * resistance) * capacitance / max(limit, 1e-30)
      if limited > 0 {
        let span = min(limited, left)
        pass((distance < 0 ? -limit : limit) * span)
        left -= span
      }
      if left > 0 { pass((target - volts) * capacitance * (1 - exp(-left / (resistance * capacitance)))) }
    } else {
      pass(current(under: drive) * left)
    }
  }

  private mutating func pass(_ coulombs: Double) {
    terminalCharge += coulombs
    volts += coulombs / capacitance
  }
}
