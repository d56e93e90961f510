// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Set-points and answers of the instrument that several tests share. The answers are written by hand after the
// maker's published examples.

import CyclerModel
import InstrumentKit
import Quantities

@testable import MethodSCRIPTDriver

enum Samples {
  static let token = SetpointToken(run: 12, stepCount: 34)
  static let bounds = Bounds(
    lowerVoltage: Voltage(millivolts: -45), upperVoltage: Voltage(millivolts: 2_050),
    currentMagnitude: Current(picoamperes: 268_600_000), duration: TimeSpan(seconds: 86_400))

  /// 134.3 µA down to 5 mV, as for hard carbon.
  static let discharge = Setpoint(
    token: token, mode: .constantCurrent(Current(picoamperes: -134_300_000)),
    cutOffs: [
      CutOff(quantity: .voltage, comparison: .atMost, threshold: 5_000_000, onlyInHold: false),
      CutOff(quantity: .time, comparison: .atLeast, threshold: 36_000_000_000, onlyInHold: false),
    ],
    bounds: bounds, readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(picoamperes: 134_300_000),
    lease: TimeSpan(seconds: 60))

  /// 1 mA up to 4.25 V, then held until the current has fallen to 0.1 mA or 30 min are over.
  static let chargeThenHold = Setpoint(
    token: token,
    mode: .constantCurrentThenVoltage(Current(picoamperes: 1_000_000_000), Voltage(millivolts: 4_250)),
    cutOffs: [
      CutOff(quantity: .currentMagnitude, comparison: .atMost, threshold: 100_000_000, onlyInHold: true),
      CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 1_800_000_000, onlyInHold: true),
      CutOff(quantity: .time, comparison: .atLeast, threshold: 14_400_000_000, onlyInHold: false),
    ],
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: 1_950), upperVoltage: Voltage(millivolts: 4_350),
      currentMagnitude: Current(picoamperes: 2_000_000_000), duration: TimeSpan(seconds: 15_000)),
    readingInterval: TimeSpan(milliseconds: 500), rangeCurrent: Current(picoamperes: 1_000_000_000),
    lease: TimeSpan(seconds: 30))

  /// 10 mV held until the magnitude of the current is below 10 µA.
  static let hold = Setpoint(
    token: token, mode: .constantVoltage(Voltage(millivolts: 10)),
    cutOffs: [CutOff(quantity: .currentMagnitude, comparison: .below, threshold: 10_000_000, onlyInHold: false)],
    bounds: bounds, readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(picoamperes: 134_300_000),
    lease: TimeSpan(seconds: 60))

  /// A hundred rows of a second, of which the last is the largest.
  static let profile = Setpoint(
    token: token,
    mode: .profile(
      CurrentProfile(
        rows: (1...100).map { row in
          CurrentProfile.Row(
            current: Current(picoamperes: Int64(row.isMultiple(of: 2) ? row : -row) * 1_000_000),
            duration: TimeSpan(seconds: 1))
        }), ownEnd: 1),
    cutOffs: discharge.cutOffs, bounds: bounds, readingInterval: TimeSpan(milliseconds: 200),
    rangeCurrent: Current(picoamperes: 100_000_000), lease: TimeSpan(seconds: 60))

  /// 0.25 mW down to 5 mV with at most 0.2 mA.
  static let power = Setpoint(
    token: token,
    mode: .demand(
      CurrentDemand(
        direction: .discharge, law: .power(Power(count: 250_000_000)),
        currentAtMost: Current(picoamperes: 200_000_000)), from: Current(picoamperes: 100_000_000)),
    cutOffs: discharge.cutOffs, bounds: bounds, readingInterval: TimeSpan(seconds: 1),
    rangeCurrent: Current(picoamperes: 200_000_000), lease: TimeSpan(seconds: 60))

  /// Over 10 kohm down to 5 mV with at most 0.2 mA.
  static let resistance: Setpoint = {
    var setpoint = power
    setpoint.mode = .demand(
      CurrentDemand(
        direction: .discharge, law: .resistance(Resistance(count: 10_000_000_000)),
        currentAtMost: Current(picoamperes: 200_000_000)), from: .zero)
    return setpoint
  }()

  /// From 2.8 V down to 5 mV and back to 2 V.
  static let sweep = Setpoint(
    token: token,
    mode: .sweep(
      Setpoint.Sweep(
        from: Voltage(millivolts: 2_800), to: [Voltage(millivolts: 5), Voltage(millivolts: 2_000)],
        rate: VoltageRate(count: 1_800_000_000), ownEnd: 0)),
    cutOffs: [CutOff(quantity: .time, comparison: .atLeast, threshold: 20_000_000_000, onlyInHold: false)],
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: -100), upperVoltage: Voltage(millivolts: 3_450),
      currentMagnitude: Current(picoamperes: 1_000_000_000), duration: TimeSpan(seconds: 20_000)),
    readingInterval: TimeSpan(seconds: 1), rangeCurrent: Current(picoamperes: 1_000_000_000),
    lease: TimeSpan(seconds: 60))

  /// From 10 kHz to 10 mHz around 1.9 V, with 10 mV.
  static let impedance = Setpoint(
    token: token,
    mode: .impedance(
      Setpoint.Impedance(
        ImpedanceSpectrum(
          amplitude: Voltage(millivolts: 10), from: Frequency(hertz: 10_000), to: Frequency(hertz: 0.01),
          pointsPerDecade: 5, currentAtMost: Current(picoamperes: 1_000_000_000)),
        around: Voltage(millivolts: 1_900), ownEnd: 0)),
    cutOffs: [CutOff(quantity: .time, comparison: .atLeast, threshold: 20_000_000_000, onlyInHold: false)],
    bounds: Bounds(
      lowerVoltage: Voltage(millivolts: -100), upperVoltage: Voltage(millivolts: 2_100),
      currentMagnitude: Current(picoamperes: 1_000_000_000), duration: TimeSpan(seconds: 20_000)),
    readingInterval: TimeSpan(milliseconds: 100), rangeCurrent: Current(picoamperes: 1_000_000_000),
    lease: TimeSpan(seconds: 60))

  /// Ten minutes of open circuit.
  static let rest = Setpoint(
    token: token, mode: .openCircuit,
    cutOffs: [CutOff(quantity: .time, comparison: .atLeast, threshold: 600_000_000, onlyInHold: false)],
    bounds: bounds, readingInterval: TimeSpan(seconds: 10), rangeCurrent: Current(picoamperes: 134_300_000),
    lease: TimeSpan(seconds: 60))
}
