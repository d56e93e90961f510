// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run's cycles as pictures over the cycle number. What is not known is a gap, never a zero.

import ControlAPI

/// The pictures of `nactl cycles --plot`.
struct CyclePictures {
  let table: CycleTable
  let scale: CapacityScale

  /// Efficiency, capacities and plateau ratio, each where a cycle has one.
  var all: [Picture] { [efficiency, capacity, plateau].compactMap(\.self) }

  /// Efficiencies lie close together and the first far from them: the axis shows the bulk, what is outside is marked at
  /// the edge and told in `outliers`.
  private var efficiency: Picture? {
    let values = table.cycles.compactMap(\.coulombic_efficiency).map { $0 * 100 }
    guard let bulk = Picture.bulk(of: values, atLeast: 0.05) else { return nil }
    return picture(
      "Coulombic efficiency", "CE / %", bulk, [series("CE", 0) { $0.coulombic_efficiency.map { $0 * 100 } }])
  }

  private var capacity: Picture? {
    let all = table.cycles.flatMap { [$0.charge_capacity_Ah, $0.discharge_capacity_Ah] }.compactMap(\.self)
    guard !all.isEmpty else { return nil }
    return picture(
      "Capacity, charge and discharge", "capacity / \(scale.units.rawValue)", nil,
      [
        series("charge", 0) { $0.charge_capacity_Ah.map { $0 * scale.factor } },
        series("discharge", 1) { $0.discharge_capacity_Ah.map { $0 * scale.factor } },
      ])
  }

  private var plateau: Picture? {
    guard table.cycles.contains(where: { $0.sodiation_plateau_ratio != nil }) else { return nil }
    return picture(
      "Sodiation plateau over sodiation capacity", "ratio / %", nil,
      [series("ratio", 0) { $0.sodiation_plateau_ratio.map { $0 * 100 } }])
  }

  private func picture(
    _ title: String, _ label: String, _ range: ClosedRange<Double>?, _ series: [Picture.Series]
  ) -> Picture {
    Picture(
      title: title, xLabel: "cycle of the run", yLabel: label, series: series, yRange: range, hasWholeX: true)
  }

  /// A number that is missing between two cycles is a gap too.
  private func series(_ name: String, _ style: Int, _ value: (CycleFrame) -> Double?) -> Picture.Series {
    var points: [CurvePlot.Point?] = []
    var before: Int64?
    for cycle in table.cycles {
      if let before, cycle.cycle_number > before + 1 { points.append(nil) }
      before = cycle.cycle_number
      points.append(
        value(cycle).map { CurvePlot.Point(x: Double(cycle.cycle_number), lowest: $0, highest: $0) })
    }
    return Picture.Series(name: name, points: points, style: style)
  }

  /// A line that tells what lies outside of a picture.
  static func outliers(_ picture: Picture, _ glyphs: PlotGlyphs) -> String {
    guard let range = picture.yRange else { return "" }
    let outside = picture.series.flatMap { $0.points.compactMap(\.self) }
      .filter { $0.highest < range.lowerBound || $0.lowest > range.upperBound }
    guard !outside.isEmpty else { return "" }
    let told = outside.prefix(6).map { point in
      let mark = point.lowest > range.upperBound ? glyphs.above : glyphs.below
      return "\(mark) \(Numbers.fixed(point.lowest, 3)) in cycle \(Int64(point.x))"
    }
    let more = outside.count > told.count ? ", and \(outside.count - told.count) more" : ""
    return "outside: \(told.joined(separator: ", "))\(more)\n"
  }

  /// All of it for a terminal.
  func text(width: Int, glyphs: PlotGlyphs) -> String {
    all.map { picture in
      CurvePlot.text(picture, width: width, height: 9, glyphs: glyphs) + Self.outliers(picture, glyphs)
    }.joined(separator: "\n")
  }
}
