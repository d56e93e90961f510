// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import Quantities

/// Finds, within one step, the pairs of readings that must both be recorded so that thinning changes no metric:
/// - the last reading on one side of the plateau threshold and the first one on the other,
/// - the same of the voltage less its ohmic part, once the resistance is known by which plateaus are corrected,
/// - the last reading with a voltage and the first one without, and back, where there is a threshold,
/// - the last reading with the current in the programmed direction and the first one against it, and back.
///
/// It keeps no reading: the caller records the one before, with the integrals as they stood at it, unless it has.
public struct PlateauEdges: Sendable, Hashable {
  /// The plateau threshold of the step's branch, if it has one. A voltage below it, not at it, is on the plateau.
  public let threshold: Voltage?
  /// The programmed direction; `none` when reversed current does not matter.
  public let direction: Direction

  private var side = Side.unread
  private var isReversed = false
  // By which the voltage is corrected, and where the corrected one stood.
  private var resistance: Resistance?
  private var correctedSide = Side.unread

  // Where the last reading stood.
  private enum Side: UInt8 {
    case unread
    case unmeasured
    case above
    case below
  }

  /// The edges of one step; nothing read yet.
  public init(threshold: Voltage?, direction: Direction = .none, resistance: Resistance? = nil) {
    self.threshold = threshold
    self.direction = direction
    self.resistance = resistance
  }

  /// The resistance is known from the record with that voltage and current on, by which plateaus are corrected: it is the
  /// first one whose corrected voltage counts, so that the next reading may be on the other side already.
  public mutating func correct(by resistance: Resistance, at voltage: Voltage?, _ current: Current?) {
    guard self.resistance == nil else { return }
    self.resistance = resistance
    _ = correctedCrossed(voltage, current, at: resistance)
  }

  /// Whether the corrected voltage goes to the other side.
  private mutating func correctedCrossed(_ voltage: Voltage?, _ current: Current?, at resistance: Resistance) -> Bool {
    guard let threshold else { return false }
    let before = correctedSide
    if let voltage, let current {
      correctedSide = voltage.lessDrop(of: current, at: resistance) < threshold ? .below : .above
    } else {
      correctedSide = .unmeasured
    }
    return correctedSide != before && before != .unread
  }

  /// Whether a metric turns between the reading before and this one, so that both are records. Pass every reading.
  /// - Parameter current: Matters with a `direction` only. A reading without current stays on the side of the one before,
  ///   as no charge is counted for it.
  public mutating func crossed(_ voltage: Voltage?, _ current: Current? = nil) -> Bool {
    let sideBefore = side
    let wasReversed = isReversed
    if let threshold { side = voltage.map { $0 < threshold ? .below : .above } ?? .unmeasured }
    if let current {
      switch direction {
      case .charge: isReversed = current < .zero
      case .discharge: isReversed = current > .zero
      case .none: isReversed = false
      }
    }
    let isCorrectedEdge = resistance.map { correctedCrossed(voltage, current, at: $0) } ?? false
    return isCorrectedEdge || isReversed != wasReversed || (side != sideBefore && sideBefore != .unread)
  }
}
