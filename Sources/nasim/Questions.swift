// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import FoundationEssentials
import VirtualBench
import VirtualLab

/// How a list is printed.
enum ListFormat: String, ExpressibleByArgument, CaseIterable {
  case table
  case json
}

extension Nasim {
  /// What really happened.
  struct TruthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "truth", abstract: "What really passed through a cell's terminals, half-cycle by half-cycle.")

    @OptionGroup var place: Place
    @Argument(help: "The instrument's number.")
    var number: Int
    @Option(help: "Which of its cells, from 1.")
    var channel = 1
    @Option(help: "table or json.")
    var format = ListFormat.table

    func run() throws {
      let links = try place.folder()
      switch format {
      case .json:
        say(
          String(decoding: try ControlSocket.ask("truth \(number) \(channel)", links: links).dropLast(), as: UTF8.self))
      case .table:
        let truth = try ControlSocket.truth(of: number, channel: channel, links: links)
        printTable(
          [
            "number", "direction", "terminal_charge_c", "lost_charge_c", "energy_j", "plateau_charge_c",
            "started_at_s", "ended_at_s", "state",
          ],
          truth.halfCycles.map { half in
            [
              "\(half.number)", half.direction, "\(half.terminalCharge)", "\(half.lostCharge)", "\(half.energy)",
              "\(half.plateauCharge)", "\(half.startedAt)", "\(half.endedAt)", half.state,
            ]
          })
      }
    }
  }

  /// Something goes wrong.
  struct Fault: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let something go wrong with an instrument.",
      discussion: """
        link-lost closes the line and opens it again under the same name, the script running on meanwhile; \
        power-lost also takes script and power away; mute swallows what the instrument sends. A thermometer is named \
        `thermometer` instead of by a number; sensor-lost is for it alone.
        """)

    @OptionGroup var place: Place
    @Argument(help: "The instrument's number, or thermometer.")
    var instrument: String
    @Argument(help: "link-lost, power-lost, mute or, of a thermometer, sensor-lost.")
    var fault: String
    @Option(help: "For how many real seconds.")
    var seconds: Double

    func run() throws {
      _ = try ControlSocket.ask("fault \(instrument) \(fault) \(seconds)", links: place.folder())
    }
  }

  /// The chamber goes elsewhere.
  struct ChamberCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "chamber", abstract: "Send the chamber of the bench's thermometer to another temperature.")

    @OptionGroup var place: Place
    @Argument(help: "Degrees Celsius; below zero after --, as in `chamber -- -10`.")
    var degrees: Double

    func run() throws { _ = try ControlSocket.ask("chamber \(degrees)", links: place.folder()) }
  }

  /// How the instruments are.
  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The instruments on a running bench.")

    @OptionGroup var place: Place
    @Option(help: "table or json.")
    var format = ListFormat.table

    func run() throws {
      let links = try place.folder()
      switch format {
      case .json: say(String(decoding: try ControlSocket.ask("status", links: links).dropLast(), as: UTF8.self))
      case .table:
        printTable(
          ["instrument", "serial", "cell", "virtual_time_s", "condition"],
          try ControlSocket.status(links: links).map { seat in
            [seat.instrument, seat.serial, seat.cell, "\(seat.time)", seat.condition]
          })
      }
    }
  }

  /// The cells there are.
  struct Presets: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The virtual cells that can be named.")

    @Option(help: "Folder of presets.")
    var presets: String?
    @Option(help: "table or json.")
    var format = ListFormat.table

    func run() throws {
      let shelf = try PresetShelf(named: presets)
      let all = try shelf.names().map { PresetLine($0, try shelf.preset($0)) }
      switch format {
      case .json: say(String(decoding: try JSONEncoder().encode(all), as: UTF8.self))
      case .table:
        printTable(
          ["name", "role", "mass_mg", "capacity_mAh", "title"],
          all.map { [$0.name, $0.role, "\($0.active_mass_mg)", "\($0.nominal_capacity_mAh)", $0.title] })
      }
    }
  }
}

/// A preset in a list.
private struct PresetLine: Encodable {
  var name, role, title: String
  var active_mass_mg, area_cm2, nominal_capacity_mAh: Double

  init(_ name: String, _ preset: CellPreset) {
    self.name = name
    role = preset.role
    title = preset.title
    active_mass_mg = preset.activeMassMilligrams
    area_cm2 = preset.areaSquareCentimetres
    nominal_capacity_mAh = preset.nominalCapacityMilliampereHours
  }
}

/// Columns under their headings; the last one as long as it likes.
private func printTable(_ headings: [String], _ rows: [[String]]) {
  let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
  for row in [headings] + rows {
    let cells = row.indices.map { column in
      column == row.count - 1
        ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
    }
    say(cells.joined(separator: "  "))
  }
}
