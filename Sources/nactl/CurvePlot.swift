// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A curve in a terminal: each character of braille is two columns and four rows of dots, so that 80 characters show 160
// moments.

/// A curve of points with some height, drawn in characters.
struct CurvePlot {
  /// The lowest and the highest value of a stretch of the x axis.
  struct Point {
    var x: Double
    var lowest: Double
    var highest: Double
  }

  var points: [Point]
  /// Characters in a line, axis included.
  var width: Int
  /// Lines without the x axis.
  var height = 14

  private static let axisWidth = 8

  /// The lines; empty without two points that differ in x.
  func text(yUnit: String, xText: (Double) -> String) -> String {
    guard let first = points.first, let last = points.last, last.x > first.x else { return "" }
    let low = points.map(\.lowest).min() ?? 0
    let high = points.map(\.highest).max() ?? 0
    let columns = max(10, width - Self.axisWidth - 2)
    let dots = drawn(from: first.x, to: last.x, low, max(high, low + 1e-6), columns)
    var text = ""
    for line in 0..<height {
      text += axis(line, low, high, yUnit) + " ┤"
      text.unicodeScalars.append(
        contentsOf: (0..<columns).compactMap { Unicode.Scalar(0x2800 + dots[line * columns + $0]) })
      while text.last == "\u{2800}" { text.removeLast() }
      text += "\n"
    }
    let (begin, end) = (xText(first.x), xText(last.x))
    let gap = String(repeating: " ", count: max(1, columns - begin.count - end.count))
    text += String(repeating: " ", count: Self.axisWidth) + " └" + String(repeating: "─", count: columns) + "\n"
    return text + String(repeating: " ", count: Self.axisWidth + 2) + begin + gap + end + "\n"
  }

  /// The value at the first, the middle and the last line.
  private func axis(_ line: Int, _ low: Double, _ high: Double, _ unit: String) -> String {
    guard [0, height / 2, height - 1].contains(line) else { return String(repeating: " ", count: Self.axisWidth) }
    let value = high - (high - low) * Double(line) / Double(height - 1)
    let text = "\(Numbers.fixed(value, 3)) \(unit)"
    return String(repeating: " ", count: max(0, Self.axisWidth - text.count)) + text
  }

  /// Braille dots as bits, line by line.
  private func drawn(from begin: Double, to end: Double, _ low: Double, _ high: Double, _ columns: Int) -> [UInt32] {
    var dots = [UInt32](repeating: 0, count: columns * height)
    let (across, down) = (columns * 2 - 1, height * 4 - 1)
    func row(_ value: Double) -> Int { Int(((high - value) / (high - low) * Double(down)).rounded()) }
    var before: Point?
    for point in points {
      let x = Int(((point.x - begin) / (end - begin) * Double(across)).rounded())
      // Joined to the point before, as a line is.
      let (upper, lower) = (
        max(point.highest, before?.lowest ?? point.highest), min(point.lowest, before?.highest ?? point.lowest)
      )
      for y in row(upper)...row(lower) { dots[y / 4 * columns + x / 2] |= Self.bit(x % 2, y % 4) }
      before = point
    }
    return dots
  }

  /// The dot in its character: columns of three, and the fourth row apart (Unicode, braille patterns).
  private static func bit(_ x: Int, _ y: Int) -> UInt32 { y < 3 ? 1 << UInt32(x * 3 + y) : 1 << UInt32(6 + x) }
}
