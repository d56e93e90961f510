// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// dQ/dV of a half-cycle: how much charge was moved in each interval of a uniform voltage grid. It is a histogram and no
// derivative: nothing is differenced, fitted or smoothed, so noise makes no spikes and no charge is lost. It never
// touches a capacity.

public import CyclerModel
public import Quantities

/// The charge of one half-cycle over a voltage grid (docs/metrics.md, "Differential curves").
///
/// Give it the records of each of its steps in order and say `stepEnded()` after each step. Memory grows with the voltage
/// window only, never with the records.
public struct DifferentialCapacity: Sendable, Hashable {
  /// What one interval of the grid holds.
  public struct Bin: Sendable, Hashable {
    /// Its lower edge; the interval holds it and ends below the next.
    public var lowerEdge: Voltage
    /// Charge moved in the programmed direction less the opposite.
    public var charge: Charge
    /// Of `charge`, what flowed while a voltage was held: there it says nothing about a voltage interval.
    public var constantVoltageCharge: Charge
  }

  /// The usual grid.
  public static let defaultGrid = Voltage(millivolts: 5)
  /// Finer than that is no instrument; with `farthest` it bounds the memory to some 1.3 MB.
  public static let finestGrid = Voltage(nanovolts: 500_000)
  /// Wider than that is no curve.
  public static let widestGrid = Voltage(millivolts: 1_000)
  // Nothing that is cycled goes beyond 20 V; a charge there has no bin.
  private static let farthest: Int64 = 20_000_000_000

  /// The programmed direction.
  public let direction: Direction
  /// The width of the intervals; their edges are whole multiples of it.
  public let grid: Voltage

  // Net, positive charging; the first is the bin number `firstBin`.
  private var charges: [Int64] = []
  private var held: [Int64] = []
  private var firstBin: Int64 = 0
  private var unplaced: Int64 = 0
  private var lowest: Int64?
  private var highest: Int64?

  // Of the present step: charge and voltage of its last record with a voltage, and the charge of its last record.
  private var stepCharge: Int64 = 0
  private var placedCharge: Int64 = 0
  private var placedVoltage: Int64?
  // Whether what flowed since `placedVoltage` belongs to a hold.
  private var isHeld = false

  /// An empty curve.
  /// - Returns: nil when the grid is finer than `finestGrid` or wider than `widestGrid`.
  public init?(direction: Direction, grid: Voltage = defaultGrid) {
    guard (Self.finestGrid...Self.widestGrid).contains(grid) else { return nil }
    self.direction = direction
    self.grid = grid
  }

  /// Places what flowed since the step's record with a voltage before this one, or since its beginning.
  public mutating func record(_ record: RecordRow) {
    stepCharge = record.charge.nanocoulombs
    isHeld = record.flags.contains(.constantVoltage)
    guard let voltage = record.voltage?.nanovolts else { return }
    place(stepCharge &- placedCharge, from: placedVoltage ?? voltage, to: voltage)
    placedCharge = stepCharge
    placedVoltage = voltage
    lowest = min(lowest ?? voltage, voltage)
    highest = max(highest ?? voltage, voltage)
  }

  /// The step is over; the next record begins another one.
  public mutating func stepEnded() {
    let rest = stepCharge &- placedCharge
    if rest != 0 {
      if let placedVoltage { place(rest, from: placedVoltage, to: placedVoltage) } else { unplaced &+= rest }
    }
    stepCharge = 0
    placedCharge = 0
    placedVoltage = nil
    isHeld = false
  }

  /// The intervals from the lowest to the highest that was visited, in the order of the voltage. The sum of their charges
  /// and `unplacedCharge` is the half-cycle's charge, to the nanocoulomb. The first and the last interval may have been
  /// passed through in part only: see `lowestVoltage` and `highestVoltage`.
  public var bins: [Bin] {
    charges.indices.map { index in
      Bin(
        lowerEdge: Voltage(nanovolts: (firstBin + Int64(index)) * grid.nanovolts),
        charge: Charge(nanocoulombs: directed(charges[index])),
        constantVoltageCharge: Charge(nanocoulombs: directed(held[index])))
    }
  }

  /// Charge of steps without any measured voltage, or beyond 20 V; it is in no interval.
  public var unplacedCharge: Charge {
    Charge(nanocoulombs: directed(unplaced &+ (placedVoltage == nil ? stepCharge &- placedCharge : 0)))
  }
  /// The lowest voltage of a record; nil without any.
  public var lowestVoltage: Voltage? { lowest.map(Voltage.init(nanovolts:)) }
  /// The highest voltage of a record; nil without any.
  public var highestVoltage: Voltage? { highest.map(Voltage.init(nanovolts:)) }
}

// MARK: - Arithmetic

extension DifferentialCapacity {
  private func directed(_ net: Int64) -> Int64 { direction == .discharge ? 0 &- net : net }

  /// Shares a charge over the intervals between two voltages. What lies below an edge is rounded to the nanocoulomb as
  /// the plateau's level rule does it, and an interval gets the difference of its edges: so the shares sum up exactly,
  /// and the intervals below a plateau threshold that is an edge sum up to the plateau charge.
  private mutating func place(_ amount: Int64, from begin: Int64, to end: Int64) {
    let (lower, upper) = (min(begin, end), max(begin, end))
    guard lower >= -Self.farthest, upper <= Self.farthest else {
      unplaced &+= amount
      return
    }
    let step = grid.nanovolts
    let first = Self.floor(lower, step)
    // A voltage at an edge belongs to the interval above it, but nothing flows above the end of a slope.
    let last = upper > lower ? Self.floor(upper - 1, step) : first
    reach(first)
    reach(last)
    let span = UInt64(bitPattern: upper &- lower)
    var before: Int64 = 0
    for bin in first...last {
      let edge = (bin + 1) * step
      let below = bin == last ? amount : ThresholdCharge.share(amount, UInt64(bitPattern: edge &- lower), of: span)
      add(below &- before, to: bin)
      before = below
    }
  }

  private mutating func add(_ amount: Int64, to bin: Int64) {
    let index = Int(bin - firstBin)
    charges[index] &+= amount
    if isHeld { held[index] &+= amount }
  }

  /// Makes room for an interval.
  private mutating func reach(_ bin: Int64) {
    if charges.isEmpty { firstBin = bin }
    if bin < firstBin {
      let missing = [Int64](repeating: 0, count: Int(firstBin - bin))
      charges.insert(contentsOf: missing, at: 0)
      held.insert(contentsOf: missing, at: 0)
      firstBin = bin
    }
    while bin >= firstBin + Int64(charges.count) {
      charges.append(0)
      held.append(0)
    }
  }

  private static func floor(_ value: Int64, _ step: Int64) -> Int64 {
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: step)
    return rest < 0 ? quotient - 1 : quotient
  }
}
