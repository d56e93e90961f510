// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

/// The columns of `nactl tail --format csv`; the names are those of the JSON frames.
extension TailView {
  static let recordColumns: [(String, @Sendable (RecordFrame) -> String?)] = [
    ("run", { "\($0.run)" }), ("cell", { $0.cell }), ("channel", { $0.channel }),
    ("cycle_number", { $0.cycle_number.map { "\($0)" } }),
    ("cell_cycle_number", { $0.cell_cycle_number.map { "\($0)" } }), ("step_count", { "\($0.step_count)" }),
    ("step_kind", { $0.step_kind }), ("step_path", { $0.step_path }), ("step_label", { $0.step_label }),
    ("direction", { $0.direction }), ("step_record_index", { "\($0.step_record_index)" }),
    ("test_time_s", { "\($0.test_time_s)" }), ("step_time_s", { "\($0.step_time_s)" }),
    ("unix_us", { "\($0.unix_us)" }),
    ("voltage_V", { $0.voltage_V.map { "\($0)" } }), ("current_A", { $0.current_A.map { "\($0)" } }),
    ("temperature_degC", { $0.temperature_degC.map { "\($0)" } }),
    ("step_charge_Ah", { "\($0.step_charge_Ah)" }), ("step_energy_Wh", { "\($0.step_energy_Wh)" }),
    ("flags", { $0.flags.joined(separator: " ") }),
  ]

  static let cycleColumns = shippedCycleColumns + SeriesColumns.values

  private static let shippedCycleColumns: [(String, @Sendable (CycleFrame) -> String?)] = [
    ("run", { "\($0.run)" }), ("cell", { $0.cell }), ("cycle_number", { "\($0.cycle_number)" }),
    ("cell_cycle_number", { "\($0.cell_cycle_number)" }), ("purpose", { $0.purpose }), ("label", { $0.label }),
    ("charge_capacity_Ah", { $0.charge_capacity_Ah.map { "\($0)" } }),
    ("discharge_capacity_Ah", { $0.discharge_capacity_Ah.map { "\($0)" } }),
    ("charge_energy_Wh", { $0.charge_energy_Wh.map { "\($0)" } }),
    ("discharge_energy_Wh", { $0.discharge_energy_Wh.map { "\($0)" } }),
    ("coulombic_efficiency", { $0.coulombic_efficiency.map { "\($0)" } }),
    ("sodiation_plateau_capacity_Ah", { $0.sodiation_plateau_capacity_Ah.map { "\($0)" } }),
    ("sodiation_plateau_ratio", { $0.sodiation_plateau_ratio.map { "\($0)" } }),
    ("desodiation_plateau_capacity_Ah", { $0.desodiation_plateau_capacity_Ah.map { "\($0)" } }),
    ("desodiation_plateau_ratio", { $0.desodiation_plateau_ratio.map { "\($0)" } }),
    ("mean_charge_voltage_V", { $0.mean_charge_voltage_V.map { "\($0)" } }),
    ("mean_discharge_voltage_V", { $0.mean_discharge_voltage_V.map { "\($0)" } }),
    ("voltage_hysteresis_V", { $0.voltage_hysteresis_V.map { "\($0)" } }),
    ("energy_efficiency", { $0.energy_efficiency.map { "\($0)" } }),
    ("retention", { $0.retention.map { "\($0)" } }),
    ("cumulative_irreversible_capacity_Ah", { $0.cumulative_irreversible_capacity_Ah.map { "\($0)" } }),
    ("flags", { $0.flags.joined(separator: " ") }),
  ]

  static let eventColumns: [(String, @Sendable (EventFrame) -> String?)] = [
    ("event", { "\($0.event)" }), ("unix_us", { "\($0.unix_us)" }), ("run", { $0.run.map { "\($0)" } }),
    ("channel", { $0.channel }), ("cell", { $0.cell }), ("step_count", { $0.step_count.map { "\($0)" } }),
    ("step_time_s", { $0.step_time_s.map { "\($0)" } }), ("code", { $0.code }), ("severity", { $0.severity }),
    ("actor", { $0.actor }), ("detail", { $0.detail }),
  ]
}
