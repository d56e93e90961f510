// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl cycles RUN`
struct Cycles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists a run's cycles: capacities, coulombic efficiency, plateau.")
  @OptionGroup var list: ListOptions
  @OptionGroup var argument: ShownRunArgument
  @Flag(help: "Half-cycles instead of cycles: phases, rest before, resistance, uncertainty.") var halfCycles = false
  @Option(help: "mAh, mAh/g or mAh/cm2; csv and json always give Ah, and these beside it.")
  var units: CapacityUnits = .milliampereHours
  @Flag(help: "Draw efficiency, capacity and plateau ratio against the cycle.") var plot = false

  func validate() throws {
    if plot, list.format != .table {
      throw ValidationError("--plot is for people; --format \(list.format.rawValue) is not")
    }
  }

  @Option(
    help: ArgumentHelp(
      "Another parameter set than the run's own, by number or label; nactl recompute makes them.", valueName: "set"),
    transform: ParameterSetOption.read)
  var parameters: ParameterSetName?

  func run() async throws {
    let client = try list.daemon.client()
    let run = try await argument.reference(client)
    var answer = try await cycles(of: run, from: client, units: nil)
    var table = answer.value
    let scale = try CapacityScale(
      units, cell: table.cell, massMicrograms: table.active_mass_ug, areaSquareMillimetres: table.area_mm2)
    let parameterLine = ParameterLine(table)
    if halfCycles {
      if list.format == .table, !table.half_cycles.isEmpty { Self.head(parameterLine) }
      list.write(
        table.half_cycles, HalfCycleColumns.all(scale) + parameterLine.columns(), json: answer.json,
        empty: "no half-cycle has begun yet")
      return
    }
    Self.warnOfMass(table, units)
    if list.format != .table, let key = units.key {
      answer = try await cycles(of: run, from: client, units: key)
      table = answer.value
    }
    if plot {
      let text = CyclePictures(table: table, scale: scale).text(width: Terminal.width, glyphs: .ofTerminal)
      guard !text.isEmpty else { return Terminal.error("no cycle has closed yet\n") }
      Self.head(parameterLine)
      Terminal.out(text)
      return
    }
    let empty = table.efficiency_tests.isEmpty ? "no cycle has closed yet" : "no cycles"
    guard list.format != .csv else { return Terminal.out(try Self.csv(table, units)) }
    if list.format == .table, !table.cycles.isEmpty { Self.head(parameterLine) }
    list.write(table.cycles, Self.columns(scale, table.cycles), json: answer.json, empty: empty)
    guard list.format == .table else { return }
    if !table.cycles.isEmpty { Terminal.out(Self.initialLine(table)) }
    if let summary = table.summary {
      Terminal.out(SummaryLines(summary, scale, withoutRetention: RetentionReason(table)?.text).text)
    }
    for test in table.efficiency_tests { Terminal.out(Self.line(test, scale)) }
  }

  /// What people read above a table or a picture.
  private static func head(_ line: ParameterLine) { line.text.map { Terminal.out($0 + "\n\n") } }

  private func cycles(
    of run: RunReference, from client: ControlClient, units: String?
  ) async throws -> Received<CycleTable> {
    guard let parameters else { return try await client.cycles(of: run, units: units) }
    return try await client.cycles(of: run, parameterSet: parameters, units: units)
  }

  /// The table for programs: behind each cycle stand its run, its cell, the version of the definitions and the parameters,
  /// so that tables of many runs can be put together. A number is written so that reading it gives the same one.
  static func csv(_ table: CycleTable, _ units: CapacityUnits = .milliampereHours) throws -> String {
    let scale = try CapacityScale(
      .milliampereHours, cell: table.cell, massMicrograms: table.active_mass_ug, areaSquareMillimetres: table.area_mm2)
    let columns = columns(scale, table.cycles)
    return Table(
      columns: columns + [
        .hidden("run") { "\($0.run)" }, .hidden("cell") { $0.cell }, .hidden("role") { _ in table.role },
        .hidden("definitions_version") { _ in table.definitions_version },
      ] + ParameterLine(table).columns() + inUnits(units)
    ).csv(table.cycles)
  }

  /// Currents follow the mass that was known at the start; capacities the one that is known now.
  private static func warnOfMass(_ table: CycleTable, _ units: CapacityUnits) {
    guard units == .milliampereHoursPerGram, let now = table.active_mass_ug, let then = table.rate_basis_mass_ug,
      now != then
    else { return }
    func grams(_ micrograms: Int64) -> String { Numbers.scaled(Double(micrograms) * 1e-6, "g") }
    let source =
      table.active_mass_source == "parameter_set"
      ? "parameter set \(table.parameter_set.map { "\($0)" } ?? Numbers.unknown)" : "the cell's newest revision"
    Terminal.error(
      "note: capacities are over \(grams(now)), as \(source) says; the run was started with "
        + "\(grams(then))\n")
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
    let hasUncertainty = cycles.contains { $0.coulombic_efficiency_uncertainty != nil }
    let corrected = cycles.contains { $0.sodiation_plateau_ir_corrected_capacity_Ah != nil }
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
      .init("LABEL", "label", text: { $0.label.map(Table<CycleFrame>.shortened) }) { $0.label },
      capacity("CHARGE", "charge_capacity_Ah") { $0.charge_capacity_Ah },
      capacity("DISCHARGE", "discharge_capacity_Ah") { $0.discharge_capacity_Ah },
      fraction("CE %", "coulombic_efficiency", decimals: 3) { $0.coulombic_efficiency },
      fraction(hasUncertainty ? "BOUND %" : "", "coulombic_efficiency_uncertainty", decimals: 3) {
        $0.coulombic_efficiency_uncertainty
      },
      capacity(sodiation ? "SOD. PLATEAU" : "", "sodiation_plateau_capacity_Ah") { $0.sodiation_plateau_capacity_Ah },
      fraction(sodiation ? "SOD. RATIO %" : "", "sodiation_plateau_ratio", decimals: 2) { $0.sodiation_plateau_ratio },
      fraction(corrected ? "SOD. RATIO -IR %" : "", "sodiation_plateau_ir_corrected_ratio", decimals: 2) {
        $0.sodiation_plateau_ir_corrected_ratio
      },
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
      .hidden("charge_capacity_uncertainty_Ah") { $0.charge_capacity_uncertainty_Ah.map { "\($0)" } },
      .hidden("discharge_capacity_uncertainty_Ah") { $0.discharge_capacity_uncertainty_Ah.map { "\($0)" } },
      .hidden("sodiation_plateau_ir_corrected_capacity_Ah") {
        $0.sodiation_plateau_ir_corrected_capacity_Ah.map { "\($0)" }
      },
      .hidden("desodiation_plateau_ir_corrected_capacity_Ah") {
        $0.desodiation_plateau_ir_corrected_capacity_Ah.map { "\($0)" }
      },
      .hidden("desodiation_plateau_ir_corrected_ratio") { $0.desodiation_plateau_ir_corrected_ratio.map { "\($0)" } },
      .hidden("energy_efficiency") { $0.energy_efficiency.map { "\($0)" } },
      .init("FLAGS", "flags", text: { $0.flags.joined(separator: " ") }) { $0.flags.joined(separator: " ") },
    ] + SeriesColumns.columns(cycles) + inUnits(scale.units)
  }

  /// What programs get beside the ampere-hours, where it was asked for.
  private static func inUnits(_ units: CapacityUnits) -> [Table<CycleFrame>.Column] {
    let names = ["charge_capacity", "discharge_capacity", "sodiation_plateau_capacity", "desodiation_plateau_capacity"]
    func values(_ cycle: CycleFrame) -> [Double?] {
      switch units {
      case .milliampereHours: []
      case .milliampereHoursPerGram:
        [
          cycle.charge_capacity_mAh_per_g, cycle.discharge_capacity_mAh_per_g,
          cycle.sodiation_plateau_capacity_mAh_per_g, cycle.desodiation_plateau_capacity_mAh_per_g,
        ]
      case .milliampereHoursPerSquareCentimetre:
        [
          cycle.charge_capacity_mAh_per_cm2, cycle.discharge_capacity_mAh_per_cm2,
          cycle.sodiation_plateau_capacity_mAh_per_cm2, cycle.desodiation_plateau_capacity_mAh_per_cm2,
        ]
      }
    }
    guard let key = units.key else { return [] }
    return names.indices.map { index in
      .hidden("\(names[index])_\(key)") { values($0)[index].map { "\($0)" } }
    }
  }
}
