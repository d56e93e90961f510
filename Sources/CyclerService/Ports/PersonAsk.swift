// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A person's request on its way to the thread that owns the run, and the answer on its way back. It is answered exactly
// once, whatever becomes of the thread: carried out, refused with what stands in the way, sent back because the run is
// elsewhere, or withdrawn because the thread does not turn. What was withdrawn is never carried out later.

internal import CyclerModel
internal import CyclingEngine
internal import CyclingRun
internal import Synchronization

/// What became of a person's request.
enum PersonAnswer: Sendable, Hashable {
  /// The run has taken it, in that step, nil when none was under way.
  case accepted(stepID: Int64?)
  /// It would do nothing.
  case refused(PersonObstacle)
  /// The run has taken another revision of its protocol, which holds from then on.
  case amends(AmendmentMoment)
  /// It cannot go on in that revision.
  case unfit(AmendmentObstacle)
  /// The run is elsewhere, or in another state than the asker believed: look again.
  case changing
  /// Nobody took it in time.
  case silent
}

/// What is asked of a run.
enum PersonDemand: Sendable {
  /// One of the requests that need nothing but the run.
  case request(PersonRequest)
  /// To go on in another revision of its protocol; without a number, only to say whether it could.
  case amendment(Program, revision: Int32?)
}

/// A request that waits for its answer.
final class PersonAsk: Sendable {
  /// The run's number.
  let run: Int64
  let demand: PersonDemand
  /// Who asks.
  let actor: String
  /// The state in which the asker believes the run; nil when it does not matter.
  let expected: RunState?
  /// The number of the step that the asker means; nil when it does not matter.
  let step: Int32?
  /// Why the cell may stand outside the limits when the run is resumed.
  let allowedVoltageReason: String?

  private struct State {
    var isTaken = false
    var answer: PersonAnswer?
    var asker: CheckedContinuation<PersonAnswer, Never>?
  }
  private let state = Mutex(State())

  init(
    run: Int64, _ demand: PersonDemand, actor: String, expected: RunState? = nil, step: Int32? = nil,
    allowedVoltageReason: String? = nil
  ) {
    self.run = run
    self.demand = demand
    self.actor = actor
    self.expected = expected
    self.step = step
    self.allowedVoltageReason = allowedVoltageReason
  }

  /// Waits for the answer; to be called once.
  var answer: PersonAnswer {
    get async {
      await withCheckedContinuation { asker in
        let known = state.withLock { state in
          if state.answer == nil { state.asker = asker }
          return state.answer
        }
        if let known { asker.resume(returning: known) }
      }
    }
  }

  /// Takes the request in order to carry it out at once; false when it was withdrawn.
  func take() -> Bool {
    state.withLock { state in
      guard state.answer == nil else { return false }
      state.isTaken = true
      return true
    }
  }

  /// Answers, unless that was done.
  func reply(_ answer: PersonAnswer) { settle(answer) { _ in true } }

  private func settle(_ answer: PersonAnswer, if mayBe: (State) -> Bool) {
    let asker = state.withLock { state -> CheckedContinuation<PersonAnswer, Never>? in
      guard state.answer == nil, mayBe(state) else { return nil }
      state.answer = answer
      defer { state.asker = nil }
      return state.asker
    }
    asker?.resume(returning: answer)
  }

  /// Takes the request back, unless somebody is carrying it out.
  func withdraw() { settle(.silent) { !$0.isTaken } }
}

extension PersonAsk {
  /// Puts the request to a run that the caller owns; true when the run has taken it and `outputs` says what follows.
  func put(to pilot: inout RunPilot, at now: RunMoment, into outputs: inout RunOutputs) -> Bool {
    guard take() else { return false }
    if let answer = objection(of: pilot) {
      reply(answer)
      return false
    }
    switch demand {
    case .request(let request):
      let stepID = pilot.presentStepID
      pilot.handle(.person(request, actor: actor, allowedVoltageReason: allowedVoltageReason), at: now, into: &outputs)
      reply(.accepted(stepID: stepID))
      return true
    case .amendment(let program, let revision):
      do throws(AmendmentObstacle) {
        if let revision {
          reply(.amends(try pilot.amend(by: program, revision: revision)))
        } else {
          reply(.amends(try pilot.momentOfAmendment(by: program)))
        }
      } catch {
        reply(.unfit(error))
      }
      // It says nothing before its time comes.
      return false
    }
  }

  private func objection(of pilot: borrowing RunPilot) -> PersonAnswer? {
    if pilot.identity.run != run { return .changing }
    if case .request(let request) = demand, let obstacle = pilot.obstacle(to: request, step: step) {
      return .refused(obstacle)
    }
    if let expected, expected != pilot.state { return .changing }
    return nil
  }
}
