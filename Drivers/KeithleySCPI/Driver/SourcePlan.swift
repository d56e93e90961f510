// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a set-point to what the source does: which range, which compliance, and whether the instrument can go over from
// the current to the voltage by itself. The rules are hazards 14 and 18.

internal import CyclerModel
internal import Quantities

/// What the source is told for a set-point.
struct SourcePlan: Sendable, Hashable {
  /// The set-point.
  let setpoint: Setpoint
  /// The index of the one current range of the half-cycle.
  let rangeIndex: Int

  /// Between a voltage in the cell and a compliance there is at least this (hazard rule 18).
  static let distance = Voltage(millivolts: 200)
  /// An instrument in compliance that stands farther than this from the voltage to be held does not hold it: the
  /// compliance is less exact than the source (0.3 % of range more, from memory).
  static let holdTolerance = Voltage(millivolts: 3)

  /// Checks a set-point; throws why the model cannot keep it.
  init(_ setpoint: Setpoint) throws(Fault) {
    self.setpoint = setpoint
    let largest = KeithleyModel.limit(of: KeithleyModel.currentRanges.last ?? .zero)
    var needed = setpoint.rangeCurrent
    switch setpoint.mode {
    case .openCircuit: needed = .zero
    case .constantCurrent(let current): needed = max(needed, current.magnitude)
    case .constantCurrentThenVoltage(let current, let target):
      needed = max(needed, current.magnitude)
      try Self.check(target)
    case .constantVoltage(let target): try Self.check(target)
    case .demand, .sweep, .profile, .impedance:
      throw Fault(.instrumentRefused, "a SourceMeter is driven with a current, a voltage or a rest, nothing else")
    }
    guard let index = KeithleyModel.rangeIndex(holding: needed) else {
      throw Fault(.instrumentRefused, "\(needed.written) is more than \(largest.written), the most of the instrument")
    }
    rangeIndex = index
    if setpoint.mode != .openCircuit {
      try Self.check(setpoint.bounds.upperVoltage)
      try Self.check(setpoint.bounds.lowerVoltage)
    }
  }

  private static func check(_ voltage: Voltage) throws(Fault) {
    guard voltage.magnitude <= Voltage(millivolts: 19_500) else {
      throw Fault(.instrumentRefused, "\(voltage.written) is beyond the 19.5 V that the driver uses of the instrument")
    }
  }

  /// The current range's full scale.
  var range: Current { KeithleyModel.currentRanges[rangeIndex] }

  /// The voltage at which the instrument itself goes over from a current to a hold, if it may: the charging side only,
  /// and no nearer to the cell than `distance`.
  func ownHold(openVoltage: Voltage) -> Voltage? {
    guard case .constantCurrentThenVoltage(let current, let target) = setpoint.mode, current > .zero,
      target >= openVoltage.magnitude + Self.distance, target >= -setpoint.bounds.lowerVoltage
    else { return nil }
    return target
  }

  /// The compliance of a current: an upper bound only. It acts in both directions, so it also lies beyond the lower
  /// one.
  func voltageCompliance(openVoltage: Voltage) -> Voltage {
    if let target = ownHold(openVoltage: openVoltage) { return target }
    let bounds = setpoint.bounds
    return max(
      bounds.upperVoltage.magnitude, bounds.lowerVoltage.magnitude, openVoltage.magnitude + Self.distance)
  }

  /// The current at which a hold is limited: the bound, or what the range holds.
  var currentCompliance: Current { min(setpoint.bounds.currentMagnitude, KeithleyModel.limit(of: range)) }

  /// The lines for a cell that stands at `openVoltage`.
  func lines(openVoltage: Voltage) -> [SetupLine] {
    switch setpoint.mode {
    case .constantCurrent(let current), .constantCurrentThenVoltage(let current, _):
      SetupLine.current(current, range: range, compliance: voltageCompliance(openVoltage: openVoltage))
    case .constantVoltage(let target): hold(target)
    case .openCircuit, .demand, .sweep, .profile, .impedance: SetupLine.zeroCurrent
    }
  }

  /// The lines for a voltage.
  func hold(_ target: Voltage) -> [SetupLine] {
    let needed = KeithleyModel.rangeIndex(holding: currentCompliance) ?? rangeIndex
    // The measuring range cannot lie above that of the compliance.
    let sense = KeithleyModel.currentRanges[min(needed, rangeIndex)]
    return SetupLine.voltage(target, compliance: currentCompliance, range: sense)
  }
}
