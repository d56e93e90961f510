// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a set-point to a command, or to the reason why there is none. The instrument is given cut-offs of its own, a step
// beyond those of the set-point: the host, which judges each report, ends the current at a moment that it knows, and the
// instrument ends it where the host does not.

import CyclerModel
import InstrumentKit
import Quantities

/// What the instrument is told for a set-point.
struct EBCPlan: Sendable, Hashable {
  /// By which rule the instrument ends a current itself.
  enum OwnEnd: Sendable, Hashable {
    /// Discharging, at or below this voltage.
    case voltage(Voltage)
    /// Charging, when the current has fallen to this while the voltage is held.
    case current(Current, holding: Voltage)
    /// Charging, while the voltage is held, at a current of its own.
    case unknownCurrent(holding: Voltage)
  }

  /// What was asked for.
  let setpoint: Setpoint
  /// What is sent; nil for a rest.
  var command: CommandFrame?
  /// The mode that reports have then.
  var mode: UInt8 = 0
  /// 1 charging, −1 discharging, 0 at rest.
  var sign: Int64 = 0
  /// How it ends alone.
  var ownEnd: OwnEnd?
  /// After how many minutes it ends alone; 0 for never.
  var minutes = 0
  /// The magnitude of the constant current; nil for others.
  var current: Current?

  /// So far below the set-point's cut-off lies that of a discharge: a cell that has no more sodium to give falls by some
  /// 40 mV a second, and the host has one report in two.
  static let fallMargin = Voltage(millivolts: 150)
  /// So far above it that of a charge, where voltages rise slowly.
  static let riseMargin = Voltage(millivolts: 50)
  /// A charge that shall end at a voltage ends alone when its current falls to this share, in hundredths: it has begun to
  /// hold the voltage then.
  static let taper: Int64 = 90
  /// So far may a current or a power be from what was asked for, in hundredths.
  static let tolerance: Int64 = 1
  /// Larger times are written in two ways by the clients.
  static let mostMinutes = 239

  /// The voltage at which a charge holds; nil for others.
  var held: Voltage? {
    switch ownEnd {
    case .current(_, let voltage)?, .unknownCurrent(let voltage)?: voltage
    case .voltage?, nil: nil
    }
  }

  /// Checks a set-point; throws why the model cannot keep it.
  init(_ setpoint: Setpoint, _ model: EBCModel) throws(Fault) {
    self.setpoint = setpoint
    switch setpoint.mode {
    case .openCircuit: return
    case .constantCurrent(let current):
      if current > .zero { try charge(current, to: nil, model) } else { try discharge(current, model) }
    case .constantCurrentThenVoltage(let current, let target):
      guard current > .zero else {
        throw Self.refused("an EBC holds no voltage while it discharges: only a charge can end in a hold")
      }
      try charge(current, to: target, model)
    case .demand(let demand, _): try discharge(demand, model)
    case .constantVoltage:
      throw Self.refused("an EBC holds a voltage only behind the constant current of a charge")
    case .sweep, .profile, .impedance:
      throw Self.refused("an EBC keeps a constant current or power and the hold behind a charge, nothing else")
    }
  }

  private static func refused(_ words: String) -> Fault { Fault(.instrumentRefused, words) }

  // MARK: - Numbers

  /// The counts of a current that the model can ask for.
  private static func counts(_ current: Current, atMost most: Current, _ model: EBCModel) throws(Fault) -> Int {
    let asked = current.magnitude
    guard asked >= model.smallestCurrent, asked <= most else {
      throw refused(
        "\(asked.written) is not between \(model.smallestCurrent.written) and \(most.written), as an \(model.name) can")
    }
    let counts = (asked.picoamperes + model.currentStep.picoamperes / 2) / model.currentStep.picoamperes
    guard ((model.currentStep * counts - asked).magnitude * 100) <= asked * tolerance else {
      throw refused(
        "an \(model.name) has steps of \(model.currentStep.written): \(asked.written) is more than "
          + "\(tolerance) % from the next")
    }
    return Int(counts)
  }

  /// Counts of a voltage, downwards.
  private static func floor(_ voltage: Voltage) -> Int64 {
    let (quotient, rest) = voltage.count.quotientAndRemainder(dividingBy: EBCModel.voltageStep.count)
    return rest < 0 ? quotient - 1 : quotient
  }

  /// Counts of a voltage, upwards.
  private static func ceiling(_ voltage: Voltage) -> Int64 { -floor(-voltage) }

  /// The first cut-off of a quantity that is met by what is small, or by what is large.
  private func cutOff(_ quantity: CutOff.Quantity, isUpper: Bool) -> CutOff? {
    setpoint.cutOffs.first { $0.quantity == quantity && $0.comparison.isUpper == isUpper }
  }

  /// The longest time in whole minutes, never shorter than asked.
  private var longest: Int {
    let minutes = (setpoint.bounds.duration.microseconds - 1) / 60_000_000 + 1
    return minutes > 0 && minutes <= Self.mostMinutes ? Int(minutes) : 0
  }

  // MARK: - Discharge

  private mutating func discharge(_ current: Current, _ model: EBCModel) throws(Fault) {
    let counts = try Self.counts(current, atMost: model.largestDischarge, model)
    self.current = current.magnitude
    try discharge(code: CommandFrame.Code.dischargeCurrent, counts)
  }

  private mutating func discharge(_ demand: CurrentDemand, _ model: EBCModel) throws(Fault) {
    guard model.knowsPower else {
      throw Self.refused("the unit of power of an \(model.name) is not known; an EBC-A20 discharges with a power")
    }
    guard demand.direction == .discharge, case .power(let power) = demand.law else {
      throw Self.refused("an EBC keeps a constant power while it discharges, no resistance and no charge")
    }
    let watts = (power.count + EBCModel.powerStep.count / 2) / EBCModel.powerStep.count
    // Beyond this the clients write a power in two ways.
    let error = (EBCModel.powerStep * watts - power).magnitude
    guard (1...239).contains(watts), error * 100 <= power * Self.tolerance else {
      throw Self.refused("an \(model.name) discharges with 1 W to 239 W in steps of 1 W")
    }
    try discharge(code: CommandFrame.Code.dischargePower, Int(watts))
    guard case .voltage(let lowest)? = ownEnd, lowest > .zero else {
      throw Self.refused("a constant power needs a cut-off voltage or a bound above 0 V")
    }
    let most = min(demand.currentAtMost, setpoint.bounds.currentMagnitude, model.largestDischarge)
    let needed = CurrentDemand(
      direction: .discharge, law: .power(power), currentAtMost: Current(picoamperes: .max)
    ).current(at: lowest)
    guard needed <= most else {
      throw Self.refused(
        "an EBC limits no current while it keeps a power: at \(lowest.written) it draws \(needed.written), more than "
          + most.written)
    }
  }

  private mutating func discharge(code: UInt8, _ asked: Int) throws(Fault) {
    var lowest = Self.ceiling(max(setpoint.bounds.lowerVoltage, .zero))
    if let cutOff = cutOff(.voltage, isUpper: false) {
      guard cutOff.threshold >= 0 else { throw Self.refused("an EBC does not discharge below 0 V") }
      lowest = max(lowest, Self.floor(Voltage(nanovolts: cutOff.threshold) - Self.fallMargin))
    }
    guard lowest <= FrameNumber.largest else { throw Self.refused("its cut-off voltage is beyond what an EBC can") }
    minutes = longest
    sign = -1
    mode = code >> 4
    ownEnd = .voltage(EBCModel.voltageStep * lowest)
    command = CommandFrame(code: code, numbers: FrameNumbers(asked, Int(lowest), minutes))
  }

  // MARK: - Charge

  private mutating func charge(_ asked: Current, to target: Voltage?, _ model: EBCModel) throws(Fault) {
    let counts = try Self.counts(asked, atMost: model.largestCharge, model)
    let highest = try target.map { target throws(Fault) in try holdable(target) } ?? limit(model)
    let voltage = EBCModel.voltageStep * highest
    guard highest > 0, voltage <= model.highestVoltage else {
      throw Self.refused("an \(model.name) charges to between 0 V and \(model.highestVoltage.written)")
    }
    current = asked
    sign = 1
    mode = model.chargeMode
    let last: Int
    if model.chargesToCurrent {
      last = target == nil ? max(1, counts * Int(Self.taper) / 100) : ownEndCounts(model)
      ownEnd = .current(model.currentStep * Int64(last), holding: voltage)
    } else {
      minutes = longest
      last = minutes
      ownEnd = .unknownCurrent(holding: voltage)
    }
    command = CommandFrame(code: model.chargeCode, numbers: FrameNumbers(counts, Int(highest), last))
  }

  /// Counts of a voltage that can be held exactly.
  private func holdable(_ target: Voltage) throws(Fault) -> Int64 {
    guard target.count % EBCModel.voltageStep.count == 0 else {
      throw Self.refused("an EBC holds voltages in steps of \(EBCModel.voltageStep.written), not \(target.written)")
    }
    guard target <= setpoint.bounds.upperVoltage else {
      throw Self.refused("\(target.written) is above the bound of \(setpoint.bounds.upperVoltage.written)")
    }
    return Self.floor(target)
  }

  /// Counts of the voltage that a charge without a hold does not pass.
  private func limit(_ model: EBCModel) -> Int64 {
    let bound = Self.floor(min(setpoint.bounds.upperVoltage, model.highestVoltage))
    guard let cutOff = cutOff(.voltage, isUpper: true) else { return bound }
    return min(bound, Self.ceiling(min(Voltage(nanovolts: cutOff.threshold), model.highestVoltage) + Self.riseMargin))
  }

  /// Counts of the current at which the instrument ends a hold: one below the set-point's.
  private func ownEndCounts(_ model: EBCModel) -> Int {
    guard let cutOff = cutOff(.currentMagnitude, isUpper: false) else { return 1 }
    let counts = cutOff.threshold / model.currentStep.picoamperes - 1
    return Int(min(max(counts, 1), Int64(FrameNumber.largest)))
  }
}
