// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Instruments that are wrong themselves. Their line is sound, so what is asked for here is more than that nothing bad is
// said: the circuit must be open within a stated number of readings, with a fault that says why; or, where the instrument
// does not open it, nobody may say that it is, and the attempts must go on.

internal import CyclerModel
internal import InstrumentKit
internal import VirtualLab

extension ConformanceMatrix {
  /// Readings until a liar or a frozen instrument must have been found: those that the safety monitor tolerates, those that a
  /// half-cycle may have, whichever are more, and two.
  var patience: Double { family.halfCycleReadings + 2 }

  /// Tries a misbehaviour; the reason where it cannot be.
  mutating func misbehave(_ row: TrialRow) -> String? {
    let kind: Misbehaviour
    var isClosed = true
    switch row {
    case .refusing: (kind, isClosed) = (.refusing, false)
    case .liarBefore: (kind, isClosed) = (.liar, false)
    case .liarClosed: kind = .liar
    case .frozenBefore: (kind, isClosed) = (.frozenReading, false)
    case .frozenClosed: kind = .frozenReading
    case .overload: kind = .overload
    default: kind = .notANumber
    }
    guard course.end.instrument.canMisbehave(kind, channel: 0) else {
      return "its protocol has no word for it (\(kind.name))"
    }
    for (index, reply) in course.sample(24, { isClosed ? $0.before.isDriving : $0.before.isBetweenDrivenSteps }) {
      tryOut(kind, reply.before, isClosed, "from reply \(index) on")
    }
    guard !isClosed else { return nil }
    for trial in course.betweenSteps {
      tryOut(kind, trial, isClosed, "before \(trial.menu.first?.rawValue ?? "the end")")
    }
    return nil
  }

  private mutating func tryOut(_ kind: Misbehaviour, _ before: DriverTrial, _ isClosed: Bool, _ what: String) {
    var trial = before
    trial.judge.isBlind = kind == .frozenReading
    // A frozen meter shows nobody where the cell is; how long it may last is what is judged here.
    trial.judge.isUnprotected = kind == .frozenReading || (kind == .liar && isClosed)
    trial.judge.isDeaf = kind == .liar || kind == .refusing
    // This set-point, or the next one, and no other after it.
    if trial.isDriving { trial.menu = [] } else { trial.menu = trial.menu.prefix(1) }
    let outcomes = trial.outcomes.count
    let faults = trial.faults.count
    trial.instrument.schedule(ScheduledFault(.instrument(kind), .time(trial.time)))
    let isOver = trial.pass(patience * family.interval + family.reaction + 30) { $0.outcomes.count > outcomes }
    found[trial.faults.dropFirst(faults).first?.rawValue ?? "nothing, it ended as asked", default: 0] += 1
    let readings = patience * family.interval
    let amperes = trial.instrument.terminals(channel: 0)?.amperes ?? 0
    let flows = amperes.magnitude > family.amperes * 0.02
    if flows {
      judgeUnstoppable(&trial)
    } else if !isOver {
      trial.judge.fail("not over after \(readings) s", at: trial.time)
    } else if trial.faults.count == faults, !isEndedInTruth(trial, kind, isClosed, after: trial.time - before.time),
      let last = trial.outcomes.last
    {
      trial.judge.fail("\(last), and no fault was told", at: trial.time)
    }
    finish(trial, what)
  }

  /// Whether a set-point ended as it was asked to, by something that the misbehaviour cannot pretend: by its time, where values
  /// are frozen under way, or so soon that no second reading came.
  private func isEndedInTruth(
    _ trial: DriverTrial, _ kind: Misbehaviour, _ isClosed: Bool, after seconds: Double
  ) -> Bool {
    guard case .ended(.cutOff(let index))? = trial.outcomes.last else { return false }
    // It refuses what comes later only.
    if kind == .refusing, trial.hasDriven { return true }
    if isClosed, seconds < 3 * family.interval + family.latency { return true }
    guard kind == .frozenReading, let cutOffs = trial.lastSetpoint?.cutOffs, cutOffs.indices.contains(index) else {
      return false
    }
    return cutOffs[index].quantity == .time || cutOffs[index].quantity == .holdTime
  }

  /// Current flows on: then it is not said to be open, and the driver goes on trying.
  private mutating func judgeUnstoppable(_ trial: inout DriverTrial) {
    if trial.circuit == .openConfirmed { trial.judge.fail("said to be open while current flows", at: trial.time) }
    let before = trial.writes
    trial.pass(15)
    let amperes = trial.instrument.terminals(channel: 0)?.amperes ?? 0
    guard amperes.magnitude > family.amperes * 0.02 else { return }
    if trial.writes == before { trial.judge.fail("nobody tries to stop \(amperes) A any more", at: trial.time) }
    if trial.circuit == .openConfirmed { trial.judge.fail("said to be open while current flows", at: trial.time) }
  }
}
