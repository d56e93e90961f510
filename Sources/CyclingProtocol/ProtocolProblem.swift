// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One thing that is wrong with a protocol, where it is and what would be right.
public struct ProtocolProblem: Sendable, Hashable {
  /// The place in the tree, for instance `steps[1].steps[0].discharge`; empty for the file as a whole.
  public var path: String
  /// The line in the file, from 1.
  public var line: Int
  /// The column in characters (Unicode scalars), from 1.
  public var column: Int
  /// What is wrong, one sentence without a full stop.
  public var message: String
  /// What would be right.
  public var hint: String
  /// A problem.
  public init(path: String, line: Int, column: Int, message: String, hint: String) {
    self.path = path
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
  }
}

extension ProtocolProblem: CustomStringConvertible {
  /// `3:17 steps[0].discharge: … (…)`.
  public var description: String { "\(line):\(column) \(path.isEmpty ? "file" : path): \(message) (\(hint))" }
}

/// Everything that is wrong with a protocol, in the order of the file; never empty.
public struct ProtocolProblems: Error, Sendable, Hashable {
  /// At least one.
  public let problems: [ProtocolProblem]

  /// nil when there is no problem.
  package init?(_ found: [ProtocolProblem]) {
    guard !found.isEmpty else { return nil }
    // The passes of a `for_each` say the same of the same place.
    var told: Set<ProtocolProblem> = []
    problems = found.filter { told.insert($0).inserted }.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
  }
}

/// A place in a protocol file.
package struct Site: Sendable, Hashable {
  package var path: String
  package var line: Int
  package var column: Int

  package func problem(_ message: String, hint: String) -> ProtocolProblem {
    ProtocolProblem(path: path, line: line, column: column, message: message, hint: hint)
  }
}

/// A value with the place where it was written.
struct Sited<Value: Sendable & Hashable>: Sendable, Hashable {
  var value: Value
  var site: Site
}
