// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Why a table cannot be analysed: what is wrong, where, and what would be right. Whatever it repeats of the file can be shown
/// in a terminal: what controls one has become U+FFFD.
public struct DataProblem: Error, Sendable, Hashable {
  /// A stable word for programs, such as `data.number`.
  public var code: String
  /// The line, counted from 1; nil when it is about the whole.
  public var line: Int?
  /// One sentence.
  public var message: String
  /// What to do about it.
  public var hint: String
  /// Where columns were not found: their names in the file; empty otherwise.
  public var columnNames: [String]

  init(_ code: String, line: Int? = nil, _ message: String, hint: String, columnNames: [String] = []) {
    self.code = code
    self.line = line
    self.message = message.readable
    self.hint = hint.readable
    self.columnNames = columnNames.map(\.readable)
  }
}
