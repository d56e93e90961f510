// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl cell`
struct Cell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keeps the register of cells.",
    subcommands: [CellAdd.self, CellEdit.self, CellList.self, CellImport.self, CellMount.self],
    defaultSubcommand: CellList.self)

  /// `nactl cell list`
  struct CellList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the cells.")
    @OptionGroup var list: ListOptions

    func run() async throws {
      let answer = try await list.daemon.client().cells()
      list.write(answer.value.cells, Cell.columns, json: answer.json, empty: "no cells: nactl cell add registers one")
    }
  }

  /// `nactl cell mount CHANNEL [CELL]`
  struct CellMount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mount", abstract: "Says which cell a channel holds; without a cell, none.")
    @OptionGroup var daemon: DaemonOption
    @Argument(help: "The channel.") var channel: String
    @Argument(help: "The cell, by name or own id.") var cell: String?
    @Option(help: "How the leads go to the cell: 2-wire or 4-wire. Kept by the channel and with each run.")
    var wiring: String?

    func run() async throws {
      let request = MountRequest(cell: cell, wiring: wiring)
      let answer = try await daemon.client().mount(channel: channel, request).value
      Terminal.out(answer.message + "\n")
    }
  }

  private static var columns: [Table<CellStatus>.Column] {
    [
      .init("CELL", "cell") { $0.cell },
      .init("OWN ID", "external_id") { $0.external_id },
      .init("BATCH", "batch") { $0.batch },
      .init("ROLE", "role") { $0.role },
      .init(
        "ACTIVE MASS", "active_mass_ug", number: true,
        text: { $0.active_mass_ug.map { Numbers.scaled(Double($0) * 1e-6, "g") } }
      ) { $0.active_mass_ug.map { "\($0)" } },
      .init("AREA", "area_mm2", number: true, text: { $0.area_mm2.map { Numbers.fixed($0 / 100, 4) + " cm²" } }) {
        $0.area_mm2.map { "\($0)" }
      },
      .init(
        "NOMINAL", "nominal_capacity_mAh", number: true,
        text: { $0.nominal_capacity_mAh.map { Numbers.scaled($0 / 1_000, "Ah") } }
      ) { $0.nominal_capacity_mAh.map { "\($0)" } },
      .init("CYCLES", "cycles", number: true) { "\($0.cycles)" },
      .init("CHANNEL", "channel") { $0.channel },
      .init("REVISION", "revision", number: true) { "\($0.revision)" },
      .init("BY", "entered_by") { $0.entered_by },
      .hidden("entered_unix_us") { "\($0.entered_unix_us)" },
      .hidden("reason") { $0.reason },
      .hidden("active_mass_basis") { $0.active_mass_basis },
      .hidden("active_mass_uncertainty_ug") { $0.active_mass_uncertainty_ug.map { "\($0)" } },
      .hidden("electrolyte") { $0.electrolyte },
      .hidden("counter_electrode") { $0.counter_electrode },
      .hidden("notes") { $0.notes },
    ]
  }
}
