// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// By which parameters cycles were computed, for people in one line and for programs in columns. A plateau without its
/// threshold means nothing.
struct ParameterLine {
  private var table: CycleTable

  init(_ table: CycleTable) { self.table = table }

  /// For instance `plateau: sodiation below 100 mV; set 2 “weighed again”`; nil where the run's own parameters say
  /// nothing.
  var text: String? {
    var parts: [String] = []
    let plateaus = Self.plateaus(table.sodiation_plateau_below_V, table.desodiation_plateau_below_V)
    if !plateaus.isEmpty { parts.append("plateau: \(plateaus.joined(separator: ", "))") }
    if let reference = table.retention_reference { parts.append("retention of \(reference)") }
    if table.parameter_set_is_own == false, let set = table.parameter_set {
      let label = table.parameter_set_label.map { " “\(Table<CycleFrame>.shortened($0))”" } ?? ""
      parts.append("set \(set)\(label)")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  /// The thresholds that there are, in volts, as people read them.
  static func plateaus(_ sodiation: Double?, _ desodiation: Double?) -> [String] {
    [
      sodiation.map { "sodiation below \(millivolts($0))" }, desodiation.map { "desodiation below \(millivolts($0))" },
    ].compactMap(\.self)
  }

  /// As many digits as the voltage has, to a microvolt.
  static func millivolts(_ volts: Double) -> String {
    var text = Numbers.fixed(volts * 1_000, 3)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return "\(text) mV"
  }

  /// For tables of programs; they stand behind what was there before, so that what counts columns finds it.
  func columns<Row>() -> [Table<Row>.Column] {
    let table = table
    return [
      .hidden("parameter_set") { _ in table.parameter_set.map { "\($0)" } },
      .hidden("sodiation_plateau_below_V") { _ in table.sodiation_plateau_below_V.map { "\($0)" } },
      .hidden("desodiation_plateau_below_V") { _ in table.desodiation_plateau_below_V.map { "\($0)" } },
      .hidden("retention_reference") { _ in table.retention_reference },
    ]
  }
}

/// The option that names a set.
struct ParameterSetOption {
  /// Reads a number or a label.
  static func read(_ argument: String) throws -> ParameterSetName {
    guard let name = ParameterSetName(argument) else {
      throw ValidationError("an empty text names no parameter set; nactl recompute RUN --list shows them")
    }
    return name
  }
}
