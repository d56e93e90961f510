// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an efficiency means for a life: arithmetic for cells that are limited by their sodium, and a refusal for others.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel

extension LaboratoryOperations {
  /// So few complete cycles say nothing yet.
  static let fewestCycles = 5

  func predict(_ request: PredictionRequest) async throws -> Prediction {
    var prediction = Prediction(
      coulombic_efficiency: request.coulombic_efficiency, cycles: request.cycles, retention: request.retention,
      areal_capacity_mAh_per_cm2: request.areal_capacity_mAh_per_cm2)
    if let reference = request.run { try await take(reference, &prediction) }
    if let capacity = request.areal_capacity_mAh_per_cm2 {
      prediction.sodium_thickness_um = SodiumMetal.thicknessMicrometres(arealCapacity: capacity)
    }
    try Self.complete(&prediction)
    return prediction
  }

  /// The third of efficiency, cycles and retention from the other two.
  private static func complete(_ prediction: inout Prediction) throws(RequestRefused) {
    if let share = [prediction.coulombic_efficiency, prediction.retention].compactMap(\.self).first(where: { $0 > 1 }) {
      throw RequestRefused(
        .malformed, code: "predict.above_one", message: "\(share) is more than everything",
        hint: "efficiency and retention are at most 1, or 100 %")
    }
    switch (prediction.coulombic_efficiency, prediction.cycles, prediction.retention) {
    case (let efficiency?, let cycles?, nil):
      prediction.retention = InventoryPrediction.retention(coulombicEfficiency: efficiency, cycles: cycles)
    case (let efficiency?, nil, let retention?):
      let cycles = InventoryPrediction.cycles(coulombicEfficiency: efficiency, retention: retention)
      prediction.cycles = cycles.isFinite ? cycles : nil
    case (nil, let cycles?, let retention?):
      prediction.coulombic_efficiency = InventoryPrediction.coulombicEfficiency(retention: retention, cycles: cycles)
    case (nil, nil, nil) where prediction.areal_capacity_mAh_per_cm2 != nil: break
    case (_?, nil, nil) where prediction.run != nil: break
    default:
      throw RequestRefused(
        .malformed, code: "predict.two_of_three",
        message: "give two of coulombic efficiency, cycles and retention, and the third follows",
        hint: "a run stands for its coulombic efficiency; an areal capacity may stand alone")
    }
  }

  /// The run's own efficiency: the geometric mean of its complete life cycles.
  private func take(_ reference: RunReference, _ prediction: inout Prediction) async throws {
    let run = try await stored(reference)
    guard prediction.coulombic_efficiency == nil else {
      throw RequestRefused(
        .malformed, code: "predict.two_of_three", message: "a run and a coulombic efficiency say the same twice",
        hint: "leave one out")
    }
    let role = try await store.read { view in try view.cell(run.cellId).flatMap { CellRole(rawValue: $0.role) } }
    guard let role, role.isLimitedByInventory else {
      throw RequestRefused(
        .conflict, code: "predict.not_limited_by_inventory",
        message:
          "a cell of role \(role?.rawValue ?? "unknown") has more sodium than it uses, so its efficiency says nothing of its life",
        hint: "only full-cell and anode-free lose with each cycle what does not come back")
    }
    let damage: DataFlags = [.gap, .interrupted, .truncated, .chargeUnknown, .partialStart]
    let efficiencies = try await store.read { view in try view.cycles(run: run.runId) }
      // Rows of before this was kept do not say whether they can be compared.
      .filter { $0.purpose == CyclePurpose.life.rawValue && $0.comparable ?? true }
      .filter { DataFlags(rawValue: $0.flags).isDisjoint(with: damage) }
      .compactMap(\.coulombicEfficiency)
    guard efficiencies.count >= Self.fewestCycles, let mean = InventoryPrediction.meanEfficiency(efficiencies) else {
      throw RequestRefused(
        .conflict, code: "predict.too_few_cycles",
        message: "run \(run.runId) has \(efficiencies.count) complete life cycles; \(Self.fewestCycles) are needed",
        hint: "ask again later, or give a coulombic efficiency")
    }
    // Where the run's own summary tells it, to its last digit.
    let told = try await store.read { view in try view.runSummary(run.runId) }
    prediction.coulombic_efficiency =
      told?.geometricMeanCycles == Int64(efficiencies.count) ? told?.geometricMeanCoulombicEfficiency ?? mean : mean
    prediction.run = run.runId
    prediction.cycles_of_run = Int64(efficiencies.count)
  }
}
