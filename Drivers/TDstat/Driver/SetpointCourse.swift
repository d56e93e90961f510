// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How far a set-point has come. The instrument has no clock: all times are the host's, counted from the moment at which the
// cell was connected, or at which a rest began.

import CyclerModel
import InstrumentKit
import Quantities

/// A set-point under way.
struct SetpointCourse: Sendable, Hashable {
  let plan: SetpointPlan
  var hosted: HostedSetpoint
  /// What is regulated now; nil in a rest.
  var target: SetpointPlan.Target?
  /// The host's time at its zero; nil before it began.
  var beganAt: HostInstant?
  /// Whether current may flow.
  var isClosed = false
  /// When the cell was disconnected, once that is known.
  var openedAt: TimeSpan?
  /// Whether it was told to disconnect more than once, so that the moment is not known.
  var momentIsLost = false
  /// The voltage that a current has reached and that is to be held next.
  var nextTarget: SetpointPlan.Target?
  /// What was measured before the cell was connected, and while it was, last.
  var idleCurrent = Current.zero
  var lastCurrent: Current?
  var nextReading = TimeSpan.zero
  /// So many readings in a row were not what was set.
  var deviationsInARow = 0

  init(_ plan: SetpointPlan) {
    self.plan = plan
    target = plan.target
    hosted = HostedSetpoint(plan.setpoint)
  }

  var token: SetpointToken { plan.setpoint.token }
  var hasBegun: Bool { beganAt != nil }

  /// The set-point's time at a moment.
  func time(_ now: HostInstant) -> TimeSpan { beganAt.map { now - $0 } ?? .zero }

  /// What a reading may differ from what is regulated.
  enum Tolerance {
    /// What two calibrated converters and a lead may make of a voltage (unverified).
    static let voltage = Voltage(millivolts: 10)

    /// A twentieth, and a five-hundredth of the range where that is less than a quarter: so that none is never taken for it.
    static func current(_ current: Current, _ range: TDstatModel.Range) -> Current {
      current.magnitude / 20 + min(range.fullScale / 500, current.magnitude / 4)
    }

    /// What may be read while nothing flows: an offset that nobody has calibrated (unverified).
    static func zero(_ range: TDstatModel.Range) -> Current { range.fullScale / 500 }

    /// What the converter's noise may make of a current (unverified): 64 of its steps.
    static func noise(_ range: TDstatModel.Range) -> Current { range.fullScale / 32_768 }
  }

  /// Whether a current that is read while the cell should be disconnected is none: near zero, near what was read before it
  /// was connected, and no more than a quarter of what has flowed since.
  func isNone(_ current: Current, _ range: TDstatModel.Range) -> Bool {
    guard current.magnitude <= Tolerance.zero(range) else { return false }
    guard let lastCurrent else { return true }
    let allowed = max(Tolerance.noise(range), (lastCurrent - idleCurrent).magnitude / 4)
    return (current - idleCurrent).magnitude <= allowed
  }

  /// Counts readings that are not what is regulated; what follows from the second in a row.
  mutating func follow(_ reading: Reading) -> HostedSetpoint.Verdict {
    guard let current = reading.current, let voltage = reading.voltage, let target else { return .goOn }
    let isMet =
      switch target {
      case .current(let wanted): (current - wanted).magnitude <= Tolerance.current(wanted, plan.range)
      case .voltage(let wanted): (voltage - wanted).magnitude <= Tolerance.voltage
      }
    deviationsInARow = isMet ? 0 : deviationsInARow + 1
    guard deviationsInARow >= 2 else { return .goOn }
    let words =
      switch target {
      case .current(let wanted): "it measures \(current.written) and is to keep \(wanted.written)"
      case .voltage(let wanted): "it measures \(voltage.written) and is to keep \(wanted.written)"
      }
    return .end(.failed(Fault(.instrumentSetpointNotFollowed, words)))
  }
}
