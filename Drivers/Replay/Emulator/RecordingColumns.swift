// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Which columns of a file hold what is played.
struct RecordingColumns: Sendable, Hashable {
  static let timeName = "time_s"
  static let currentName = "current_A"
  static let voltageName = "voltage_V"
  static let stepName = "step_index"
  static let stepTimeName = "step_time_s"

  /// How many a line has.
  private(set) var count = 0
  private(set) var time = -1
  private(set) var current = -1
  private(set) var voltage = -1
  /// The instrument's number of the step; -1 where the file has none.
  private(set) var step = -1
  /// Seconds since the step began; -1 where the file has none. Counts only together with `step`.
  private(set) var stepTime = -1

  /// Reads the heading, which is the first line.
  /// - Throws: When it lacks a column that is needed, or has one twice.
  init(heading: String, file: String) throws(RecordingError) {
    let names = heading.split(separator: ",", omittingEmptySubsequences: false).map { Self.trimmed(String($0)) }
    count = names.count
    for (place, name) in names.enumerated() {
      switch name {
      case Self.timeName: try Self.set(&time, place, name, file)
      case Self.currentName: try Self.set(&current, place, name, file)
      case Self.voltageName: try Self.set(&voltage, place, name, file)
      case Self.stepName: try Self.set(&step, place, name, file)
      case Self.stepTimeName: try Self.set(&stepTime, place, name, file)
      default: continue
      }
    }
    let needed = [(time, Self.timeName), (current, Self.currentName), (voltage, Self.voltageName)]
    let missing = needed.filter { $0.0 < 0 }.map(\.1)
    guard !missing.isEmpty else { return }
    throw RecordingError(file, line: 1, Self.complaint(heading, missing: missing))
  }

  private static func set(_ column: inout Int, _ place: Int, _ name: String, _ file: String) throws(RecordingError) {
    guard column < 0 else { throw RecordingError(file, line: 1, column: name, "stands twice in the heading") }
    column = place
  }

  private static func complaint(_ heading: String, missing: [String]) -> String {
    let right = "time_s,current_A,voltage_V and, where the instrument told its steps, step_index and step_time_s"
    var words = "the heading has no \(missing.joined(separator: ", no ")); right would be \(right)"
    if !heading.contains(","), heading.contains(";") || heading.contains("\t") {
      words += ", separated by commas and not by \(heading.contains(";") ? "semicolons" : "tabs")"
    } else {
      words += ". It begins with `\(heading.prefix(60))`"
    }
    return words
  }

  private static func trimmed(_ name: String) -> String {
    var name = Substring(name)
    while name.first == " " || name.first == "\u{FEFF}" { name = name.dropFirst() }
    while name.last == " " { name = name.dropLast() }
    return String(name)
  }
}
