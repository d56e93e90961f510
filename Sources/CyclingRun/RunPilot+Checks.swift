// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The open circuit is measured before a closed one, at the start, after an interruption and when a person resumes, and
// compared with what the cell should be (hazard rules 3 and 19).

internal import CyclerModel
internal import CyclingEngine
internal import InstrumentKit
internal import Quantities

extension RunPilot {
  /// A cell whose open circuit drifts more than this during the pre-flight has not settled or has no contact.
  static let tolerableDrift = Voltage(millivolts: 50)
  /// A cell that stands further than this from where it was left is perhaps another cell.
  static let tolerableChange = Voltage(millivolts: 500)

  /// A check that the instrument breaks off, unasked or because it did not hear from the host, is made so often.
  static let toleratedSpoiltChecks: Int32 = 3

  mutating func judgeCheck(
    _ purpose: SetpointPurpose, _ active: ActiveSetpoint, _ end: SetpointEnd, _ now: RunMoment,
    _ outputs: inout RunOutputs
  ) {
    switch end {
    case .cutOff: spoiltChecks = 0
    case .bound(let fault), .failed(let fault):
      settle(.fault(fault, latches: true), now, &outputs)
      return
    case .leaseExpired, .requested:
      spoiltChecks += 1
      if spoiltChecks < Self.toleratedSpoiltChecks {
        beginCheck(purpose, now, &outputs)
      } else {
        let detail = "the open circuit could not be measured to its end \(spoiltChecks) times in a row"
        spoiltChecks = 0
        refuse(Fault(.preflightNoReading, detail), purpose, now, &outputs)
      }
      return
    }
    if let fault = standstill {
      // It was measured before this machine fell asleep.
      if purpose == .resumeCheck { doNotGoOn(fault, now, &outputs) } else { beginCheck(purpose, now, &outputs) }
      return
    }
    guard let low = active.lowestVoltage, let high = active.highestVoltage,
      let last = active.lastReading?.voltage
    else {
      refuse(Fault(.preflightNoReading, "the open circuit could not be measured"), purpose, now, &outputs)
      return
    }
    switch purpose {
    case .preflight: judgePreflight(low: low, high: high, last: last, now, &outputs)
    case .resumeCheck: judgeResumption(last, now, &outputs)
    case .personResume: judgePersonsResumption(last, now, &outputs)
    case .step: break
    }
  }

  private mutating func judgePreflight(
    low: Voltage, high: Voltage, last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    if let fault = preflightFault(low: low, high: high, last: last) {
      guard let reason = settings.allowedVoltageReason else {
        refuse(fault, .preflight, now, &outputs)
        return
      }
      note(.preflightAllowed, .warning, actor: identity.startedBy, "\(fault.detail); allowed: \(reason)", now, &outputs)
    } else if low == .zero, high == .zero {
      let detail = "the open circuit is exactly 0 V; the run was started on a resistor in place of a cell"
      note(.preflightAllowed, .warning, actor: identity.startedBy, detail, now, &outputs)
    }
    hasPassedPreflight = true
    enterPlace(now, &outputs)
  }

  private func preflightFault(low: Voltage, high: Voltage, last: Voltage) -> Fault? {
    if low == .zero, high == .zero, !settings.isOnResistor {
      return Fault(.preflightExactlyZero, "the open circuit is exactly 0 V: no cell, or the leads are shorted")
    }
    if (high - low) > Self.tolerableDrift {
      let drift = (high - low).shown()
      return Fault(
        .preflightDrifting,
        "the open circuit moved by \(drift) in the pre-flight: a lead is open or the cell is not at rest")
    }
    let window = program.expectOpenCircuit
    guard !window.contains(last) else { return nil }
    let isReversed = window.contains(-last)
    let cause = isReversed ? "the leads are probably reversed" : "a wrong cell, a short or an open lead"
    return Fault(
      .preflightOutsideWindow,
      "the open circuit is \(last.shown()), outside \(window.from.shown()) … \(window.to.shown()): \(cause); `nactl start --allow-voltage REASON` starts all the same"
    )
  }

  private mutating func judgeResumption(_ last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard mayGoOn(at: last, now, &outputs) else {
      doNotGoOn(Fault(.runVoltageChanged, outsideLimits(last)), now, &outputs)
      return
    }
    if let before = voltageBeforeInterruption, (before - last).magnitude > Self.tolerableChange {
      let detail = "\(last.shown()) at open circuit, \(before.shown()) before: perhaps another cell"
      doNotGoOn(Fault(.runVoltageChanged, detail), now, &outputs)
      return
    }
    note(.runResumed, .info, "goes on by the protocol's policy at \(last.shown())", now, &outputs)
    enterPlace(now, &outputs)
  }

  /// Inside the limits, where a fresh cell may stand, or where a person says that it may.
  private mutating func mayGoOn(at voltage: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs) -> Bool {
    if isInsideLimits(voltage) || windowAtRest?.contains(voltage) == true { return true }
    guard let allowance = resumptionReason else { return false }
    allowedWindow = window(around: voltage)
    note(
      .runVoltageAllowed, .warning, actor: allowance.actor,
      "\(voltage.shown()) at open circuit, outside the limits; allowed: \(allowance.reason)", now, &outputs)
    return true
  }

  /// Where the cell may stand at open circuit besides the limits.
  var windowAtRest: VoltageWindow? {
    guard isFresh else { return allowedWindow }
    guard let allowedWindow else { return freshWindow }
    return VoltageWindow(
      from: min(freshWindow.from, allowedWindow.from), to: max(freshWindow.to, allowedWindow.to))
  }

  /// From the limits to where the cell was found, and as much further as a cell that was left may move.
  private func window(around voltage: Voltage) -> VoltageWindow {
    let limits = program.limits
    return VoltageWindow(
      from: min(voltage - Self.tolerableChange, Voltage(nanovolts: limits.lowerVoltage.soft)),
      to: max(voltage + Self.tolerableChange, Voltage(nanovolts: limits.upperVoltage.soft)))
  }

  private func outsideLimits(_ voltage: Voltage) -> String {
    let limits = program.limits
    let lower = Voltage(nanovolts: limits.lowerVoltage.soft).shown()
    let upper = Voltage(nanovolts: limits.upperVoltage.soft).shown()
    return
      "\(voltage.shown()) at open circuit, outside \(lower) … \(upper); if the cell is right, `nactl resume \(identity.run) --allow-voltage REASON` goes on"
  }

  /// A person answers for the cell being the same one, and for a voltage outside the limits only with a reason.
  private mutating func judgePersonsResumption(_ last: Voltage, _ now: RunMoment, _ outputs: inout RunOutputs) {
    guard mayGoOn(at: last, now, &outputs) else {
      refuse(Fault(.runVoltageChanged, outsideLimits(last)), .personResume, now, &outputs)
      return
    }
    enterPlace(now, &outputs)
  }

  private mutating func refuse(
    _ fault: Fault, _ purpose: SetpointPurpose, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    if purpose == .preflight {
      note(fault.code, .alarm, fault.detail, now, &outputs)
      finish(.ended, reason: fault.code.rawValue, now, &outputs)
    } else {
      hold(fault, latches: false, now, &outputs)
    }
  }
}
