// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Curves as a spreadsheet takes them: a line for each point, with the half-cycle that it belongs to.

import ControlAPI

/// A point with its half-cycle.
struct CurveRow {
  var halfCycle: HalfCycleCurve
  var point: CurvePoint

  static func all(of table: CurveTable) -> [CurveRow] {
    table.half_cycles.flatMap { half in half.points.map { CurveRow(halfCycle: half, point: $0) } }
  }

  static func columns(_ table: CurveTable) -> [Table<CurveRow>.Column] {
    func value<Number>(_ key: String, _ read: @escaping (CurvePoint) -> Number?) -> Table<CurveRow>.Column {
      .hidden(key) { read($0.point).map { "\($0)" } }
    }
    let place: [Table<CurveRow>.Column] = [
      .hidden("cycle_number") { "\($0.halfCycle.cycle_number)" },
      .hidden("cell_cycle_number") { "\($0.halfCycle.cell_cycle_number)" },
      .hidden("half_cycle") { "\($0.halfCycle.half_cycle)" }, .hidden("direction") { $0.halfCycle.direction },
    ]
    switch table.curve {
    case .voltage: return place + [value("charge_Ah") { $0.charge_Ah }, value("voltage_V") { $0.voltage_V }]
    case .dqdv:
      let columns = [
        value("voltage_V") { $0.voltage_V }, value("charge_nC") { $0.charge_nC },
        value("constant_voltage_charge_nC") { $0.constant_voltage_charge_nC },
        value("dqdv_Ah_per_V") { $0.dqdv_Ah_per_V },
      ]
      return place + columns
        + (table.smoothing == nil ? [] : [value("smoothed_dqdv_Ah_per_V") { $0.smoothed_dqdv_Ah_per_V }])
    case .dvdq:
      let columns = [
        value("charge_Ah") { $0.charge_Ah }, value("voltage_V") { $0.voltage_V },
        value("dvdq_V_per_Ah") { $0.dvdq_V_per_Ah },
      ]
      return place + columns
        + (table.smoothing == nil ? [] : [value("smoothed_dvdq_V_per_Ah") { $0.smoothed_dvdq_V_per_Ah }])
    }
  }
}

extension TraceColumn {
  static var tableColumns: [Table<TraceColumn>.Column] {
    [
      .hidden("test_time_s") { "\($0.test_time_s)" },
      .hidden("lowest_voltage_V") { $0.lowest_voltage_V.map { "\($0)" } },
      .hidden("highest_voltage_V") { $0.highest_voltage_V.map { "\($0)" } },
      .hidden("lowest_current_A") { $0.lowest_current_A.map { "\($0)" } },
      .hidden("highest_current_A") { $0.highest_current_A.map { "\($0)" } },
    ]
  }
}
