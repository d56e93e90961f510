// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is known of half-cycles and cycles besides their sums, written behind the row in the same transaction.

import CyclerModel
import GRDB
import Quantities

extension JournalWriter {
  static func write(_ detail: HalfCycleDetail, of halfCycle: Int64, to database: Database) throws {
    let resistances = detail.resistances
    try database.cachedStatement(sql: updateHalfCycle).execute(arguments: [
      detail.constantCurrentCharge?.nanocoulombs, detail.constantCurrentTime?.microseconds,
      detail.constantVoltageTime?.microseconds, detail.restBefore?.duration?.microseconds,
      detail.restBefore?.startVoltage?.nanovolts, detail.restBefore?.endVoltage?.nanovolts,
      detail.restBefore?.drift?.count, detail.restBefore?.driftSpan?.microseconds,
      resistances.firstRecord?.resistance.count, resistances.firstRecord?.delay.microseconds,
      resistances.oneSecond?.resistance.count, resistances.oneSecond?.delay.microseconds,
      resistances.tenSeconds?.resistance.count, resistances.tenSeconds?.delay.microseconds,
      resistances.thirtySeconds?.resistance.count, resistances.thirtySeconds?.delay.microseconds,
      detail.plateauIRCorrectedCharge?.nanocoulombs, detail.offsetUncertainty?.nanocoulombs,
      detail.gainUncertainty?.nanocoulombs, detail.rangeFullScale?.picoamperes, halfCycle,
    ])
  }

  static func write(_ detail: CycleDetail, ofCycle number: Int64, run: Int64, to database: Database) throws {
    try database.cachedStatement(sql: updateCycle).execute(arguments: [
      detail.coulombicEfficiencyUncertainty, detail.chargeCapacityUncertainty?.ampereHours,
      detail.dischargeCapacityUncertainty?.ampereHours, detail.sodiationPlateauIRCorrectedCharge?.ampereHours,
      detail.sodiationPlateauIRCorrectedRatio, detail.desodiationPlateauIRCorrectedCharge?.ampereHours,
      detail.desodiationPlateauIRCorrectedRatio, run, number,
    ])
  }

  private static let updateHalfCycle = """
    UPDATE half_cycle SET
      constant_current_charge_nc = ?, constant_current_time_us = ?, constant_voltage_time_us = ?, rest_before_us = ?,
      rest_before_start_voltage_nv = ?, rest_before_end_voltage_nv = ?, rest_before_drift_nv_h = ?,
      rest_before_drift_span_us = ?, resistance_first_uohm = ?, resistance_first_delay_us = ?,
      resistance_1_s_uohm = ?, resistance_1_s_delay_us = ?, resistance_10_s_uohm = ?, resistance_10_s_delay_us = ?,
      resistance_30_s_uohm = ?, resistance_30_s_delay_us = ?, plateau_ir_corrected_charge_nc = ?,
      offset_uncertainty_nc = ?, gain_uncertainty_nc = ?, range_full_scale_pa = ?
    WHERE half_cycle_id = ?
    """
  private static let updateCycle = """
    UPDATE cycle SET
      coulombic_efficiency_uncertainty = ?, charge_capacity_uncertainty_ah = ?, discharge_capacity_uncertainty_ah = ?,
      sodiation_plateau_ir_corrected_capacity_ah = ?, sodiation_plateau_ir_corrected_ratio = ?,
      desodiation_plateau_ir_corrected_capacity_ah = ?, desodiation_plateau_ir_corrected_ratio = ?
    WHERE run_id = ? AND cycle_number = ?
      AND parameter_set_id = (SELECT parameter_set_id FROM run WHERE run.run_id = cycle.run_id)
    """
}
