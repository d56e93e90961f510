// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A set-point on an instrument that keeps a current or a voltage and answers when it is asked, and nothing more. What a
// better instrument judges itself is judged here, in the driver, at each reading: cut-offs, bounds, and the moment at which
// a current becomes a hold. So whoever drives the driver sees the same events whatever the instrument can do, and needs no
// case for the difference. It sends nothing and knows no clock; what it cannot see it does not guess.

public import CyclerModel
public import Quantities

/// The course of one set-point that is judged reading by reading.
public struct HostedSetpoint: Sendable, Hashable {
  /// What follows from a reading.
  public enum Verdict: Sendable, Hashable {
    /// Nothing: it goes on.
    case goOn
    /// The voltage is reached: hold it from now on, and say `held(at:)` once the instrument does. It is said once.
    case hold(Voltage)
    /// It is over: disconnect the cell.
    case end(SetpointEnd)
  }

  /// What was asked for.
  public let setpoint: Setpoint
  /// When the circuit was closed, on the set-point's clock; nil before, and in a rest.
  public private(set) var closedAt: TimeSpan?
  /// When the hold began; nil before.
  public private(set) var holdBeganAt: TimeSpan?
  // The target was reached and the instrument was told to hold it.
  private var awaitsHold = false

  /// A set-point that has not begun.
  public init(_ setpoint: Setpoint) { self.setpoint = setpoint }

  /// Current may flow from this moment on; a constant voltage is held from it on. Not said in a rest, whose times count from zero.
  public mutating func closed(at time: TimeSpan) {
    closedAt = time
    if case .constantVoltage = setpoint.mode { holdBeganAt = time }
  }

  /// The instrument holds the voltage from this moment on.
  public mutating func held(at time: TimeSpan) {
    awaitsHold = false
    if holdBeganAt == nil { holdBeganAt = time }
  }

  /// Judges a reading: bounds at once, cut-offs and the voltage to be held once it has settled (hazard rule 10). A voltage
  /// ends a constant current only while that current is measured, and a current ends a hold only at its voltage: what nobody
  /// drives is at no cut-off.
  public mutating func judge(_ reading: Reading) -> Verdict {
    if let end = passedBound(reading) { return .end(end) }
    if let index = setpoint.cutOffs.firstIndex(where: { isMet($0, reading) }) { return .end(.cutOff(index)) }
    if let target = reachedTarget(reading) {
      awaitsHold = true
      return .hold(target)
    }
    return .goOn
  }

  /// Judges what needs no reading, when none comes: the longest time.
  public func judge(at time: TimeSpan) -> Verdict {
    guard time - zero >= setpoint.bounds.duration else { return .goOn }
    return .end(Self.bound("it lasted longer than \(setpoint.bounds.duration.written)"))
  }

  /// The moment from which its times count.
  private var zero: TimeSpan { closedAt ?? .zero }

  // MARK: Bounds

  private func passedBound(_ reading: Reading) -> SetpointEnd? {
    if case .end(let end) = judge(at: reading.time) { return end }
    let bounds = setpoint.bounds
    guard isDriven, let current = reading.current else { return nil }
    if current.magnitude > bounds.currentMagnitude {
      return Self.bound("\(current.written) is more than \(bounds.currentMagnitude.written)")
    }
    // A voltage limit counts while the measured current makes it worse (hazard rule 1).
    guard let voltage = reading.voltage else { return nil }
    if voltage > bounds.upperVoltage, current > .zero {
      return Self.bound("\(voltage.written) is above \(bounds.upperVoltage.written) while charging")
    }
    if voltage < bounds.lowerVoltage, current < .zero {
      return Self.bound("\(voltage.written) is below \(bounds.lowerVoltage.written) while discharging")
    }
    return nil
  }

  private static func bound(_ words: String) -> SetpointEnd {
    .bound(Fault(.instrumentBoundReached, "the circuit was opened: \(words)"))
  }

  private var isDriven: Bool { setpoint.mode != .openCircuit }

  // MARK: Cut-offs

  private func isMet(_ cutOff: CutOff, _ reading: Reading) -> Bool {
    if cutOff.onlyInHold || cutOff.quantity == .holdTime {
      guard let holdBeganAt, reading.time - holdBeganAt >= setpoint.settle else { return false }
    } else if reading.time - zero < setpoint.settle {
      return false
    }
    guard shows(cutOff.quantity, reading), let value = value(of: cutOff.quantity, reading) else { return false }
    return cutOff.comparison.holds(value, cutOff.threshold)
  }

  /// Whether the reading is of a cell that is driven as it was told to be, as far as the quantity depends on it.
  private func shows(_ quantity: CutOff.Quantity, _ reading: Reading) -> Bool {
    switch (quantity, setpoint.mode) {
    case (.voltage, .constantCurrent(let set)), (.voltage, .constantCurrentThenVoltage(let set, _)):
      holdBeganAt != nil || reading.current.map { FollowedDrive.shows($0, asked: set) } ?? false
    case (.currentMagnitude, .constantVoltage(let held)), (.currentMagnitude, .constantCurrentThenVoltage(_, let held)):
      holdBeganAt == nil || reading.voltage.map { FollowedDrive.shows($0, held: held) } ?? false
    case (.voltage, .demand(let demand, _)):
      reading.current.map { FollowedDrive.shows($0, at: reading.voltage ?? .zero, asked: demand) } ?? false
    case (.voltage, _), (.currentMagnitude, _), (.time, _), (.holdTime, _): true
    }
  }

  private func value(of quantity: CutOff.Quantity, _ reading: Reading) -> Int64? {
    switch quantity {
    case .voltage: reading.voltage?.nanovolts
    case .currentMagnitude: isDriven ? reading.current?.magnitude.picoamperes : nil
    case .time: (reading.time - zero).microseconds
    case .holdTime: holdBeganAt.map { (reading.time - $0).microseconds }
    }
  }

  // MARK: From current to voltage

  /// The voltage that a current has brought the cell to, if it is to be held from there. The first iR may settle, but no
  /// longer than usual: past its target the current must not go on for a long `settle`.
  private func reachedTarget(_ reading: Reading) -> Voltage? {
    guard case .constantCurrentThenVoltage(let current, let target) = setpoint.mode, holdBeganAt == nil, !awaitsHold,
      reading.time - zero >= min(setpoint.settle, Setpoint.usualSettle), let voltage = reading.voltage,
      let measured = reading.current, FollowedDrive.flows(measured, asked: current)
    else { return nil }
    return (current > .zero ? voltage >= target : voltage <= target) ? target : nil
  }
}
