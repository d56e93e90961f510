// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Curves in a terminal: each character of braille is two columns and four rows of dots, so that 80 characters show 160
// moments.

/// Curves of points with some height, drawn in characters.
struct CurvePlot {
  /// The lowest and the highest value of a stretch of the x axis.
  struct Point: Hashable {
    var x: Double
    var lowest: Double
    var highest: Double
  }

  /// The curves; nil is a gap.
  var series: [[Point?]]
  /// Characters in a line, axis included.
  var width: Int
  /// Lines without the x axis.
  var height = 14
  var glyphs = PlotGlyphs.braille

  private static let axisWidth = 8

  /// One curve without gaps.
  init(points: [Point], width: Int, height: Int = 14, glyphs: PlotGlyphs = .braille) {
    self.init(series: [points], width: width, height: height, glyphs: glyphs)
  }

  /// Several curves.
  init(series: [[Point?]], width: Int, height: Int = 14, glyphs: PlotGlyphs = .braille) {
    self.series = series
    self.width = width
    self.height = height
    self.glyphs = glyphs
  }

  /// The lines of a plain plot, with the lowest, the middle and the highest value at the y axis and both ends at the x
  /// axis; empty without two points that differ in x.
  func text(yUnit: String, xText: (Double) -> String) -> String {
    let points = series.joined().compactMap(\.self)
    guard let first = points.first, let last = points.last, last.x > first.x else { return "" }
    let low = points.map(\.lowest).min() ?? 0
    let high = points.map(\.highest).max() ?? 0
    let columns = max(10, width - Self.axisWidth - 2)
    let canvas = drawn(x: first.x...last.x, y: low...max(high, low + 1e-6), columns)
    var text = ""
    for line in 0..<height {
      text += axis(line, low, high, yUnit) + glyphs.tick + canvas.text(line: line) + "\n"
    }
    let (begin, end) = (xText(first.x), xText(last.x))
    let gap = String(repeating: " ", count: max(1, columns - begin.count - end.count))
    text += String(repeating: " ", count: Self.axisWidth) + glyphs.corner
    text += String(repeating: glyphs.rule, count: columns) + "\n"
    return text + String(repeating: " ", count: Self.axisWidth + 2) + begin + gap + end + "\n"
  }

  /// The value at the first, the middle and the last line.
  private func axis(_ line: Int, _ low: Double, _ high: Double, _ unit: String) -> String {
    guard [0, height / 2, height - 1].contains(line) else { return String(repeating: " ", count: Self.axisWidth) }
    let value = high - (high - low) * Double(line) / Double(height - 1)
    let text = "\(Numbers.fixed(value, 3)) \(unit)"
    return String(repeating: " ", count: max(0, Self.axisWidth - text.count)) + text
  }
}

// MARK: - With round numbers at both axes

extension CurvePlot {
  /// The lines of a picture; empty when it has no point.
  static func text(_ picture: Picture, width: Int, height: Int, glyphs: PlotGlyphs) -> String {
    guard let xSpan = picture.xSpan, let ySpan = picture.ySpan else { return "" }
    let y = Self.opened(ySpan)
    let x = Self.opened(xSpan)
    let yTicks = AxisTicks(from: y.lowerBound, to: y.upperBound, most: max(2, height / 3 + 1))
    let numbers = yTicks.texts
    let labelWidth = numbers.map(\.count).max() ?? 0
    let columns = max(10, width - labelWidth - 2)
    let plot = CurvePlot(
      series: picture.series.filter { !$0.isFaint }.map(\.points), width: width, height: height, glyphs: glyphs)
    let canvas = plot.drawn(x: x, y: y, columns)
    var labels: [Int: String] = [:]
    for (value, number) in zip(yTicks.values, numbers) {
      let share = (y.upperBound - value) / (y.upperBound - y.lowerBound)
      labels[Int((share * Double(height * glyphs.down - 1)).rounded()) / glyphs.down] = number
    }
    var text = picture.title + "\n" + picture.yLabel + "\n"
    for line in 0..<height {
      let label = labels[line] ?? ""
      let edge = labels[line] == nil ? glyphs.edge : glyphs.tick
      text += String(repeating: " ", count: labelWidth - label.count) + label + edge + canvas.text(line: line) + "\n"
    }
    return text + xAxis(picture, x, columns, labelWidth, glyphs)
  }

  /// An axis has some length.
  private static func opened(_ span: ClosedRange<Double>) -> ClosedRange<Double> {
    guard span.upperBound - span.lowerBound <= 1e-12 * max(span.upperBound.magnitude, 1e-6) else { return span }
    let margin = max(span.upperBound.magnitude * 0.01, 1e-6)
    return (span.lowerBound - margin)...(span.upperBound + margin)
  }

  private static func xAxis(
    _ picture: Picture, _ x: ClosedRange<Double>, _ columns: Int, _ indent: Int, _ glyphs: PlotGlyphs
  ) -> String {
    var ticks = AxisTicks(from: x.lowerBound, to: x.upperBound, most: max(2, columns / 12))
    if picture.hasWholeX, ticks.decimals > 0 {
      let span = max(1, Int(x.upperBound - x.lowerBound))
      ticks = AxisTicks(from: x.lowerBound.rounded(.up), to: x.upperBound.rounded(.down), most: span + 1)
    }
    var rule = [Character](repeating: glyphs.rule, count: columns)
    var numbers = [Character](repeating: " ", count: columns + 12)
    var free = 0
    for (value, number) in zip(ticks.values, ticks.texts) {
      let share = (value - x.lowerBound) / (x.upperBound - x.lowerBound)
      let column = min(
        columns - 1, max(0, Int((share * Double(columns * glyphs.across - 1)).rounded()) / glyphs.across))
      rule[column] = glyphs.ruleTick
      let begin = max(0, column - (number.count - 1) / 2)
      guard begin >= free, begin + number.count <= numbers.count else { continue }
      for (offset, character) in number.enumerated() { numbers[begin + offset] = character }
      free = begin + number.count + 1
    }
    while numbers.last == " " { numbers.removeLast() }
    let space = String(repeating: " ", count: indent)
    let label = String(repeating: " ", count: max(0, (columns - picture.xLabel.count) / 2)) + picture.xLabel
    return space + glyphs.corner + String(rule) + "\n" + space + "  " + String(numbers) + "\n" + space + "  " + label
      + "\n"
  }
}

// MARK: - Dots

extension CurvePlot {
  private func drawn(x: ClosedRange<Double>, y: ClosedRange<Double>, _ columns: Int) -> DotCanvas {
    var canvas = DotCanvas(columns: columns, lines: height, glyphs: glyphs)
    for points in series {
      var before: (column: Int, point: Point)?
      for point in points {
        // A gap, and what lies outside, ends the line.
        guard let point, point.x >= x.lowerBound, point.x <= x.upperBound else {
          before = nil
          continue
        }
        let share = (point.x - x.lowerBound) / (x.upperBound - x.lowerBound)
        let column = Int((share * Double(canvas.width - 1)).rounded())
        guard point.highest >= y.lowerBound, point.lowest <= y.upperBound else {
          canvas.mark(column: column, atTop: point.lowest > y.upperBound)
          before = nil
          continue
        }
        draw(point, at: column, after: before, y, &canvas)
        before = (column, point)
      }
    }
    return canvas
  }

  /// Draws a point, joined to the one before it as a line is.
  private func draw(
    _ point: Point, at column: Int, after before: (column: Int, point: Point)?, _ y: ClosedRange<Double>,
    _ canvas: inout DotCanvas
  ) {
    let down = Double(canvas.height - 1)
    func row(_ value: Double) -> Int {
      let share = (y.upperBound - value) / (y.upperBound - y.lowerBound)
      return Int((min(max(share, 0), 1) * down).rounded())
    }
    guard let before, column - before.column > 1 else {
      let (upper, lower) = (
        max(point.highest, before?.point.lowest ?? point.highest),
        min(point.lowest, before?.point.highest ?? point.lowest)
      )
      canvas.stroke(column: column, from: row(upper), to: row(lower))
      return
    }
    canvas.stroke(column: column, from: row(point.highest), to: row(point.lowest))
    // From the end of the one that is nearer to the other.
    let middle = (point.lowest + point.highest) / 2
    let begin = min(max(middle, before.point.lowest), before.point.highest)
    let end = min(max(begin, point.lowest), point.highest)
    var last = row(begin)
    for step in 1...(column - before.column) {
      let value = begin + (end - begin) * Double(step) / Double(column - before.column)
      // A column begins where the one before it ended, but for the dot that they would share.
      let next = row(value)
      let first = next > last ? last + 1 : next < last ? last - 1 : last
      canvas.stroke(column: before.column + step, from: first, to: next)
      last = next
    }
  }
}
