// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// A table of currents that are driven one after the other without opening the circuit between them.
public struct CurrentProfile: Sendable, Hashable {
  /// One current of the table.
  public struct Row: Sendable, Hashable {
    /// Positive charging; nothing may flow too.
    public var current: Current
    /// How long, above zero.
    public var duration: TimeSpan
    /// A row.
    public init(current: Current, duration: TimeSpan) {
      self.current = current
      self.duration = duration
    }
  }

  /// So many rows a table has at most: an instrument holds the whole of it, and how much that may be is not known of any.
  public static let mostRows = 100
  /// No row is shorter: its current is measured twice at least, and how long an instrument takes to change it is not known
  /// of any; a hundred instructions of some milliseconds would still fit.
  public static let shortestRow = TimeSpan(seconds: 1)

  /// The rows; never empty, and at least one of them drives something.
  public var rows: [Row]

  /// A table.
  public init(rows: [Row]) { self.rows = rows }

  /// How long it takes.
  public var duration: TimeSpan { rows.reduce(.zero) { $0 + $1.duration } }

  /// The largest current, as a magnitude.
  public var largestCurrent: Current { rows.map(\.current.magnitude).max() ?? .zero }

  /// What it moves, up to rounding: all of it, what is left of it in the end, and the most that it is away from its beginning.
  public var charges: (moved: Charge, net: Charge, farthest: Charge) {
    // pA times µs are 1e-18 C; 1e9 of them are a nanocoulomb.
    let scale: Int128 = 1_000_000_000
    var (moved, net, farthest): (Int128, Int128, Int128) = (0, 0, 0)
    for row in rows {
      let charge = Int128(row.current.picoamperes) * Int128(row.duration.microseconds)
      net += charge
      moved += Int128(charge.magnitude)
      farthest = max(farthest, Int128(net.magnitude))
    }
    func charge(_ value: Int128) -> Charge { Charge(nanocoulombs: Int64(clamping: value / scale)) }
    return (charge(moved), charge(net), charge(farthest))
  }
}
