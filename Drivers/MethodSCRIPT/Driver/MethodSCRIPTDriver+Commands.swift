// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the host asks of the one channel: begin a set-point, open the circuit.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  mutating func obey(_ command: ChannelCommand, channel: Int, into outputs: inout DriverOutputs) {
    switch command {
    case .begin(let setpoint):
      begin(setpoint, channel: channel, into: &outputs)
    case .openCircuit:
      openCircuit(into: &outputs)
    }
  }

  mutating func begin(_ setpoint: Setpoint, channel: Int, into outputs: inout DriverOutputs) {
    if isIdentified, channel == 0, isConfirming, waiting == nil {
      waiting = setpoint
      return
    }
    guard let model, let capabilities, channel == 0, stage == .idle || stage == .quiet(.idle) else {
      let detail =
        channel == 0
        ? "the instrument is not idle; wait until it is identified and its set-point ended"
        : "there is no channel \(channel), only 0"
      outputs.events.append(
        .refused(channel: channel, setpoint.token, Fault(.instrumentRefused, detail)))
      return
    }
    let check = SetpointCheck(capabilities: capabilities, modelName: model.name)
    if let fault = check.refusal(of: setpoint) {
      outputs.events.append(.refused(channel: 0, setpoint.token, fault))
      return
    }
    let script = StepScript(setpoint, capabilities: capabilities)
    self.setpoint = setpoint
    self.script = script.text
    progress = Progress()
    layout.forget()
    progress.isActive = true
    progress.isDriven = setpoint.mode != .openCircuit
    switch setpoint.mode {
    case .demand, .profile: progress.saysLeases = true
    case .openCircuit, .constantCurrent, .constantCurrentThenVoltage, .constantVoltage, .sweep, .impedance: break
    }
    failure = nil
    progress.setsVoltage = script.setsVoltage
    progress.voltageErrorPartsPerMillion = capabilities.voltageErrorPartsPerMillion
    progress.voltageOffsetError = capabilities.voltageOffsetError
    progress.lease = setpoint.lease.microseconds
    progress.renewsAfter = setpoint.lease.microseconds / 3
    if case .impedance(let impedance) = setpoint.mode {
      progress.renewsAfter = 0
      progress.longestPoint = impedance.spectrum.longestPoint.microseconds
    }
    progress.interval = script.interval.microseconds
    progress.silence = script.interval.microseconds + Deadline.readingGrace
    if stage == .idle { upload(into: &outputs) } else { stage = .quiet(.upload) }
  }

  /// Nothing is under way but the confirmation of an open circuit.
  var isConfirming: Bool {
    guard purpose == .confirming else { return false }
    switch stage {
    case .aborting, .draining, .cellOffSent, .cellOffRunning, .proofSent, .proofRunning, .quiet(.abort),
      .quiet(.cellOff), .quiet(.proof), .quiet(.question), .catchingUp, .askingWhetherIdle:
      return true
    case .portClosed, .askingFirmware, .askingSerial, .askingScriptVersion, .askingFeatures, .undrivable, .idle,
      .uploading, .running,
      .quiet(.idle), .quiet(.upload):
      return false
    }
  }

  /// Begins what waited for the confirmation.
  mutating func beginWaiting(into outputs: inout DriverOutputs) {
    guard let setpoint = waiting else { return }
    waiting = nil
    begin(setpoint, channel: 0, into: &outputs)
  }

  mutating func upload(into outputs: inout DriverOutputs) {
    proof = nil
    outputs.writes.append(contentsOf: script.utf8)
    wait(.uploading, Deadline.upload)
  }

  mutating func openCircuit(into outputs: inout DriverOutputs) {
    switch stage {
    case .portClosed:
      outputs.events.append(.circuit(channel: 0, .unknown))
    case .idle:
      startCellOff(.confirming, into: &outputs)
    case .quiet(.idle):
      purpose = .confirming
      stage = .quiet(.cellOff)
    case .quiet(.upload):
      // Not a byte of the script was sent.
      purpose = .ending(.requested)
      stage = .quiet(.cellOff)
    case .uploading, .running:
      startAbort(.ending(.requested), into: &outputs)
    case .undrivable:
      startAbort(.confirming, into: &outputs)
    case .aborting, .draining, .cellOffSent, .cellOffRunning, .proofSent, .proofRunning, .quiet(.abort),
      .quiet(.cellOff), .quiet(.proof), .quiet(.question), .catchingUp, .askingWhetherIdle, .askingFirmware,
      .askingSerial, .askingScriptVersion, .askingFeatures:
      // Already on the way, and the answer comes at its end. What waited for that has not begun and will not.
      guard let waiting else { break }
      self.waiting = nil
      setpoint = waiting
      progress = Progress()
      purpose = .ending(.requested)
    }
  }
}
