// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, and how it ends.

import CyclerModel
import InstrumentKit
import Quantities

extension ZKEtechEBCDriver {
  /// Does what the host asks.
  mutating func obey(
    _ command: ChannelCommand, channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch command {
    case .begin(let setpoint):
      do throws(Fault) {
        try begin(setpoint, channel, now, &outputs)
      } catch {
        outputs.events.append(.refused(channel: channel, setpoint.token, error))
      }
    case .openCircuit:
      guard phase != .closed, channel == 0 else {
        outputs.events.append(.circuit(channel: channel, .unknown))
        return
      }
      // A stop that is on its way is the answer.
      if phase != .stopping { beginStop(.requested) }
    }
  }

  private mutating func begin(
    _ setpoint: Setpoint, _ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) throws(Fault) {
    guard channel == 0 else { throw Fault(.instrumentRefused, "it has one channel, with the number 0") }
    guard phase == .idle, isIdentified, let model else {
      throw Fault(.instrumentRefused, "the instrument is not ready")
    }
    var next = EBCCourse(try EBCPlan(setpoint, model))
    end = nil
    if next.isRest {
      next.beganAt = now
      phase = .running
      outputs.events.append(.began(channel: 0, next.token))
    } else {
      phase = .starting
      outbox.beginStart()
      // So that "finished" means this one.
      outbox.wantsStop = lastReport?.state == .finished
      next.followsItsLike = lastReport.map { $0.state == .finished && Self.matches($0, next.plan) } ?? false
    }
    course = next
  }

  /// The set-point is over.
  mutating func finish(_ end: SetpointEnd, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard course?.isRest == true else {
      beginStop(end)
      return
    }
    // Each report of a rest says that the circuit is open.
    self.end = end
    settle(now, &outputs)
  }

  /// From here on only the stop counts.
  mutating func beginStop(_ newEnd: SetpointEnd?) {
    if course != nil, end == nil { end = newEnd }
    phase = .stopping
    hasToldStuck = false
    outbox.beginStop()
  }

  /// A report says that no current flows.
  mutating func settle(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    phase = .idle
    introduce(&outputs)
    let over = course
    let end = end ?? .requested
    course = nil
    self.end = nil
    guard var over else {
      outputs.events.append(.circuit(channel: 0, .openConfirmed))
      return
    }
    if over.beganAt == nil, outbox.isStartOpen, let sent = outbox.startSentAt {
      // No report came while it ran, if it did.
      over.beganAt = sent
      over.markIsLost = true
      outputs.events.append(.began(channel: 0, over.token))
      outputs.events.append(.circuitClosed(channel: 0, at: .zero))
    }
    outbox.isStartOpen = false
    sayOpened(over, now, &outputs)
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    switch end {
    case .failed(let fault) where over.beganAt == nil:
      outputs.events.append(.refused(channel: 0, over.token, fault))
    case .failed, .bound, .cutOff, .requested, .leaseExpired:
      outputs.events.append(.ended(channel: 0, over.token, end))
    }
  }

  /// A stop that was carried out was so when it was sent last, unless the line was lost in between.
  private func sayOpened(_ over: EBCCourse, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard !over.isRest, let began = over.beganAt else { return }
    let latest = over.time(now)
    if over.markIsLost { outputs.events.append(.circuitMarkLost(channel: 0, at: latest)) }
    let stopped = over.markIsLost ? latest : outbox.stopSentAt.map { $0 - began } ?? latest
    outputs.events.append(.circuitOpened(channel: 0, at: over.openedAt ?? stopped))
  }

  private mutating func introduce(_ outputs: inout DriverOutputs) {
    guard !isIdentified, let model else { return }
    isIdentified = true
    // It has no serial number and tells no version.
    outputs.events.append(
      .identified(
        InstrumentIdentity(
          family: Self.descriptor.family, model: model.name, serial: "", firmware: "",
          capabilities: model.capabilities)))
  }
}
