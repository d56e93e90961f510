// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// Which daemon.
struct DaemonOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The daemon's socket.",
      discussion: "Otherwise NACYCLER_SOCKET, the system's, or the one in the user's runtime directory.",
      valueName: "path"),
    completion: .file())
  var socket: String?

  /// A client of that daemon.
  func client() throws -> ControlClient { try ControlClient(socketPath: ControlSocket.resolve(socket)) }
}

/// How a list is written.
enum ListFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json, csv
}

/// The choice of a list's form.
struct ListOptions: ParsableArguments {
  @OptionGroup var daemon: DaemonOption
  @Option(help: "table for people, json as the daemon sends it, or csv.") var format: ListFormat = .table

  /// Writes a list in the form that was chosen. `empty` is said to people when there is nothing.
  func write<Row>(_ rows: [Row], _ columns: [Table<Row>.Column], json: [UInt8], empty: String) {
    switch format {
    case .json: Terminal.out(bytes: json)
    case .csv: Terminal.out(Table(columns: columns).csv(rows))
    case .table:
      if rows.isEmpty { Terminal.error(empty + "\n") } else { Terminal.out(Table(columns: columns).text(rows)) }
    }
  }
}

/// The run that a command shows.
struct ShownRunArgument: ParsableArguments {
  @Argument(
    help: "The number of a run, last, or the name of a cell for its newest run.",
    completion: .shellCommand("nactl runs --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var run: RunName

  /// Asks the daemon where a cell is named.
  func reference(_ client: ControlClient) async throws -> RunReference { try await run.looked(at: client) }
}

/// The run that a command does something to.
struct RunArgument: ParsableArguments {
  @Argument(
    help: "The number of a run, or last.",
    completion: .shellCommand("nactl runs --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var run: RunName

  /// Asks the daemon which runs a cell has, where one is named.
  func reference(_ client: ControlClient) async throws -> RunReference { try await run.named(to: client) }
}

/// Values for the variables of protocols.
struct VariableOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Another value for a variable of the protocol, for instance rate=0.2A/g. May be repeated.",
      valueName: "name=value"))
  var set: [String] = []
}

/// The values of a cell that protocols may need.
struct CellValueOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Active mass, for instance \"1.2 mg\".", valueName: "mass"), transform: MassArgument.read)
  var mass: MassArgument?
  @Option(
    help: ArgumentHelp("Electrode area, for instance \"1.131 cm2\".", valueName: "area"), transform: AreaArgument.read)
  var area: AreaArgument?
  @Option(
    help: ArgumentHelp("Nominal capacity, the meaning of 1 C, for instance \"0.36 mAh\".", valueName: "capacity"),
    transform: CapacityArgument.read)
  var nominalCapacity: CapacityArgument?
}
