// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The equilibrium potential of an electrode against the charge in it, as a table that costs a few nanoseconds to read.
//
// The knots of a preset are far apart where the curve is flat and close together at its steep ends. They are joined by
// cubics that never overshoot (slopes limited as Fritsch and Carlson, SIAM J. Numer. Anal. 17 (1980) 238, describe),
// and the result is laid out on a uniform grid so that no search is needed. Beyond the last knots the curve goes on as
// a straight line: an overcharged or overdischarged cell is steep, but every number stays finite.

/// A monotone, once continuously differentiable curve of a potential in volts over a charge in coulombs.
struct PotentialCurve: Sendable, Equatable {
  /// A point that the curve goes through.
  struct Knot: Sendable, Equatable {
    /// Coulombs.
    var charge: Double
    /// Volts.
    var volts: Double
  }

  /// The grid's first charge in coulombs.
  private let low: Double
  /// Coulombs between two points of the grid.
  let spacing: Double
  private let inverseSpacing: Double
  /// For each interval c0…c3 of c0 + u(c1 + u(c2 + u·c3)), 0 ≤ u ≤ 1.
  private let cubics: [SIMD4<Double>]
  /// The straight lines beyond the ends: volts at the end and volts per coulomb.
  private let lowEnd: (volts: Double, slope: Double)
  private let highEnd: (volts: Double, slope: Double)

  /// A curve through at least two knots, ordered by strictly increasing charge, with potentials that nowhere decrease.
  ///
  /// The caller has checked both; `intervals` is the fineness of the grid.
  init(knots: [Knot], intervals: Int = 2048) {
    precondition(knots.count >= 2 && intervals >= 1, "a curve needs two knots")
    let slopes = Self.limitedSlopes(knots)
    low = knots[0].charge
    spacing = (knots[knots.count - 1].charge - low) / Double(intervals)
    inverseSpacing = 1 / spacing
    var samples: [(volts: Double, slope: Double)] = []
    samples.reserveCapacity(intervals + 1)
    var interval = 0
    for index in 0...intervals {
      let charge = low + Double(index) * spacing
      while interval < knots.count - 2, charge > knots[interval + 1].charge { interval += 1 }
      samples.append(Self.sample(knots, slopes, interval, charge))
    }
    Self.limit(&samples, spacing: spacing)
    var cubics: [SIMD4<Double>] = []
    cubics.reserveCapacity(intervals)
    for index in 0..<intervals {
      let left = samples[index]
      let right = samples[index + 1]
      let rise = right.volts - left.volts
      let leftSlope = left.slope * spacing
      let rightSlope = right.slope * spacing
      cubics.append(
        SIMD4(left.volts, leftSlope, 3 * rise - 2 * leftSlope - rightSlope, leftSlope + rightSlope - 2 * rise))
    }
    self.cubics = cubics
    lowEnd = samples[0]
    highEnd = samples[intervals]
  }

  /// Volts at a charge in coulombs.
  func volts(at charge: Double) -> Double {
    let position = (charge - low) * inverseSpacing
    guard position >= 0 else { return lowEnd.volts + lowEnd.slope * (charge - low) }
    guard position < Double(cubics.count) else {
      return highEnd.volts + highEnd.slope * (charge - low - spacing * Double(cubics.count))
    }
    let index = Int(position)
    let c = cubics[index]
    let u = position - Double(index)
    return c.x + u * (c.y + u * (c.z + u * c.w))
  }

  /// The first charge in coulombs at which the curve has come to `volts`, within the table; its ends otherwise.
  func charge(at volts: Double) -> Double {
    var (below, above) = (low, low + spacing * Double(cubics.count))
    for _ in 0..<64 {
      let middle = 0.5 * (below + above)
      if self.volts(at: middle) < volts { below = middle } else { above = middle }
    }
    return above
  }

  /// Volts per coulomb at a charge in coulombs, never negative.
  func slope(at charge: Double) -> Double {
    let position = (charge - low) * inverseSpacing
    guard position >= 0 else { return lowEnd.slope }
    guard position < Double(cubics.count) else { return highEnd.slope }
    let index = Int(position)
    let c = cubics[index]
    let u = position - Double(index)
    return max(0, (c.y + u * (2 * c.z + u * 3 * c.w)) * inverseSpacing)
  }

  static func == (left: Self, right: Self) -> Bool {
    left.low == right.low && left.spacing == right.spacing && left.cubics == right.cubics
  }

  // MARK: - Making the table

  /// The cubic between two knots and its slope at a charge.
  private static func sample(
    _ knots: [Knot], _ slopes: [Double], _ interval: Int, _ charge: Double
  ) -> (volts: Double, slope: Double) {
    let left = knots[interval]
    let right = knots[interval + 1]
    let width = right.charge - left.charge
    let u = min(max((charge - left.charge) / width, 0), 1)
    let rise = right.volts - left.volts
    let leftSlope = slopes[interval] * width
    let rightSlope = slopes[interval + 1] * width
    let c2 = 3 * rise - 2 * leftSlope - rightSlope
    let c3 = leftSlope + rightSlope - 2 * rise
    return (left.volts + u * (leftSlope + u * (c2 + u * c3)), (leftSlope + u * (2 * c2 + u * 3 * c3)) / width)
  }

  /// Slopes at the knots with which no cubic overshoots: the harmonic mean of the neighbouring secants inside, the
  /// secant itself at the ends.
  private static func limitedSlopes(_ knots: [Knot]) -> [Double] {
    let secants = (0..<(knots.count - 1)).map { index in
      (knots[index + 1].volts - knots[index].volts) / (knots[index + 1].charge - knots[index].charge)
    }
    return knots.indices.map { index in
      guard index > 0 else { return secants[0] }
      guard index < knots.count - 1 else { return secants[knots.count - 2] }
      let (left, right) = (secants[index - 1], secants[index])
      return left > 0 && right > 0 ? 2 * left * right / (left + right) : 0
    }
  }

  /// Sampling on a grid that misses the knots can leave slopes too steep for their intervals; limits them again.
  private static func limit(_ samples: inout [(volts: Double, slope: Double)], spacing: Double) {
    for index in samples.indices {
      let before = index > 0 ? (samples[index].volts - samples[index - 1].volts) / spacing : Double.infinity
      let after =
        index + 1 < samples.count ? (samples[index + 1].volts - samples[index].volts) / spacing : Double.infinity
      samples[index].slope = max(0, min(samples[index].slope, 3 * min(before, after)))
    }
  }
}
