// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Watches every reading of a run against the run's limits and can say one thing: open the circuit. It knows what was
// commanded (so that a wrong direction is seen) but nothing of steps, conditions or the program, and it holds for rests
// and open-circuit checks as well. The rules are those of docs/safety.md.

public import CyclerModel
public import Quantities

/// What the instrument was told, as far as safety must know.
public enum CommandedDrive: Sendable, Hashable {
  /// The circuit is open. The cell may stand inside the limits or in that window: a fresh cell, or one for whose voltage
  /// a person answered.
  case open(orIn: VoltageWindow?)
  /// A constant current of that sign.
  case current(Current)
  /// A current that follows the cell's voltage.
  case demand(CurrentDemand)
  /// A held voltage, if it is one, whose current should have that direction and stay below that magnitude.
  case voltage(Direction, atMost: Current, held: Voltage?)
}

extension CommandedDrive {
  /// Whether a voltage is one of the cell under the commanded current, as far as the current that was measured with it
  /// shows; otherwise it ends no step.
  public func vouches(for voltage: Voltage?, with current: Current?) -> Bool {
    switch self {
    case .open, .voltage: true
    case .current(let set): current.map { FollowedDrive.shows($0, asked: set) } ?? false
    case .demand(let demand):
      current.map { FollowedDrive.shows($0, at: voltage ?? .zero, asked: demand) } ?? false
    }
  }

  /// Whether a current is one into the held voltage, as far as the voltage that was measured with it shows; otherwise it
  /// ends no step.
  public func vouches(for current: Current?, at voltage: Voltage?) -> Bool {
    guard case .voltage(_, _, let held?) = self else { return true }
    return voltage.map { FollowedDrive.shows($0, held: held) } ?? false
  }
}

/// The judge of every reading. One a run; cheap to copy, cheap to store.
public struct SafetyMonitor: Sendable, Hashable {
  private(set) var limits: SafetyLimits
  private var aboveVoltageSince: TimeSpan?
  private var belowVoltageSince: TimeSpan?
  private var aboveCurrentSince: TimeSpan?
  private var overloadsInARow = 0
  private var wrongDirectionsInARow = 0
  private var blindReadingsInARow = 0
  private var astrayReadingsInARow = 0
  /// Where the cell stood at rest before the current was switched on, until its voltage has moved.
  private var restedAt: Voltage?
  private var frozenReadings = 0
  private var frozenSince: TimeSpan?
  /// Since when it is warmer or colder than allowed, on the host's clock: a thermometer knows no set-points.
  var warmerSince: HostInstant?
  var colderSince: HostInstant?

  /// A current moves the voltage of every cell at once, by its resistance. One that stays the same to the last digit for
  /// more readings than this, and while more than a five-hundredth of what a half-cycle may move has passed, is not
  /// measured any more: the instrument repeats itself.
  public static let toleratedFrozenReadings = 20
  static let toleratedFrozenShare: Int64 = 500

  /// So many clipped readings in a row open the circuit: one may be a glitch at a range's switch-on.
  public static let toleratedOverloads = 1
  /// So many readings with the wrong sign are tolerated: the first after closing may still settle.
  public static let toleratedWrongDirections = 1

  /// So many driven readings in a row may lack voltage or current.
  public static let toleratedBlindReadings = 1

  /// So many readings in a row may differ from the commanded current by more than half of it: a range may be changed, a
  /// converter may settle. Then the instrument does something else than it was told, or nothing.
  public static let toleratedAstrayReadings = 10

  /// Whether no earlier reading has a bearing on the judgement of the next one.
  var remembersNothing: Bool {
    aboveVoltageSince == nil && belowVoltageSince == nil && aboveCurrentSince == nil && overloadsInARow == 0
      && wrongDirectionsInARow == 0 && blindReadingsInARow == 0 && astrayReadingsInARow == 0 && restedAt == nil
  }

  /// A monitor of `limits`.
  public init(limits: SafetyLimits) { self.limits = limits }

  /// Judges by these limits from now on: a step may have narrower ones than its run.
  public mutating func judge(by limits: SafetyLimits) { self.limits = limits }

  /// Forgets tolerance times; a new set-point has a new clock.
  public mutating func setpointBegan() {
    aboveVoltageSince = nil
    belowVoltageSince = nil
    aboveCurrentSince = nil
    overloadsInARow = 0
    wrongDirectionsInARow = 0
    blindReadingsInARow = 0
    astrayReadingsInARow = 0
    frozenReadings = 0
    frozenSince = nil
  }

  /// Judges one reading; a fault means that the circuit must be opened now.
  public mutating func judge(_ reading: Reading, commanded: CommandedDrive) -> Fault? {
    if let fault = judgeQuality(reading) { return fault }
    switch commanded {
    case .open(let window):
      return judgeAtRest(reading, orIn: window)
    case .current(let set):
      if let fault = judgeSight(reading) { return fault }
      if let fault = judgeDirection(reading, set.picoamperes > 0 ? .charge : .discharge, floor: set.magnitude / 10) {
        return fault
      }
      return judgeClosed(reading) ?? judgeUnseen(reading, set)
        ?? judgeSetpoint(reading, set, tolerance: set.magnitude / 2) ?? judgeLife(reading, set)
    case .demand(let demand):
      if let fault = judgeSight(reading) { return fault }
      return judgeDemand(reading, demand) ?? judgeLife(reading, reading.current ?? .zero)
    case .voltage(let direction, let atMost, let held):
      restedAt = nil
      if let fault = judgeSight(reading) { return fault }
      if let fault = judgeHold(reading, direction, atMost) { return fault }
      return judgeClosed(reading) ?? held.flatMap { judgeHeld(reading, $0, atMost) }
    }
  }

  /// Judges one reading of an open-circuit check. Where the cell may stand is for the check to say, because the answer
  /// is a refusal and not a latch.
  public mutating func judgeCheck(_ reading: Reading) -> Fault? {
    restedAt = reading.voltage
    return judgeQuality(reading)
  }

  /// Judges the charge of a half-cycle. Changes nothing; being `mutating` it is asked in place, without a copy.
  public mutating func judge(halfCycleCharge: Charge) -> Fault? {
    guard halfCycleCharge.magnitude > limits.halfCycleCharge else { return nil }
    return Fault(.limitHalfCycleCharge, .movedMore(halfCycleCharge.magnitude, limit: limits.halfCycleCharge))
  }

  private mutating func judgeQuality(_ reading: Reading) -> Fault? {
    guard reading.quality.contains(.overload) else {
      overloadsInARow = 0
      return nil
    }
    overloadsInARow += 1
    guard overloadsInARow > Self.toleratedOverloads else { return nil }
    return Fault(.instrumentOverload, .clipped(readings: overloadsInARow))
  }

  private mutating func judgeDirection(_ reading: Reading, _ direction: Direction, floor: Current) -> Fault? {
    guard let current = reading.current, current.magnitude > floor,
      (current.picoamperes > 0) != (direction == .charge)
    else {
      wrongDirectionsInARow = 0
      return nil
    }
    wrongDirectionsInARow += 1
    guard wrongDirectionsInARow > Self.toleratedWrongDirections else { return nil }
    return Fault(.instrumentWrongDirection, .againstDirection(current, direction))
  }

  /// A cell that is driven while nobody sees its voltage and current is driven unwatched.
  private mutating func judgeSight(_ reading: Reading) -> Fault? {
    guard reading.voltage == nil || reading.current == nil else {
      blindReadingsInARow = 0
      return nil
    }
    blindReadingsInARow += 1
    guard blindReadingsInARow > Self.toleratedBlindReadings else { return nil }
    return Fault(.instrumentNoReading, .blind(readings: blindReadingsInARow))
  }

  /// What follows the voltage is compared with what this reading's own voltage asks for: a current lags behind it by a
  /// reading at most.
  private mutating func judgeDemand(_ reading: Reading, _ demand: CurrentDemand) -> Fault? {
    let asked = demand.current(at: reading.voltage ?? .zero)
    // A hundredth of the most is the offset of its range.
    let least = demand.currentAtMost / 100
    if let fault = judgeDirection(reading, demand.direction, floor: max(asked / 10, least)) { return fault }
    if let fault = judgeClosed(reading) { return fault }
    return judgeSetpoint(
      reading, demand.direction == .discharge ? -asked : asked, tolerance: max(asked / 2, least))
  }

  /// A voltage beyond the hard limit, in the direction of a current that was asked for and is not measured: an ammeter may be
  /// dead while the cell is driven, and then the sign of what it measures says nothing.
  private func judgeUnseen(_ reading: Reading, _ set: Current) -> Fault? {
    guard let current = reading.current, let voltage = reading.voltage, !FollowedDrive.shows(current, asked: set),
      set > .zero ? voltage.nanovolts > limits.upperVoltage.hard : voltage.nanovolts < limits.lowerVoltage.hard
    else { return nil }
    return Fault(
      .instrumentSetpointNotFollowed,
      "\(voltage.written), beyond the hard limit, with \(current.written) measured where \(set.written) was asked for")
  }

  /// A constant current that is not the one that was asked for: a lead that came off, a range that cannot carry it, an
  /// instrument that acknowledged and did nothing.
  private mutating func judgeSetpoint(_ reading: Reading, _ set: Current, tolerance: Current) -> Fault? {
    guard let current = reading.current, (current - set).magnitude > tolerance else {
      astrayReadingsInARow = 0
      return nil
    }
    astrayReadingsInARow += 1
    guard astrayReadingsInARow > Self.toleratedAstrayReadings else { return nil }
    return Fault(.instrumentSetpointNotFollowed, .astray(current, asked: set, readings: astrayReadingsInARow))
  }

  /// A voltage that is not the one that is held, and not even half of the current that might bring the cell there: nobody
  /// drives it, or something else than its voltage is kept. Whoever waits for the contact to return closes on a cell that is
  /// far away (hazard rule 2). Only an instrument at the most that the hold allows may be on its way.
  private mutating func judgeHeld(_ reading: Reading, _ held: Voltage, _ atMost: Current) -> Fault? {
    guard let voltage = reading.voltage, let current = reading.current, !FollowedDrive.shows(voltage, held: held),
      current.magnitude < atMost / 2
    else {
      astrayReadingsInARow = 0
      return nil
    }
    astrayReadingsInARow += 1
    guard astrayReadingsInARow > Self.toleratedAstrayReadings else { return nil }
    let detail =
      "\(astrayReadingsInARow) readings in a row of \(voltage.written) or so where \(held.written) is held, and \(current.written) or so, which is less than half of the \(atMost.written) that may flow"
    return Fault(.instrumentSetpointNotFollowed, detail)
  }

  /// A voltage that does not answer to the current.
  private mutating func judgeLife(_ reading: Reading, _ set: Current) -> Fault? {
    guard let restedAt else { return nil }
    guard let voltage = reading.voltage, voltage == restedAt else {
      if reading.voltage != nil { self.restedAt = nil }
      return nil
    }
    frozenReadings += 1
    let since = frozenSince ?? reading.time
    frozenSince = since
    // pA times µs are 1e-18 C; 1e9 of them are a nanocoulomb.
    let moved = Int128(set.magnitude.picoamperes) * Int128((reading.time - since).microseconds) / 1_000_000_000
    guard frozenReadings > Self.toleratedFrozenReadings,
      moved > Int128(limits.halfCycleCharge.nanocoulombs / Self.toleratedFrozenShare)
    else { return nil }
    let detail =
      "\(frozenReadings) readings of exactly \(voltage.written), as at rest, while \(set.magnitude.shown()) flows"
    return Fault(.instrumentFrozen, detail)
  }

  private mutating func judgeHold(_ reading: Reading, _ direction: Direction, _ atMost: Current) -> Fault? {
    guard let current = reading.current else { return nil }
    if current.magnitude > atMost {
      let code: FaultCode = current.picoamperes > 0 ? .limitCurrentCharge : .limitCurrentDischarge
      return Fault(code, .intoHold(current, allowed: atMost))
    }
    guard direction != .none else { return nil }
    // A thousandth of what the hold allows is offset and noise, not a reversal.
    guard let fault = judgeDirection(reading, direction, floor: atMost / 1_000) else { return nil }
    return Fault(.holdCurrentReversed, as: fault)
  }

  private mutating func judgeAtRest(_ reading: Reading, orIn window: VoltageWindow?) -> Fault? {
    restedAt = reading.voltage
    guard let voltage = reading.voltage else { return nil }
    if let window, window.contains(voltage) { return nil }
    if voltage.nanovolts < limits.lowerVoltage.soft {
      return Fault(
        .limitVoltageLowAtRest, .restsBelow(voltage, limit: Voltage(nanovolts: limits.lowerVoltage.soft)))
    }
    if voltage.nanovolts > limits.upperVoltage.soft {
      return Fault(
        .limitVoltageHighAtRest, .restsAbove(voltage, limit: Voltage(nanovolts: limits.upperVoltage.soft)))
    }
    return nil
  }

  /// Limits by the direction of the measured current: upper while charging, lower while discharging.
  private mutating func judgeClosed(_ reading: Reading) -> Fault? {
    guard let current = reading.current else { return nil }
    let isCharging = current.picoamperes > 0
    if let voltage = reading.voltage?.nanovolts {
      if isCharging {
        belowVoltageSince = nil
        let limit = limits.upperVoltage
        if Self.passes(voltage - limit.soft, voltage - limit.hard, reading.time, limit.tolerance, &aboveVoltageSince) {
          return Fault(
            .limitVoltageHigh,
            .chargedAbove(Voltage(nanovolts: voltage), limit: Voltage(nanovolts: limit.soft)))
        }
      } else if current.picoamperes < 0 {
        aboveVoltageSince = nil
        let limit = limits.lowerVoltage
        if Self.passes(limit.soft - voltage, limit.hard - voltage, reading.time, limit.tolerance, &belowVoltageSince) {
          return Fault(
            .limitVoltageLow,
            .dischargedBelow(Voltage(nanovolts: voltage), limit: Voltage(nanovolts: limit.soft)))
        }
      }
    }
    let limit = isCharging ? limits.chargeCurrent : limits.dischargeCurrent
    let magnitude = current.magnitude.picoamperes
    if Self.passes(magnitude - limit.soft, magnitude - limit.hard, reading.time, limit.tolerance, &aboveCurrentSince) {
      return Fault(
        isCharging ? .limitCurrentCharge : .limitCurrentDischarge,
        .currentAbove(Current(picoamperes: magnitude), limit: Current(picoamperes: limit.soft)))
    }
    return nil
  }

  /// Whether a value beyond its soft limit (excess > 0) has been so for too long, or is beyond the hard limit.
  @inline(__always)
  private static func passes(
    _ softExcess: Int64, _ hardExcess: Int64, _ time: TimeSpan, _ tolerance: TimeSpan, _ since: inout TimeSpan?
  ) -> Bool {
    guard softExcess > 0 else {
      since = nil
      return false
    }
    if hardExcess > 0 { return true }
    guard let first = since else {
      since = time
      return tolerance == .zero
    }
    return time - first >= tolerance
  }
}
