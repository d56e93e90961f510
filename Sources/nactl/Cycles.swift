// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl cycles RUN`
struct Cycles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists a run's cycles: capacities, coulombic efficiency, plateau.")
  @OptionGroup var list: ListOptions
  @OptionGroup var argument: RunArgument
  @Option(help: "mAh, mAh/g or mAh/cm2; csv and json always give Ah.") var units: CapacityUnits = .milliampereHours

  func run() async throws {
    let answer = try await list.daemon.client().cycles(of: argument.run)
    let table = answer.value
    let scale = try CapacityScale(
      units, cell: table.cell, massMicrograms: table.active_mass_ug, areaSquareMillimetres: table.area_mm2)
    let empty = table.efficiency_tests.isEmpty ? "no cycle has closed yet" : "no cycles"
    list.write(table.cycles, Self.columns(scale, table.cycles), json: answer.json, empty: empty)
    guard list.format == .table else { return }
    if !table.cycles.isEmpty { Terminal.out(Self.initialLine(table)) }
    if let summary = table.summary { Terminal.out(SummaryLines(summary, scale).text) }
    for test in table.efficiency_tests { Terminal.out(Self.line(test, scale)) }
  }

  private static func initialLine(_ table: CycleTable) -> String {
    guard let efficiency = table.initial_coulombic_efficiency else { return "\nICE  \(Numbers.unknown)\n" }
    let origin = table.initial_cycle_run.map { $0 == table.run ? "" : "  (the cell's first cycle, in run \($0))" } ?? ""
    return "\nICE  \(Numbers.percent(efficiency)) %\(origin)\n"
  }

  /// A test of plating in one line: its efficiency, or how far it is.
  static func line(_ test: EfficiencyTestFrame, _ scale: CapacityScale) -> String {
    let passes = "\(test.cycles) \(test.cycles == 1 ? "cycle" : "cycles")"
    let (plated, stripped) = (scale.text(test.plated_charge_Ah), scale.text(test.stripped_charge_Ah))
    let moved = "plated \(plated), stripped \(stripped), \(passes)"
    let efficiency = "\(Numbers.percent(test.coulombic_efficiency, decimals: 3)) %"
    let flags = test.flags.isEmpty ? "" : "  [\(test.flags.joined(separator: " "))]"
    return "\nPLATING CE  \(efficiency)  (\(test.kind), \(test.label): \(moved))\(flags)\n"
  }

  /// Plateau columns are shown to people only where a cycle has one; programs always get them.
  static func columns(_ scale: CapacityScale, _ cycles: [CycleFrame]) -> [Table<CycleFrame>.Column] {
    let unit = scale.units.rawValue
    let sodiation = cycles.contains { $0.sodiation_plateau_capacity_Ah != nil }
    let hasRetention = cycles.contains { $0.retention != nil }
    let desodiation = cycles.contains { $0.desodiation_plateau_capacity_Ah != nil }
    func capacity(_ title: String, _ key: String, _ value: @escaping (CycleFrame) -> Double?)
      -> Table<CycleFrame>.Column
    {
      .init(title.isEmpty ? "" : "\(title) \(unit)", key, number: true, text: { scale.number(value($0)) }) {
        value($0).map { "\($0)" }
      }
    }
    func fraction(_ title: String, _ key: String, decimals: Int, _ value: @escaping (CycleFrame) -> Double?)
      -> Table<CycleFrame>.Column
    {
      .init(title, key, number: true, text: { value($0).map { Numbers.percent($0, decimals: decimals) } }) {
        value($0).map { "\($0)" }
      }
    }
    return [
      .init("CYCLE", "cycle_number", number: true) { "\($0.cycle_number)" },
      .init("OF CELL", "cell_cycle_number", number: true) { "\($0.cell_cycle_number)" },
      .init("PURPOSE", "purpose") { $0.purpose },
      .init("LABEL", "label") { $0.label },
      capacity("CHARGE", "charge_capacity_Ah") { $0.charge_capacity_Ah },
      capacity("DISCHARGE", "discharge_capacity_Ah") { $0.discharge_capacity_Ah },
      fraction("CE %", "coulombic_efficiency", decimals: 3) { $0.coulombic_efficiency },
      capacity(sodiation ? "SOD. PLATEAU" : "", "sodiation_plateau_capacity_Ah") { $0.sodiation_plateau_capacity_Ah },
      fraction(sodiation ? "SOD. RATIO %" : "", "sodiation_plateau_ratio", decimals: 2) { $0.sodiation_plateau_ratio },
      capacity(desodiation ? "DESOD. PLATEAU" : "", "desodiation_plateau_capacity_Ah") {
        $0.desodiation_plateau_capacity_Ah
      },
      fraction(desodiation ? "DESOD. RATIO %" : "", "desodiation_plateau_ratio", decimals: 2) {
        $0.desodiation_plateau_ratio
      },
      fraction(hasRetention ? "RETENTION %" : "", "retention", decimals: 3) { $0.retention },
      .hidden("charge_energy_Wh") { $0.charge_energy_Wh.map { "\($0)" } },
      .hidden("discharge_energy_Wh") { $0.discharge_energy_Wh.map { "\($0)" } },
      .hidden("mean_charge_voltage_V") { $0.mean_charge_voltage_V.map { "\($0)" } },
      .hidden("mean_discharge_voltage_V") { $0.mean_discharge_voltage_V.map { "\($0)" } },
      .hidden("voltage_hysteresis_V") { $0.voltage_hysteresis_V.map { "\($0)" } },
      .hidden("cumulative_irreversible_capacity_Ah") { $0.cumulative_irreversible_capacity_Ah.map { "\($0)" } },
      .hidden("energy_efficiency") { $0.energy_efficiency.map { "\($0)" } },
      .init("FLAGS", "flags", text: { $0.flags.joined(separator: " ") }) { $0.flags.joined(separator: " ") },
    ] + SeriesColumns.columns(cycles)
  }
}
