// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Foundation
internal import Quantities

/// The parameters of a recount: those of the metrics, and what capacities are divided by when they are shown.
struct RecountParameters: Sendable, Hashable {
  var metrics: MetricParameters
  /// Nil: what the cell's newest revision says.
  var massMicrograms: Int64?
  /// Thousandths of a square millimetre; nil likewise.
  var areaCount: Int64?

  /// Voltages beyond this are no cell's; a slip of the unit.
  private static let largestThreshold = 100.0

  /// As stored: a JSON object with sorted keys; equal parameters are equal texts, and those of a run's own metrics are
  /// the text that the run has.
  var stored: String {
    var parts: [String] = []
    if let massMicrograms { parts.append("\"active_mass_ug\":\(massMicrograms)") }
    if let areaCount { parts.append("\"area_mm2_e3\":\(areaCount)") }
    let own = metrics.stored.dropFirst().dropLast()
    return "{" + (parts + (own.isEmpty ? [] : [String(own)])).joined(separator: ",") + "}"
  }

  /// Reads what `stored` wrote; nil when there is more than this version knows.
  init?(stored text: String) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else { return nil }
    metrics = MetricParameters(sodiationPlateauBelow: nil, desodiationPlateauBelow: nil, retentionReference: nil)
    for (key, value) in object {
      switch key {
      case "sodiation_plateau_below_nv":
        metrics.sodiationPlateauBelow = (value as? Int64).map(Voltage.init(nanovolts:))
      case "desodiation_plateau_below_nv":
        metrics.desodiationPlateauBelow = (value as? Int64).map(Voltage.init(nanovolts:))
      case "retention_reference":
        metrics.retentionReference = (value as? String).flatMap(CycleReference.init(written:))
      case "plateau_ir_correction":
        metrics.plateauIRCorrection = (value as? String).flatMap(ResistanceDelay.init(rawValue:))
      case "retention_threshold":
        metrics.retentionThreshold = (value as? Double) ?? RunSummary.usualThreshold
      case "active_mass_ug": massMicrograms = value as? Int64
      case "area_mm2_e3": areaCount = value as? Int64
      default: return nil
      }
    }
    // What could not be read would be missing when it is written again.
    guard stored.utf8.count == text.utf8.count else { return nil }
  }

  /// Puts what a request says in the place of what there is.
  mutating func take(_ request: RecomputeRequest, role: CellRole) throws {
    try CellNumbers.check(mass: request.active_mass_ug, area: request.area_mm2, nominal: nil)
    massMicrograms = request.active_mass_ug ?? massMicrograms
    areaCount = request.area_mm2.map { Int64(($0 * 1_000).rounded()) } ?? areaCount
    try takeAway(request)
    metrics.sodiationPlateauBelow =
      try Self.threshold(request.sodiation_plateau_below_V, "sodiation_plateau_below", role)
      ?? metrics.sodiationPlateauBelow
    metrics.desodiationPlateauBelow =
      try Self.threshold(request.desodiation_plateau_below_V, "desodiation_plateau_below", role)
      ?? metrics.desodiationPlateauBelow
    if let threshold = request.retention_threshold {
      guard threshold > 0, threshold < 1 else {
        throw RequestRefused(
          .malformed, code: "recompute.bad_parameter", message: "retention_threshold is \(threshold)",
          hint: "a fraction between 0 and 1; 0.8 is usual")
      }
      metrics.retentionThreshold = threshold
    }
    guard let written = request.retention_reference else { return }
    guard let reference = CycleReference(written: written) else {
      throw RequestRefused(
        .malformed, code: "recompute.bad_parameter", message: "“\(written)” is not a cycle",
        hint: "a purpose and a number, for instance `life cycle 1`")
    }
    metrics.retentionReference = reference
  }

  private mutating func takeAway(_ request: RecomputeRequest) throws {
    for name in request.without ?? [] {
      let isSaid: Bool
      switch name {
      case "sodiation_plateau_below":
        metrics.sodiationPlateauBelow = nil
        isSaid = request.sodiation_plateau_below_V != nil
      case "desodiation_plateau_below":
        metrics.desodiationPlateauBelow = nil
        isSaid = request.desodiation_plateau_below_V != nil
      case "retention_reference":
        metrics.retentionReference = nil
        isSaid = request.retention_reference != nil
      default:
        throw RequestRefused(
          .malformed, code: "recompute.bad_parameter", message: "“\(name)” is no parameter that can be taken away",
          hint: "sodiation_plateau_below, desodiation_plateau_below or retention_reference")
      }
      if isSaid {
        throw RequestRefused(
          .malformed, code: "recompute.bad_parameter", message: "\(name) is given a value and taken away",
          hint: "one of the two")
      }
    }
  }

  private static func threshold(_ volts: Double?, _ name: String, _ role: CellRole) throws -> Voltage? {
    guard let volts else { return nil }
    guard role == .anodeHalfCell else {
      throw RequestRefused(
        .impossible, code: "recompute.bad_parameter", message: "\(name) has no meaning for role \(role.rawValue)",
        hint: "only the voltage of an anode half cell is that of its anode")
    }
    guard volts.isFinite, volts.magnitude <= largestThreshold else {
      throw RequestRefused(
        .malformed, code: "recompute.bad_parameter", message: "\(name) is \(volts) V; no cell has that",
        hint: "a voltage of the cell, in volts; 0.1 is usual on sodiation")
    }
    return Voltage(volts: volts)
  }
}

extension ParameterSet {
  /// A stored set; what a newer version wrote there is shown by its number alone.
  init(_ row: StoredRecount) {
    let parameters = RecountParameters(stored: row.parameters)
    self.init(
      parameter_set: row.parameterSetId, is_own: row.isOwn, definitions_version: row.definitionsVersion,
      sodiation_plateau_below_V: parameters?.metrics.sodiationPlateauBelow?.volts,
      desodiation_plateau_below_V: parameters?.metrics.desodiationPlateauBelow?.volts,
      retention_reference: parameters?.metrics.retentionReference?.written,
      active_mass_ug: parameters?.massMicrograms, area_mm2: parameters?.areaCount.map { Double($0) / 1_000 },
      label: row.label, cycles: row.cycles, computed_unix_us: row.computedUnixUs, computed_by: row.computedBy,
      program_version: row.programVersion, records: row.records,
      last_step_count: row.lastStepId.map { RowIdentity.count(of: $0) },
      last_step_record_index: row.lastStepRecordIndex)
    retention_threshold = parameters?.metrics.retentionThreshold
    plateau_ir_correction = parameters?.metrics.plateauIRCorrection?.rawValue
  }
}
