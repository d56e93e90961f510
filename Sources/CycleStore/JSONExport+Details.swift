// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

// What is known of half-cycles and cycles besides their sums.
extension JSONExportWriter {
  func writeDetail(of cycle: StoredCycle, to object: inout JSONObject, _ text: inout TextBuffer) {
    object.real("coulombic_efficiency_uncertainty", cycle.coulombicEfficiencyUncertainty, &text)
    object.real("charge_capacity_uncertainty_Ah", cycle.chargeCapacityUncertaintyAh, &text)
    object.real("discharge_capacity_uncertainty_Ah", cycle.dischargeCapacityUncertaintyAh, &text)
    object.real("sodiation_plateau_ir_corrected_capacity_Ah", cycle.sodiationPlateauIrCorrectedCapacityAh, &text)
    object.real("sodiation_plateau_ir_corrected_ratio", cycle.sodiationPlateauIrCorrectedRatio, &text)
    object.real("desodiation_plateau_ir_corrected_capacity_Ah", cycle.desodiationPlateauIrCorrectedCapacityAh, &text)
    object.real("desodiation_plateau_ir_corrected_ratio", cycle.desodiationPlateauIrCorrectedRatio, &text)
  }

  func writeDetail(of half: StoredHalfCycle, to object: inout JSONObject, _ text: inout TextBuffer) {
    object.hours("constant_current_charge_Ah", half.constantCurrentChargeNc, &text)
    object.number("constant_current_time_s", half.constantCurrentTimeUs, decimals: 6, &text)
    object.number("constant_voltage_time_s", half.constantVoltageTimeUs, decimals: 6, &text)
    object.number("rest_before_s", half.restBeforeUs, decimals: 6, &text)
    object.number("rest_before_start_voltage_V", half.restBeforeStartVoltageNv, decimals: 9, &text)
    object.number("rest_before_end_voltage_V", half.restBeforeEndVoltageNv, decimals: 9, &text)
    object.number("rest_before_drift_V_h", half.restBeforeDriftNvH, decimals: 9, &text)
    object.number("rest_before_drift_span_s", half.restBeforeDriftSpanUs, decimals: 6, &text)
    object.number("resistance_first_ohm", half.resistanceFirstUohm, decimals: 6, &text)
    object.number("resistance_first_delay_s", half.resistanceFirstDelayUs, decimals: 6, &text)
    object.number("resistance_1_s_ohm", half.resistance1SUohm, decimals: 6, &text)
    object.number("resistance_1_s_delay_s", half.resistance1SDelayUs, decimals: 6, &text)
    object.number("resistance_10_s_ohm", half.resistance10SUohm, decimals: 6, &text)
    object.number("resistance_10_s_delay_s", half.resistance10SDelayUs, decimals: 6, &text)
    object.number("resistance_30_s_ohm", half.resistance30SUohm, decimals: 6, &text)
    object.number("resistance_30_s_delay_s", half.resistance30SDelayUs, decimals: 6, &text)
    object.hours("plateau_ir_corrected_charge_Ah", half.plateauIrCorrectedChargeNc, &text)
    object.hours("offset_uncertainty_Ah", half.offsetUncertaintyNc, &text)
    object.hours("gain_uncertainty_Ah", half.gainUncertaintyNc, &text)
    object.number("range_full_scale_A", half.rangeFullScalePa, decimals: 12, &text)
  }
}
