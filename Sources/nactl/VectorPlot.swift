// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A picture as an SVG file: plain lines and text, no script, no font of its own, nothing to load.

/// Draws a picture as SVG 1.1.
struct VectorPlot {
  /// Pixels.
  var width = 800
  /// Pixels.
  var height = 500

  /// Colours that people with any colour vision can tell apart, without the yellow that paper swallows (Okabe and Ito,
  /// Color Universal Design, 2008). Dashes tell the lines apart in black and white.
  private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
  private static let dashes = ["", "7 3", "2 2", "9 3 2 3", "12 4", "5 2 1 2 1 2"]
  private static let mostLegends = 14

  /// The file's text.
  func text(_ picture: Picture) -> String {
    let frame = Frame(picture, width: width, height: height)
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" font-family="Helvetica, Arial, sans-serif" font-size="13">
      <title>\(Self.escaped(picture.title))</title>
      <desc>\(Self.escaped("\(picture.yLabel) against \(picture.xLabel)"))</desc>
      <rect width="\(width)" height="\(height)" fill="#FFFFFF"/>
      <clipPath id="area"><rect x="\(Self.number(frame.left))" y="\(Self.number(frame.top))" \
      width="\(Self.number(frame.right - frame.left))" height="\(Self.number(frame.bottom - frame.top))"/></clipPath>

      """
    text += axes(picture, frame)
    text += "<g clip-path=\"url(#area)\" fill=\"none\" stroke-linejoin=\"round\">\n"
    for series in picture.series.filter(\.isFaint) + picture.series.filter({ !$0.isFaint }) {
      text += lines(series, frame)
    }
    return text + "</g>\n" + legend(picture, frame) + "</svg>\n"
  }

  /// The five characters that XML keeps for itself, and none of the control characters that it forbids.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&apos;"
      case "\u{0}"..."\u{8}", "\u{B}"..."\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A coordinate with as many digits as can be seen.
  fileprivate static func number(_ value: Double) -> String {
    var text = Numbers.fixed(value, 2)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  // MARK: Parts

  private func axes(_ picture: Picture, _ frame: Frame) -> String {
    let (left, right, top, bottom) = (frame.left, frame.right, frame.top, frame.bottom)
    var text = "<g stroke=\"#D9D9D9\" stroke-width=\"0.7\">\n"
    for value in frame.xTicks.values { text += Self.line(frame.x(value), top, frame.x(value), bottom) }
    for value in frame.yTicks.values { text += Self.line(left, frame.y(value), right, frame.y(value)) }
    text += "</g>\n<g stroke=\"#000000\" stroke-width=\"1\">\n"
    text += Self.line(left, top, left, bottom) + Self.line(left, bottom, right, bottom) + "</g>\n"
    text += "<g fill=\"#000000\">\n"
    for (value, number) in zip(frame.xTicks.values, frame.xTicks.texts) {
      text += Self.text(number, frame.x(value), bottom + 18, anchor: "middle")
    }
    for (value, number) in zip(frame.yTicks.values, frame.yTicks.texts) {
      text += Self.text(number, left - 6, frame.y(value) + 4.5, anchor: "end")
    }
    text += Self.text(picture.title, left, top - 14, anchor: "start")
    text += Self.text(picture.xLabel, (left + right) / 2, bottom + 38, anchor: "middle")
    let middle = Self.number((top + bottom) / 2)
    text += "<text x=\"16\" y=\"\(middle)\" text-anchor=\"middle\" transform=\"rotate(-90 16 \(middle))\">"
    return text + Self.escaped(picture.yLabel) + "</text>\n</g>\n"
  }

  private func lines(_ series: Picture.Series, _ frame: Frame) -> String {
    let colour = Self.colours[series.style % Self.colours.count]
    let dash = Self.dashes[series.style % Self.dashes.count]
    var attributes = "stroke=\"\(colour)\" stroke-width=\"\(series.isFaint ? "0.7" : "1.5")\""
    if series.isFaint { attributes += " stroke-opacity=\"0.45\"" }
    if !dash.isEmpty, !series.isFaint { attributes += " stroke-dasharray=\"\(dash)\"" }
    var text = ""
    for run in series.points.split(whereSeparator: { $0 == nil }) {
      let points = run.compactMap(\.self)
      if points.count == 1, let point = points.first, point.lowest == point.highest {
        let (x, y) = (Self.number(frame.x(point.x)), Self.number(frame.y(point.lowest)))
        text += "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"2\" fill=\"\(colour)\" stroke=\"none\"/>\n"
        continue
      }
      text += "<polyline \(attributes) points=\"\(Self.places(points, frame))\"/>\n"
    }
    return text
  }

  /// A stretch goes down and up in turns, so that both its ends are met and neighbours are joined where they are near.
  private static func places(_ points: [CurvePlot.Point], _ frame: Frame) -> String {
    var places: [String] = []
    var last = points.first?.highest ?? 0
    for point in points {
      let x = number(frame.x(point.x))
      let isNearerToLow = (last - point.lowest).magnitude <= (last - point.highest).magnitude
      let ends = isNearerToLow ? [point.lowest, point.highest] : [point.highest, point.lowest]
      for end in point.lowest == point.highest ? [point.lowest] : ends { places.append("\(x),\(number(frame.y(end)))") }
      last = point.lowest == point.highest ? point.lowest : ends[1]
    }
    return places.joined(separator: " ")
  }

  private func legend(_ picture: Picture, _ frame: Frame) -> String {
    let named = picture.series.filter { $0.name != nil && !$0.isFaint }
    guard named.count > 1 else { return "" }
    var text = "<g fill=\"#000000\">\n"
    for (index, series) in named.prefix(Self.mostLegends).enumerated() {
      let y = frame.top + 10 + Double(index) * 18
      let dash = Self.dashes[series.style % Self.dashes.count]
      let attribute = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
      let colour = Self.colours[series.style % Self.colours.count]
      text += "<line x1=\"\(Self.number(frame.right + 12))\" y1=\"\(Self.number(y))\" "
      text += "x2=\"\(Self.number(frame.right + 40))\" y2=\"\(Self.number(y))\" stroke=\"\(colour)\" "
      text += "stroke-width=\"1.5\"\(attribute)/>\n"
      text += Self.text(series.name ?? "", frame.right + 46, y + 4.5, anchor: "start")
    }
    if named.count > Self.mostLegends {
      let y = frame.top + 14.5 + Double(Self.mostLegends) * 18
      text += Self.text("and \(named.count - Self.mostLegends) more", frame.right + 46, y, anchor: "start")
    }
    return text + "</g>\n"
  }

  private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>\n"
  }

  private static func text(_ text: String, _ x: Double, _ y: Double, anchor: String) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>\n"
  }
}

/// Where things lie in a file.
private struct Frame {
  let left: Double
  let right: Double
  let top = 34.0
  let bottom: Double
  let xTicks: AxisTicks
  let yTicks: AxisTicks
  private let xSpan: ClosedRange<Double>
  private let ySpan: ClosedRange<Double>

  init(_ picture: Picture, width: Int, height: Int) {
    xSpan = Self.opened(picture.xSpan ?? 0...1, margin: 0)
    ySpan = Self.opened(picture.ySpan ?? 0...1, margin: 0.03)
    bottom = max(top + 20, Double(height) - 50)
    yTicks = AxisTicks(from: ySpan.lowerBound, to: ySpan.upperBound, most: max(2, height / 60))
    left = 40 + 7.5 * Double(yTicks.texts.map(\.count).max() ?? 0)
    let names = picture.series.filter { !$0.isFaint }.compactMap(\.name)
    let legend = names.count > 1 ? 54 + 7 * Double(names.map(\.count).max() ?? 0) : 14
    right = max(left + 20, Double(width) - legend)
    let most = picture.hasWholeX ? Int(xSpan.upperBound - xSpan.lowerBound) + 1 : .max
    xTicks = AxisTicks(from: xSpan.lowerBound, to: xSpan.upperBound, most: max(2, min(most, width / 90)))
  }

  func x(_ value: Double) -> Double {
    left + (value - xSpan.lowerBound) / (xSpan.upperBound - xSpan.lowerBound) * (right - left)
  }

  /// What lies far outside is drawn a picture's height outside: no number grows beyond what a reader takes.
  func y(_ value: Double) -> Double {
    let share = (ySpan.upperBound - value) / (ySpan.upperBound - ySpan.lowerBound)
    return top + min(max(share, -1), 2) * (bottom - top)
  }

  private static func opened(_ span: ClosedRange<Double>, margin: Double) -> ClosedRange<Double> {
    let length = span.upperBound - span.lowerBound
    let extra = length > 1e-12 ? length * margin : max(span.upperBound.magnitude * 0.01, 1e-6)
    return (span.lowerBound - extra)...(span.upperBound + extra)
  }
}
