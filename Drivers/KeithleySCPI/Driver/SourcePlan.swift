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
  /// Whose source it is.
  let model: KeithleyModel
  /// The index of the one current range of the half-cycle.
  let rangeIndex: Int

  /// Between a voltage in the cell and a compliance there is at least this (hazard rule 18).
  static let distance = Voltage(millivolts: 200)
  /// An instrument in compliance that stands farther than this from the voltage to be held does not hold it: the
  /// compliance is less exact than the source (SPEC-2450: by 0.3 % of the setting; the 2400's from memory: of range).
  static let holdTolerance = Voltage(millivolts: 3)

  /// Checks a set-point; throws why the model cannot keep it.
  init(_ setpoint: Setpoint, of model: KeithleyModel) throws(Fault) {
    self.setpoint = setpoint
    self.model = model
    let largest = KeithleyModel.limit(of: model.currentRanges.last ?? .zero)
    var needed = setpoint.rangeCurrent
    switch setpoint.mode {
    case .openCircuit: needed = KeithleyModel.zeroRange
    case .constantCurrent(let current): needed = max(needed, current.magnitude)
    case .constantCurrentThenVoltage(let current, let target):
      needed = max(needed, current.magnitude)
      try Self.check(target)
    case .constantVoltage(let target): try Self.check(target)
    case .demand, .sweep, .profile, .impedance:
      throw Fault(.instrumentRefused, "a SourceMeter is driven with a current, a voltage or a rest, nothing else")
    }
    guard let index = model.rangeIndex(holding: needed) else {
      throw Fault(.instrumentRefused, "\(needed.written) is more than \(largest.written), the most of the instrument")
    }
    rangeIndex = index
    if setpoint.mode != .openCircuit {
      try Self.check(setpoint.bounds.upperVoltage)
      try Self.check(setpoint.bounds.lowerVoltage)
      try checkPower()
    }
  }

  /// The largest currents of a 2460 are not to be had at all voltages.
  private func checkPower() throws(Fault) {
    var highest = max(setpoint.bounds.upperVoltage.magnitude, setpoint.bounds.lowerVoltage.magnitude)
    switch setpoint.mode {
    case .constantCurrentThenVoltage(_, let target), .constantVoltage(let target):
      highest = max(highest, target.magnitude)
    case .constantCurrent, .openCircuit, .demand, .sweep, .profile, .impedance: break
    }
    guard highest <= model.largestCompliance(in: range) else {
      throw Fault(
        .instrumentRefused,
        "\(highest.written) is more than the \(model.largestCompliance(in: range).written) that the instrument has in "
          + "its range of \(range.written)")
    }
  }

  private static func check(_ voltage: Voltage) throws(Fault) {
    guard voltage.magnitude <= Voltage(millivolts: 19_500) else {
      throw Fault(.instrumentRefused, "\(voltage.written) is beyond the 19.5 V that the driver uses of the instrument")
    }
  }

  /// The current range's full scale.
  var range: Current { model.currentRanges[rangeIndex] }

  /// What the instrument sources before any hold that it is told to take over.
  var sourced: ScpiDialect.Sourced {
    if case .constantVoltage = setpoint.mode { .voltage } else { .current }
  }

  /// Whether a cell at this voltage leaves room for the compliance that keeps away from it.
  func hasRoom(above openVoltage: Voltage) -> Bool {
    openVoltage.magnitude + Self.distance <= model.largestCompliance(in: range)
  }

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
      SetupLine.current(current, range: range, compliance: voltageCompliance(openVoltage: openVoltage), of: model)
    case .constantVoltage(let target): hold(target)
    case .openCircuit, .demand, .sweep, .profile, .impedance: SetupLine.zeroCurrent(of: model)
    }
  }

  /// The lines for a voltage.
  func hold(_ target: Voltage) -> [SetupLine] {
    let needed = model.rangeIndex(holding: currentCompliance) ?? rangeIndex
    // The measuring range cannot lie above that of the compliance.
    let sense = model.currentRanges[min(needed, rangeIndex)]
    return SetupLine.voltage(target, compliance: currentCompliance, range: sense, of: model)
  }
}
