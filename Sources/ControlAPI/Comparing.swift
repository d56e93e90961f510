// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Cells side by side: what each shows in the same cycle, and the mean of those that can be compared. Whatever is in no
// mean is named with its reason.

/// What makes cycles of different cells the same cycle.
public enum ComparisonKey: String, Sendable, Hashable, CaseIterable, Codable {
  /// The number in the cell's life.
  case cycle
  /// The number among the cell's cycles of that purpose.
  case purpose
}

/// The query of `GET /v1/compare`.
public struct ComparisonRequest: Sendable, Hashable {
  /// Runs by number or cells by name; a cell stands for all its runs.
  public var of: [String]
  /// All cells of that batch.
  public var batch: String?
  /// What makes cycles the same.
  public var by: ComparisonKey
  /// Only that cycle of each cell's life, or of each purpose.
  public var cycle: Int64?
  /// The cycle in the cell's life whose reversible capacity is a retention of one; nil takes that of the protocols.
  public var reference: Int64?
  /// The set of parameters of each run, by number or label; nil takes each run's own.
  public var parameters: ParameterSetName?

  /// Makes one from its parts.
  public init(
    of: [String] = [], batch: String? = nil, by: ComparisonKey = .cycle, cycle: Int64? = nil, reference: Int64? = nil,
    parameters: ParameterSetName? = nil
  ) {
    self.of = of
    self.batch = batch
    self.by = by
    self.cycle = cycle
    self.reference = reference
    self.parameters = parameters
  }

  /// The keys of the query.
  public static let keys = ["of", "batch", "by", "cycle", "reference", "parameters"]

  /// The query, without a question mark. Names stand on lines of their own, because a name may hold a comma.
  public var query: String {
    let values: [String?] = [
      of.isEmpty ? nil : PercentEncoding.encode(of.map { $0 + "\n" }.joined()),
      batch.map { PercentEncoding.encode($0) },
      by.rawValue, cycle.map { "\($0)" }, reference.map { "\($0)" },
      parameters.map { PercentEncoding.encode("\($0)") },
    ]
    return zip(Self.keys, values).compactMap { key, value in value.map { "\(key)=\($0)" } }.joined(separator: "&")
  }

  /// Reads names as they stand in a query: a line each, or with commas between where there is only one line.
  public static func names(_ text: String) -> [String] {
    let separator: Character = text.contains("\n") ? "\n" : ","
    return text.split(separator: separator).map(String.init)
  }
}

/// A mean over cells.
public struct SampleMean: Codable, Sendable, Hashable {
  /// Null of nothing.
  @OrNull public var mean: Double?
  /// Of the sample (n − 1); null of fewer than two cells.
  @OrNull public var standard_deviation: Double?
  /// How many cells.
  public var n: Int64

  /// Makes one from its parts.
  public init(mean: Double?, standard_deviation: Double?, n: Int64) {
    self.mean = mean
    self.standard_deviation = standard_deviation
    self.n = n
  }
}

/// A cell of a comparison.
public struct ComparedCell: Codable, Sendable, Hashable {
  /// Its name.
  public var cell: String
  /// The runs that were taken, the first first.
  public var runs: [Int64]
  /// Finished cycles in them.
  public var cycles: Int64
  /// Efficiency of the cell's first cycle, as a fraction.
  @OrNull public var initial_coulombic_efficiency: Double?
  /// The run in which that cycle was.
  @OrNull public var initial_cycle_run: Int64?
  /// Active mass by the cell's newest revision, or by the parameter set that was asked for.
  @OrNull public var active_mass_ug: Int64?
  /// What the mass counts.
  @OrNull public var active_mass_basis: String?
  /// Electrode area by the cell's newest revision, or by the parameter set that was asked for.
  @OrNull public var area_mm2: Double?
  /// The sets of parameters that its runs' cycles were computed with.
  public var parameter_sets: [Int64] = []
  /// The threshold of the plateau on sodiation; null when there is none, or the runs have different ones.
  @OrNull public var sodiation_plateau_below_V: Double? = nil

  /// Makes one from its parts.
  public init(
    cell: String, runs: [Int64], cycles: Int64, initial_coulombic_efficiency: Double? = nil,
    initial_cycle_run: Int64? = nil, active_mass_ug: Int64? = nil, active_mass_basis: String? = nil,
    area_mm2: Double? = nil
  ) {
    self.cell = cell
    self.runs = runs
    self.cycles = cycles
    self.initial_coulombic_efficiency = initial_coulombic_efficiency
    self.initial_cycle_run = initial_cycle_run
    self.active_mass_ug = active_mass_ug
    self.active_mass_basis = active_mass_basis
    self.area_mm2 = area_mm2
  }
}

/// What one cell shows in a row of a comparison.
public struct ComparedCycle: Codable, Sendable, Hashable {
  /// The cell.
  public var cell: String
  /// The run.
  public var run: Int64
  /// The cycle within the run.
  public var cycle_number: Int64
  /// Within the cell's life.
  public var cell_cycle_number: Int64
  /// What the second half-cycle of the role moved.
  @OrNull public var reversible_capacity_Ah: Double?
  /// As that of a cycle.
  @OrNull public var coulombic_efficiency: Double?
  /// By how much it can be wrong by the instrument's stated error, a fraction; null where nothing is stated.
  @OrNull public var coulombic_efficiency_uncertainty: Double? = nil
  /// Against the reference that was asked for, or the protocol's.
  @OrNull public var retention: Double?
  /// As that of a cycle.
  @OrNull public var sodiation_plateau_ratio: Double?
  /// As those of a cycle.
  public var flags: [String]
  /// Whether it is in the means; if not, `left_out` says why.
  public var is_counted: Bool

  /// Makes one from its parts.
  public init(
    cell: String, run: Int64, cycle_number: Int64, cell_cycle_number: Int64, reversible_capacity_Ah: Double? = nil,
    coulombic_efficiency: Double? = nil, retention: Double? = nil, sodiation_plateau_ratio: Double? = nil,
    flags: [String] = [], is_counted: Bool = true
  ) {
    self.cell = cell
    self.run = run
    self.cycle_number = cycle_number
    self.cell_cycle_number = cell_cycle_number
    self.reversible_capacity_Ah = reversible_capacity_Ah
    self.coulombic_efficiency = coulombic_efficiency
    self.retention = retention
    self.sodiation_plateau_ratio = sodiation_plateau_ratio
    self.flags = flags
    self.is_counted = is_counted
  }
}

/// The same cycle of several cells.
public struct ComparisonRow: Codable, Sendable, Hashable {
  /// The number in the cells' lives, or among their cycles of the purpose.
  public var number: Int64
  /// `formation`, `rate`, `life` or `diagnostic`; cycles of different purposes are in different rows.
  @OrNull public var purpose: String?
  /// Over the cells that are counted.
  public var reversible_capacity_Ah: SampleMean
  /// Over those of known mass.
  public var reversible_capacity_mAh_per_g: SampleMean
  /// Over those of known area.
  public var reversible_capacity_mAh_per_cm2: SampleMean
  /// A fraction.
  public var coulombic_efficiency: SampleMean
  /// A fraction.
  public var retention: SampleMean
  /// A fraction.
  public var sodiation_plateau_ratio: SampleMean
  /// Each cell that has such a cycle, in the order of the cells.
  public var cells: [ComparedCycle]

  /// Makes one from its parts.
  public init(
    number: Int64, purpose: String?, reversible_capacity_Ah: SampleMean, reversible_capacity_mAh_per_g: SampleMean,
    reversible_capacity_mAh_per_cm2: SampleMean, coulombic_efficiency: SampleMean, retention: SampleMean,
    sodiation_plateau_ratio: SampleMean, cells: [ComparedCycle]
  ) {
    self.number = number
    self.purpose = purpose
    self.reversible_capacity_Ah = reversible_capacity_Ah
    self.reversible_capacity_mAh_per_g = reversible_capacity_mAh_per_g
    self.reversible_capacity_mAh_per_cm2 = reversible_capacity_mAh_per_cm2
    self.coulombic_efficiency = coulombic_efficiency
    self.retention = retention
    self.sodiation_plateau_ratio = sodiation_plateau_ratio
    self.cells = cells
  }
}

/// A cycle or a run that is in no mean.
public struct LeftOut: Codable, Sendable, Hashable {
  /// The cell.
  public var cell: String
  /// The run; null for a cell without any.
  @OrNull public var run: Int64?
  /// The cycle within the run; null for the whole run.
  @OrNull public var cycle_number: Int64?
  /// Why.
  public var reason: String

  /// Makes one from its parts.
  public init(cell: String, run: Int64? = nil, cycle_number: Int64? = nil, reason: String) {
    self.cell = cell
    self.run = run
    self.cycle_number = cycle_number
    self.reason = reason
  }
}

/// Answer to `GET /v1/compare`.
public struct ComparisonTable: Codable, Sendable, Hashable {
  /// What makes cycles the same.
  public var by: ComparisonKey
  /// Role of all the cells.
  public var role: String
  /// In the order in which they were named.
  public var cells: [ComparedCell]
  /// Over the cells that have one.
  public var initial_coulombic_efficiency: SampleMean
  /// In the order of the numbers.
  public var rows: [ComparisonRow]
  /// What is in no mean, and why.
  public var left_out: [LeftOut]
  /// What makes a comparison doubtful.
  public var warnings: [String]

  /// Makes one from its parts.
  public init(
    by: ComparisonKey, role: String, cells: [ComparedCell], initial_coulombic_efficiency: SampleMean,
    rows: [ComparisonRow], left_out: [LeftOut], warnings: [String]
  ) {
    self.by = by
    self.role = role
    self.cells = cells
    self.initial_coulombic_efficiency = initial_coulombic_efficiency
    self.rows = rows
    self.left_out = left_out
    self.warnings = warnings
  }
}
