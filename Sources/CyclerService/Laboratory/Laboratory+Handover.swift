// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Runs change hands: from here to the thread of their instrument, when it is there and the store has all that they said.

internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

extension Laboratory {
  /// The instrument is at that port: its runs go on there.
  func adopt(_ found: ChannelEntry, _ worker: PortWorker) {
    var entry = found
    entry.worker = worker
    entry.lostAt = nil
    if let waitingRun = waiting[entry.id] { entry.run = waitingRun.pilot.identity.run }
    channels[entry.id] = entry
    // Before the run, which then knows from its first turn on how warm it is.
    tellBinding(of: entry.id)
    if waiting[entry.id] == nil { worker.send(.release(channel: entry.number)) } else { handOver(entry.id) }
  }

  /// Gives a waiting run to its instrument's thread. A run whose last words are not stored yet is kept until they are;
  /// `handOverAll` tries again.
  func handOver(_ channel: Int64) {
    guard let entry = channels[channel], let worker = entry.worker, let inlet = worker.inlet,
      var waitingRun = waiting[channel]
    else { return }
    guard waitingRun.maySpeak(by: inlet) else {
      waitingRun.said?.inlet.requestCommit()
      return
    }
    waitingRun.pilot.serve(on: entry.instrument.capabilities)
    let command = PortCommand.attach(
      channel: entry.number, of: entry.instrument, waitingRun.pilot)
    if worker.send(command) { waiting[channel] = nil }
  }

  /// Gives every run to its instrument that had to wait for the store.
  func handOverAll() { for channel in waiting.keys { handOver(channel) } }

  /// Hands a run to its channel's thread, or keeps it until the instrument is there.
  func place(_ pilot: RunPilot) {
    let channel = pilot.identity.channel
    channels[channel]?.run = pilot.identity.run
    channels[channel]?.isReserved = false
    waiting[channel] = WaitingRun(pilot: pilot, said: pilot.state == .queued ? nil : InletPlace(in: inlet))
    handOver(channel)
    if channels[channel]?.worker == nil { beginAlone(channel, since: now()) }
  }

  /// A run whose instrument is not there begins without it: how long it then waits is an interruption, for which the
  /// protocol has its policy (hazard rule 3).
  func beginAlone(_ channel: Int64, since moment: RunMoment) {
    guard var waitingRun = waiting[channel], waitingRun.pilot.state == .queued else { return }
    var outputs = RunOutputs()
    let fault = Fault(.linkLost, "the instrument is not there")
    waitingRun.pilot.handle(.instrumentLost(fault), at: moment, into: &outputs)
    waitingRun.pilot.handle(.begin, at: moment, into: &outputs)
    keep(&outputs, of: waitingRun.pilot)
    waitingRun.said = InletPlace(in: inlet)
    waiting[channel] = waitingRun
  }
}
