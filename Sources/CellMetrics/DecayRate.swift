// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Fade per cycle from a retention over so many cycles (docs/metrics.md, "Retention and decay"). Two numbers go by the name, and they are
// far apart when little is left: 60.1 % and 67.1 % of the same cell. So both are told, with the number of cycles.

/// Decay per cycle, as fractions; negative where the capacity grew.
public struct DecayRate: Sendable, Hashable {
  /// Loss over the number of cycles.
  public let linear: Double
  /// The share of the capacity that each cycle loses, were it always the same.
  public let geometric: Double

  /// The decay from a reference to a cycle `intervals` later that has `retention` of it.
  /// - Returns: nil without a cycle between them, and where nothing is left to take a root of.
  public init?(retention: Double, intervals: Int64) {
    guard intervals > 0, retention > 0, retention.isFinite else { return nil }
    linear = (1 - retention) / Double(intervals)
    geometric = 1 - Self.root(intervals, of: retention)
  }

  /// Retentions whose root is within reach of 1. What was stored of them was found from there, and stays so to its last digit.
  private static let ordinary = 1e-60...100

  /// The positive root, by Newton's method: from the second step on it falls towards the root and cannot pass it. From a
  /// first step far beyond the root each further one takes off a part in `degree` only, so that 200 of them do not come down
  /// to it: anything but an ordinary retention begins where the logarithm says.
  private static func root(_ degree: Int64, of value: Double) -> Double {
    var root = ordinary.contains(value) ? 1.0 : estimate(degree, of: value)
    let count = Double(degree)
    for _ in 0..<200 {
      let next = root + root * (value / power(root, degree) - 1) / count
      if next == root || (next - root).magnitude <= root.ulp { return next }
      root = next
    }
    return root
  }

  /// The root to some units of the last place.
  private static func estimate(_ degree: Int64, of value: Double) -> Double {
    let whole = NaturalLogarithm.of(significand: value.significand, exponent: Int(value.exponent))
    // Only the first root of what a Double can just hold has a logarithm that no power is taken of.
    return NaturalLogarithm.power(whole / Double(degree)) ?? value
  }

  private static func power(_ base: Double, _ exponent: Int64) -> Double {
    var result = 1.0
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}
