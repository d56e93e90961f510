// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks for, and what happens when nobody answers.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleySCPIDriver {
  /// Disconnects the cell, whatever is under way; what was asked before is forgotten. Where it is not known who is
  /// there, it is disconnected in the words of every model and asked.
  mutating func disconnect(_ purpose: Purpose, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    // The first of two may have done it already, at a moment that nobody heard of.
    if pending?.question == .safe { active?.momentIsLost = true }
    self.purpose = purpose
    lines = []
    closeWasRepeated = false
    ask(model == nil && !isUndrivable ? .identity(nil) : .safe, now, &outputs)
  }

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
    if active != nil {
      // An end that is on its way keeps its reason.
      switch purpose {
      case .ending where pending?.question == .safe, .refusing where pending?.question == .safe: return
      case .opening, .confirming, .watching, .arming, .handingOver, .ending, .refusing: break
      }
      disconnect(.ending(.requested), now, &outputs)
    } else if speaksTSP {
      outputs.writes.append(contentsOf: ScpiDialect.preludeInTSP.utf8)
      outputs.events.append(.circuit(channel: 0, .unknown))
    } else if isUndrivable || (identity != nil && phase != .opening) || isIdle {
      disconnect(.confirming, now, &outputs)
    }
    // While it is being opened, its end says that the circuit is open.
  }

  /// Whether it is known who is there and nothing is under way.
  private var isIdle: Bool {
    identity != nil && active == nil && !isUndrivable && lines.isEmpty && (pending == nil || purpose == .watching)
  }

  /// Begins a set-point, or says why not.
  private mutating func begin(
    _ setpoint: Setpoint, _ channel: Int, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Fault? {
    guard channel == 0 else { return Fault(.instrumentRefused, "it has one channel, with the number 0") }
    guard isIdle, let model else { return Fault(.instrumentRefused, "the instrument is not ready") }
    do throws(Fault) {
      let plan = try SourcePlan(setpoint, of: model)
      active = Active(plan: plan, hosted: HostedSetpoint(setpoint))
      purpose = .arming
      prepare(now, &outputs)
      return nil
    } catch {
      return error
    }
  }

  // MARK: - Time

  /// Time passed.
  mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if let pending {
      if now >= pending.deadline { missed(pending, now, &outputs) }
    } else if isMeasuring, let active, now >= active.nextMeasurement {
      if case .end(let end) = active.hosted.judge(at: active.expectedTime(now)) {
        disconnect(.ending(end), now, &outputs)
      } else {
        measure(now, &outputs)
      }
    } else if let watchAt, now >= watchAt {
      disconnect(.watching, now, &outputs)
    }
  }

  /// No answer came in time.
  private mutating func missed(_ pending: Pending, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses += 1
    if misses >= Self.tolerableMisses {
      // One that speaks TSP understands no line with a number in it.
      if case .identity = pending.question { return ask(.languageAlone, now, &outputs) }
      misses = 0
      return giveUp(now, &outputs)
    }
    switch pending.question {
    case .safe:
      active?.momentIsLost = true
      ask(.safe, now, &outputs)
    case .close: ask(.checkClosed, now, &outputs)
    case .measure(let restartsClock):
      ask(.measure(restartsClock: restartsClock), now, &outputs)
    case .setup where misses == 2:
      // It may have left the line at the first word that it does not know.
      askWhySilent(now, &outputs)
    case .identity, .language, .languageAlone, .setup, .errors, .checkClosed: ask(pending.question, now, &outputs)
    }
  }

  /// Asks the error queue why a line of the set-up has no answer.
  mutating func askWhySilent(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    let fault = Fault(.instrumentError, "the instrument does not answer `\(lines.first?.text ?? "")`")
    ask(.errors(fault, isExplained: false), now, &outputs)
  }

  /// Nobody answers. What can still be done is done: to disconnect, again and again.
  private mutating func giveUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    let fault = Fault(
      .linkTimeout,
      "the instrument left \(Self.tolerableMisses) questions in a row unanswered, the last for "
        + Self.patience.written)
    outputs.events.append(.circuit(channel: 0, .unknown))
    outputs.events.append(.fault(channel: nil, fault))
    active?.momentIsLost = true
    if let active {
      switch purpose {
      case .ending, .refusing: break
      case .opening, .confirming, .watching, .arming, .handingOver:
        purpose = active.hasBegun ? .ending(.failed(fault)) : .refusing(fault)
      }
    } else if identity == nil || purpose == .opening {
      // Whoever answers next may be another.
      identity = nil
      model = nil
      dialect = .series2400
      isUndrivable = false
      purpose = .opening
    } else {
      // Once it answers again, it is to be said.
      purpose = .confirming
    }
    disconnect(purpose, now, &outputs)
  }
}
