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

  /// A moving average (order 0) or the method of Savitzky and Golay (Anal. Chem. 1964, 36, 1627).
  /// - Returns: nil unless the window is odd, from 3 to `widestWindow`, and larger than the order, which is at most
  ///   `highestOrder`.
  public init?(window: Int, order: Int) {
    guard (3...Self.widestWindow).contains(window), window % 2 == 1, (0...Self.highestOrder).contains(order),
      order < window
    else { return nil }
    self.window = window
    self.order = order
  }

  /// The smoothed values. Near both ends the polynomial of the outermost window is read off its middle, as Gorry has it,
  /// so that no point is lost or invented; a moving average is level there.
  /// - Returns: nil when there are fewer values than the window has points.
  public func smoothed(_ values: [Double]) -> [Double]? {
    guard values.count >= window else { return nil }
    let half = window / 2
    // By the place within the window at which the polynomial is read.
    let weights = (-half...half).map { at in (-half...half).map { Self.weight($0, at, half, order) } }
    return values.indices.map { index in
      let centre = min(max(index, half), values.count - 1 - half)
      return zip(weights[index - centre + half], values[(centre - half)...(centre + half)]).reduce(0) {
        $0 + $1.0 * $1.1
      }
    }
  }

  /// The weight of the point `index` for the value at `place` of a window from -half to half (Gorry, Anal. Chem. 1990,
  /// 62, 570, equation 8).
  private static func weight(_ index: Int, _ place: Int, _ half: Int, _ order: Int) -> Double {
    let (here, there) = (gram(index, half, order), gram(place, half, order))
    return (0...order).reduce(0) { sum, degree in
      sum + Double(2 * degree + 1) * factor(2 * half, degree) / factor(2 * half + degree + 1, degree + 1)
        * here[degree] * there[degree]
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
