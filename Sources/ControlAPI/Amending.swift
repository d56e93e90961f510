// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Another protocol for a run that is under way.

/// Amends a run's protocol: `POST /v1/runs/{run}/amend`.
public struct AmendRequest: StrictRequest, Hashable {
  /// The whole protocol; what is done already must stand in it unchanged.
  public var `protocol`: ProtocolSource
  /// Values for its variables, each `name=value`.
  public var set: [String]?
  /// Why; kept with the revision.
  public var reason: String?
  /// True: only tell what would change and when.
  public var dry_run: Bool?

  /// Makes one from its parts.
  public init(protocol: ProtocolSource, set: [String]? = nil, reason: String? = nil, dry_run: Bool? = nil) {
    self.protocol = `protocol`
    self.set = set
    self.reason = reason
    self.dry_run = dry_run
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "protocol": ProtocolSource.shape, "set": .value, "reason": .value, "dry_run": .value,
  ])
}

/// Answer to `POST /v1/runs/{run}/amend`.
public struct AmendResponse: Codable, Sendable, Hashable {
  /// The id under which the event log names the request.
  public var request_id: String
  /// The run.
  public var run: Int64
  /// The number of the new revision; null when it was only a trial.
  @OrNull public var revision: Int64?
  /// When it will hold: `beginning`, `next_cycle`, `next_pass` (of a `repeat`) or `next_block`.
  public var holds_from: String
  /// What a person should know.
  public var warnings: [String]
  /// The lines of the listing that are other ones than in the revision that holds now: `- ` and `+ ` in front.
  public var changes: [String]

  /// Makes one from its parts.
  public init(
    request_id: String, run: Int64, revision: Int64?, holds_from: String, warnings: [String], changes: [String]
  ) {
    self.changes = changes
    self.request_id = request_id
    self.run = run
    self.revision = revision
    self.holds_from = holds_from
    self.warnings = warnings
  }
}

/// One revision of a run's protocol, in `RunDetail`.
public struct ProtocolRevision: Codable, Sendable, Hashable {
  /// From 1, which is what the run was started with.
  public var revision: Int64
  /// The first step that it held for; null for the first, and for one that never held or does not yet.
  @OrNull public var from_step_count: Int64?
  /// Who asked for it; null for the first.
  @OrNull public var amended_by: String?
  /// When.
  @OrNull public var amended_unix_us: Int64?
  /// Why.
  @OrNull public var reason: String?
  /// Why it could not hold when its time came.
  @OrNull public var refusal: String?

  /// Makes one from its parts.
  public init(
    revision: Int64, from_step_count: Int64? = nil, amended_by: String? = nil, amended_unix_us: Int64? = nil,
    reason: String? = nil, refusal: String? = nil
  ) {
    self.revision = revision
    self.from_step_count = from_step_count
    self.amended_by = amended_by
    self.amended_unix_us = amended_unix_us
    self.reason = reason
    self.refusal = refusal
  }
}
