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

  /// The same of a run that no daemon would take in.
  func ofWriting(_ run: Int64) -> ArchiveProblem {
    guard kind == .file || kind == .size else { return self }
    let why = ["the archive is damaged: ", "the archive is too large: "].reduce(message) { text, prefix in
      text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    }
    return ArchiveProblem(
      kind == .size ? .size : .conflict, kind == .size ? code : "archive.not_possible",
      "run \(run) can have no archive that a daemon takes in: \(why)",
      hint: "export it as json, csv or bdf; nactl snapshot copies the whole database")
  }

  static func damaged(_ what: String) -> ArchiveProblem {
    ArchiveProblem(
      .file, "archive.damaged", "the archive is damaged: \(what)",
      hint: "fetch it again, or let the daemon that has the run write another")
  }
}
