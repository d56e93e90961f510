// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a set-point to the call that begins it on the instrument. The open-circuit voltage, without which no limit can be
// chosen, is measured there, and what follows from it is decided there (hazards 14 and 18).

internal import CyclerModel
internal import Quantities

/// What the instrument is told for a set-point.
struct SetpointCall: Sendable, Hashable {
  /// What the program does.
  enum Drive: Sendable, Hashable {
    /// No current, held in the smallest range.
    case rest
    case current(Current)
    /// A voltage; `goesOn` where it takes over from a current, whose time and cell it keeps.
    case voltage(Voltage, goesOn: Bool)
  }

  /// The set-point.
  let setpoint: Setpoint
  /// The index of the one current range of the half-cycle.
  let rangeIndex: Int
  /// What is done now.
  private(set) var drive: Drive

  /// Checks a set-point; throws why no model can keep it.
  init(_ setpoint: Setpoint) throws(Fault) {
    self.setpoint = setpoint
    var needed = setpoint.rangeCurrent
    switch setpoint.mode {
    case .openCircuit:
      needed = .zero
      drive = .rest
    case .constantCurrent(let current):
      needed = max(needed, current.magnitude)
      drive = .current(current)
    case .constantCurrentThenVoltage(let current, let target):
      needed = max(needed, current.magnitude)
      try Self.check(target)
      drive = .current(current)
    case .constantVoltage(let target):
      try Self.check(target)
      drive = .voltage(target, goesOn: false)
    case .demand, .sweep, .profile, .impedance:
      throw Fault(.instrumentRefused, "a SourceMeter is driven with a current, a voltage or a rest, nothing else")
    }
    guard let index = SourceMeterModel.rangeIndex(holding: needed) else {
      throw Fault(.instrumentRefused, "\(needed.written) is more than 3 A, the most of the instrument")
    }
    rangeIndex = index
    if setpoint.mode != .openCircuit {
      try Self.check(setpoint.bounds.upperVoltage)
      try Self.check(setpoint.bounds.lowerVoltage)
    }
  }

  private static func check(_ voltage: Voltage) throws(Fault) {
    guard voltage.magnitude <= SourceMeterModel.largestVoltage else {
      let most = SourceMeterModel.largestVoltage.written
      throw Fault(
        .instrumentRefused, "\(voltage.written) is beyond the ±\(most) that the driver uses of the instrument")
    }
  }

  /// Whether nothing is driven.
  var isRest: Bool { drive == .rest }

  /// The voltage that the current leads to, if it leads to one.
  var target: Voltage? {
    guard case .constantCurrentThenVoltage(_, let target) = setpoint.mode else { return nil }
    return target
  }

  /// The same set-point, in which the instrument sources the voltage instead of the current.
  func holding(_ target: Voltage) -> SetpointCall {
    var call = self
    call.drive = .voltage(target, goesOn: true)
    return call
  }

  /// Whether the limit of the voltage may itself be the hold: while charging only, and beyond the lower bound, because it
  /// acts in both directions. The instrument adds: and no nearer to the cell than 0.2 V.
  private var mayHoldByLimit: Bool {
    guard case .current(let current) = drive, current > .zero, let target else { return false }
    return target > .zero && target >= -setpoint.bounds.lowerVoltage
  }

  // MARK: Text

  /// The message that begins it as call `number` of a channel (from 0).
  func message(channel: Int, number: Int) -> String {
    var fields = ["c=\(channel + 1)", "q=\(number)"]
    let bounds = setpoint.bounds
    switch drive {
    case .rest: fields.append("m=0")
    case .current(let current):
      let limit = max(bounds.upperVoltage.magnitude, bounds.lowerVoltage.magnitude)
      fields += ["m=1", "x=\(Self.written(current))", "l=\(Self.written(limit))", "d=\(current > .zero ? 1 : -1)"]
      if let target { fields.append("g=\(Self.written(target))") }
      fields.append("o=\(mayHoldByLimit ? 1 : 0)")
    case .voltage(let target, let goesOn):
      let limit = min(bounds.currentMagnitude, SourceMeterModel.limit(of: SourceMeterModel.currentRanges[rangeIndex]))
      fields += ["m=2", "x=\(Self.written(target))", "l=\(Self.written(limit))"]
      if goesOn { fields.append("y=1") }
    }
    if !isRest {
      fields += [
        "r=\(Self.written(SourceMeterModel.currentRanges[rangeIndex]))", "u=\(Self.written(bounds.upperVoltage))",
        "w=\(Self.written(bounds.lowerVoltage))", "b=\(Self.written(bounds.currentMagnitude))",
      ]
    }
    let interval = max(setpoint.readingInterval, SourceMeterModel.shortestInterval)
    fields += [
      "t=\(Self.written(bounds.duration))", "i=\(Self.written(interval))", "s=\(Self.written(setpoint.settle))",
      "z=\(Self.written(min(setpoint.settle, Setpoint.usualSettle)))", "e=\(Self.written(setpoint.lease))",
      "k={\(setpoint.cutOffs.map(written).joined(separator: ","))}",
    ]
    return "nc_begin{\(fields.joined(separator: ","))}"
  }

  private func written(_ cutOff: CutOff) -> String {
    let comparison =
      switch cutOff.comparison {
      case .atMost: 1
      case .atLeast: 2
      case .below: 3
      case .above: 4
      }
    let quantity: (code: Int, decimals: Int) =
      switch cutOff.quantity {
      case .voltage: (1, 9)
      // A rest has no current to be judged by.
      case .currentMagnitude: (isRest ? 0 : 2, 12)
      case .time: (3, 6)
      case .holdTime: (4, 6)
      }
    let threshold = "\(cutOff.threshold)e-\(quantity.decimals)"
    return "{\(quantity.code),\(comparison),\(threshold),\(cutOff.onlyInHold ? 1 : 0)}"
  }

  // Whole units and a power of ten: exact, and no number needs to be rounded.
  private static func written(_ current: Current) -> String { "\(current.picoamperes)e-12" }
  private static func written(_ voltage: Voltage) -> String { "\(voltage.nanovolts)e-9" }
  private static func written(_ time: TimeSpan) -> String { "\(time.microseconds)e-6" }
}
