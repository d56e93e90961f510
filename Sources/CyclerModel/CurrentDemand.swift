// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A current that is not given but follows from the voltage that the cell has at each reading: that of a constant power
// or of a constant resistance. The voltage may come as near to 0 V as it likes, so a largest current belongs to it.

public import Quantities

/// A current in one direction that follows the cell's voltage and is never larger than it may be.
public struct CurrentDemand: Sendable, Hashable {
  /// What the current follows from.
  public enum Law: Sendable, Hashable {
    /// Power over voltage: the lower the voltage, the more. At 0 V and below no current gives the power.
    case power(Power)
    /// Voltage over resistance: the higher the voltage, the more. At 0 V and below nothing flows.
    case resistance(Resistance)
  }

  /// The direction, never `none`; a resistance only discharges.
  public var direction: Direction
  /// What the current follows from, a magnitude above zero.
  public var law: Law
  /// The most that flows, a magnitude above zero: where the law asks for more, this is what flows.
  public var currentAtMost: Current

  /// A demand.
  public init(direction: Direction, law: Law, currentAtMost: Current) {
    self.direction = direction
    self.law = law
    self.currentAtMost = currentAtMost
  }

  /// The magnitude of the current at a voltage, from nothing to the most that may flow.
  public func current(at voltage: Voltage) -> Current {
    let asked: Int128
    switch law {
    case .power(let power):
      guard voltage > .zero else { return currentAtMost }
      // pW over nV are 1e9 pA.
      asked = Int128(power.count) * 1_000_000_000 / Int128(voltage.nanovolts)
    case .resistance(let resistance):
      guard voltage > .zero else { return .zero }
      // nV over microohms are 1e9 pA.
      asked = Int128(voltage.nanovolts) * 1_000_000_000 / Int128(max(resistance.count, 1))
    }
    return Current(picoamperes: Int64(clamping: min(asked, Int128(currentAtMost.picoamperes))))
  }
}
