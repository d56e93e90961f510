// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

extension Picture {
  /// A run against time.
  init(_ trace: RunTrace, current isCurrent: Bool) {
    let span = trace.to_s - trace.from_s
    let (unit, seconds) =
      span < 600 ? ("s", 1.0) : span < 10_800 ? ("min", 60.0) : span < 3.6e6 ? ("h", 3_600.0) : ("d", 86_400.0)
    let values = trace.columns.map { column -> (Double, Double, Double)? in
      let (low, high) =
        isCurrent
        ? (column.lowest_current_A, column.highest_current_A) : (column.lowest_voltage_V, column.highest_voltage_V)
      guard let low, let high else { return nil }
      return (column.test_time_s / seconds, low, high)
    }
    let largest = values.compactMap { $0 }.map { max($0.1.magnitude, $0.2.magnitude) }.max() ?? 0
    let (prefix, factor) =
      !isCurrent || largest >= 1 ? ("", 1.0) : largest >= 1e-3 ? ("m", 1e3) : largest >= 1e-6 ? ("µ", 1e6) : ("n", 1e9)
    let points = values.map { value in
      value.map { CurvePlot.Point(x: $0.0, lowest: $0.1 * factor, highest: $0.2 * factor) }
    }
    self.init(
      title: "\(trace.cell), run \(trace.run)" + (trace.columns.isEmpty ? "" : ", \(trace.records) records"),
      xLabel: "test time / \(unit)", yLabel: isCurrent ? "current / \(prefix)A" : "voltage / V",
      series: [Series(name: isCurrent ? "current" : "voltage", points: points)])
  }

  /// Curves of half-cycles.
  init(_ table: CurveTable, _ scale: CapacityScale) {
    let unit = scale.units.rawValue
    let compound = unit.contains("/") ? "(\(unit))" : unit
    let labels: (x: String, y: String, what: String) =
      switch table.curve {
      case .voltage: ("capacity / \(unit)", "voltage / V", "voltage against capacity")
      case .dqdv:
        ("voltage / V", "dQ/dV / \(compound)/V, discharge downwards", "differential capacity")
      case .dvdq: ("capacity / \(unit)", "dV/dQ / V/\(compound)", "differential voltage")
      }
    let cycles = table.half_cycles.map(\.cycle_number)
    let styles = Dictionary(
      Set(cycles).sorted().enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var named: Set<Int64> = []
    var series: [Series] = []
    for half in table.half_cycles {
      let style = styles[half.cycle_number] ?? 0
      let name = "cycle \(half.cycle_number)" + (half.is_open ? " (goes on)" : "")
      let isNew = named.insert(half.cycle_number).inserted
      let isSmoothed = table.smoothing != nil && half.points.contains { $0.smoothed(table.curve) != nil }
      series.append(
        Series(
          name: isNew ? name : nil, points: Self.points(half, table.curve, scale, isSmoothed: false), style: style,
          isFaint: isSmoothed))
      if isSmoothed {
        series.append(
          Series(
            name: isNew ? name : nil, points: Self.points(half, table.curve, scale, isSmoothed: true), style: style))
      }
    }
    let list = Set(cycles).count == 1 ? "cycle \(cycles.first ?? 0)" : "\(Set(cycles).count) cycles"
    let smoothing = table.smoothing.map { ", \($0.words)" } ?? ""
    self.init(
      title: "\(table.cell), run \(table.run), \(list): \(labels.what)\(smoothing)", xLabel: labels.x,
      yLabel: labels.y, series: series)
    if table.curve == .dvdq {
      // At both ends of a half-cycle the voltage falls steeply; what is between is what people look at.
      yRange = Self.middle(of: series.flatMap { $0.points.compactMap { $0?.lowest } })
    }
  }

  private static func points(
    _ half: HalfCycleCurve, _ curve: CurveKind, _ scale: CapacityScale, isSmoothed: Bool
  ) -> [CurvePlot.Point?] {
    half.points.map { point in
      let value: Double?
      let x: Double?
      switch curve {
      case .voltage: (x, value) = (point.charge_Ah.map { $0 * scale.factor }, point.voltage_V)
      case .dqdv:
        let raw = isSmoothed ? point.smoothed_dqdv_Ah_per_V : point.dqdv_Ah_per_V
        (x, value) = (point.voltage_V, raw.map { $0 * scale.factor * (half.direction == "discharge" ? -1 : 1) })
      case .dvdq:
        let raw = isSmoothed ? point.smoothed_dvdq_V_per_Ah : point.dvdq_V_per_Ah
        (x, value) = (point.charge_Ah.map { $0 * scale.factor }, raw.map { $0 / scale.factor })
      }
      guard let x, let value else { return nil }
      return CurvePlot.Point(x: x, lowest: value, highest: value)
    }
  }
}

extension CurvePoint {
  fileprivate func smoothed(_ curve: CurveKind) -> Double? {
    switch curve {
    case .voltage: nil
    case .dqdv: smoothed_dqdv_Ah_per_V
    case .dvdq: smoothed_dvdq_V_per_Ah
    }
  }
}

extension CurveRequest.Smoothing {
  /// For people: the method with its parameters.
  var words: String {
    switch method {
    case .movingAverage: "moving average of \(window)"
    case .savitzkyGolay: "Savitzky–Golay, window \(window), order \(order)"
    }
  }
}
