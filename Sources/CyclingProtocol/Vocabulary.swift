// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The words of the language, those that are kept for its second part, and those that people write instead.

/// The vocabulary of the protocol language.
enum Vocabulary {
  static let topLevel = [
    "$schema", "nacycler_protocol", "title", "notes", "variables", "blocks", "cell", "limits", "record", "metrics",
    "on_interruption", "steps",
  ]
  static let cell = [
    "role", "name", "requires", "active_mass", "area", "nominal_capacity", "expect_open_circuit", "allow_plating",
  ]
  static let limits = [
    "voltage", "charge_current", "discharge_current", "half_cycle_charge", "empty_half_cycle", "temperature",
  ]
  static let stepLimits = ["voltage", "charge_current", "discharge_current"]
  static let record = ["every", "on_voltage_change", "on_current_change", "on_charge_change", "read_every"]
  static let segment = ["every", "on_voltage_change", "on_current_change", "on_charge_change", "until"]
  static let metrics = [
    "sodiation_plateau_below", "desodiation_plateau_below", "plateau_ir_correction", "retention_reference",
    "retention_threshold",
  ]

  /// The keys that say what a step does; a step has exactly one of them.
  static let verbs = [
    "rest", "charge", "discharge", "sodiate", "desodiate", "plate", "strip", "hold", "sweep", "profile",
    "impedance", "cycles", "repeat", "test", "for_each", "use",
  ]
  static let restKeys = ["rest", "label", "until", "record"]
  static let driveOptions = [
    "to", "hold_until", "current_at_most", "until", "label", "diagnostic", "settle", "part", "record", "limits",
  ]
  static let holdKeys = ["hold", "current_at_most", "until", "label", "diagnostic", "settle", "record", "limits"]
  static let sweepKeys = ["sweep", "from", "to", "back_to", "current_at_most", "until", "label", "record", "limits"]
  static let profileKeys = ["profile", "until", "label", "record", "limits"]
  static let profileFileKeys = ["file", "sha256", "rows"]
  static let profileVerbs = ["charge", "discharge", "sodiate", "desodiate", "plate", "strip", "rest"]
  static let impedanceKeys = ["impedance", "from", "to", "points_per_decade", "current_at_most", "label", "limits"]
  static let cyclesKeys = ["cycles", "purpose", "label", "steps", "until"]
  static let repeatKeys = ["repeat", "label", "steps", "until"]
  static let testKeys = ["test", "label", "steps"]
  static let conditionKeys = ["when", "for", "go"]
  static let forEachKeys = ["for_each", "steps"]
  static let useKeys = ["use", "with"]
  static let includedKeys = ["file", "sha256", "steps"]

  /// Quantities of the second part of the language.
  static let laterQuantities: Set<String> = ["plateau_ratio", "plateau_charge"]

  /// What people write who come from other cyclers, and what it is called here.
  private static let elsewhere = [
    "time": "step_time", "duration": "step_time", "capacity": "step_charge", "energy": "step_energy", "v": "voltage",
    "ce": "coulombic_efficiency", "ice": "initial_coulombic_efficiency",
    "capacity_retention": "retention",
    "i": "current", "ewe": "voltage", "potential": "voltage", "wait": "rest", "ocv": "rest", "pause": "rest",
    "loop": "repeat", "cycle": "cycles", "cc": "charge", "cv": "hold", "cccv": "charge", "lsv": "sweep",
    "eis": "impedance", "peis": "impedance", "impedance_spectroscopy": "impedance", "spectrum": "impedance",
    "ramp": "sweep", "scan": "sweep", "scan_rate": "sweep", "drive_cycle": "profile", "waveform": "profile",
    "simulation": "profile", "lithiate": "sodiate", "delithiate": "desodiate", "temp": "temperature", "name": "label",
    "current_limit": "current_at_most", "max_current": "current_at_most",
    "plateau_below": "sodiation_plateau_below", "mass": "active_mass", "capacity_nominal": "nominal_capacity",
    "version": "nacycler_protocol", "comment": "notes", "description": "notes",
  ]

  /// The known word that was probably meant, or nil.
  static func nearest(to word: String, among known: [String]) -> String? {
    if let translated = elsewhere[word.lowercased()], known.contains(translated) { return translated }
    let bound = max(1, word.count / 3)
    let distances = known.map { (word: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= bound else { return nil }
    return best.word
  }

  /// The hint for an unknown word.
  static func hint(for word: String, among known: [String]) -> String {
    if let near = nearest(to: word, among: known) { return "did you mean `\(near)`?" }
    return "known here are \(known.joined(separator: ", "))"
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other (optimal string
  /// alignment).
  static func editDistance(_ left: String, _ right: String) -> Int {
    let from = Array(left.utf8.prefix(64))
    let to = Array(right.utf8)
    var rows = [Array(0...to.count)]
    for row in 0..<from.count {
      var line = [row + 1]
      for column in 0..<to.count {
        let same = from[row] == to[column]
        var best = min(rows[row][column] + (same ? 0 : 1), rows[row][column + 1] + 1, line[column] + 1)
        if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
          best = min(best, rows[row - 1][column - 1] + 1)
        }
        line.append(best)
      }
      rows.append(line)
    }
    return rows[from.count][to.count]
  }
}
