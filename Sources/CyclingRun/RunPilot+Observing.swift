// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The thermometer beside the cell. What it says does not come with the readings: whoever owns the run looks at it once
// a turn and at least once a second, and the run judges what was seen then. A limit or a condition that nobody can
// answer any more opens the circuit: a cell must not be driven by a temperature that somebody measured long ago.

public import CyclerModel
internal import CyclingEngine
internal import Quantities

extension RunPilot {
  /// Takes what the channel's thermometer said last, nil while there is none or it has said nothing yet.
  ///
  /// Not an input like the others: it neither counts as a sign that this machine is awake nor ends what was foreseen for
  /// readings, which no temperature can change.
  public mutating func observe(
    _ seen: ObservedTemperature?, at now: RunMoment, into outputs: inout RunOutputs
  ) {
    observing.take(seen, at: now.host, patience: settings.observerPatience)
    if setpoint?.hasTimeZero == true { keepTemperature(now, &outputs) }
    switch phase {
    case .active(let purpose): judgeTemperature(purpose, now, &outputs)
    // A moment on the way, which neither ends a tolerance nor begins one.
    case .closing, .committing: break
    // What was too warm before the circuit was opened gets its tolerance anew once it is closed again.
    case .ready, .paused, .held, .suspended, .away, .over: _ = safety.judge(nil, at: now.host)
    }
    supervise(now, &outputs)
  }

  private mutating func judgeTemperature(
    _ purpose: SetpointPurpose, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    if let fault = safety.judge(observing.temperature, at: now.host) {
      openBecause(fault, latches: true, now, &outputs)
    } else if purpose == .step, let fault = unobserved(now) {
      openBecause(fault, latches: false, now, &outputs)
    }
  }

  private mutating func openBecause(
    _ fault: Fault, latches: Bool, _ now: RunMoment, _ outputs: inout RunOutputs
  ) {
    setpoint?.quiet = .none
    close(because: .fault(fault, latches: latches), now, &outputs)
  }

  /// Why the present step must not go on, if its run or its conditions need a temperature that nobody has said for too
  /// long. The cell is not to blame, so no channel is latched for it.
  func unobserved(_ now: RunMoment) -> Fault? {
    guard needsTemperature, let silence = observing.silence(at: now.host), silence > settings.observerPatience else {
      return nil
    }
    let who = machine.fence.asksForTemperature ? "a condition of the step" : "`limits.temperature`"
    return Fault(.observerSilent, "no temperature for \(silence.shown(digits: 3)), and \(who) needs one")
  }

  private var needsTemperature: Bool {
    machine.program.limits.temperature != nil || machine.fence.asksForTemperature
  }

  /// Stores what is known of the temperature, if that is due.
  mutating func keepTemperature(_ now: RunMoment, _ outputs: inout RunOutputs) {
    guard let stepID = setpoint?.stepID else { return }
    let stepTime = max(.zero, setpoint?.stepTime ?? .zero)
    guard observing.shouldStore(stepID: stepID, stepTime: stepTime, at: now.host) else { return }
    outputs.entries.append(.temperature(stepID: stepID, stepTime: stepTime, observing.temperature))
  }
}
