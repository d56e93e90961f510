// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Why an archive is not written or not taken.
public struct ArchiveProblem: Error, Sendable, Hashable {
  /// What kind of thing is wrong.
  public enum Kind: Sendable, Hashable {
    /// The file is no archive, or a damaged one.
    case file
    /// It does not fit to what the store holds.
    case conflict
    /// It is more than is taken in.
    case size
    /// There is no room for it now.
    case room
  }
  /// What kind of thing is wrong.
  public var kind: Kind
  /// Stable dotted name.
  public var code: String
  /// What was wrong.
  public var message: String
  /// What would be right.
  public var hint: String

  init(_ kind: Kind, _ code: String, _ message: String, hint: String) {
    self.kind = kind
    self.code = code
    self.message = message
    self.hint = hint
  }

  static func tooLarge(_ what: String, hint: String) -> ArchiveProblem {
    ArchiveProblem(.size, "archive.too_large", "the archive is too large: \(what)", hint: hint)
  }

  static func damaged(_ what: String) -> ArchiveProblem {
    ArchiveProblem(
      .file, "archive.damaged", "the archive is damaged: \(what)",
      hint: "fetch it again, or let the daemon that has the run write another")
  }
}
