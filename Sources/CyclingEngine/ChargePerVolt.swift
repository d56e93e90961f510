// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// dQ/dV while a current flows: the charge between the last two lines of a 5 mV grid that the voltage has crossed, for each
/// volt between them. On a plateau the next line is long in coming; what has flowed since the last one, over the grid's
/// distance, is the least that it can be then, and counts once it is more.
///
/// The crossings are worked out by straight lines between readings. A voltage that comes back over the line it has just
/// crossed, as noise makes it, changes nothing. Nothing is known before two lines have been crossed.
public struct ChargePerVolt: Sendable, Hashable {
  /// The distance of the grid's lines, in nanovolts.
  static let grid: Int64 = 5_000_000

  /// The last line that was crossed, in distances of the grid; and the step's charge there, in nanocoulombs.
  private var line: Int64?
  private var chargeAtLine: Int64 = 0
  private var last: (voltage: Int64, charge: Int64)?
  /// Between the last two lines, in nanocoulombs for each volt.
  private var between: Int64?
  /// The magnitude after the last reading, in nanocoulombs for each volt; nil while it is not known.
  public private(set) var nanocoulombsPerVolt: Int64?

  /// Nothing seen yet.
  public init() {}

  /// Forgets everything.
  public mutating func reset() { self = ChargePerVolt() }

  /// Takes a reading; one without a voltage says nothing.
  public mutating func add(_ voltage: Voltage?, _ stepCharge: Charge) {
    guard let voltage = voltage?.nanovolts else { return }
    let charge = stepCharge.nanocoulombs
    if let last { cross(from: last, to: (voltage, charge)) }
    last = (voltage, charge)
    guard let between, line != nil else { return }
    nanocoulombsPerVolt = max(between, Self.slope(charge, chargeAtLine, lines: 1))
  }

  private mutating func cross(from: (voltage: Int64, charge: Int64), to: (voltage: Int64, charge: Int64)) {
    guard from.voltage != to.voltage else { return }
    let isRising = to.voltage > from.voltage
    // The line that was crossed last on the way: at or below where it rises to, at or above where it falls to.
    let crossed = isRising ? Self.line(below: to.voltage) : Self.line(above: to.voltage)
    let at = crossed.multipliedReportingOverflow(by: Self.grid)
    guard !at.overflow, isRising ? at.partialValue > from.voltage : at.partialValue < from.voltage, crossed != line
    else {
      return
    }
    let share = Int128(at.partialValue) - Int128(from.voltage)
    let way = Int128(to.voltage) - Int128(from.voltage)
    let there = Int64(clamping: Int128(from.charge) + (Int128(to.charge) - Int128(from.charge)) * share / way)
    if let line { between = Self.slope(there, chargeAtLine, lines: crossed - line) }
    line = crossed
    chargeAtLine = there
  }

  private static func slope(_ charge: Int64, _ before: Int64, lines: Int64) -> Int64 {
    let moved = (Int128(charge) - Int128(before)).magnitude
    return Int64(clamping: moved * (1_000_000_000 / UInt128(grid)) / UInt128(lines.magnitude))
  }

  private static func line(below nanovolts: Int64) -> Int64 {
    let (quotient, rest) = nanovolts.quotientAndRemainder(dividingBy: grid)
    return rest < 0 ? quotient - 1 : quotient
  }

  private static func line(above nanovolts: Int64) -> Int64 {
    let (quotient, rest) = nanovolts.quotientAndRemainder(dividingBy: grid)
    return rest > 0 ? quotient + 1 : quotient
  }

  /// The same lines and charges.
  public static func == (left: ChargePerVolt, right: ChargePerVolt) -> Bool {
    left.line == right.line && left.chargeAtLine == right.chargeAtLine && left.last?.voltage == right.last?.voltage
      && left.last?.charge == right.last?.charge && left.between == right.between
      && left.nanocoulombsPerVolt == right.nanocoulombsPerVolt
  }

  /// Feeds what makes two of them the same.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(line)
    hasher.combine(chargeAtLine)
    hasher.combine(last?.voltage)
    hasher.combine(last?.charge)
    hasher.combine(between)
  }
}
