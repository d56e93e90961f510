// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// The register of cells. A cell outlives its runs: its cycle numbers, initial coulombic efficiency and losses belong
// to it. What is said of a cell is kept in revisions, never overwritten.

/// One cell with its newest revision.
public struct CellStatus: Codable, Sendable, Hashable {
  /// Name, unique.
  public var cell: String
  /// The laboratory's own id or barcode, unique.
  @OrNull public var external_id: String?
  /// Batch.
  @OrNull public var batch: String?
  /// Role, for instance `anode-half-cell`; it decides the order of half-cycles.
  public var role: String
  /// Number of the newest revision, from 1.
  public var revision: Int
  /// When it was entered.
  public var entered_unix_us: Int64
  /// By whom.
  public var entered_by: String
  /// Why.
  public var reason: String
  /// Active mass in micrograms.
  @OrNull public var active_mass_ug: Int64?
  /// What was weighed and taken as active, for instance `coating less binder`.
  @OrNull public var active_mass_basis: String?
  /// Standard uncertainty of the mass in micrograms.
  @OrNull public var active_mass_uncertainty_ug: Int64?
  /// Electrode area in square millimetres, to a thousandth.
  @OrNull public var area_mm2: Double?
  /// Nominal capacity, the meaning of 1 C.
  @OrNull public var nominal_capacity_mAh: Double?
  /// Electrolyte.
  @OrNull public var electrolyte: String?
  /// Counter electrode.
  @OrNull public var counter_electrode: String?
  /// Anything else.
  @OrNull public var notes: String?
  /// Where it is mounted.
  @OrNull public var channel: String?
  /// Cycles of its life so far.
  public var cycles: Int64
  /// When it was retired.
  @OrNull public var retired_unix_us: Int64?

  /// Makes one from its parts.
  public init(
    cell: String, external_id: String? = nil, batch: String? = nil, role: String, revision: Int, entered_unix_us: Int64,
    entered_by: String, reason: String, active_mass_ug: Int64? = nil, active_mass_basis: String? = nil,
    active_mass_uncertainty_ug: Int64? = nil, area_mm2: Double? = nil, nominal_capacity_mAh: Double? = nil,
    electrolyte: String? = nil, counter_electrode: String? = nil, notes: String? = nil, channel: String? = nil,
    cycles: Int64, retired_unix_us: Int64? = nil
  ) {
    self.cell = cell
    self.external_id = external_id
    self.batch = batch
    self.role = role
    self.revision = revision
    self.entered_unix_us = entered_unix_us
    self.entered_by = entered_by
    self.reason = reason
    self.active_mass_ug = active_mass_ug
    self.active_mass_basis = active_mass_basis
    self.active_mass_uncertainty_ug = active_mass_uncertainty_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.electrolyte = electrolyte
    self.counter_electrode = counter_electrode
    self.notes = notes
    self.channel = channel
    self.cycles = cycles
    self.retired_unix_us = retired_unix_us
  }
}

/// Answer to `GET /v1/cells`.
public struct CellList: Codable, Sendable, Hashable {
  /// All cells, by name.
  public var cells: [CellStatus]

  /// Makes one from its parts.
  public init(cells: [CellStatus]) {
    self.cells = cells
  }
}

/// Registers a cell: `POST /v1/cells`.
public struct CellRequest: StrictRequest, Hashable {
  /// Name, unique.
  public var cell: String
  /// The laboratory's own id or barcode, unique.
  public var external_id: String?
  /// Batch; made when it is new.
  public var batch: String?
  /// Role, for instance `anode-half-cell`.
  public var role: String
  /// Active mass in micrograms.
  public var active_mass_ug: Int64?
  /// What was weighed and taken as active, for instance `coating less binder`.
  public var active_mass_basis: String?
  /// Standard uncertainty of the mass in micrograms.
  public var active_mass_uncertainty_ug: Int64?
  /// Electrode area in square millimetres, to a thousandth.
  public var area_mm2: Double?
  /// Nominal capacity, the meaning of 1 C.
  public var nominal_capacity_mAh: Double?
  /// Electrolyte.
  public var electrolyte: String?
  /// Counter electrode.
  public var counter_electrode: String?
  /// Anything else.
  public var notes: String?

  /// Makes one from its parts.
  public init(
    cell: String, external_id: String? = nil, batch: String? = nil, role: String, active_mass_ug: Int64? = nil,
    active_mass_basis: String? = nil, active_mass_uncertainty_ug: Int64? = nil, area_mm2: Double? = nil,
    nominal_capacity_mAh: Double? = nil, electrolyte: String? = nil, counter_electrode: String? = nil,
    notes: String? = nil
  ) {
    self.cell = cell
    self.external_id = external_id
    self.batch = batch
    self.role = role
    self.active_mass_ug = active_mass_ug
    self.active_mass_basis = active_mass_basis
    self.active_mass_uncertainty_ug = active_mass_uncertainty_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.electrolyte = electrolyte
    self.counter_electrode = counter_electrode
    self.notes = notes
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "cell": .value, "external_id": .value, "batch": .value, "role": .value, "active_mass_ug": .value,
    "active_mass_basis": .value, "active_mass_uncertainty_ug": .value, "area_mm2": .value,
    "nominal_capacity_mAh": .value, "electrolyte": .value, "counter_electrode": .value, "notes": .value,
  ])
}

/// Registers many cells, all or none: `POST /v1/cells/import`.
public struct CellImportRequest: StrictRequest, Hashable {
  /// The cells.
  public var cells: [CellRequest]

  /// Makes one from its parts.
  public init(cells: [CellRequest]) {
    self.cells = cells
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object(["cells": .list(CellRequest.shape)])
}

/// Adds a revision to a cell: `POST /v1/cells/{cell}/revisions`. What is null stays as it was.
public struct CellRevisionRequest: StrictRequest, Hashable {
  /// Why the values change.
  public var reason: String
  /// New id of the laboratory.
  public var external_id: String?
  /// New batch.
  public var batch: String?
  /// Active mass in micrograms.
  public var active_mass_ug: Int64?
  /// What was weighed and taken as active, for instance `coating less binder`.
  public var active_mass_basis: String?
  /// Standard uncertainty of the mass in micrograms.
  public var active_mass_uncertainty_ug: Int64?
  /// Electrode area in square millimetres, to a thousandth.
  public var area_mm2: Double?
  /// Nominal capacity, the meaning of 1 C.
  public var nominal_capacity_mAh: Double?
  /// Electrolyte.
  public var electrolyte: String?
  /// Counter electrode.
  public var counter_electrode: String?
  /// Anything else.
  public var notes: String?

  /// Makes one from its parts.
  public init(
    reason: String, external_id: String? = nil, batch: String? = nil, active_mass_ug: Int64? = nil,
    active_mass_basis: String? = nil, active_mass_uncertainty_ug: Int64? = nil, area_mm2: Double? = nil,
    nominal_capacity_mAh: Double? = nil, electrolyte: String? = nil, counter_electrode: String? = nil,
    notes: String? = nil
  ) {
    self.reason = reason
    self.external_id = external_id
    self.batch = batch
    self.active_mass_ug = active_mass_ug
    self.active_mass_basis = active_mass_basis
    self.active_mass_uncertainty_ug = active_mass_uncertainty_ug
    self.area_mm2 = area_mm2
    self.nominal_capacity_mAh = nominal_capacity_mAh
    self.electrolyte = electrolyte
    self.counter_electrode = counter_electrode
    self.notes = notes
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "reason": .value, "external_id": .value, "batch": .value, "active_mass_ug": .value, "active_mass_basis": .value,
    "active_mass_uncertainty_ug": .value, "area_mm2": .value, "nominal_capacity_mAh": .value, "electrolyte": .value,
    "counter_electrode": .value, "notes": .value,
  ])
}
