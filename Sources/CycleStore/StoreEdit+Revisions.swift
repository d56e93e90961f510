// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
import GRDB

/// A new revision of a run's protocol.
public struct RevisionEntry: Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// Key of its text.
  public var protocolID: Int64
  /// The steps that it compiled to for the run.
  public var listing: String
  /// The version of the program that compiled it.
  public var daemonVersion: String
  /// Who asks for it.
  public var amendedBy: String
  /// When.
  public var at: UnixInstant
  /// Why, if that was said.
  public var reason: String?

  /// An entry.
  public init(
    run: Int64, protocolID: Int64, listing: String, daemonVersion: String, amendedBy: String, at: UnixInstant,
    reason: String?
  ) {
    self.run = run
    self.protocolID = protocolID
    self.listing = listing
    self.daemonVersion = daemonVersion
    self.amendedBy = amendedBy
    self.at = at
    self.reason = reason
  }
}

extension StoreEdit {
  /// Stores another revision of a run's protocol, which waits for its time, and returns its number.
  public func addRevision(_ entry: RevisionEntry) throws -> Int64 {
    let revisions = try view.revisions(run: entry.run)
    guard let last = revisions.last?.revision else { throw StoreError.unknown(kind: "run", name: "\(entry.run)") }
    try database.execute(
      sql: """
        INSERT INTO run_protocol(
          run_id, revision, protocol_id, listing, compiler_version, amended_by, amended_unix_us, reason)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        entry.run, last + 1, entry.protocolID, entry.listing, entry.daemonVersion, entry.amendedBy,
        entry.at.microseconds, entry.reason,
      ])
    return last + 1
  }

  /// Notes why a revision does not hold. Its row stays, so that no other one gets its number.
  public func refuseRevision(_ revision: Int64, of run: Int64, because reason: String) throws {
    try database.execute(
      sql: "UPDATE run_protocol SET refusal = ? WHERE run_id = ? AND revision = ?", arguments: [reason, run, revision])
  }
}
