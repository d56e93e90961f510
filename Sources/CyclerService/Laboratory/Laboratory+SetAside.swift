// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A run that this daemon cannot take up: its checkpoint is of another version, or its protocol means nothing to this
// one. It must not keep the others from going on, and it must not be lost: it is held with its checkpoint, so that the
// version that wrote it can go on with it, and a person can end it.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import Logging
internal import Quantities

/// Why a stored run cannot be taken up by this daemon. What the store itself fails at is another matter, and passes.
struct CannotGoOn: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

extension Laboratory {
  /// The reason for which such runs are held.
  static let setAsideReason = "cannot be taken up by this version"

  /// Holds the run in the store; its channel stays taken.
  func setAside(_ run: StoredRun, _ obstacle: CannotGoOn) async throws {
    logger.critical("run \(run.runId) cannot be taken up by this version: \(obstacle.reason)")
    channels[run.channelId]?.run = run.runId
    setAsideRuns[run.runId] = obstacle.reason
    guard run.stateReason != Self.setAsideReason else { return }
    let at = now().unix
    try await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runHeld, severity: .alarm,
          actor: "daemon", detail: "the run cannot be taken up by this version: \(obstacle.reason)"))
      try edit.setState(of: run.runId, to: .held, at: at, reason: Self.setAsideReason)
    }
  }

  /// A person can end such a run, and nothing else.
  func commandSetAside(_ command: RunCommand, _ run: StoredRun, _ reason: String, _ requester: Requester) async throws {
    guard command == .stop else {
      throw RequestRefused(
        .conflict, code: "run.set_aside", message: "run \(run.runId) cannot be taken up by this version: \(reason)",
        hint: "install the version that it was started with, or end it with `nactl stop \(run.runId)`")
    }
    let at = now().unix
    try await store.write { edit in
      try edit.addEvent(
        EventRow(
          at: at, run: run.runId, channel: run.channelId, stepID: nil, stepTime: nil, code: .runStopped,
          severity: .info, actor: requester.name, detail: "stopped"))
      try edit.closeAbandoned(run: run.runId, reason: "stopped by \(requester.name)")
      try edit.setState(of: run.runId, to: .stopped, at: at, reason: "stopped by \(requester.name)")
      try edit.dropCheckpoint(run: run.runId)
    }
    setAsideRuns[run.runId] = nil
    await release(run.channelId, after: run.runId)
  }
}
