// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How far a set-point has come, on three clocks: its own, that of the test that carries out the present leg, and the
// host's. A test begins at zero; its own time is the instrument's, and the host's clock counts only between two tests.

import CyclerModel
import InstrumentKit
import Quantities

/// A set-point under way.
struct SetpointCourse: Sendable, Hashable {
  /// A moment of a test at which is measured.
  struct Moment: Sendable, Hashable {
    var sample: TestSample
    /// When the sample came, and when it is measured.
    var cameAt: HostInstant
    var dueAt: HostInstant
  }

  let plan: SetpointPlan
  var hosted: HostedSetpoint
  var hasBegun = false
  /// Whether current may flow.
  var isClosed = false
  var leg = 0
  /// Whether a leg's test runs.
  var isRunning = false
  /// The set-point's time at which the leg's test began.
  var legBeganAt = TimeSpan.zero
  /// Before which moment of the host's clock that was not: nothing of the test can be older.
  var legAskedHost = HostInstant(microseconds: 0)
  /// The same moment on the host's clock, as far as it is known: when the host heard of it.
  var legBeganHost = HostInstant(microseconds: 0)
  /// The last sample, in the test's milliseconds, and when it came.
  var lastSample: Int64 = 0
  var lastSampleHost = HostInstant(microseconds: 0)
  /// The last moment that was told.
  var lastTime = TimeSpan.zero
  /// Until when the test goes on by itself, in its milliseconds.
  var deadline: Int64 = 0
  /// The same, as it was asked for and not acknowledged yet.
  var askedDeadline: Int64 = 0
  var renewAt: HostInstant?
  /// When the next measurement and the next reading are due.
  var nextMeasurement = TimeSpan.zero
  var nextReading = TimeSpan.zero
  /// When the cell was disconnected, once that is known.
  var openedAt: TimeSpan?
  /// Whether a line that disconnects was sent more than once, so that its moment is not known.
  var momentIsLost = false
  var deviationsInARow = 0
  /// What is asked for a reading.
  var questions: [Exchange] = []
  /// What is measured next.
  var moment: Moment?
  /// The range of the voltage in a rest.
  var restRange = RodeostatModel.voltageRanges[3]
  /// Whether that is the one that fits.
  var hasRestRange = false

  init(_ plan: SetpointPlan) {
    self.plan = plan
    if let scale = plan.currentScale {
      let both = [Exchange.current(scale), .voltage(plan.voltageScale)]
      questions = both + both
    }
    hosted = HostedSetpoint(plan.setpoint)
  }

  var token: SetpointToken { plan.setpoint.token }

  /// Where the set-point's time stands by the host's clock.
  func expected(_ now: HostInstant) -> TimeSpan { legBeganAt + legTime(now) }

  /// Where the test's time stands: since its last sample the host's clock counts.
  func legTime(_ now: HostInstant) -> TimeSpan {
    guard lastSample > 0 else { return now - legBeganHost }
    return TimeSpan(milliseconds: lastSample) + (now - lastSampleHost)
  }

  /// When it wants to do something by itself.
  var wakeAt: HostInstant? {
    guard hasBegun else { return nil }
    guard isClosed else { return legBeganHost + nextMeasurement }
    guard isRunning else { return nil }
    return [renewAt, moment?.dueAt].reduce(silentAt) { min($0, $1 ?? $0) }
  }

  /// When its samples are missed.
  var silentAt: HostInstant {
    let last = lastSample > 0 ? lastSampleHost : legBeganHost
    return last + TimeSpan(milliseconds: plan.period * 3) + RodeostatDriver.silence
  }

  /// Between two measurements; at least once a second the bounds are judged.
  var measurementInterval: TimeSpan { min(plan.setpoint.readingInterval, TimeSpan(seconds: 1)) }

  /// How long after a sample is measured. The samples of a stair come just behind its steps, when the current is at its
  /// peak; in the middle between two of them it has settled as far as it does.
  var delay: TimeSpan {
    plan.legs[leg].step == 0 ? .zero : TimeSpan(milliseconds: plan.period) / 2
  }

  /// A measurement that is later than this is none of that moment any more.
  var tolerableDelay: TimeSpan { max(TimeSpan(milliseconds: plan.period) / 4, TimeSpan(milliseconds: 20)) }

  /// Whether a sample is one: they come at whole periods, in order, and no faster than time passes.
  func isPlausible(_ sample: TestSample, _ now: HostInstant) -> Bool {
    let passed = (now - legAskedHost).microseconds / 1_000
    return sample.milliseconds > lastSample && sample.milliseconds % max(plan.period, 1) == 0
      && sample.milliseconds <= passed + passed / 100 + 200
  }

  /// The next due moment behind `time`, in step with the interval; what was missed is left out.
  static func next(after due: TimeSpan, _ interval: TimeSpan, _ time: TimeSpan) -> TimeSpan {
    let next = due + interval
    return next > time ? next : time + interval
  }
}
