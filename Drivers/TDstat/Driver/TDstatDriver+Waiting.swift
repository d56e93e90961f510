// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, and what happens when nobody answers.

import CyclerModel
import InstrumentKit
import Quantities

extension TDstatDriver {
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
    case .ending, .refusing, .opening: return
    case .none, .confirming: begin(Step.disconnect, for: .confirming, now, &outputs)
    case .arming, .closing, .running, .handingOver:
      begin(Step.disconnect, for: .ending(.requested), now, &outputs)
    }
  }

  private mutating func begin(
    _ setpoint: Setpoint, _ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Fault? {
    guard channel == 0 else { return Fault(.instrumentRefused, "it has one channel, with the number 0") }
    guard isOpen, identity != nil, !isUndrivable, purpose == .none, course == nil, pending == nil else {
      return Fault(.instrumentRefused, "the instrument is not ready")
    }
    do throws(Fault) {
      let plan = try SetpointPlan(setpoint, on: model)
      guard plan.isRest || !calibration.lacksOutput else {
        return Fault(
          .instrumentRefused,
          "the output of this \(model.rawValue) was never calibrated, and may be off by a factor of two: send it "
            + "`DACCAL` with its makers' client, nothing connected, and open the port again")
      }
      course = SetpointCourse(plan)
      begin(plan.arm(scale), for: .arming, now, &outputs)
      return nil
    } catch {
      return error
    }
  }

  // MARK: - No answer

  /// No answer came in time.
  mutating func missed(_ asked: Pending, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    pending = nil
    // The stop behind it goes out; whether anybody is there, its own answer tells.
    if asked.isAbandoned { return goOn(now, &outputs) }
    misses += 1
    if asked.question == .cellOff { course?.momentIsLost = true }
    if misses >= Self.tolerableMisses { return giveUp(now, &outputs) }
    switch asked.question {
    // Late answers to these would be taken for those to the next.
    case .cellOn, .potentiostatic, .galvanostatic, .range, .output:
      let fault = Fault(.linkTimeout, "`\(asked.question.words)` was not answered: whether it was done is not known")
      switch purpose {
      case .arming, .closing, .running, .handingOver: fail(fault, now, &outputs)
      case .none, .opening, .confirming, .ending, .refusing: send(asked.question, now, &outputs)
      }
    case .conversion:
      // What comes late has begun before.
      discard = max(discard, 1)
      send(.conversion, now, &outputs)
    case .cellOff, .offsets, .outputCalibration, .shunts: send(asked.question, now, &outputs)
    }
  }

  /// Nobody answers. What can still be done is done: to disconnect, again and again.
  private mutating func giveUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses = 0
    let fault = Fault(.linkTimeout, "the instrument left \(Self.tolerableMisses) questions in a row unanswered")
    if !hasToldTimeout {
      hasToldTimeout = true
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: nil, fault))
    }
    course?.momentIsLost = true
    switch purpose {
    case .opening: begin(Step.open, for: .opening, now, &outputs)
    // Where it was set to nothing, nothing proves nothing.
    case .ending, .refusing: begin(hasToldStuck ? disconnectAgain : Step.disconnect, for: purpose, now, &outputs)
    case .none, .confirming: begin(Step.disconnect, for: .confirming, now, &outputs)
    case .arming, .closing, .running, .handingOver: fail(fault, now, &outputs)
    }
  }
}
