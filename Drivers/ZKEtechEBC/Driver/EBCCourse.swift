// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A set-point on its way: when its command was sent, what was read, when time ends it.

import CyclerModel
import InstrumentKit
import Quantities

/// The course of one set-point.
struct EBCCourse: Sendable, Hashable {
  let plan: EBCPlan
  var hosted: HostedSetpoint
  /// The zero of its clock: its command was sent, or a rest began. nil before a report has shown that it was taken.
  var beganAt: HostInstant?
  /// The last reading.
  var last: Reading?
  /// When the current ended, where that is known before it is confirmed.
  var openedAt: TimeSpan?
  /// The last report before it already had the form of its end, which therefore proves nothing.
  var followsItsLike = false
  /// What flowed around its beginning or its end is not known.
  var markIsLost = false

  init(_ plan: EBCPlan) {
    self.plan = plan
    hosted = HostedSetpoint(plan.setpoint)
  }

  var isRest: Bool { plan.command == nil }
  var token: SetpointToken { plan.setpoint.token }

  /// Its clock.
  func time(_ now: HostInstant) -> TimeSpan { beganAt.map { now - $0 } ?? .zero }

  /// What a report measured.
  func reading(_ report: Report, _ model: EBCModel, at now: HostInstant) -> Reading {
    let voltage = Voltage(millivolts: Int64(report.millivolts))
    guard !isRest else { return Reading(time: time(now), voltage: voltage, current: .zero) }
    // What the instrument calls 0 is anything below half a count.
    guard report.current > 0 else {
      return Reading(time: time(now), voltage: voltage, current: nil, quality: .underload)
    }
    return Reading(
      time: time(now), voltage: voltage, current: model.currentStep * (plan.sign * Int64(report.current)))
  }

  /// The instrument ended the current since the last reading. The middle is no more than half of that time wrong; where
  /// this is more charge than half a step of the converter makes over the whole set-point, the moment counts as lost.
  mutating func endedAlone(_ now: HostInstant, _ model: EBCModel) {
    let since = last?.time ?? .zero
    let half = (time(now) - since) / 2
    openedAt = since + half
    let current = (last?.current ?? plan.current ?? .zero).magnitude
    if current.amperes * half.seconds > model.currentStep.amperes / 2 * since.seconds { markIsLost = true }
  }

  /// Whether the instrument has gone over to the hold by itself: it stands near the voltage, and the current has fallen.
  func holdsAlone(_ reading: Reading, _ model: EBCModel) -> Bool {
    guard case .constantCurrentThenVoltage(_, let target) = plan.setpoint.mode, hosted.holdBeganAt == nil,
      let asked = plan.current, let voltage = reading.voltage, let current = reading.current,
      voltage >= target - EBCPlan.holdTolerance
    else { return false }
    return current * 100 <= asked * 97 && asked - current >= model.currentStep * 2
  }

  /// The next moment at which time alone ends it.
  var nextEnd: TimeSpan {
    let setpoint = plan.setpoint
    var next = setpoint.bounds.duration
    for cutOff in setpoint.cutOffs where cutOff.comparison.isUpper {
      // "Above" begins a microsecond later.
      let later: Int64 = cutOff.comparison == .above ? 1 : 0
      let threshold = TimeSpan(microseconds: min(max(cutOff.threshold, 0), Self.farthest) + later)
      switch cutOff.quantity {
      case .time where !cutOff.onlyInHold: next = min(next, max(threshold, setpoint.settle))
      case .time: if let began = hosted.holdBeganAt { next = min(next, max(threshold, began + setpoint.settle)) }
      case .holdTime:
        if let began = hosted.holdBeganAt { next = min(next, began + max(threshold, setpoint.settle)) }
      case .voltage, .currentMagnitude: continue
      }
    }
    return (hosted.closedAt ?? .zero) + next
  }

  /// Some thirty years in microseconds; a later end is none.
  private static let farthest: Int64 = 1_000_000_000_000_000

  /// Judges the time alone.
  func judge(at now: HostInstant) -> HostedSetpoint.Verdict {
    var hosted = hosted
    return hosted.judge(Reading(time: time(now), voltage: nil, current: nil))
  }
}
