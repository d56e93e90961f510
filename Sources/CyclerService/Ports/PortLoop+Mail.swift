// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What others ask of a port's thread, and the commits that its runs wait for.

internal import CNacycler
internal import CycleStore
internal import CyclerModel
internal import CyclingEngine
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

extension PortLoop {
  mutating func takeMail(_ now: RunMoment) {
    // Commits first: a run that is over must have left its channel before another is attached to it.
    for channel in slots.indices { takeCommit(channel, now) }
    for command in worker.takeCommands() {
      switch command {
      case .attach(let channel, let instrument, let pilot):
        attach(pilot, channel, of: instrument, now)
      case .person(let channel, let ask): put(ask, channel, now)
      case .bind(let channel, let cell): bind(cell, channel)
      case .record(let tap): record(tap, now)
      case .release(let channel):
        if slots.indices.contains(channel) { slots[channel].orphans.removeAll() }
      case .suspendAndEnd:
        endsAt = now.host + Self.endPatience
        for channel in slots.indices { feed(.suspend, channel, now) }
      case .end:
        loseLink(Fault(.linkLost, "\(worker.path) is gone"))
        hasEnded = true
      }
      driverOutputs.removeAll()
      driverOutputs.wakeAt = driverWakeAt
      workOff(now)
    }
    flush()
    for channel in slots.indices { takeCommit(channel, now) }
  }

  mutating func put(_ ask: PersonAsk, _ channel: Int, _ now: RunMoment) {
    guard slots.indices.contains(channel), var pilot = slots[channel].pilot else { return ask.reply(.changing) }
    // Taken out meanwhile, so that nothing of it is copied.
    slots[channel].pilot = nil
    let isTaken = ask.put(to: &pilot, at: now, into: &runOutputs)
    slots[channel].pilot = pilot
    if isTaken { takeOutputs(channel) }
  }

  /// Takes a run over, unless the port ends or another instrument than the run's stands at it by now.
  mutating func attach(
    _ pilot: RunPilot, _ channel: Int, of instrument: InstrumentIdentity, _ now: RunMoment
  ) {
    guard endsAt == nil, port != nil, identity?.isSame(as: instrument) == true, slots.indices.contains(channel),
      slots[channel].pilot == nil
    else {
      news(.lost(identity, Fault(.linkLost, "the link went before the run was taken"), pilots: [channel: pilot]))
      return
    }
    slots[channel].pilot = pilot
    slots[channel].clocks = ClockComparison()
    let orphans = slots[channel].orphans
    slots[channel].orphans.removeAll()
    // The run knows how warm it is before it does anything.
    slots[channel].observeAt = HostInstant(microseconds: 0)
    tellTemperature(channel, now)
    if pilot.state == .queued {
      feed(.begin, channel, now)
    } else {
      for orphan in orphans { feed(.driver(orphan), channel, now) }
      feed(.instrumentReady, channel, now)
    }
  }

  mutating func takeCommit(_ channel: Int, _ now: RunMoment) {
    guard slots.indices.contains(channel), let awaited = slots[channel].commitAwaited,
      inlet.committedSequence >= awaited
    else { return }
    slots[channel].commitAwaited = nil
    if slots[channel].pilot?.isOver == true {
      retire(channel)
      return
    }
    feed(.committed, channel, now)
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff(now)
    flush()
  }

  mutating func retire(_ channel: Int) {
    guard let run = slots[channel].pilot?.identity.run else { return }
    slots[channel].pilot = nil
    slots[channel].pilotWakeAt = nil
    see(channel) {
      $0.run = nil
      $0.state = nil
    }
    publishSightings()
    news(.finished(run: run, channel: channel))
  }

  /// What was left in the mailbox after the last turn goes back to whoever left it.
  func refuseLateMail() {
    for command in worker.closeMailbox() {
      switch command {
      case .attach(let channel, _, let pilot):
        let fault = Fault(.linkLost, "the port was given up before the run was taken")
        news(.lost(identity, fault, pilots: [channel: pilot]))
      case .person(_, let ask): ask.reply(.changing)
      case .record(let tap): tap.refuse("the port is being closed")
      case .bind, .release, .suspendAndEnd, .end: break
      }
    }
  }
}
