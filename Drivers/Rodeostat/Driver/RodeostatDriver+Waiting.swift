// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, and what happens when nobody answers.

import CyclerModel
import InstrumentKit
import Quantities

extension RodeostatDriver {
  // MARK: - Commands

  /// Does what the host asks.
  mutating func obey(
    _ command: ChannelCommand, channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch command {
    case .openCircuit: openCircuit(channel, now, &outputs)
    case .begin(let setpoint):
      guard let fault = begin(setpoint, channel, now, &outputs) else { return }
      outputs.events.append(.refused(channel: channel, setpoint.token, fault))
    }
  }

  private mutating func openCircuit(_ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard isOpen, channel == 0 else {
      outputs.events.append(.circuit(channel: channel, .unknown))
      return
    }
    switch purpose {
    // They are on their way, and say so.
    case .ending, .refusing, .opening, .identifying: return
    case .none, .confirming, .arming, .beginning, .measuring, .renewing, .ranging, .resting, .looking:
      disconnect(course == nil ? .confirming : .ending(.requested), now, &outputs)
    }
  }

  private mutating func begin(
    _ setpoint: Setpoint, _ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Fault? {
    guard channel == 0 else { return Fault(.instrumentRefused, "it has one channel, with the number 0") }
    guard isOpen, let model, !isUndrivable, course == nil, pending == nil else {
      return Fault(.instrumentRefused, "the instrument is not ready")
    }
    do throws(Fault) {
      let plan = try SetpointPlan(setpoint, on: model)
      course = SetpointCourse(plan)
      ask(plan.opening, for: .arming, now, &outputs)
      return nil
    } catch {
      return error
    }
  }

  // MARK: - Time

  /// Time passed.
  mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let pending {
      if now >= pending.deadline { missed(now, &outputs) }
      return
    }
    guard let course, course.hasBegun, purpose == .none else { return }
    if !course.isClosed {
      guard now >= course.legBeganHost + course.nextMeasurement else { return }
      if case .end(let end) = course.hosted.judge(at: now - course.legBeganHost) {
        disconnect(.ending(end), now, &outputs)
      } else {
        measureRest(now, &outputs)
      }
    } else if course.isRunning {
      goOn(now, &outputs)
      if pending == nil, now >= course.silentAt { look(now, &outputs) }
    }
  }

  /// The samples do not come: is anybody there?
  private mutating func look(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    purpose = .looking
    exchanges = []
    fence(now, &outputs)
  }

  /// No answer came in time.
  private mutating func missed(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses += 1
    if misses >= Self.tolerableMisses {
      giveUp(now, &outputs)
    } else {
      fence(now, &outputs)
    }
  }

  /// The fence was answered: what was sent before it has been answered or never will be.
  mutating func synchronised(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    pending = nil
    switch purpose {
    case .measuring, .resting:
      // The sample is old by now.
      exchanges = []
      if course?.hasBegun == true { purpose = .none } else { measureRest(now, &outputs) }
    case .none: exchanges = []
    case .looking: stopped(now, &outputs)
    case .opening, .confirming, .ending, .refusing:
      course?.momentIsLost = true
      disconnect(purpose, now, &outputs)
    case .beginning where exchange?.command == "runTest":
      let fault = Fault(.linkTimeout, "whether it began is not known: it was not answered")
      course?.momentIsLost = true
      refuse(fault, now, &outputs)
    case .identifying:
      found.variant = nil
      found.firmware = nil
      found.serial = nil
      ask(IdentityAnswers.questions, for: .identifying, now, &outputs)
    case .arming, .beginning, .renewing, .ranging: askNext(now, &outputs)
    }
  }

  /// It answers, and sends no samples.
  private mutating func stopped(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses = 0
    course?.momentIsLost = true
    let fault = Fault(.instrumentError, "its test runs no more: somebody stopped it, or its supply was cut")
    disconnect(.ending(.failed(fault)), now, &outputs)
  }

  /// Nobody answers, or not as they should. What can still be done is done: to disconnect, again and again.
  private mutating func giveUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    let fault =
      if let unmet {
        Fault(.instrumentSetpointNotFollowed, "the instrument acknowledges \(unmet), and says that it is otherwise")
      } else {
        Fault(.linkTimeout, "the instrument left \(Self.tolerableMisses) questions in a row unanswered")
      }
    misses = 0
    outputs.events.append(.circuit(channel: 0, .unknown))
    outputs.events.append(.fault(channel: nil, fault))
    course?.momentIsLost = true
    switch purpose {
    case .ending, .refusing: disconnect(purpose, now, &outputs)
    case .opening, .identifying:
      found = IdentityAnswers()
      disconnect(.opening, now, &outputs)
    case .none, .confirming, .arming, .beginning, .measuring, .renewing, .ranging, .resting, .looking:
      guard let course else { return disconnect(.confirming, now, &outputs) }
      disconnect(course.hasBegun ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
    }
  }
}
