// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// A half-cycle of a run, closed or not; what is not known is null.
public struct HalfCycleFrame: Codable, Sendable, Hashable {
  /// Counted from 1 within the run.
  public var number: Int64
  /// The cycle within the run; null outside of cycles.
  @OrNull public var cycle_number: Int64?
  /// `charge` or `discharge`, as programmed.
  public var direction: String
  /// `formation`, `rate`, `life` or `diagnostic`.
  @OrNull public var purpose: String?
  /// Label of its block.
  @OrNull public var label: String?
  /// What it moved in its direction.
  public var charge_Ah: Double
  /// Of it, what flowed at constant current.
  @OrNull public var constant_current_charge_Ah: Double?
  /// Of it, what flowed while a voltage was held.
  public var constant_voltage_charge_Ah: Double
  /// The former over the charge, as a fraction.
  @OrNull public var constant_current_share: Double?
  /// The latter over the charge, as a fraction.
  @OrNull public var constant_voltage_share: Double?
  /// How long it lasted at constant current.
  @OrNull public var constant_current_time_s: Double?
  /// How long a voltage was held.
  @OrNull public var constant_voltage_time_s: Double?
  /// Plateau charge.
  @OrNull public var plateau_charge_Ah: Double?
  /// Plateau charge of the voltage less its ohmic part, where the protocol asks for it.
  @OrNull public var plateau_ir_corrected_charge_Ah: Double?
  /// How long no current had flowed before it.
  @OrNull public var rest_before_s: Double?
  /// The first voltage of that rest.
  @OrNull public var rest_before_start_voltage_V: Double?
  /// Its last voltage: the open circuit from which the half-cycle began.
  @OrNull public var rest_before_end_voltage_V: Double?
  /// How fast the voltage still moved then.
  @OrNull public var rest_before_drift_V_h: Double?
  /// Between the two records from which that comes.
  @OrNull public var rest_before_drift_span_s: Double?
  /// Resistance at the first record after the closing of the circuit.
  @OrNull public var resistance_first_ohm: Double?
  /// When that record was, after the closing.
  @OrNull public var resistance_first_delay_s: Double?
  /// Resistance after a second.
  @OrNull public var resistance_1_s_ohm: Double?
  /// When its record was.
  @OrNull public var resistance_1_s_delay_s: Double?
  /// Resistance after ten seconds.
  @OrNull public var resistance_10_s_ohm: Double?
  /// When its record was.
  @OrNull public var resistance_10_s_delay_s: Double?
  /// Resistance after half a minute.
  @OrNull public var resistance_30_s_ohm: Double?
  /// When its record was.
  @OrNull public var resistance_30_s_delay_s: Double?
  /// By how much the charge can be wrong by the instrument's stated error.
  @OrNull public var charge_uncertainty_Ah: Double?
  /// Of that, what comes from its offset.
  @OrNull public var offset_uncertainty_Ah: Double?
  /// Of that, what is in proportion to the reading.
  @OrNull public var gain_uncertainty_Ah: Double?
  /// The full scale of the current range; null when there was more than one.
  @OrNull public var range_full_scale_A: Double?
  /// The most by which the charge can be wrong because nobody measured; null when there is no bound.
  @OrNull public var gap_charge_Ah: Double?
  /// Why it ended; null while it is open.
  @OrNull public var end_reason: String?
  /// As those of a cycle.
  public var flags: [String]

  /// Makes one with nothing known but its place and its charges.
  public init(number: Int64, direction: String, charge_Ah: Double, constant_voltage_charge_Ah: Double, flags: [String])
  {
    self.number = number
    self.direction = direction
    self.charge_Ah = charge_Ah
    self.constant_voltage_charge_Ah = constant_voltage_charge_Ah
    self.flags = flags
  }
}
