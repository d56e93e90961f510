// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Smoothing of a curve on a uniform grid, for the eye. The raw curve always stands beside it, and no capacity is ever
// computed from it.

/// How a curve is smoothed.
public struct CurveSmoothing: Sendable, Hashable {
  /// The most points that are taken together.
  public static let widestWindow = 501
  /// The highest degree: beyond it nothing is smoothed.
  public static let highestOrder = 6

  /// Points that are taken together; odd.
  public let window: Int
  /// Degree of the polynomial that is fitted to them; 0 is the moving average.
  public let order: Int
  // By the place within the window at which the polynomial is read; computed once for any number of curves.
  private let weights: [[Double]]

  /// A moving average (order 0) or the method of Savitzky and Golay (Anal. Chem. 1964, 36, 1627).
  /// - Returns: nil unless the window is odd, from 3 to `widestWindow`, and larger than the order, which is at most
  ///   `highestOrder`.
  public init?(window: Int, order: Int) {
    guard (3...Self.widestWindow).contains(window), window % 2 == 1, (0...Self.highestOrder).contains(order),
      order < window
    else { return nil }
    self.window = window
    self.order = order
    weights = Self.weights(half: window / 2, order)
  }

  /// The smoothed values. Near both ends the polynomial of the outermost window is read off its middle, as Gorry has it,
  /// so that no point is lost or invented; a moving average is level there.
  /// - Returns: nil when there are fewer values than the window has points.
  public func smoothed(_ values: [Double]) -> [Double]? {
    guard values.count >= window else { return nil }
    let half = window / 2
    return values.indices.map { index in
      let centre = min(max(index, half), values.count - 1 - half)
      let own = weights[index - centre + half]
      var sum = 0.0
      for place in own.indices { sum += own[place] * values[centre - half + place] }
      return sum
    }
  }

  /// For each place of a window from -half to half the weights of its points (Gorry, Anal. Chem. 1990, 62, 570,
  /// equation 8).
  private static func weights(half: Int, _ order: Int) -> [[Double]] {
    let factors = (0...order).map { degree in
      Double(2 * degree + 1) * factor(2 * half, degree) / factor(2 * half + degree + 1, degree + 1)
    }
    let polynomials = (-half...half).map { gram($0, half, order) }
    return polynomials.map { there in
      polynomials.map { here in
        var sum = 0.0
        for degree in 0...order { sum += factors[degree] * here[degree] * there[degree] }
        return sum
      }
    }
  }

  /// Gram polynomials up to a degree at a place.
  private static func gram(_ place: Int, _ half: Int, _ order: Int) -> [Double] {
    var values = [1.0]
    for degree in 1..<(order + 1) {
      let (k, m) = (Double(degree), Double(half))
      let below = k * (2 * m - k + 1)
      let first = (4 * k - 2) / below * Double(place) * values[degree - 1]
      let second = degree < 2 ? 0 : (k - 1) * (2 * m + k) / below * values[degree - 2]
      values.append(first - second)
    }
    return values
  }

  /// a (a − 1) … (a − b + 1).
  private static func factor(_ a: Int, _ b: Int) -> Double {
    b < 1 ? 1 : ((a - b + 1)...a).reduce(1) { $0 * Double($1) }
  }
}
