// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Stamps against the records that they stand beside. Both are whole nanocoulombs, nanojoules, nanovolts and microseconds,
// so a run's own stamps follow from its records to the last digit, and whatever does not was changed by somebody, or lacks
// records. What only the program of the run knew, such as what a gap can have hidden, follows from nothing here.

internal import CellMetrics
internal import CyclerModel
internal import Quantities

extension StampedTable.Half {
  /// A step is over.
  mutating func noteStep(time: Int64, hasCharge: Bool, voltage: Voltage?) {
    if hasCharge { activeTime.least &+= time }
    activeTime.most &+= time
    if let voltage, voltage == counted.stamped.endVoltage { endsAtItsVoltage = true }
  }

  /// Whether charge or energy is not what was stamped: then records are missing, or are others.
  var lacksRecords: Bool {
    let (row, stamp) = (counted.row, counted.stamped)
    return row.endReason != nil && (row.charge != stamp.charge || row.energy != stamp.energy)
  }

  /// Names of what the stamp says and its records contradict, beside charge and energy.
  /// - Parameter hasOwnPlateaus: The plateaus are told by the run's own parameters.
  func contradictions(hasOwnPlateaus: Bool) -> [String] {
    let (row, stamp) = (counted.row, counted.stamped)
    guard row.endReason != nil, !lacksRecords else { return [] }
    // What an older version did not keep is in no stamp, and contradicts nothing.
    func differs(_ counted: Charge?, _ stamped: Charge?) -> Bool { stamped != nil && counted != stamped }
    let detail = (row.detail.plateauIRCorrectedCharge, stamp.detail.plateauIRCorrectedCharge)
    let time = stamp.activeTime?.microseconds
    let found = [
      (row.reverseCharge != stamp.reverseCharge, "reverse charge"),
      (row.constantVoltageCharge != stamp.constantVoltageCharge, "constant-voltage charge"),
      (hasOwnPlateaus && differs(row.plateauCharge, stamp.plateauCharge), "plateau"),
      (hasOwnPlateaus && differs(detail.0, detail.1), "plateau less the ohmic drop"),
      (!stamp.flags.isSuperset(of: row.flags), "flags"),
      (stamp.endVoltage != nil && !endsAtItsVoltage, "end voltage"),
      (time.map { $0 < activeTime.least || $0 > activeTime.most } ?? false, "active time"),
    ]
    return found.filter(\.0).map(\.1)
  }
}

extension EfficiencyTestRow {
  /// Why what a test's stamp says cannot be: by itself, or beside what all half-cycles moved, nC; nil when it can.
  /// - Parameters:
  ///   - charged: What all charging half-cycles moved.
  ///   - discharged: What all discharging ones did.
  func contradiction(charged: Double, discharged: Double) -> String? {
    let (plated, stripped) = (Double(platedCharge.nanocoulombs), Double(strippedCharge.nanocoulombs))
    if let coulombicEfficiency, plated > 0, (coulombicEfficiency * plated / stripped - 1).magnitude > 1e-9 {
      return "an efficiency that is not that of its charges"
    }
    // Which direction plates follows from the role; the other one may be the one that was meant.
    if max(plated, stripped) > max(charged, discharged) || min(plated, stripped) > min(charged, discharged) {
      return "more charge than all half-cycles have moved"
    }
    return nil
  }
}
