// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Quantities
import ReplayEmulator

/// A set-point for the tests.
func setpoint(
  _ mode: Setpoint.Mode, _ cutOffs: [CutOff] = [], lower: Double = -5, upper: Double = 6, most: Double = 10,
  seconds: Int64 = 30_000_000, step: Int32 = 1
) -> Setpoint {
  Setpoint(
    token: SetpointToken(run: 7, stepCount: step), mode: mode, cutOffs: cutOffs,
    bounds: Bounds(
      lowerVoltage: Voltage(volts: lower), upperVoltage: Voltage(volts: upper),
      currentMagnitude: Current(amperes: most), duration: TimeSpan(seconds: seconds)),
    readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(amperes: 1), lease: TimeSpan(seconds: 60))
}

func charging(_ amperes: Double, step: Int32 = 1, _ cutOffs: CutOff...) -> Setpoint {
  setpoint(.constantCurrent(Current(amperes: amperes)), cutOffs, step: step)
}

func resting(step: Int32 = 1, _ cutOffs: CutOff...) -> Setpoint { setpoint(.openCircuit, cutOffs, step: step) }

/// The check of the open circuit that is made before each start.
func looking(step: Int32 = 1) -> Setpoint { setpoint(.openCircuit, [after(10)], step: step) }

func after(_ seconds: Double) -> CutOff {
  CutOff(quantity: .time, comparison: .atLeast, threshold: Int64(seconds * 1e6), onlyInHold: false)
}

func above(_ volts: Double) -> CutOff {
  CutOff(quantity: .voltage, comparison: .atLeast, threshold: Voltage(volts: volts).nanovolts, onlyInHold: false)
}

func below(_ volts: Double) -> CutOff {
  CutOff(quantity: .voltage, comparison: .atMost, threshold: Voltage(volts: volts).nanovolts, onlyInHold: false)
}

func heldBelow(_ amperes: Double) -> CutOff {
  CutOff(
    quantity: .currentMagnitude, comparison: .atMost, threshold: Current(amperes: amperes).picoamperes, onlyInHold: true
  )
}

extension Recording {
  /// Set-points that expect what the recording does, with how many of its stretches each takes. They end by time,
  /// half a second later than the recording, so that it decides.
  var setpoints: [(setpoint: Setpoint, stretches: Int)] {
    var all: [(Setpoint, Int)] = []
    var index = 0
    while index < stretches.count {
      let (mode, taken) = expectation(at: index)
      let seconds = stretches[index..<index + taken].reduce(0) { $0 + $1.seconds }
      all.append((setpoint(mode, [after(max(seconds + 0.5, 10.5))], step: Int32(all.count + 1)), taken))
      index += taken
    }
    return all
  }

  private func expectation(at index: Int) -> (Setpoint.Mode, Int) {
    let stretch = stretches[index]
    guard stretch.sense != .rest else { return (.openCircuit, 1) }
    if stretch.isHold { return (.constantVoltage(Voltage(volts: stretch.lastVoltage)), 1) }
    let current = Current(amperes: stretch.meanCurrent)
    if stretches.indices.contains(index + 1), case let next = stretches[index + 1], next.isHold,
      next.sense == stretch.sense
    {
      return (.constantCurrentThenVoltage(current, Voltage(volts: stretch.lastVoltage)), 2)
    }
    return (.constantCurrent(current), 1)
  }
}
