// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// What stands beside an exported table of the Battery Data Format: whose records they are and how they came about. The
// table itself has no room for it.

import CellMetrics
import ControlAPI

/// The metadata of a run for `X.bdf.metadata.json`.
struct RunMetadata: Encodable {
  /// The form of this object.
  var format = "nacycler.metadata.1"
  /// The table that it belongs to.
  var file: String
  /// The program that wrote both.
  var nactl_version: String
  /// The definitions of its numbers.
  var definitions: String
  var run: RunStatus
  var role: String
  var instrument: String
  @OrNull var wiring: String?
  @OrNull var active_mass_ug: Int64?
  @OrNull var area_mm2: Double?
  @OrNull var nominal_capacity_mAh: Double?
  @OrNull var initial_coulombic_efficiency: Double?
  /// The cell's newest revision.
  var cell: CellStatus
  /// The steps of the protocol.
  var listing: [String]
  /// Its revisions.
  var protocol_revisions: [ProtocolRevision]

  init(_ run: RunReference, from client: ControlClient, file: String) async throws {
    let detail = try await client.run(run).value
    cell = try await client.cell(named: detail.run.cell).value
    self.file = String(file.split(separator: "/").last ?? "")
    nactl_version = NaCyclerVersion.text
    definitions = try await client.cycles(of: run).value.definitions_version
    self.run = detail.run
    role = detail.role
    instrument = detail.instrument
    wiring = detail.wiring
    active_mass_ug = detail.active_mass_ug
    area_mm2 = detail.area_mm2
    nominal_capacity_mAh = detail.nominal_capacity_mAh
    initial_coulombic_efficiency = detail.initial_coulombic_efficiency
    listing = detail.listing
    protocol_revisions = detail.revisions
  }

  /// One object.
  func json() throws -> [UInt8] { try WireCoding.encode(self) + [0x0A] }
}
