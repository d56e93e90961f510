// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a plot shows, before it is drawn in characters or in a file.
struct Picture {
  /// A line of it.
  struct Series {
    /// What it is, for the legend; nil for one that has the style of another.
    var name: String?
    /// In the order of x; nil is a gap, over which no line is drawn.
    var points: [CurvePlot.Point?]
    /// Series of the same style look alike.
    var style = 0
    /// Drawn lightly, behind what was made of it; in characters not at all.
    var isFaint = false
  }

  var title: String
  /// Name and unit, such as `test time / h`.
  var xLabel: String
  var yLabel: String
  var series: [Series]
  /// What is shown of the y axis; nil is all. What lies outside is marked at the edge.
  var yRange: ClosedRange<Double>?
  /// On an axis of whole numbers there is none between them.
  var hasWholeX = false

  /// The lowest and highest x of all points; nil without any.
  var xSpan: ClosedRange<Double>? {
    let all = series.flatMap { $0.points.compactMap { $0?.x } }
    guard let low = all.min(), let high = all.max() else { return nil }
    return low...high
  }

  /// The y axis: what was chosen, or all there is.
  var ySpan: ClosedRange<Double>? {
    if let yRange { return yRange }
    let all = series.flatMap { $0.points.compactMap(\.self) }
    guard let low = all.map(\.lowest).min(), let high = all.map(\.highest).max() else { return nil }
    return low...high
  }

  /// A range that shows the bulk of values that lie close together, and leaves out what lies far from it: three times the
  /// distance of the quartiles beyond them (Tukey's outer fence). nil of nothing.
  static func bulk(of values: [Double], atLeast: Double) -> ClosedRange<Double>? {
    let sorted = values.filter(\.isFinite).sorted()
    guard let least = sorted.first, let most = sorted.last else { return nil }
    guard sorted.count >= 4 else { return padded(least, most, atLeast: atLeast) }
    let (low, high) = (sorted[(sorted.count - 1) / 4], sorted[(3 * (sorted.count - 1) + 3) / 4])
    let fence = max(3 * (high - low), atLeast)
    let inside = sorted.filter { $0 >= low - fence && $0 <= high + fence }
    return padded(inside.first ?? least, inside.last ?? most, atLeast: atLeast)
  }

  /// A range that leaves out the twentieth at either end. nil of nothing.
  static func middle(of values: [Double]) -> ClosedRange<Double>? {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return nil }
    let margin = (sorted.count - 1) / 20
    return sorted[margin]...sorted[sorted.count - 1 - margin]
  }

  private static func padded(_ low: Double, _ high: Double, atLeast: Double) -> ClosedRange<Double> {
    let margin = max(0, atLeast - (high - low)) / 2
    return (low - margin)...(high + margin)
  }
}
