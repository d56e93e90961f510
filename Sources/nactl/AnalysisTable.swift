// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI

// An analysis as people read it, and as a spreadsheet takes it.
extension AnalysisReport {
  private typealias Column = Table<AnalyzedCycle>.Column

  /// Plateaus and energy efficiency are shown to people only where they mean something; programs always get them.
  func columns(_ scale: CapacityScale) -> [Table<AnalyzedCycle>.Column] {
    func capacity(_ title: String, _ key: String, _ value: @escaping (AnalyzedCycle) -> Double?) -> Column {
      Column(
        title.isEmpty ? "" : "\(title) \(scale.units.rawValue)", key, number: true, text: { scale.number(value($0)) }
      ) {
        value($0).map { "\($0)" }
      }
    }
    func fraction(_ title: String, _ key: String, _ decimals: Int, _ value: @escaping (AnalyzedCycle) -> Double?)
      -> Column
    {
      Column(title, key, number: true, text: { value($0).map { Numbers.percent($0, decimals: decimals) } }) {
        value($0).map { "\($0)" }
      }
    }
    func volts(_ title: String, _ key: String, _ value: @escaping (AnalyzedCycle) -> Double?) -> Column {
      Column(title, key, number: true, text: { value($0).map { Numbers.fixed($0, 4) } }) { value($0).map { "\($0)" } }
    }
    let sodiation = cycles.contains { $0.sodiation_plateau_capacity_ah != nil }
    let desodiation = cycles.contains { $0.desodiation_plateau_capacity_ah != nil }
    let hasUncertainty = cycles.contains { $0.coulombic_efficiency_uncertainty != nil }
    let isDevice = head.role == "full-cell" || head.role == "anode-free"
    return [
      Column("CYCLE", "cycle", number: true) { "\($0.cycle)" },
      capacity("CHARGE", "charge_capacity_ah") { $0.charge_capacity_ah },
      capacity("DISCHARGE", "discharge_capacity_ah") { $0.discharge_capacity_ah },
      fraction("CE %", "coulombic_efficiency", 4) { $0.coulombic_efficiency },
      fraction(hasUncertainty ? "BOUND %" : "", "coulombic_efficiency_uncertainty", 4) {
        $0.coulombic_efficiency_uncertainty
      },
      capacity(sodiation ? "SOD. PLATEAU" : "", "sodiation_plateau_capacity_ah") { $0.sodiation_plateau_capacity_ah },
      fraction(sodiation ? "SOD. RATIO %" : "", "sodiation_plateau_ratio", 2) { $0.sodiation_plateau_ratio },
      capacity(desodiation ? "DESOD. PLATEAU" : "", "desodiation_plateau_capacity_ah") {
        $0.desodiation_plateau_capacity_ah
      },
      fraction(desodiation ? "DESOD. RATIO %" : "", "desodiation_plateau_ratio", 2) { $0.desodiation_plateau_ratio },
      volts("HYST. V", "voltage_hysteresis_v") { $0.voltage_hysteresis_v },
      fraction(isDevice ? "EE %" : "", "energy_efficiency", 2) { $0.energy_efficiency },
      fraction("RETENTION %", "retention", 3) { $0.retention },
    ] + hidden + [
      Column("FLAGS", "flags", text: { $0.flags.filter { $0 != "complete" }.joined(separator: " ") }) {
        $0.flags.joined(separator: " ")
      },
      .hidden("sodiation_plateau_below_v") { _ in head.sodiation_plateau_below_v.map { "\($0)" } },
      .hidden("desodiation_plateau_below_v") { _ in head.desodiation_plateau_below_v.map { "\($0)" } },
    ]
  }

  private var hidden: [Table<AnalyzedCycle>.Column] {
    let values: [(String, (AnalyzedCycle) -> Double?)] = [
      ("charge_capacity_uncertainty_ah", { $0.charge_capacity_uncertainty_ah }),
      ("discharge_capacity_uncertainty_ah", { $0.discharge_capacity_uncertainty_ah }),
      ("charge_energy_wh", { $0.charge_energy_wh }), ("discharge_energy_wh", { $0.discharge_energy_wh }),
      ("mean_charge_voltage_v", { $0.mean_charge_voltage_v }),
      ("mean_discharge_voltage_v", { $0.mean_discharge_voltage_v }),
      ("voltage_efficiency", { $0.voltage_efficiency }),
      ("sodiation_slope_capacity_ah", { $0.sodiation_slope_capacity_ah }),
      ("desodiation_slope_capacity_ah", { $0.desodiation_slope_capacity_ah }),
      ("sodiation_plateau_ir_corrected_capacity_ah", { $0.sodiation_plateau_ir_corrected_capacity_ah }),
      ("sodiation_plateau_ir_corrected_ratio", { $0.sodiation_plateau_ir_corrected_ratio }),
      ("desodiation_plateau_ir_corrected_capacity_ah", { $0.desodiation_plateau_ir_corrected_capacity_ah }),
      ("desodiation_plateau_ir_corrected_ratio", { $0.desodiation_plateau_ir_corrected_ratio }),
      ("cumulative_irreversible_capacity_ah", { $0.cumulative_irreversible_capacity_ah }),
      ("capacity_change", { $0.capacity_change }), ("linear_decay_per_cycle", { $0.linear_decay_per_cycle }),
      ("geometric_decay_per_cycle", { $0.geometric_decay_per_cycle }),
      ("decay_cycles", { $0.decay_cycles.map(Double.init) }),
      ("charge_end_slippage_ah", { $0.charge_end_slippage_ah }),
      ("discharge_end_slippage_ah", { $0.discharge_end_slippage_ah }),
      ("conditions_group", { $0.conditions_group.map(Double.init) }),
      ("charge_capacity_mah_g", { $0.charge_capacity_mah_g }),
      ("discharge_capacity_mah_g", { $0.discharge_capacity_mah_g }),
      ("charge_capacity_mah_cm2", { $0.charge_capacity_mah_cm2 }),
      ("discharge_capacity_mah_cm2", { $0.discharge_capacity_mah_cm2 }), ("charge_rate_c", { $0.charge_rate_c }),
      ("discharge_rate_c", { $0.discharge_rate_c }), ("group_retention", { $0.group_retention }),
      ("capacity_slope_ah_per_cycle", { $0.capacity_slope_ah_per_cycle }),
      ("capacity_slope_cycles", { $0.capacity_slope_cycles.map(Double.init) }),
      ("coulombic_efficiency_product", { $0.coulombic_efficiency_product }),
      ("sodiation_plateau_retention", { $0.sodiation_plateau_retention }),
      ("desodiation_plateau_retention", { $0.desodiation_plateau_retention }),
    ]
    return values.map { key, value in
      .hidden(key) { cycle in
        value(cycle).map { $0 == $0.rounded() && $0.magnitude < 1e15 ? "\(Int64($0))" : "\($0)" }
      }
    }
  }

  /// The table and what follows from all of it.
  func text(_ scale: CapacityScale) -> String {
    guard !cycles.isEmpty else { return "no half-cycle is in it\n" }
    var text = plateaus.map { $0 + "\n\n" } ?? ""
    text += Table(columns: columns(scale)).text(cycles)
    func line(_ title: String, _ value: String) { text += SummaryLines.line(title, value) }
    text += "\n"
    let doubt = initialEfficiencyDoubt.map { " (\($0))" } ?? ""
    line(
      "ICE",
      head.summary.cycles.initial_coulombic_efficiency.map { "\(Numbers.percent($0, decimals: 3)) %\(doubt)" }
        ?? Numbers.unknown)
    for test in head.efficiency_tests {
      let moved = "plated \(scale.text(test.plated_charge_ah)), stripped \(scale.text(test.stripped_charge_ah))"
      line("PLATING CE", "\(Numbers.percent(test.coulombic_efficiency, decimals: 3)) %  (\(test.kind): \(moved))")
    }
    text += SummaryLines(head.summary.cycles, scale, withoutRetention: RetentionReason(self).text).text
    return text
  }
}
