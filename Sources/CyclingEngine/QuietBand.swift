// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Nearly every reading of a cell that cycles is quiet: no fault, no end, nothing to remember but the integrals. What
// would make the next one otherwise is known beforehand, so a few comparisons tell, where the full judgement of safety
// and of the step's conditions takes some hundred. The band only ever says “certainly quiet”: a reading outside of it
// is judged in full and may be quiet all the same.
//
// It is made of the state after a judged reading and holds until anything but a reading comes in.

public import CyclerModel
public import Quantities

/// Between which values a reading of the present set-point can neither be a fault nor end the step. All bounds are
/// exclusive.
public struct QuietBand: Sendable, Hashable {
  /// In nanovolts.
  var voltageAbove: Int64
  var voltageBelow: Int64
  /// In picoamperes, positive charging.
  var currentAbove: Int64
  var currentBelow: Int64
  /// In microseconds of the set-point's clock.
  var timeBelow = Int64.max

  /// The band in which nothing lies.
  public static let none = QuietBand(voltageAbove: .max, voltageBelow: .min, currentAbove: .max, currentBelow: .min)

  /// Whether a reading is certainly quiet. One that lacks a value or has any mark of quality is not.
  @inlinable @inline(__always)
  public func covers(_ reading: Reading) -> Bool {
    guard let voltage = reading.voltage?.nanovolts, let current = reading.current?.picoamperes else { return false }
    return isInside(voltage, current, reading.time.microseconds) && reading.quality.rawValue == 0
  }

  @usableFromInline
  func isInside(_ nanovolts: Int64, _ picoamperes: Int64, _ microseconds: Int64) -> Bool {
    nanovolts > voltageAbove && nanovolts < voltageBelow && picoamperes > currentAbove && picoamperes < currentBelow
      && microseconds < timeBelow
  }

  /// Narrows to what lies before a moment on the set-point's clock; `Int64.max` narrows nothing.
  mutating func end(before microseconds: Int64) { timeBelow = min(timeBelow, microseconds) }

  /// Narrows to the time in which no current of the band moves so much charge, counted from the reading at `now`; so
  /// charge needs no comparison of its own.
  mutating func end(beforeMoving charge: Charge, since now: TimeSpan) {
    let largest = max(currentAbove.magnitude, currentBelow.magnitude)
    guard charge > .zero, largest > 0 else {
      self = .none
      return
    }
    // nC · 1e9 / pA = µs.
    let microseconds = Int128(charge.nanocoulombs) * 1_000_000_000 / Int128(largest)
    end(before: Int64(clamping: Int128(now.microseconds) + microseconds))
  }

  /// Narrows to voltages and currents that no condition names.
  mutating func stay(inside fence: EndFence) {
    voltageAbove = max(voltageAbove, fence.voltageFrom)
    voltageBelow = min(voltageBelow, fence.voltageTo)
    // Conditions are on the magnitude.
    if currentBelow <= 1 {
      currentAbove = max(currentAbove, fence.currentTo == .max ? .min : -fence.currentTo)
      if fence.currentFrom >= 0 { currentBelow = min(currentBelow, -fence.currentFrom) }
    } else if currentAbove >= -1 {
      currentBelow = min(currentBelow, fence.currentTo)
      currentAbove = max(currentAbove, fence.currentFrom)
    } else if fence.currentFrom != .min || fence.currentTo != .max {
      self = .none
    }
  }
}

extension SafetyMonitor {
  /// The band of what safety lets pass without remembering it, while the circuit is closed; `none` while it remembers
  /// something, and at rest.
  func quietBand(_ commanded: CommandedDrive) -> QuietBand {
    guard remembersNothing else { return .none }
    switch commanded {
    // What it is compared with changes with each reading.
    case .open, .demand:
      return .none
    case .current(let set):
      let half = Int64(clamping: set.picoamperes.magnitude) / 2
      return driven(
        above: set.picoamperes.subtractingSaturating(half), below: set.picoamperes.addingSaturating(half))
    case .voltage(.charge, let atMost, let held):
      return driven(above: -1, below: atMost.picoamperes, held)
    case .voltage(.discharge, let atMost, let held):
      return driven(above: -atMost.picoamperes, below: 1, held)
    case .voltage(.none, let atMost, let held):
      return driven(above: -atMost.picoamperes, below: atMost.picoamperes, held)
    }
  }

  /// Currents inside the soft limits of their direction, voltages inside both, and near the one that is held.
  private func driven(above: Int64, below: Int64, _ held: Voltage? = nil) -> QuietBand {
    var band = QuietBand(
      voltageAbove: limits.lowerVoltage.soft, voltageBelow: limits.upperVoltage.soft,
      currentAbove: max(above, -limits.dischargeCurrent.soft), currentBelow: min(below, limits.chargeCurrent.soft))
    if let held {
      let tolerance = FollowedDrive.tolerance(ofHeld: held)
      band.voltageAbove = max(band.voltageAbove, (held - tolerance).nanovolts)
      band.voltageBelow = min(band.voltageBelow, (held + tolerance).nanovolts)
    }
    return band
  }
}

extension Int64 {
  fileprivate func addingSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingSaturating(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}

/// What the steps before have behind them, as far as conditions and limits count from there; and where the present
/// set-point's clock stands.
public struct QuietGround: Sendable {
  /// Step time zero on the set-point's clock.
  public var zero: TimeSpan
  /// The beginning of the hold on the set-point's clock; nil before.
  public var holdBeganAt: TimeSpan?
  /// What is carried over, of each kind of time that conditions know.
  public var carriedStep = TimeSpan.zero
  /// Of holds.
  public var carriedHold = TimeSpan.zero
  /// Of the half-cycle; nil in a step that belongs to none.
  public var carriedHalfCycle: TimeSpan?
  /// Of the cycle.
  public var carriedCycle = TimeSpan.zero
  /// Of the test.
  public var carriedTest = TimeSpan.zero
  /// Charge of the step and of the half-cycle at the reading, net.
  public var stepCharge = Charge.zero
  /// The half-cycle's.
  public var halfCycleCharge = Charge.zero

  /// Nothing carried over.
  public init(zero: TimeSpan, holdBeganAt: TimeSpan?) {
    self.zero = zero
    self.holdBeganAt = holdBeganAt
  }
}

extension QuietBand {
  /// The band after `reading`, which was judged in full and was neither a fault nor an end. `none` when the reading
  /// itself is not inside: what follows is integrated from it on.
  public init(
    after reading: Reading, commanded: CommandedDrive, _ safety: SafetyMonitor, _ machine: StepMachine,
    from ground: QuietGround
  ) {
    self = safety.quietBand(commanded)
    let fence = machine.fence
    guard currentAbove < currentBelow, fence.mayBandQuietly, !machine.hasLastingEnds else {
      self = .none
      return
    }
    stay(inside: fence)
    end(beforeTimesOf: fence, ground)
    let step = fence.stepChargeTo.subtractingSaturating(EndFence.magnitude(ground.stepCharge.nanocoulombs))
    let halfCycle = min(fence.halfCycleChargeTo, safety.limits.halfCycleCharge.nanocoulombs)
      .subtractingSaturating(EndFence.magnitude(ground.halfCycleCharge.nanocoulombs))
    // A nanocoulomb less, for what rounding may add.
    end(beforeMoving: Charge(nanocoulombs: min(step, halfCycle).subtractingSaturating(1)), since: reading.time)
    if !covers(reading) { self = .none }
  }

  private mutating func end(beforeTimesOf fence: EndFence, _ ground: QuietGround) {
    func narrow(_ threshold: Int64, _ carried: TimeSpan, _ origin: TimeSpan) {
      guard threshold != .max else { return }
      end(before: threshold.subtractingSaturating(carried.microseconds).addingSaturating(origin.microseconds))
    }
    narrow(fence.stepTimeTo, ground.carriedStep, ground.zero)
    narrow(fence.cycleTimeTo, ground.carriedCycle, ground.zero)
    narrow(fence.testTimeTo, ground.carriedTest, ground.zero)
    if let carried = ground.carriedHalfCycle { narrow(fence.halfCycleTimeTo, carried, ground.zero) }
    if let holdBeganAt = ground.holdBeganAt { narrow(fence.holdTimeTo, ground.carriedHold, holdBeganAt) }
  }
}
