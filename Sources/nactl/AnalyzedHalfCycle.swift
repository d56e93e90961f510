// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerModel
import CyclingData
import Quantities

/// A half-cycle with its place in the file.
struct AnalyzedHalfCycle: Encodable {
  var cycle: Int64
  var direction: String
  var capacity_ah: Double
  @OrNull var energy_wh: Double?
  @OrNull var plateau_capacity_ah: Double?
  @OrNull var plateau_ir_corrected_capacity_ah: Double?
  var start_s: Double
  var end_s: Double
  var first_line: Int
  var last_line: Int
  @OrNull var first_voltage_v: Double?
  @OrNull var last_voltage_v: Double?
  @OrNull var mean_current_a: Double?
  var largest_current_a: Double
  var steps: Int
  @OrNull var counter_capacity_ah: Double?
  @OrNull var samples_capacity_ah: Double?
  @OrNull var gap_charge_ah: Double?
  @OrNull var interruption_s: Double?
  var spurious_segments: Int
  var spurious_charge_ah: Double
  var flags: [String]

  init(_ half: DataHalfCycle) {
    cycle = half.cycle
    direction =
      switch half.direction {
      case .charge: "charge"
      case .discharge: "discharge"
      case .none: "none"
      }
    capacity_ah = half.charge.ampereHours
    energy_wh = half.energy?.wattHours
    plateau_capacity_ah = half.plateauCharge?.ampereHours
    plateau_ir_corrected_capacity_ah = half.plateauIRCorrectedCharge?.ampereHours
    start_s = half.begin
    end_s = half.end
    first_line = half.firstLine
    last_line = half.lastLine
    first_voltage_v = half.firstVoltage
    last_voltage_v = half.lastVoltage
    mean_current_a = half.meanCurrent
    largest_current_a = half.largestCurrent
    steps = half.steps
    counter_capacity_ah = half.counted?.ampereHours
    samples_capacity_ah = half.integral?.ampereHours
    gap_charge_ah = half.gapCharge?.ampereHours
    interruption_s = half.interruption
    spurious_segments = half.spurious
    spurious_charge_ah = half.spuriousCharge.ampereHours
    flags = []
    if let stamped = half.stampedFlags {
      flags = stamped.names
      return
    }
    if half.cycle == 0 { flags.append("pre_cycle") }
    if half.isTruncated { flags.append("truncated") }
    if half.isPartialStart { flags.append("partial_start") }
    if half.gapCharge != nil { flags.append("gap") }
    if half.interruption != nil { flags.append("interrupted") }
    if half.spurious > 0 { flags.append("spurious_segments") }
  }
}
