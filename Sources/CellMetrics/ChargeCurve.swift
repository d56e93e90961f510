// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The voltage of a half-cycle at the points of a uniform charge grid, and from it dV/dQ. A charge is reached for the
// first time once; what flows back and again makes no second point.

public import CyclerModel
public import Quantities

/// Voltage against charge of one half-cycle (docs/metrics.md, "Differential curves").
///
/// Give it the records of each of its steps in order and say `stepEnded()` after each step. Memory grows with the number
/// of grid points only.
public struct ChargeCurve: Sendable, Hashable {
  /// A point of the grid.
  public struct Node: Sendable, Hashable {
    /// Charge moved in the programmed direction since the half-cycle began.
    public var charge: Charge
    /// The voltage when that charge had been moved for the first time.
    public var voltage: Voltage
  }

  /// What lies between two points of the grid.
  public struct Slope: Sendable, Hashable {
    /// The lower end of the interval.
    public var charge: Charge
    /// The change of the voltage over it: dV/dQ is this over the grid.
    public var change: Voltage
    /// The mean of the voltages at its ends, rounded to the nanovolt towards zero.
    public var voltage: Voltage
  }

  /// The usual number of intervals of a half-cycle.
  public static let defaultIntervals: Int64 = 200
  /// More are refused.
  public static let mostIntervals: Int64 = 20_000

  /// The programmed direction.
  public let direction: Direction
  /// The distance between the points.
  public let grid: Charge
  /// The points that have been reached, from charge zero on.
  public private(set) var nodes: [Node] = []

  // Charge of the steps that have ended, in the programmed direction.
  private var endedCharge: Int64 = 0
  private var stepCharge: Int64 = 0
  // The last record with a voltage, of whichever step: total charge in the programmed direction, and the voltage.
  private var placed: (charge: Int64, voltage: Int64)? {
    get { placedVoltage.map { (placedCharge, $0) } }
    set {
      placedCharge = newValue?.charge ?? 0
      placedVoltage = newValue?.voltage
    }
  }
  private var placedCharge: Int64 = 0
  private var placedVoltage: Int64?

  /// An empty curve whose points are `grid` apart.
  /// - Parameter whole: What the half-cycle moved, or has moved so far; a grid of which it would take more than
  ///   `mostIntervals` is refused.
  /// - Returns: nil when the grid is not above zero or too fine.
  public init?(direction: Direction, grid: Charge, of whole: Charge) {
    guard grid > .zero, whole.nanocoulombs / grid.nanocoulombs <= Self.mostIntervals else { return nil }
    self.direction = direction
    self.grid = grid
  }

  /// The grid that divides a charge into so many intervals; at least a nanocoulomb.
  public static func grid(of whole: Charge, intervals: Int64 = defaultIntervals) -> Charge {
    Charge(nanocoulombs: max(1, whole.nanocoulombs / max(1, intervals)))
  }

  /// Takes a record; one without a voltage only tells how much has flowed.
  public mutating func record(_ record: RecordRow) {
    stepCharge = directed(record.charge.nanocoulombs)
    guard let voltage = record.voltage?.nanovolts else { return }
    let charge = endedCharge &+ stepCharge
    // Before the first voltage of a step the charge belongs to that voltage.
    let before = isFirstOfStep ? (placed?.charge ?? 0, voltage) : (placedCharge, placedVoltage ?? voltage)
    reach(from: before, to: (charge, voltage))
    placed = (charge, voltage)
    isFirstOfStep = false
  }

  /// The step is over; the next record begins another one.
  public mutating func stepEnded() {
    endedCharge &+= stepCharge
    stepCharge = 0
    // What flowed after the last voltage of a step belongs to that voltage.
    if let last = placed, !isFirstOfStep {
      reach(from: last, to: (endedCharge, last.voltage))
      placed = (endedCharge, last.voltage)
    }
    isFirstOfStep = true
  }

  /// The intervals between the points that have been reached; what is left behind the last point is none.
  public var slopes: [Slope] {
    zip(nodes, nodes.dropFirst()).map { from, to in
      Slope(charge: from.charge, change: to.voltage - from.voltage, voltage: (from.voltage + to.voltage) / 2)
    }
  }

  private var isFirstOfStep = true

  private func directed(_ net: Int64) -> Int64 { direction == .discharge ? 0 &- net : net }

  /// Adds the points up to a place on a straight line. They are rounded to the nanovolt, halves upwards whichever way the
  /// line goes, so that a record in the middle of a line moves none.
  private mutating func reach(from begin: (charge: Int64, voltage: Int64), to end: (charge: Int64, voltage: Int64)) {
    while nodes.count <= Self.mostIntervals {
      let next = Int64(nodes.count) &* grid.nanocoulombs
      guard next <= end.charge else { return }
      let span = end.charge &- begin.charge
      var voltage = next <= begin.charge ? begin.voltage : end.voltage
      if next > begin.charge, next < end.charge, span > 0 {
        let scaled =
          Int128(begin.voltage) * Int128(span) + Int128(end.voltage &- begin.voltage) * Int128(next &- begin.charge)
        voltage = Int64(truncatingIfNeeded: Self.floor(2 * scaled + Int128(span), 2 * Int128(span)))
      }
      nodes.append(Node(charge: Charge(nanocoulombs: next), voltage: Voltage(nanovolts: voltage)))
    }
  }

  private static func floor(_ value: Int128, _ divisor: Int128) -> Int128 {
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
    return rest < 0 ? quotient - 1 : quotient
  }
}
