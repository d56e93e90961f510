// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The cell of a run that is started, and its parameters, as the store keeps them.

internal import CellMetrics
internal import CycleStore
internal import CyclerModel
internal import Quantities

extension StoreEdit {
  /// The cell of a run: as it is, with values that were missing added as a revision, or newly registered.
  func cell(
    _ known: StoredCell?, named name: String?, role: CellRole, values: CellValues, by person: String, at: UnixInstant
  ) throws -> StoredCell {
    guard let known else {
      let chosen = try name ?? unusedCellName()
      var entry = CellEntry()
      entry.fill(values)
      return try addCell(
        name: chosen, role: role, entry, by: person, reason: "registered by the start of a run", at: at)
    }
    var entry = CellEntry(known)
    let before = entry
    entry.fill(values)
    if entry == before { return known }
    return try reviseCell(known.cellId, entry, by: person, reason: "values given at the start of a run", at: at)
  }

  private func unusedCellName() throws -> String {
    var number = try view.cells().count + 1
    while try view.cell(named: "cell-\(number)") != nil { number += 1 }
    return "cell-\(number)"
  }
}

extension CellEntry {
  fileprivate mutating func fill(_ values: CellValues) {
    activeMassUg = activeMassUg ?? values.activeMass?.micrograms
    areaMm2E3 = areaMm2E3 ?? values.area?.squareMillimetreThousandths
    nominalChargeNc = nominalChargeNc ?? values.nominalCapacity?.nanocoulombs
  }
}

extension MetricParameters {
  /// As stored: a JSON object with sorted keys; equal parameters are equal texts.
  var stored: String {
    var parts: [String] = []
    if let desodiationPlateauBelow {
      parts.append("\"desodiation_plateau_below_nv\":\(desodiationPlateauBelow.nanovolts)")
    }
    if let plateauIRCorrection { parts.append("\"plateau_ir_correction\":\"\(plateauIRCorrection.rawValue)\"") }
    if let retentionReference { parts.append("\"retention_reference\":\"\(retentionReference.written)\"") }
    if retentionThreshold != RunSummary.usualThreshold { parts.append("\"retention_threshold\":\(retentionThreshold)") }
    if let sodiationPlateauBelow { parts.append("\"sodiation_plateau_below_nv\":\(sodiationPlateauBelow.nanovolts)") }
    return "{" + parts.joined(separator: ",") + "}"
  }
}
