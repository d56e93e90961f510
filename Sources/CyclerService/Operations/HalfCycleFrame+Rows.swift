// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

extension HalfCycleFrame {
  /// A stored half-cycle.
  init(_ half: StoredHalfCycle) {
    self.init(
      number: half.number, direction: half.direction < 0 ? "discharge" : half.direction > 0 ? "charge" : "none",
      charge_Ah: Self.hours(half.chargeNc), constant_voltage_charge_Ah: Self.hours(half.constantVoltageChargeNc),
      flags: DataFlags(rawValue: half.flags).names)
    cycle_number = half.cycleNumber
    purpose = half.purpose
    label = half.label
    constant_current_charge_Ah = half.constantCurrentChargeNc.map(Self.hours)
    constant_current_share = half.constantCurrentShare
    constant_voltage_share = half.constantVoltageShare
    constant_current_time_s = half.constantCurrentTimeUs.map(Self.seconds)
    constant_voltage_time_s = half.constantVoltageTimeUs.map(Self.seconds)
    plateau_charge_Ah = half.plateauChargeNc.map(Self.hours)
    plateau_ir_corrected_charge_Ah = half.plateauIrCorrectedChargeNc.map(Self.hours)
    fillRest(half)
    fillResistances(half)
    charge_uncertainty_Ah = half.chargeUncertaintyNc.map(Self.hours)
    offset_uncertainty_Ah = half.offsetUncertaintyNc.map(Self.hours)
    gain_uncertainty_Ah = half.gainUncertaintyNc.map(Self.hours)
    range_full_scale_A = half.rangeFullScalePa.map { Double($0) / 1e12 }
    gap_charge_Ah = half.gapChargeNc.map(Self.hours)
    end_reason = half.endReason
  }

  private mutating func fillRest(_ half: StoredHalfCycle) {
    rest_before_s = half.restBeforeUs.map(Self.seconds)
    rest_before_start_voltage_V = half.restBeforeStartVoltageNv.map(Self.volts)
    rest_before_end_voltage_V = half.restBeforeEndVoltageNv.map(Self.volts)
    rest_before_drift_V_h = half.restBeforeDriftNvH.map(Self.volts)
    rest_before_drift_span_s = half.restBeforeDriftSpanUs.map(Self.seconds)
  }

  private mutating func fillResistances(_ half: StoredHalfCycle) {
    resistance_first_ohm = half.resistanceFirstUohm.map(Self.ohms)
    resistance_first_delay_s = half.resistanceFirstDelayUs.map(Self.seconds)
    resistance_1_s_ohm = half.resistance1SUohm.map(Self.ohms)
    resistance_1_s_delay_s = half.resistance1SDelayUs.map(Self.seconds)
    resistance_10_s_ohm = half.resistance10SUohm.map(Self.ohms)
    resistance_10_s_delay_s = half.resistance10SDelayUs.map(Self.seconds)
    resistance_30_s_ohm = half.resistance30SUohm.map(Self.ohms)
    resistance_30_s_delay_s = half.resistance30SDelayUs.map(Self.seconds)
  }

  private static func hours(_ nanocoulombs: Int64) -> Double { Charge(nanocoulombs: nanocoulombs).ampereHours }
  private static func seconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1e6 }
  private static func volts(_ nanovolts: Int64) -> Double { Double(nanovolts) / 1e9 }
  private static func ohms(_ microohms: Int64) -> Double { Double(microohms) / 1e6 }
}
