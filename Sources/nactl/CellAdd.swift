// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// What can be said of a cell besides name and role.
struct CellDescription: ParsableArguments {
  @Option(name: .customLong("id"), help: "Own id or barcode, unique.") var externalID: String?
  @Option(help: "Batch; made when it is new.") var batch: String?
  @OptionGroup var values: CellValueOptions
  @Option(help: "What was weighed and taken as active.") var massBasis: String?
  @Option(help: ArgumentHelp("Standard uncertainty of the mass.", valueName: "mass"))
  var massUncertainty: MassArgument?
  @Option(help: "Electrolyte.") var electrolyte: String?
  @Option(help: "Counter electrode.") var counterElectrode: String?
  @Option(help: "Anything else.") var notes: String?
}

extension Cell {
  /// `nactl cell add NAME --role ROLE`
  struct CellAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Registers a cell.")
    @OptionGroup var daemon: DaemonOption
    @Argument(help: "The cell's name, unique.") var name: String
    @Option(
      help: """
        anode-half-cell, cathode-half-cell, full-cell, anode-free, plating-stripping, symmetric or no-cycles.
        """)
    var role: String
    @OptionGroup var description: CellDescription

    func run() async throws {
      let request = CellRequest(
        cell: name, external_id: description.externalID, batch: description.batch, role: role,
        active_mass_ug: description.values.mass?.micrograms, active_mass_basis: description.massBasis,
        active_mass_uncertainty_ug: description.massUncertainty?.micrograms,
        area_mm2: description.values.area?.squareMillimetres,
        nominal_capacity_mAh: description.values.nominalCapacity?.milliampereHours,
        electrolyte: description.electrolyte, counter_electrode: description.counterElectrode, notes: description.notes)
      for cell in try await daemon.client().add(request).value.cells { Terminal.out("\(cell.cell) is registered\n") }
    }
  }

  /// `nactl cell edit NAME --reason TEXT`
  struct CellEdit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "edit", abstract: "Adds a revision to a cell; what is not given stays.",
      discussion: "Currents of runs keep the values that they were computed from; capacities follow the new ones.")
    @OptionGroup var daemon: DaemonOption
    @Argument(help: "The cell, by name or own id.") var name: String
    @Option(help: "Why the values change.") var reason: String
    @OptionGroup var description: CellDescription

    func run() async throws {
      let request = CellRevisionRequest(
        reason: reason, external_id: description.externalID, batch: description.batch,
        active_mass_ug: description.values.mass?.micrograms, active_mass_basis: description.massBasis,
        active_mass_uncertainty_ug: description.massUncertainty?.micrograms,
        area_mm2: description.values.area?.squareMillimetres,
        nominal_capacity_mAh: description.values.nominalCapacity?.milliampereHours,
        electrolyte: description.electrolyte, counter_electrode: description.counterElectrode, notes: description.notes)
      let cell = try await daemon.client().revise(cell: name, request).value
      Terminal.out("\(cell.cell) has revision \(cell.revision)\n")
    }
  }
}
