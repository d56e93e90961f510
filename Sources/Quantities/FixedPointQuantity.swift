// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A quantity of a cell is kept as a whole number of its smallest useful unit (nV, pA, nC, nJ, µs), not as a binary
// fraction. The same integer is compared with a limit, stored, exported and analysed again, so the four can never
// disagree in a last digit. See docs/adr/0002-fixed-point-quantities.md.

/// A physical quantity counted in a fixed smallest unit.
///
/// Arithmetic traps on overflow, which for every unit here lies far outside what a cell or an instrument can reach.
public protocol FixedPointQuantity: Sendable, Hashable, Comparable {
  /// The number of smallest units; the unit is named by the conforming type.
  var count: Int64 { get set }
  /// Makes a quantity of `count` smallest units.
  init(count: Int64)
}

extension FixedPointQuantity {
  /// Nothing of the quantity.
  public static var zero: Self { Self(count: 0) }
  /// The quantity without its sign.
  public var magnitude: Self { Self(count: Int64(clamping: count.magnitude)) }

  /// Orders by size, negative first.
  public static func < (left: Self, right: Self) -> Bool { left.count < right.count }
  /// The sum.
  public static func + (left: Self, right: Self) -> Self { Self(count: left.count + right.count) }
  /// The difference.
  public static func - (left: Self, right: Self) -> Self { Self(count: left.count - right.count) }
  /// The opposite.
  public static prefix func - (value: Self) -> Self { Self(count: -value.count) }
  /// Adds in place.
  public static func += (left: inout Self, right: Self) { left.count += right.count }
  /// Subtracts in place.
  public static func -= (left: inout Self, right: Self) { left.count -= right.count }
  /// A whole multiple.
  public static func * (left: Self, right: Int64) -> Self { Self(count: left.count * right) }
  /// A whole fraction, rounded toward zero.
  public static func / (left: Self, right: Int64) -> Self { Self(count: left.count / right) }
}
