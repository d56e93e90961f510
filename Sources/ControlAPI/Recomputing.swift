// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// A run's cycles once more, from its records, with other parameters.

/// Computes a run's cycles again: `POST /v1/runs/{run}/recompute`. What is left out is as in the run's own parameters.
public struct RecomputeRequest: StrictRequest, Hashable {
  /// Charge passed below this voltage on sodiation is plateau charge.
  public var sodiation_plateau_below_V: Double?
  /// Charge passed below this voltage on desodiation is plateau charge of that branch.
  public var desodiation_plateau_below_V: Double?
  /// The cycle that retention is told by, for instance `life cycle 1`.
  public var retention_reference: String?
  /// The retention below which a life is over, a fraction.
  public var retention_threshold: Double?
  /// Mass that specific capacities are told by.
  public var active_mass_ug: Int64?
  /// Area that areal capacities are told by.
  public var area_mm2: Double?
  /// Names of parameters that the run has and that shall have no value: `sodiation_plateau_below`,
  /// `desodiation_plateau_below`, `retention_reference`.
  public var without: [String]?
  /// What the result is called.
  public var label: String?

  /// Makes one from its parts.
  public init(
    sodiation_plateau_below_V: Double? = nil, desodiation_plateau_below_V: Double? = nil,
    retention_reference: String? = nil, retention_threshold: Double? = nil, active_mass_ug: Int64? = nil,
    area_mm2: Double? = nil, without: [String]? = nil, label: String? = nil
  ) {
    self.sodiation_plateau_below_V = sodiation_plateau_below_V
    self.desodiation_plateau_below_V = desodiation_plateau_below_V
    self.retention_reference = retention_reference
    self.retention_threshold = retention_threshold
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.without = without
    self.label = label
  }

  /// The keys that a request may have.
  public static let shape: RequestShape = .object([
    "sodiation_plateau_below_V": .value, "desodiation_plateau_below_V": .value, "retention_reference": .value,
    "retention_threshold": .value, "active_mass_ug": .value, "area_mm2": .value, "without": .value, "label": .value,
  ])
}

/// Answer to `POST /v1/runs/{run}/recompute`.
public struct RecomputeResponse: Codable, Sendable, Hashable {
  /// The id of the request.
  public var request_id: String
  /// The run.
  public var run: Int64
  /// The set of parameters, with what was computed.
  public var parameter_set: ParameterSet
  /// Whether it is the run's own set: then nothing was stored, and the stored cycles were only compared.
  public var is_own: Bool
  /// Half-cycles that were computed again, and compared with the stored ones but for the plateau of another threshold.
  public var half_cycles: Int64
  /// Those of which a stored value is another one; there should be none.
  public var half_cycles_other: Int64
  /// Those of which more is known now, because an older version, or one that was killed, did not keep it.
  public var half_cycles_more_known: Int64
  /// Cycles that were computed again.
  public var cycles: Int64
  /// Those of which a stored value is another one; null when the parameters differ from the run's own.
  @OrNull public var cycles_other: Int64?
  /// Those of which more is known now, because a checkpoint of an older version did not keep it; null likewise.
  @OrNull public var cycles_more_known: Int64?
  /// Which values of which half-cycles and cycles are others: the first few.
  public var differences: [String]
  /// What a person should know.
  public var warnings: [String]

  /// Makes one from its parts.
  public init(
    request_id: String, run: Int64, parameter_set: ParameterSet, is_own: Bool, half_cycles: Int64,
    half_cycles_other: Int64, half_cycles_more_known: Int64, cycles: Int64, cycles_other: Int64?,
    cycles_more_known: Int64?, differences: [String],
    warnings: [String]
  ) {
    self.request_id = request_id
    self.run = run
    self.parameter_set = parameter_set
    self.is_own = is_own
    self.half_cycles = half_cycles
    self.half_cycles_other = half_cycles_other
    self.half_cycles_more_known = half_cycles_more_known
    self.cycles = cycles
    self.cycles_other = cycles_other
    self.cycles_more_known = cycles_more_known
    self.differences = differences
    self.warnings = warnings
  }
}

/// A set of parameters under which a run has cycles.
public struct ParameterSet: Codable, Sendable, Hashable {
  /// Its number.
  public var parameter_set: Int64
  /// Whether the run's live cycles were computed with it.
  public var is_own: Bool
  /// The version of the definitions.
  public var definitions_version: String
  /// The threshold of the plateau on sodiation.
  @OrNull public var sodiation_plateau_below_V: Double?
  /// The threshold of the plateau on desodiation.
  @OrNull public var desodiation_plateau_below_V: Double?
  /// The cycle that retention is told by.
  @OrNull public var retention_reference: String?
  /// The retention below which a life is over, a fraction; null in a set that this version does not understand.
  @OrNull public var retention_threshold: Double? = nil
  /// After how long the resistance is read that corrects plateaus: `first`, `1 s`, `10 s`, `30 s`; null for none.
  @OrNull public var plateau_ir_correction: String? = nil
  /// Mass that specific capacities are told by; null: the cell's.
  @OrNull public var active_mass_ug: Int64?
  /// Area that areal capacities are told by; null: the cell's.
  @OrNull public var area_mm2: Double?
  /// What a person calls it.
  @OrNull public var label: String?
  /// Cycles that are stored.
  public var cycles: Int64
  /// When they were computed; null of the run's own.
  @OrNull public var computed_unix_us: Int64?
  /// By whom.
  @OrNull public var computed_by: String?
  /// By which version of the daemon.
  @OrNull public var program_version: String?
  /// From how many records.
  @OrNull public var records: Int64?
  /// The step of the last of them; a run that went on afterwards has more.
  @OrNull public var last_step_count: Int64?
  /// Its index in the step, from 0.
  @OrNull public var last_step_record_index: Int64?

  /// Makes one from its parts.
  public init(
    parameter_set: Int64, is_own: Bool, definitions_version: String, sodiation_plateau_below_V: Double? = nil,
    desodiation_plateau_below_V: Double? = nil, retention_reference: String? = nil, active_mass_ug: Int64? = nil,
    area_mm2: Double? = nil, label: String? = nil, cycles: Int64, computed_unix_us: Int64? = nil,
    computed_by: String? = nil, program_version: String? = nil, records: Int64? = nil, last_step_count: Int64? = nil,
    last_step_record_index: Int64? = nil
  ) {
    self.parameter_set = parameter_set
    self.is_own = is_own
    self.definitions_version = definitions_version
    self.sodiation_plateau_below_V = sodiation_plateau_below_V
    self.desodiation_plateau_below_V = desodiation_plateau_below_V
    self.retention_reference = retention_reference
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.label = label
    self.cycles = cycles
    self.computed_unix_us = computed_unix_us
    self.computed_by = computed_by
    self.program_version = program_version
    self.records = records
    self.last_step_count = last_step_count
    self.last_step_record_index = last_step_record_index
  }
}

/// Answer to `GET /v1/runs/{run}/parameter-sets`.
public struct ParameterSetList: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The run's own first.
  public var parameter_sets: [ParameterSet]

  /// Makes one from its parts.
  public init(run: Int64, parameter_sets: [ParameterSet]) {
    self.run = run
    self.parameter_sets = parameter_sets
  }
}
