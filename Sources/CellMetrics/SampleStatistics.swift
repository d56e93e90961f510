// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Mean and standard deviation of a sample, by Welford's recurrence (Technometrics 1962, 4, 419), which does not lose the
/// spread of values that lie close together, as efficiencies do.
public struct SampleStatistics: Sendable, Hashable {
  /// How many values were taken.
  public private(set) var count: Int64 = 0
  private var runningMean = 0.0
  private var squares = 0.0

  /// Nothing yet.
  public init() {}

  /// Takes a value; one that is no number is left out.
  public mutating func take(_ value: Double) {
    guard value.isFinite else { return }
    count += 1
    let before = value - runningMean
    runningMean += before / Double(count)
    squares += before * (value - runningMean)
  }

  /// The mean; nil of nothing.
  public var mean: Double? { count > 0 ? runningMean : nil }
  /// The standard deviation of the sample (n − 1); nil of fewer than two values, which have none.
  public var standardDeviation: Double? { count > 1 ? (squares / Double(count - 1)).squareRoot() : nil }
}
