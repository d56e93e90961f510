// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a person says that columns hold, where their names do not: `time_s=Zeit,current_mA=Strom`.
public struct ColumnMap: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    let key: String
    let column: Column
    let scale: ColumnScale
    let name: String
  }

  let entries: [Entry]

  /// Keys that may be written, with one unit of each.
  public static let keys = [
    "time_s", "step_time_s", "unix_time_s", "current_A", "current_mA", "voltage_V", "voltage_mV", "step_index",
    "step_type", "charge_capacity_Ah", "discharge_capacity_Ah", "net_capacity_Ah", "step_capacity_Ah",
  ]

  /// No map.
  public init() { entries = [] }

  /// Reads a map as it is written on a command line.
  public init(written text: String) throws(DataProblem) {
    var entries: [Entry] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let mark = part.firstIndex(of: "=") else {
        throw DataProblem(
          "columns.form", "“\(part)” does not say which column is what",
          hint: "write time_s=NAME,current_mA=NAME,voltage_V=NAME with the names in the file's heading")
      }
      let key = String(part[..<mark])
      let name = String(part[part.index(after: mark)...])
      let known = ColumnName(key == "step_capacity_Ah" ? "capacity_Ah" : key).column(isBattery: false)
      guard let known, !(known.column == .time && !key.contains("_")) else {
        throw DataProblem(
          "columns.key", "“\(key)” is nothing that a column can be",
          hint: "it is one of \(Self.keys.joined(separator: ", "))")
      }
      guard !entries.contains(where: { $0.column == known.column }) else {
        throw DataProblem("columns.twice", "“\(key)” says a second time which column that is", hint: "say it once")
      }
      entries.append(Entry(key: key, column: known.column, scale: known.scale, name: name))
    }
    self.entries = entries
  }
}
