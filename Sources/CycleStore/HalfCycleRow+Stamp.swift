// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import GRDB
import Quantities

extension HalfCycleRow {
  /// The columns that `init(stamp:)` reads, by their places: names would take as long as a hundred records.
  static let stampColumns = """
    half_cycle_id, run_id, number, cycle_number, direction, purpose, label, charge_nc, reverse_charge_nc, energy_nj,
    constant_voltage_charge_nc, plateau_charge_nc, gap_charge_nc, end_reason, flags, active_time_us, end_voltage_nv,
    end_net_charge_nc, constant_current_charge_nc, constant_current_time_us, constant_voltage_time_us, rest_before_us,
    rest_before_start_voltage_nv, rest_before_end_voltage_nv, rest_before_drift_nv_h, rest_before_drift_span_us,
    resistance_first_uohm, resistance_first_delay_us, resistance_1_s_uohm, resistance_1_s_delay_us,
    resistance_10_s_uohm, resistance_10_s_delay_us, resistance_30_s_uohm, resistance_30_s_delay_us,
    plateau_ir_corrected_charge_nc, offset_uncertainty_nc, gain_uncertainty_nc, range_full_scale_pa
    """

  /// A row of `stampColumns`; nil only when somebody else wrote it.
  init?(stamp row: Row) {
    func known(_ column: Int) -> Int64? { row[column] }
    func purpose(_ column: Int) -> CyclePurpose? { (row[column] as String?).flatMap(CyclePurpose.init(rawValue:)) }
    guard let direction = Direction(rawValue: Int8(clamping: row[4] as Int64)),
      let number = Int32(exactly: row[2] as Int64)
    else { return nil }
    self.init(
      halfCycleID: row[0], run: row[1], number: number, cycleNumber: known(3), direction: direction,
      purpose: purpose(5), label: row[6], charge: Charge(nanocoulombs: row[7]),
      reverseCharge: Charge(nanocoulombs: row[8]), energy: Energy(nanojoules: row[9]),
      constantVoltageCharge: Charge(nanocoulombs: row[10]), plateauCharge: known(11).map(Charge.init(nanocoulombs:)),
      gapCharge: known(12).map(Charge.init(nanocoulombs:)), endReason: row[13], flags: DataFlags(rawValue: row[14]))
    activeTime = known(15).map(TimeSpan.init(microseconds:))
    endVoltage = known(16).map(Voltage.init(nanovolts:))
    endNetCharge = known(17).map(Charge.init(nanocoulombs:))
    detail = HalfCycleDetail(known)
  }
}

extension HalfCycleDetail {
  fileprivate init(_ known: (Int) -> Int64?) {
    self.init()
    constantCurrentCharge = known(18).map(Charge.init(nanocoulombs:))
    constantCurrentTime = known(19).map(TimeSpan.init(microseconds:))
    constantVoltageTime = known(20).map(TimeSpan.init(microseconds:))
    var rest = RestBefore()
    rest.duration = known(21).map(TimeSpan.init(microseconds:))
    rest.startVoltage = known(22).map(Voltage.init(nanovolts:))
    rest.endVoltage = known(23).map(Voltage.init(nanovolts:))
    rest.drift = known(24).map(VoltageRate.init(count:))
    rest.driftSpan = known(25).map(TimeSpan.init(microseconds:))
    if rest != RestBefore() { restBefore = rest }
    resistances.firstRecord = Self.resistance(known(26), known(27))
    resistances.oneSecond = Self.resistance(known(28), known(29))
    resistances.tenSeconds = Self.resistance(known(30), known(31))
    resistances.thirtySeconds = Self.resistance(known(32), known(33))
    plateauIRCorrectedCharge = known(34).map(Charge.init(nanocoulombs:))
    offsetUncertainty = known(35).map(Charge.init(nanocoulombs:))
    gainUncertainty = known(36).map(Charge.init(nanocoulombs:))
    rangeFullScale = known(37).map(Current.init(picoamperes:))
  }

  private static func resistance(_ microohms: Int64?, _ delay: Int64?) -> ClosingResistance? {
    guard let microohms, let delay else { return nil }
    return ClosingResistance(resistance: Resistance(count: microohms), delay: TimeSpan(microseconds: delay))
  }
}
