// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// The forms in which a run is written to a file. The daemon writes the records; the table of cycles is the one that
/// `nactl cycles --format csv` shows.
enum RunFileFormat: String, ExpressibleByArgument, CaseIterable {
  /// Battery Data Format.
  case bdf
  /// Records under our own names.
  case csv
  /// One document.
  case json
  /// One row a cycle.
  case cyclesCSV = "cycles-csv"
  /// An SQLite file with the whole run.
  case archive

  /// What a file's name ends with.
  var suffix: String {
    switch self {
    case .bdf: ".bdf.csv"
    case .csv: ".csv"
    case .json: ".json"
    case .cyclesCSV: ".cycles.csv"
    case .archive: ".nacycler"
    }
  }

  /// Hands out a run in pieces as they come; a table of cycles under another set of parameters where one is named.
  func write(
    _ run: RunReference, under set: ParameterSetName? = nil, from client: ControlClient,
    _ take: ([UInt8]) async throws -> Void
  ) async throws {
    switch self {
    case .bdf: try await client.export(run, as: .bdf, take)
    case .csv: try await client.export(run, as: .csv, take)
    case .json: try await client.export(run, as: .json, take)
    case .archive: try await client.export(run, as: .archive, take)
    case .cyclesCSV:
      let table =
        if let set {
          try await client.cycles(of: run, parameterSet: set).value
        } else {
          try await client.cycles(of: run).value
        }
      try await take(Array(try Cycles.csv(table).utf8))
    }
  }
}
