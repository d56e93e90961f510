// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Set-points as the tests need them.

import CyclerModel
import Quantities

/// A set-point for a sodium cell of some ampere-hours.
func setpoint(
  _ mode: Setpoint.Mode, until cutOffs: [CutOff] = [], lower: Int64 = 1_500, upper: Int64 = 4_100,
  most amperes: Double = 6, seconds: Int64 = 36_000, step: Int32 = 1
) -> Setpoint {
  Setpoint(
    token: SetpointToken(run: 7, stepCount: step), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: lower), upperVoltage: Voltage(millivolts: upper),
      currentMagnitude: Current(amperes: amperes), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(seconds: 2), rangeCurrent: Current(amperes: 1), lease: TimeSpan(seconds: 20))
}

/// A constant current in amperes, positive charging.
func constant(_ amperes: Double) -> Setpoint.Mode { .constantCurrent(Current(amperes: amperes)) }

/// A charge with constant current and a hold.
func charge(_ amperes: Double, to millivolts: Int64) -> Setpoint.Mode {
  .constantCurrentThenVoltage(Current(amperes: amperes), Voltage(millivolts: millivolts))
}

/// A discharge with a constant power in watts.
func power(_ watts: Double, most amperes: Double = 6) -> Setpoint.Mode {
  .demand(
    CurrentDemand(
      direction: .discharge, law: .power(Power(count: Int64(watts * 1e12))), currentAtMost: Current(amperes: amperes)),
    from: Current(amperes: 0.5))
}

/// Ends after a time.
func after(seconds: Int64) -> CutOff {
  CutOff(quantity: .time, comparison: .atLeast, threshold: seconds * 1_000_000, onlyInHold: false)
}

/// Ends after a time of the hold.
func afterHold(seconds: Int64) -> CutOff {
  CutOff(quantity: .holdTime, comparison: .atLeast, threshold: seconds * 1_000_000, onlyInHold: true)
}

/// Ends at a voltage.
func at(_ comparison: Comparison, millivolts: Int64) -> CutOff {
  CutOff(quantity: .voltage, comparison: comparison, threshold: millivolts * 1_000_000, onlyInHold: false)
}

/// Ends a hold at a current.
func fallen(toMilliamperes milliamperes: Int64) -> CutOff {
  CutOff(
    quantity: .currentMagnitude, comparison: .atMost, threshold: milliamperes * 1_000_000_000, onlyInHold: true)
}
