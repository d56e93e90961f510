// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The query of `GET /v1/predict`: two of efficiency, cycles and retention, or a run and one of the others, or an areal
/// capacity, or both.
public struct PredictionRequest: Sendable, Hashable {
  /// A fraction above 0, at most 1.
  public var coulombic_efficiency: Double?
  /// More than 0.
  public var cycles: Double?
  /// A fraction between 0 and 1.
  public var retention: Double?
  /// A run whose efficiency is taken, instead of `coulombic_efficiency`.
  public var run: RunReference?
  /// In mAh/cm2, more than 0: the sodium that is plated.
  public var areal_capacity_mAh_per_cm2: Double?

  /// Makes one from its parts.
  public init(
    coulombic_efficiency: Double? = nil, cycles: Double? = nil, retention: Double? = nil, run: RunReference? = nil,
    areal_capacity_mAh_per_cm2: Double? = nil
  ) {
    self.coulombic_efficiency = coulombic_efficiency
    self.cycles = cycles
    self.retention = retention
    self.run = run
    self.areal_capacity_mAh_per_cm2 = areal_capacity_mAh_per_cm2
  }

  /// The keys of the query.
  public static let keys = ["coulombic_efficiency", "cycles", "retention", "run", "areal_capacity_mAh_per_cm2"]

  /// The query, without a question mark.
  public var query: String {
    let values: [String?] = [
      coulombic_efficiency.map { "\($0)" }, cycles.map { "\($0)" }, retention.map { "\($0)" }, run.map { "\($0)" },
      areal_capacity_mAh_per_cm2.map { "\($0)" },
    ]
    return zip(Self.keys, values).compactMap { key, value in value.map { "\(key)=\($0)" } }.joined(separator: "&")
  }
}

/// What an efficiency means for the life of a cell that is limited by its inventory of sodium.
public struct Prediction: Codable, Sendable, Hashable {
  /// A fraction; given, of the run, or what is needed.
  @OrNull public var coulombic_efficiency: Double?
  /// Given, or how many cycles it takes; null when that is never.
  @OrNull public var cycles: Double?
  /// A fraction; given, or what is left.
  @OrNull public var retention: Double?
  /// The run whose efficiency was taken.
  @OrNull public var run: Int64?
  /// Over how many cycles of the run it was taken.
  @OrNull public var cycles_of_run: Int64?
  /// In mAh/cm2; as given.
  @OrNull public var areal_capacity_mAh_per_cm2: Double?
  /// In µm: a dense layer of sodium that holds it.
  @OrNull public var sodium_thickness_um: Double?

  /// Makes one from its parts.
  public init(
    coulombic_efficiency: Double? = nil, cycles: Double? = nil, retention: Double? = nil, run: Int64? = nil,
    cycles_of_run: Int64? = nil, areal_capacity_mAh_per_cm2: Double? = nil, sodium_thickness_um: Double? = nil
  ) {
    self.coulombic_efficiency = coulombic_efficiency
    self.cycles = cycles
    self.retention = retention
    self.run = run
    self.cycles_of_run = cycles_of_run
    self.areal_capacity_mAh_per_cm2 = areal_capacity_mAh_per_cm2
    self.sodium_thickness_um = sodium_thickness_um
  }
}
