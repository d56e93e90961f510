// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// A cycle; capacities in Ah, efficiencies and ratios as fractions, what is not known as null.
struct AnalyzedCycle: Encodable {
  var cycle: Int64
  var cell_cycle_number: Int64
  @OrNull var purpose: String?
  @OrNull var label: String?
  @OrNull var charge_capacity_ah: Double?
  @OrNull var discharge_capacity_ah: Double?
  @OrNull var coulombic_efficiency: Double?
  @OrNull var coulombic_efficiency_uncertainty: Double?
  @OrNull var charge_capacity_uncertainty_ah: Double?
  @OrNull var discharge_capacity_uncertainty_ah: Double?
  @OrNull var charge_energy_wh: Double?
  @OrNull var discharge_energy_wh: Double?
  @OrNull var energy_efficiency: Double?
  @OrNull var mean_charge_voltage_v: Double?
  @OrNull var mean_discharge_voltage_v: Double?
  @OrNull var voltage_hysteresis_v: Double?
  @OrNull var voltage_efficiency: Double?
  @OrNull var sodiation_plateau_capacity_ah: Double?
  @OrNull var sodiation_plateau_ratio: Double?
  @OrNull var sodiation_slope_capacity_ah: Double?
  @OrNull var desodiation_plateau_capacity_ah: Double?
  @OrNull var desodiation_plateau_ratio: Double?
  @OrNull var desodiation_slope_capacity_ah: Double?
  @OrNull var sodiation_plateau_ir_corrected_capacity_ah: Double?
  @OrNull var sodiation_plateau_ir_corrected_ratio: Double?
  @OrNull var desodiation_plateau_ir_corrected_capacity_ah: Double?
  @OrNull var desodiation_plateau_ir_corrected_ratio: Double?
  @OrNull var cumulative_irreversible_capacity_ah: Double?
  @OrNull var retention: Double?
  @OrNull var capacity_change: Double?
  @OrNull var linear_decay_per_cycle: Double?
  @OrNull var geometric_decay_per_cycle: Double?
  @OrNull var decay_cycles: Int64?
  @OrNull var charge_end_slippage_ah: Double?
  @OrNull var discharge_end_slippage_ah: Double?
  @OrNull var conditions_group: Int64?
  @OrNull var group_retention: Double?
  @OrNull var capacity_slope_ah_per_cycle: Double?
  @OrNull var capacity_slope_cycles: Int64?
  @OrNull var coulombic_efficiency_product: Double?
  @OrNull var sodiation_plateau_retention: Double?
  @OrNull var desodiation_plateau_retention: Double?
  @OrNull var charge_capacity_mah_g: Double?
  @OrNull var discharge_capacity_mah_g: Double?
  @OrNull var charge_capacity_mah_cm2: Double?
  @OrNull var discharge_capacity_mah_cm2: Double?
  @OrNull var charge_rate_c: Double?
  @OrNull var discharge_rate_c: Double?
  var complete: Bool
  var comparable: Bool
  var flags: [String]

  init(_ data: DataCycle, of result: AnalysisResult, cell: AnalyzedCellOptions) {
    let summary = data.summary
    cycle = summary.cycleNumber
    cell_cycle_number = summary.cellCycleNumber
    // Of a table that nobody stamped they are only guessed.
    if result.stampedOptions != nil {
      purpose = summary.purpose?.rawValue
      label = summary.label
    }
    let charge = summary.chargeCapacity?.ampereHours
    let discharge = summary.dischargeCapacity?.ampereHours
    charge_capacity_ah = charge
    discharge_capacity_ah = discharge
    coulombic_efficiency = summary.coulombicEfficiency
    coulombic_efficiency_uncertainty = summary.detail.coulombicEfficiencyUncertainty
    charge_capacity_uncertainty_ah = summary.detail.chargeCapacityUncertainty?.ampereHours
    discharge_capacity_uncertainty_ah = summary.detail.dischargeCapacityUncertainty?.ampereHours
    let chargeEnergy = summary.chargeEnergy?.wattHours
    let dischargeEnergy = summary.dischargeEnergy?.wattHours
    charge_energy_wh = chargeEnergy
    discharge_energy_wh = dischargeEnergy
    // From the same numbers as those of a stored cycle, so that both are the same to the last digit.
    let means = CycleMeans(
      charged: charge, chargeEnergy: chargeEnergy, discharged: discharge, dischargeEnergy: dischargeEnergy,
      flags: summary.flags)
    energy_efficiency = means.energyEfficiency
    mean_charge_voltage_v = means.chargeVoltage
    mean_discharge_voltage_v = means.dischargeVoltage
    voltage_hysteresis_v = means.hysteresis
    if let above = means.dischargeVoltage, let below = means.chargeVoltage, below > 0 {
      voltage_efficiency = above / below
    }
    let sodiation = summary.sodiationPlateauCharge?.ampereHours
    let desodiation = summary.desodiationPlateauCharge?.ampereHours
    sodiation_plateau_capacity_ah = sodiation
    sodiation_plateau_ratio = summary.sodiationPlateauRatio
    if let sodiation, let discharge { sodiation_slope_capacity_ah = discharge - sodiation }
    desodiation_plateau_capacity_ah = desodiation
    desodiation_plateau_ratio = summary.desodiationPlateauRatio
    if let desodiation, let charge { desodiation_slope_capacity_ah = charge - desodiation }
    sodiation_plateau_ir_corrected_capacity_ah = summary.detail.sodiationPlateauIRCorrectedCharge?.ampereHours
    sodiation_plateau_ir_corrected_ratio = summary.detail.sodiationPlateauIRCorrectedRatio
    desodiation_plateau_ir_corrected_capacity_ah = summary.detail.desodiationPlateauIRCorrectedCharge?.ampereHours
    desodiation_plateau_ir_corrected_ratio = summary.detail.desodiationPlateauIRCorrectedRatio
    cumulative_irreversible_capacity_ah = summary.cumulativeIrreversibleCharge?.ampereHours
    retention = summary.retention
    capacity_change = summary.capacityChange
    linear_decay_per_cycle = summary.series.linearDecay
    geometric_decay_per_cycle = summary.series.geometricDecay
    decay_cycles = summary.series.decayIntervals
    charge_end_slippage_ah = data.chargeEndSlippage?.ampereHours
    discharge_end_slippage_ah = data.dischargeEndSlippage?.ampereHours
    conditions_group = data.group
    group_retention = summary.series.groupRetention
    capacity_slope_ah_per_cycle = summary.series.capacitySlope
    capacity_slope_cycles = summary.series.capacitySlopeCycles
    coulombic_efficiency_product = summary.series.efficiencyProduct
    sodiation_plateau_retention = summary.series.sodiationPlateauRetention
    desodiation_plateau_retention = summary.series.desodiationPlateauRetention
    if let mass = cell.mass {
      let perGram = 1e9 / Double(mass.micrograms)
      charge_capacity_mah_g = charge.map { $0 * perGram }
      discharge_capacity_mah_g = discharge.map { $0 * perGram }
    }
    if let area = cell.area {
      let perArea = 1e5 / area.squareMillimetres
      charge_capacity_mah_cm2 = charge.map { $0 * perArea }
      discharge_capacity_mah_cm2 = discharge.map { $0 * perArea }
    }
    if let nominal = cell.nominal {
      func rate(_ half: Int?) -> Double? {
        half.flatMap { result.halfCycles[$0].meanCurrent }.map { $0 * 1e3 / nominal.milliampereHours }
      }
      charge_rate_c = rate(data.charge)
      discharge_rate_c = rate(data.discharge)
    }
    complete = data.isComplete
    comparable = data.isComparable
    flags = data.flags
  }
}
