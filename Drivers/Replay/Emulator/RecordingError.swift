// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Why a file cannot be played: which file, where in it, what is wrong, and what would be right.
public struct RecordingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file, as it was named.
  public var file: String
  /// The line, counted from 1 with the heading; nil where the whole file is meant.
  public var line: Int?
  /// The column's name; nil where the whole line is meant.
  public var column: String?
  /// What is wrong there and what would be right.
  public var problem: String

  init(_ file: String, line: Int? = nil, column: String? = nil, _ problem: String) {
    self.file = file
    self.line = line
    self.column = column
    self.problem = problem
  }

  /// One line for a person.
  public var description: String {
    var place = file
    if let line { place += ", line \(line)" }
    if let column { place += ", column \(column)" }
    return "\(place): \(problem)"
  }
}
