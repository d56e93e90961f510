// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What an instrument counted between two records, from the readings of its counter.
public struct ChargeCounter: Sendable, Hashable {
  /// Where a counter begins anew.
  public enum Kind: Sendable, Hashable {
    /// Never, or with the cycle: it falls back when it does.
    case total
    /// With each step.
    case step
    /// With each record: it holds what flowed since the one before.
    case increment
  }

  /// What of the charge a column counts.
  public enum Side: Sendable, Hashable {
    /// What charged the cell.
    case charge
    /// What discharged it, a magnitude.
    case discharge
    /// Charging less discharging.
    case net
    /// A magnitude, in the direction of the current.
    case magnitude
  }

  let kind: Kind
  let side: Side
  private var grid = CounterGrid()
  private var last = 0.0
  private var isKnown = false

  init(_ kind: Kind, _ side: Side) {
    self.kind = kind
    self.side = side
  }

  /// The charge since the record before, positive charging; nil where a reading is missing.
  /// - Parameters:
  ///   - reading: What the counter shows, in coulombs; not a number where it is not known.
  ///   - direction: The sign of the current that flowed.
  @inline(__always)
  mutating func advance(to reading: Double, beginsStep: Bool, direction: Double) -> Double? {
    guard !reading.isNaN else {
      isKnown = false
      return nil
    }
    // A magnitude needs no sign of its own; some exports give it one.
    let present = side == .magnitude ? reading.magnitude : reading
    let counted: Double
    switch kind {
    case .increment: counted = present
    case .step:
      if beginsStep {
        counted = present
      } else {
        guard isKnown else { return remember(present) }
        counted = hasFallenBack(to: present) ? present : present - last
      }
    case .total:
      guard isKnown else { return remember(present) }
      counted = hasFallenBack(to: present) ? present : present - last
    }
    last = present
    isKnown = true
    switch side {
    case .charge, .net: return counted
    case .discharge: return -counted
    case .magnitude: return counted * direction
    }
  }

  /// The steps in which it counts, C, as far as its readings show any that are worth a word; see `CounterGrid`.
  var resolution: Double? { grid.step }
  /// It counts so finely that its steps need no word.
  var isFine: Bool { grid.isFine }

  /// Looks at what `advance` told, until it has shown that it counts finely.
  /// - Parameters:
  ///   - current: Of the record, A.
  ///   - span: Since the record before, s.
  ///   - isSteady: Whether that one was of the same step and of the same current.
  @inline(__always)
  mutating func observe(_ counted: Double?, reading: Double, current: Double, span: Double, isSteady: Bool) {
    guard !grid.isFine, let counted else { return }
    switch side {
    case .charge: guard current > 0 else { return }
    case .discharge: guard current < 0 else { return }
    case .net, .magnitude: guard current != 0 else { return }
    }
    grid.observe(counted.magnitude, reading: reading.magnitude, span: isSteady ? span : nil)
  }

  /// A counter that begins anew begins near zero; one that falls by its last digit only corrects itself.
  @inline(__always)
  private func hasFallenBack(to present: Double) -> Bool { side != .net && present < last / 2 }

  private mutating func remember(_ present: Double) -> Double? {
    last = present
    isKnown = true
    return nil
  }
}
