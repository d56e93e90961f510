// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What follows from a report, in each phase.

import CyclerModel
import InstrumentKit
import Quantities

extension ZKEtechEBCDriver {
  /// Takes a report that is whole.
  mutating func take(_ report: Report, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let found = EBCModel(rawValue: report.model) else {
      refuseModel(report.model, now, &outputs)
      return
    }
    // Another instrument's report is none of this one's: if they go on, this one has fallen silent.
    guard model == nil || model == found else { return }
    model = found
    heardAt = now
    hasToldSilence = false
    switch phase {
    case .closed: return
    case .stopping: takeWhileStopping(report, found, now, &outputs)
    case .idle: takeWhileIdle(report, &outputs)
    case .starting: takeWhileStarting(report, found, now, &outputs)
    case .running: takeWhileRunning(report, found, now, &outputs)
    }
    lastReport = report
  }

  private mutating func refuseModel(_ code: UInt8, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard model == nil else { return }
    heardAt = now
    guard !isUndrivable else { return }
    isUndrivable = true
    let known = EBCModel.allCases.map(\.name).joined(separator: ", ")
    outputs.events.append(
      .fault(channel: nil, Fault(.linkIdentity, "model \(code) is none that the driver knows: \(known)")))
  }

  /// Whether the instrument says that no current flows, and measures none.
  private static func isOpen(_ report: Report, _ model: EBCModel) -> Bool {
    guard report.state == .stopped || report.state == .finished else { return false }
    return model.currentStep * Int64(report.current) < noCurrent
  }

  private static func isRunning(_ report: Report) -> Bool {
    report.state == .running || report.state == .connecting(isRunning: true)
  }

  // MARK: - No set-point

  private mutating func takeWhileStopping(
    _ report: Report, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard outbox.isStopDone(now) else { return }
    switch report.state {
    case .connecting(isRunning: false), .unknown: return
    case .stopped, .finished, .running, .connecting(isRunning: true): break
    }
    guard !Self.isOpen(report, model) else {
      settle(now, &outputs)
      return
    }
    outbox.wantsStop = true
    guard outbox.stops >= Self.attempts, !hasToldStuck else { return }
    hasToldStuck = true
    let detail = "it does not stop: after \(outbox.stops) commands a current still flows"
    outputs.events.append(.fault(channel: 0, Fault(.instrumentError, detail)))
    if isIdentified { outputs.events.append(.circuit(channel: 0, .unknown)) }
  }

  private mutating func takeWhileIdle(_ report: Report, _ outputs: inout DriverOutputs) {
    guard Self.isRunning(report) else { return }
    outputs.events.append(
      .fault(channel: 0, Fault(.instrumentError, "a current flows that the host did not ask for; it is stopped")))
    outputs.events.append(.circuit(channel: 0, .closed))
    beginStop(nil)
  }

  // MARK: - Starting

  private mutating func takeWhileStarting(
    _ report: Report, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch report.state {
    case .running:
      guard outbox.isStartOpen else {
        beginStop(.failed(Fault(.instrumentError, "a current flows before the host asked for one")))
        return
      }
      begin(&outputs)
      takeWhileRunning(report, model, now, &outputs)
    case .stopped, .finished:
      guard outbox.isStartDone(now), let course else { return }
      if report.state == .finished, Self.matches(report, course.plan), !course.followsItsLike {
        // It began and was at its end before it reported.
        begin(&outputs)
        takeWhileRunning(report, model, now, &outputs)
        return
      }
      outbox.isStartOpen = false
      if outbox.starts < Self.attempts {
        outbox.wantsStart = true
      } else {
        let detail = "it does not start after \(outbox.starts) commands: does it have its supply, and a cell?"
        beginStop(.failed(Fault(.instrumentRefused, detail)))
      }
    case .connecting, .unknown: return
    }
  }

  /// A report shows that the command was carried out. It was when it was sent last.
  private mutating func begin(_ outputs: inout DriverOutputs) {
    guard course != nil, let sent = outbox.startSentAt else { return }
    outbox.isStartOpen = false
    course?.beganAt = sent
    course?.hosted.closed(at: .zero)
    phase = .running
    guard let token = course?.token else { return }
    outputs.events.append(.began(channel: 0, token))
    outputs.events.append(.circuitClosed(channel: 0, at: .zero))
  }

  static func matches(_ report: Report, _ plan: EBCPlan) -> Bool {
    report.mode == plan.mode && report.numbers == plan.command?.numbers
  }

  // MARK: - Running

  private mutating func takeWhileRunning(
    _ report: Report, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let course else { return }
    if course.isRest {
      takeAtRest(report, model, now, &outputs)
      return
    }
    switch report.state {
    case .running:
      guard Self.matches(report, course.plan) else {
        let detail = "it does something else than it was told: somebody set it anew"
        beginStop(.failed(Fault(.instrumentSetpointNotFollowed, detail)))
        return
      }
      take(course.reading(report, model, at: now), model, now, &outputs)
    case .finished:
      // One that ended before its first report has only this voltage to show.
      let last = course.last ?? course.reading(report, model, at: now)
      endedAlone(course.plan.end(after: last, at: course.time(now)), report, model, now, &outputs)
    case .stopped:
      let detail = "somebody stopped it, or its power was cut"
      endedAlone(.failed(Fault(.instrumentError, detail)), report, model, now, &outputs)
    case .connecting, .unknown: return
    }
  }

  private mutating func takeAtRest(
    _ report: Report, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard let course, !Self.isRunning(report) else {
      outputs.events.append(.circuit(channel: 0, .closed))
      beginStop(.failed(Fault(.instrumentError, "a current flows in a rest: somebody started it; it is stopped")))
      return
    }
    guard Self.isOpen(report, model) else { return }
    take(course.reading(report, model, at: now), model, now, &outputs)
  }

  private mutating func take(
    _ reading: Reading, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    outputs.events.append(.reading(channel: 0, reading))
    course?.last = reading
    switch course?.hosted.judge(reading) {
    case .end(let end)?: finish(end, now, &outputs)
    case .hold?: holds(reading, &outputs)
    case .goOn?: if course?.holdsAlone(reading, model) == true { holds(reading, &outputs) }
    case nil: return
    }
  }

  private mutating func holds(_ reading: Reading, _ outputs: inout DriverOutputs) {
    course?.hosted.held(at: reading.time)
    outputs.events.append(.holdBegan(channel: 0, at: reading.time))
  }

  private mutating func endedAlone(
    _ end: SetpointEnd, _ report: Report, _ model: EBCModel, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    course?.endedAlone(now, model)
    self.end = end
    if Self.isOpen(report, model) { settle(now, &outputs) } else { beginStop(end) }
  }
}
