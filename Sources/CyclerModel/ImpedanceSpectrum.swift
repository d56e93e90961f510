// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an impedance spectrum is: which frequencies, how strongly, and how long each of them is taken to need. The
// frequencies lie evenly on a logarithmic scale, both ends included; their ratio is the root of the ratio of the ends,
// found by Newton's method, since the pure rooms have no logarithm.

public import Quantities

/// An impedance spectrum around the open circuit as a protocol asks for it.
public struct ImpedanceSpectrum: Sendable, Hashable {
  /// Root mean square of the voltage that is applied on top of the open circuit's; above zero.
  public var amplitude: Voltage
  /// The first frequency.
  public var from: Frequency
  /// The last frequency, another one.
  public var to: Frequency
  /// How many frequencies there are, both ends included; 2 or more.
  public var points: Int32
  /// More current than this ends it as a fault: between two points as it is measured, of a point by its peak.
  public var currentAtMost: Current
  /// Whether the voltage may go below 0 V on an anode.
  public var mayPlate: Bool

  /// A spectrum with some points in each decade.
  public init(
    amplitude: Voltage, from: Frequency, to: Frequency, pointsPerDecade: Int64, currentAtMost: Current,
    mayPlate: Bool = false
  ) {
    self.amplitude = amplitude
    self.from = from
    self.to = to
    self.currentAtMost = currentAtMost
    self.mayPlate = mayPlate
    points = Self.points(from: from, to: to, pointsPerDecade: pointsPerDecade)
  }

  /// The most that the voltage moves away from the open circuit's: the root of 2 times `amplitude`.
  public var peak: Voltage { Voltage(nanovolts: Int64((Double(amplitude.nanovolts) * 2.0.squareRoot()).rounded())) }

  // MARK: Frequencies

  /// Each frequency over the one before.
  public var ratio: Double { Self.root(Double(to.microhertz) / Double(from.microhertz), Int(points) - 1) }

  /// All frequencies in order, to the microhertz.
  public var frequencies: [Frequency] {
    let ratio = ratio
    var value = Double(from.microhertz)
    return (0..<points).map { index in
      defer { value *= ratio }
      return index == points - 1 ? to : Frequency(microhertz: Int64(value.rounded()))
    }
  }

  /// As many intervals as come nearest to that density, one at least.
  private static func points(from: Frequency, to: Frequency, pointsPerDecade: Int64) -> Int32 {
    let (low, high) = (Double(min(from, to).microhertz), Double(max(from, to).microhertz))
    let interval = root(10, Int(pointsPerDecade))
    var reached = low * interval.squareRoot()
    var intervals: Int32 = 0
    while reached < high, intervals < 100_000 {
      intervals += 1
      reached *= interval
    }
    return max(intervals, 1) + 1
  }

  /// The root of that degree (1 or more) of a value above zero.
  private static func root(_ value: Double, _ degree: Int) -> Double {
    guard value >= 1 else { return 1 / root(1 / value, degree) }
    // Newton's method for x^n - v from above, where it falls steadily; a power of two that is surely above.
    var guess = Double(sign: .plus, exponent: (Int(value.exponent) + degree) / degree, significand: 1)
    for _ in 0..<10_000 {
      let power = (1..<degree).reduce(1.0) { product, _ in product * guess }
      let next = guess - (power * guess - value) / (Double(degree) * power)
      if next >= guess * (1 - 1e-15) { return next }
      guess = next
    }
    return guess
  }

  // MARK: Times

  /// A point settles for a period, but not for longer than this.
  private static let longestSettling = TimeSpan(seconds: 5)
  /// A point is measured for at least so long.
  private static let shortestMeasuring = TimeSpan(milliseconds: 500)

  /// How long an instrument is taken to need for a point: one period to settle, 5 s at most, and two to measure, half a
  /// second at least. From the descriptions of the maker's own programs; on an instrument it is unverified.
  public static func time(at frequency: Frequency) -> TimeSpan {
    // 1e12 over microhertz are microseconds.
    let period = TimeSpan(microseconds: 1_000_000_000_000 / max(frequency.microhertz, 1))
    return min(period, longestSettling) + max(period * 2, shortestMeasuring)
  }

  /// How long a point may last before something counts as wrong: twice as long, for an instrument that changes its range
  /// in the middle, and 10 s.
  public static func longestTime(at frequency: Frequency) -> TimeSpan {
    time(at: frequency) * 2 + TimeSpan(seconds: 10)
  }

  /// How long all points are taken to need.
  public var expectedTime: TimeSpan { frequencies.map(Self.time).reduce(.zero, +) }
  /// How long all points may last.
  public var longestTime: TimeSpan { frequencies.map(Self.longestTime).reduce(.zero, +) }
  /// How long the longest point is taken to need; nobody can end it from outside but by opening the circuit.
  public var expectedPoint: TimeSpan { Self.time(at: min(from, to)) }
  /// How long the longest point may last.
  public var longestPoint: TimeSpan { Self.longestTime(at: min(from, to)) }
}
