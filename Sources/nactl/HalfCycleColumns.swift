// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// Half-cycles as people read them, and as a spreadsheet takes them.
enum HalfCycleColumns {
  private typealias Column = Table<HalfCycleFrame>.Column

  static func all(_ scale: CapacityScale) -> [Table<HalfCycleFrame>.Column] {
    [
      Column("HALF", "number", number: true) { "\($0.number)" },
      Column("CYCLE", "cycle_number", number: true) { $0.cycle_number.map { "\($0)" } },
      Column("DIRECTION", "direction") { $0.direction },
      capacity("CHARGE \(scale.units.rawValue)", "charge_Ah", scale) { $0.charge_Ah },
      capacity("BOUND \(scale.units.rawValue)", "charge_uncertainty_Ah", scale) { $0.charge_uncertainty_Ah },
      Column(
        "CV %", "constant_voltage_share", number: true,
        text: { $0.constant_voltage_share.map { Numbers.percent($0, decimals: 2) } }
      ) { $0.constant_voltage_share.map { "\($0)" } },
      number("REST s", "rest_before_s", 0) { $0.rest_before_s },
      number("OCV V", "rest_before_end_voltage_V", 4) { $0.rest_before_end_voltage_V },
      number("R 1 s ohm", "resistance_1_s_ohm", 3) { $0.resistance_1_s_ohm },
      number("R 10 s ohm", "resistance_10_s_ohm", 3) { $0.resistance_10_s_ohm },
      number("R 30 s ohm", "resistance_30_s_ohm", 3) { $0.resistance_30_s_ohm },
    ] + hidden + [
      Column("END", "end_reason") { $0.end_reason },
      Column("FLAGS", "flags", text: { $0.flags.joined(separator: " ") }) { $0.flags.joined(separator: " ") },
    ]
  }

  private static var hidden: [Column] {
    let values: [(String, (HalfCycleFrame) -> Double?)] = [
      ("constant_current_charge_Ah", { $0.constant_current_charge_Ah }),
      ("constant_current_share", { $0.constant_current_share }),
      ("constant_voltage_charge_Ah", { $0.constant_voltage_charge_Ah }),
      ("constant_current_time_s", { $0.constant_current_time_s }),
      ("constant_voltage_time_s", { $0.constant_voltage_time_s }), ("plateau_charge_Ah", { $0.plateau_charge_Ah }),
      ("plateau_ir_corrected_charge_Ah", { $0.plateau_ir_corrected_charge_Ah }),
      ("rest_before_start_voltage_V", { $0.rest_before_start_voltage_V }),
      ("rest_before_drift_V_h", { $0.rest_before_drift_V_h }),
      ("rest_before_drift_span_s", { $0.rest_before_drift_span_s }),
      ("resistance_first_ohm", { $0.resistance_first_ohm }),
      ("resistance_first_delay_s", { $0.resistance_first_delay_s }),
      ("resistance_1_s_delay_s", { $0.resistance_1_s_delay_s }),
      ("resistance_10_s_delay_s", { $0.resistance_10_s_delay_s }),
      ("resistance_30_s_delay_s", { $0.resistance_30_s_delay_s }),
      ("offset_uncertainty_Ah", { $0.offset_uncertainty_Ah }), ("gain_uncertainty_Ah", { $0.gain_uncertainty_Ah }),
      ("range_full_scale_A", { $0.range_full_scale_A }), ("gap_charge_Ah", { $0.gap_charge_Ah }),
    ]
    return [.hidden("purpose") { $0.purpose }, .hidden("label") { $0.label }]
      + values.map { key, value in .hidden(key) { value($0).map { "\($0)" } } }
  }

  private static func capacity(
    _ title: String, _ key: String, _ scale: CapacityScale, _ value: @escaping (HalfCycleFrame) -> Double?
  ) -> Column {
    Column(title, key, number: true, text: { scale.number(value($0)) }) { value($0).map { "\($0)" } }
  }

  private static func number(
    _ title: String, _ key: String, _ decimals: Int, _ value: @escaping (HalfCycleFrame) -> Double?
  ) -> Column {
    Column(title, key, number: true, text: { value($0).map { Numbers.fixed($0, decimals) } }) {
      value($0).map { "\($0)" }
    }
  }
}
