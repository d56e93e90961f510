// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One of the four cells as the driver knows it: what is under way, what is asked for it next, and what will be said once
// its circuit is confirmed to be open.

import CyclerModel
import InstrumentKit
import Quantities

/// The state of one channel.
struct BatlabChannel: Sendable, Hashable {
  enum Phase: Sendable, Hashable {
    /// Its stop is not confirmed yet.
    case stopping
    /// Confirmed to be open, nothing under way.
    case idle
    /// A set-point is written, register by register.
    case starting
    /// It is polled.
    case running
  }

  var phase = Phase.idle
  /// What is to be done, and how far it has come.
  var tasks: [RegisterTask] = []
  var place = 0
  var progress = RegisterTask.Progress()
  /// Nothing is asked for it before.
  var notBefore = HostInstant(microseconds: 0)

  /// The set-point under way.
  var course: HostedSetpoint?
  var beganAt: HostInstant?
  /// Before this moment the registers still hold what was measured before.
  var freshAt = HostInstant(microseconds: 0)
  /// Why the set-point ends; said when the stop is confirmed.
  var end: SetpointEnd?
  /// The instrument stopped by itself: its registers say why.
  var investigates = false
  /// When its stop was written, if that was the end of the current.
  var stopWrittenAt: HostInstant?
  /// That a stop is not followed was told.
  var hasToldStuck = false

  /// What the present poll, or the look at a stop, has found.
  var voltage: UInt16 = 0
  var current: UInt16 = 0
  var mode: UInt16 = 0
  var error: UInt16?
  var watchdog: UInt16?

  var task: RegisterTask? { place < tasks.count ? tasks[place] : nil }

  /// The register's mode that the set-point needs; nil in a rest.
  var drivenMode: UInt16? {
    guard case .constantCurrent(let current)? = course?.setpoint.mode else { return nil }
    return current > .zero ? BatlabMode.charge : BatlabMode.discharge
  }

  /// Whether the current may flow.
  var isClosed: Bool { course?.closedAt != nil }

  mutating func take(_ tasks: [RegisterTask], notBefore: HostInstant) {
    self.tasks = tasks
    self.notBefore = notBefore
    place = 0
    progress = RegisterTask.Progress()
  }

  /// From here on only the stop counts.
  mutating func beginStop(cell: Int, end newEnd: SetpointEnd?, at now: HostInstant, investigating: Bool = false) {
    if course != nil, end == nil { end = newEnd }
    investigates = investigating
    hasToldStuck = false
    stopWrittenAt = nil
    error = nil
    watchdog = nil
    phase = .stopping
    var tasks = [RegisterTask(register: .mode(cell), aim: .confirm(BatlabMode.stopped), role: .stop)]
    if investigating {
      // A stop leaves the reasons of the one before it.
      tasks.append(RegisterTask(register: .error(cell), aim: .read, role: .error))
      tasks.append(RegisterTask(register: .watchdog, aim: .read, role: .watchdog))
    }
    take(tasks, notBefore: now)
  }

  /// Forgets the set-point.
  mutating func settle() {
    phase = .idle
    course = nil
    beganAt = nil
    end = nil
    investigates = false
    take([], notBefore: notBefore)
  }
}
