// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the analogue half of a 2450 or 2460 does otherwise: it chooses ranges by itself, its limits do not depend on a
// measuring range, and it measures one quantity and reads the other back from its source.

import VirtualLab

extension SourceMeter {
  /// What one measurement found.
  struct Observation: Sendable {
    /// Across the terminals; nil beyond the range.
    var volts: Double?
    /// Out of the output; nil beyond the range.
    var amperes: Double?
    /// Whether the source is held by its limit.
    var isLimited: Bool
    /// Whether it is held by the overvoltage protection.
    var isProtected: Bool
  }

  /// The settings of `*RST` (2461 Reference Manual, defaults of each command; limits of the 2450 from its own).
  mutating func setInteractiveDefaults() {
    currentRange = model.currentRanges[0]
    voltageRange = model.voltageRanges[0]
    senseCurrentRange = 1e-4
    senseVoltageRange = model.voltageRanges[0]
    choosesRange = PerFunction(current: true, voltage: true)
    choosesSenseRange = PerFunction(current: true, voltage: true)
    voltageLimit = model == .model2460 ? 7.35 : 21
    currentLimit = 1.05e-4
  }

  var heldVoltageInteractive: Double {
    let range = Self.range(model.voltageRanges, holding: voltageLimit) ?? voltageLimit
    let held = voltageLimit + complianceError * range
    return protection.map { min($0, held) } ?? held
  }

  /// Measures and reads back; nothing is there to be measured where the relay is open.
  func observe(_ cell: any VirtualCell) -> Observation {
    let drive = drive(of: cell)
    let isThere = isOn || offState != .highImpedance
    let amperes = isThere ? cell.current(under: drive) : 0
    let volts = isThere ? cell.voltage(under: drive) : 0
    guard !isOverdriven else { return Observation(volts: nil, amperes: nil, isLimited: false, isProtected: false) }
    let isLimited =
      switch function {
      case .current: isOn && drive != .current(sourcedCurrent)
      case .voltage: isOn && amperes.magnitude >= heldCurrent * (1 - 1e-9)
      }
    let isProtected = protection.map { isOn && volts.magnitude >= $0 * (1 - 1e-9) } ?? false
    return Observation(
      volts: Self.rounded(volts, in: voltageMeasureRange(volts), digits: 2e6),
      amperes: Self.rounded(amperes, in: currentMeasureRange(amperes), digits: 1e6), isLimited: isLimited,
      isProtected: isProtected)
  }

  /// Where the function that is sourced is measured, the range is that of the source.
  private func voltageMeasureRange(_ volts: Double) -> Double {
    if function == .voltage { return voltageRange }
    guard choosesSenseRange.voltage else { return senseVoltageRange }
    return Self.range(model.voltageRanges, holding: volts) ?? model.voltageRanges.last ?? 0
  }

  private func currentMeasureRange(_ amperes: Double) -> Double {
    if function == .current { return currentRange }
    guard choosesSenseRange.current else { return senseCurrentRange }
    return Self.range(model.currentRanges, holding: amperes) ?? model.currentRanges.last ?? 0
  }

  /// Six digits and a half (SPEC-2450: 10 nV in 20 mV, 1 pA in 1 µA); nil beyond 105 % of the range.
  private static func rounded(_ value: Double, in range: Double, digits: Double) -> Double? {
    guard value.magnitude <= range * 1.0501 else { return nil }
    let resolution = range / digits
    return (value / resolution).rounded() * resolution
  }
}
