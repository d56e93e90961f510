// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import CyclingEngine
internal import Quantities

/// What a step asks of the instrument when it is begun: what the program says, except for a hold that is taken up again
/// after its cell has relaxed. Decided once; the set-point, its bounds and what safety is told all follow from it.
enum StepDrive: Sendable, Hashable {
  /// No current.
  case open
  /// A constant current.
  case current(Direction, Current)
  /// A constant current until the voltage is reached, which is then held; the voltage is approached at the second current,
  /// which is smaller where a hold is taken up again.
  case currentThenHold(Direction, Current, Voltage, at: Current)
  /// A held voltage; the cell stands at it.
  case hold(Direction, Voltage, atMost: Current)
  /// A hold whose voltage is approached at a constant current first.
  case approachedHold(Direction, Voltage, at: Current, atMost: Current)
  /// A current that follows the cell's voltage, and its first magnitude.
  case demand(CurrentDemand, from: Current)
  /// A voltage that moves at a constant rate.
  case sweep(Setpoint.Sweep, atMost: Current)
  /// Currents one after the other.
  case profile(CurrentProfile)
  /// An impedance spectrum around the open circuit.
  case impedance(Setpoint.Impedance)

  /// What the instrument shall do.
  var mode: Setpoint.Mode {
    switch self {
    case .open: .openCircuit
    case .current(let direction, let current): .constantCurrent(Self.signed(current, direction))
    case .currentThenHold(let direction, _, let voltage, let approach):
      .constantCurrentThenVoltage(Self.signed(approach, direction), voltage)
    case .hold(_, let voltage, _): .constantVoltage(voltage)
    case .approachedHold(let direction, let voltage, let approach, _):
      .constantCurrentThenVoltage(Self.signed(approach, direction), voltage)
    case .demand(let demand, let first): .demand(demand, from: first)
    case .sweep(let sweep, _): .sweep(sweep)
    case .profile(let profile): .profile(profile, ownEnd: 0)
    case .impedance(let impedance): .impedance(impedance)
    }
  }

  /// What safety must know of it until a hold begins. Of a profile it knows what no row of it asks for.
  func commanded(openOrIn window: VoltageWindow?) -> CommandedDrive {
    switch self {
    case .open: .open(orIn: window)
    case .current(let direction, let current), .currentThenHold(let direction, _, _, let current):
      .current(Self.signed(current, direction))
    case .hold(let direction, let voltage, let atMost): .voltage(direction, atMost: atMost, held: voltage)
    case .approachedHold(let direction, _, let approach, _): .current(Self.signed(approach, direction))
    case .demand(let demand, _): .demand(demand)
    case .sweep(_, let atMost): .voltage(.none, atMost: atMost, held: nil)
    case .profile(let profile): .voltage(.none, atMost: profile.largestCurrent * 3 / 2, held: nil)
    case .impedance(let impedance): .voltage(.none, atMost: impedance.spectrum.currentAtMost, held: nil)
    }
  }

  /// The largest current that is meant.
  var largestCurrent: Current {
    switch self {
    case .open: .zero
    case .current(_, let current), .currentThenHold(_, let current, _, _): current
    case .demand(let demand, _): demand.currentAtMost
    case .profile(let profile): profile.largestCurrent
    case .hold(_, _, let atMost), .approachedHold(_, _, _, let atMost), .sweep(_, let atMost): atMost
    case .impedance(let impedance): impedance.spectrum.currentAtMost
    }
  }

  /// The most that may flow before the instrument opens the circuit by itself.
  func bound(_ limits: SafetyLimits) -> Current {
    switch self {
    case .open: .zero
    case .current(let direction, _), .currentThenHold(let direction, _, _, _): Self.hardLimit(direction, limits)
    case .demand(let demand, _): Self.hardLimit(demand.direction, limits)
    case .profile: max(Self.hardLimit(.charge, limits), Self.hardLimit(.discharge, limits))
    case .hold(_, _, let atMost), .approachedHold(_, _, _, let atMost), .sweep(_, let atMost): atMost
    case .impedance(let impedance): impedance.spectrum.currentAtMost
    }
  }

  /// The longest that the instrument may be silent over one point of a spectrum.
  var longestPoint: TimeSpan {
    if case .impedance(let impedance) = self { impedance.spectrum.longestPoint } else { .zero }
  }

  private static func hardLimit(_ direction: Direction, _ limits: SafetyLimits) -> Current {
    Current(picoamperes: direction == .charge ? limits.chargeCurrent.hard : limits.dischargeCurrent.hard)
  }

  private static func signed(_ magnitude: Current, _ direction: Direction) -> Current {
    direction == .discharge ? -magnitude : magnitude
  }
}
