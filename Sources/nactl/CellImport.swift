// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

extension Cell {
  /// `nactl cell import FILE`
  struct CellImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import", abstract: "Registers the cells of a CSV file, all or none.",
      discussion: """
        The first line names the columns: cell and role, and any of \
        \(CellTable.known.filter { $0 != "cell" && $0 != "role" }.joined(separator: ", ")). \
        Commas, semicolons or tabs separate the fields; numbers have a point.
        """)
    @OptionGroup var daemon: DaemonOption
    @Argument(help: "The CSV file.", completion: .file(extensions: ["csv"])) var file: String

    func run() async throws {
      let cells = try CellTable.read(try FileDescriptors.readFile(file), name: file)
      let added = try await daemon.client().add(CellImportRequest(cells: cells)).value.cells
      Terminal.out("\(added.count) cells are registered\n")
    }
  }
}

/// Reads cells from CSV.
enum CellTable {
  /// The columns, named as in the API; masses, areas and capacities also in the units that people weigh in.
  static let known = [
    "cell", "role", "external_id", "batch", "active_mass_mg", "active_mass_ug", "active_mass_basis",
    "active_mass_uncertainty_mg", "active_mass_uncertainty_ug", "area_cm2", "area_mm2", "nominal_capacity_mAh",
    "electrolyte", "counter_electrode", "notes",
  ]

  /// The cells of a file; throws `FileFailure` with file and line.
  static func read(_ text: String, name: String) throws -> [CellRequest] {
    let records = try CSV.read(text, name: name)
    guard let heading = records.first else {
      throw FileFailure(code: "csv.empty", message: "\(name) is empty", hint: "the first line names the columns")
    }
    let columns = heading.fields.map { $0.trimmingSpaces() }
    try check(columns, name: name)
    return try records.dropFirst().map { record in
      guard record.fields.count == columns.count else {
        throw FileFailure(
          code: "csv.wrong_count",
          message: "\(name):\(record.line): \(record.fields.count) fields under \(columns.count) columns",
          hint: "a field with a comma, or with the semicolon or tab that separates the fields, needs quotes")
      }
      let row = Row(
        place: "\(name):\(record.line)", fields: Dictionary(uniqueKeysWithValues: zip(columns, record.fields)))
      return try request(row)
    }
  }

  private static func check(_ columns: [String], name: String) throws {
    for (index, column) in columns.enumerated() {
      guard known.contains(column) else {
        let hint = NearestWord.to(column, among: known).map { "perhaps \"\($0)\"" }
        throw FileFailure(
          code: "csv.unknown_column", message: "\(name):1: the column \"\(column)\" is unknown",
          hint: hint ?? "known columns: \(known.joined(separator: ", "))")
      }
      guard !columns[..<index].contains(column) else {
        throw FileFailure(
          code: "csv.repeated_column", message: "\(name):1: the column \"\(column)\" stands there twice", hint: nil)
      }
    }
    for pair in [
      ("active_mass_mg", "active_mass_ug"), ("active_mass_uncertainty_mg", "active_mass_uncertainty_ug"),
      ("area_cm2", "area_mm2"),
    ] where columns.contains(pair.0) && columns.contains(pair.1) {
      throw FileFailure(
        code: "csv.repeated_column", message: "\(name):1: \(pair.0) and \(pair.1) say the same", hint: "keep one")
    }
  }

  private static func request(_ row: Row) throws -> CellRequest {
    let area = try row.count("area_cm2", times: 100_000) ?? row.count("area_mm2", times: 1_000)
    return CellRequest(
      cell: try row.required("cell"), external_id: row["external_id"], batch: row["batch"],
      role: try row.required("role"),
      active_mass_ug: try row.count("active_mass_mg", times: 1_000) ?? row.count("active_mass_ug", times: 1),
      active_mass_basis: row["active_mass_basis"],
      active_mass_uncertainty_ug: try row.count("active_mass_uncertainty_mg", times: 1_000)
        ?? row.count("active_mass_uncertainty_ug", times: 1),
      area_mm2: area.map { Double($0) / 1_000 },
      nominal_capacity_mAh: try row.count("nominal_capacity_mAh", times: 1_000_000).map { Double($0) / 1_000_000 },
      electrolyte: row["electrolyte"], counter_electrode: row["counter_electrode"], notes: row["notes"])
  }

  /// One line of the file.
  private struct Row {
    var place: String
    var fields: [String: String]

    subscript(column: String) -> String? {
      fields[column].map { $0.trimmingSpaces() }.flatMap { $0.isEmpty ? nil : $0 }
    }

    func required(_ column: String) throws -> String {
      guard let text = self[column] else {
        throw FileFailure(code: "csv.missing", message: "\(place): a cell needs a \(column)", hint: nil)
      }
      return text
    }

    func count(_ column: String, times factor: Int64) throws -> Int64? {
      guard let text = self[column] else { return nil }
      guard let count = Decimals.count(text, times: factor), count > 0 else {
        throw FileFailure(
          code: "csv.bad_number", message: "\(place): \(column) cannot be \"\(text)\"",
          hint: "a positive decimal number with a point, in the unit that the column names")
      }
      return count
    }
  }
}
