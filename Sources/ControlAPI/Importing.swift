// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// A run that comes from another daemon in a file.

/// Answer to `POST /v1/import`.
public struct ImportResponse: Codable, Sendable, Hashable {
  /// The id of the request.
  public var request_id: String
  /// The run's number here.
  public var run: Int64
  /// Its identity across databases.
  public var uuid: String
  /// Title of its protocol.
  public var title: String
  /// Its cell's name here.
  public var cell: String
  /// How many records came with it.
  public var records: Int64
  /// How many cycles the run itself has.
  public var cycles: Int64
  /// The sets of parameters under which it has cycles: its own first, then those that were computed again.
  public var parameter_sets: [ParameterSet]

  /// Makes one from its parts.
  public init(
    request_id: String, run: Int64, uuid: String, title: String, cell: String, records: Int64, cycles: Int64,
    parameter_sets: [ParameterSet]
  ) {
    self.request_id = request_id
    self.run = run
    self.uuid = uuid
    self.title = title
    self.cell = cell
    self.records = records
    self.cycles = cycles
    self.parameter_sets = parameter_sets
  }
}

/// Where a run came from that was not run here, in `RunDetail`.
public struct RunOrigin: Codable, Sendable, Hashable {
  /// When it was taken in.
  public var imported_unix_us: Int64
  /// By whom.
  public var imported_by: String
  /// The checksum of its archive.
  public var archive_checksum: String
  /// The version of the daemon that wrote the archive.
  public var archive_version: String
  /// The name of its channel there.
  public var channel: String
  /// The name of its cell there.
  public var cell: String

  /// Makes one from its parts.
  public init(
    imported_unix_us: Int64, imported_by: String, archive_checksum: String, archive_version: String, channel: String,
    cell: String
  ) {
    self.imported_unix_us = imported_unix_us
    self.imported_by = imported_by
    self.archive_checksum = archive_checksum
    self.archive_version = archive_version
    self.channel = channel
    self.cell = cell
  }
}

/// What an archive may be.
public enum ArchiveLimits {
  /// More bytes than this are not taken: 16 GiB, a run of some 300 million records.
  public static let mostBytes: Int64 = 16 << 30
}
