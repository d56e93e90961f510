// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Bytes become events of the driver, events inputs of runs, and what runs answer commands of the driver and words for the
// store.

internal import CNacycler
internal import CycleStore
internal import CyclerModel
internal import CyclingEngine
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

extension PortLoop {
  /// Gives the driver one input and works off everything that follows from it.
  mutating func drive(_ input: DriverInput, _ now: RunMoment) {
    driverOutputs.removeAll()
    driver.handle(input, at: now.host, into: &driverOutputs)
    if recorder != nil { writeDown(input, now) }
    damage.take(driver.damagedMessages, isIdentified: identity != nil)
    counts.damagedMessages = damage.count
    workOff(now)
  }

  mutating func workOff(_ now: RunMoment) {
    var next = 0
    while true {
      driverWakeAt = driverOutputs.wakeAt
      unwritten.append(contentsOf: driverOutputs.writes)
      swap(&events, &driverOutputs.events)
      driverOutputs.removeAll()
      for index in events.indices { dispatch(events[index], now) }
      events.removeAll(keepingCapacity: true)
      guard next < commands.count else { break }
      tellsToClose(commands[next].channel, commands[next].command)
      driver.handle(
        .command(channel: commands[next].channel, commands[next].command), at: now.host, into: &driverOutputs)
      if recorder != nil {
        writeDown(.command(channel: commands[next].channel, commands[next].command), now)
      }
      next += 1
    }
    if next > 0 { commands.removeAll(keepingCapacity: true) }
  }

  mutating func dispatch(_ event: DriverEvent, _ now: RunMoment) {
    switch event {
    case .identified(let found): identified(found)
    case .reading(let channel, let reading):
      counts.readings += 1
      // Asked whether there is a pilot, Swift would copy it.
      guard slots.indices.contains(channel),
        slots[channel].pilot?.handle(reading, at: now, into: &runOutputs) != nil
      else { return }
      takeOutputs(channel)
      compareClocks(channel, reading, now)
    case .began(let channel, _):
      if slots.indices.contains(channel) { slots[channel].clocks.setpointBegan() }
      feed(.driver(event), channel, now)
    case .holdBegan(let channel, _): feed(.driver(event), channel, now)
    case .ended(let channel, _, _):
      feed(.driver(event), channel, now)
      see(channel, .openConfirmed)
    case .refused(let channel, _, _):
      feed(.driver(event), channel, now)
      // Nothing was closed.
      if slots.indices.contains(channel), slots[channel].wasOpen { see(channel, .openConfirmed) }
    case .circuitClosed(let channel, _):
      see(channel, .closed)
      feed(.driver(event), channel, now)
    case .circuitOpened(let channel, _), .circuitMarkLost(let channel, _), .impedance(let channel, _):
      feed(.driver(event), channel, now)
    case .orphanEnded(let channel, _, _, _, _): hold(event, channel)
    case .temperature(let temperature):
      counts.readings += 1
      worker.observation.post(temperature, at: now.host)
    case .circuit(let channel, let state): see(channel, state)
    case .fault(let channel, let fault):
      if fault.code == .linkTimeout || fault.code == .linkLost {
        resetRequested = fault
      } else if let channel {
        feed(.driver(event), channel, now)
      } else {
        // An instrument that cannot be driven has no channel to say it on.
        if identity == nil { news(.unusable(fault)) }
        if identity?.capabilities.isObserver == true { news(.observer(fault)) }
        for channel in slots.indices { feed(.driver(event), channel, now) }
      }
    }
  }

  mutating func compareClocks(_ channel: Int, _ reading: Reading, _ now: RunMoment) {
    guard slots.indices.contains(channel),
      let fault = slots[channel].clocks.reading(stamped: reading.time, arrived: now.host),
      let run = slots[channel].pilot?.identity
    else { return }
    batch.entries.append(
      .event(
        EventRow(
          at: now.unix, run: run.run, channel: run.channel, stepID: nil, stepTime: nil, code: fault.code,
          severity: .warning, actor: "daemon", detail: fault.detail)))
  }

  /// Gives a run one input; its commands are worked off after the present events.
  mutating func feed(_ input: RunInput, _ channel: Int, _ now: RunMoment) {
    guard slots.indices.contains(channel), slots[channel].pilot?.handle(input, at: now, into: &runOutputs) != nil
    else { return }
    takeOutputs(channel)
  }

  mutating func takeOutputs(_ channel: Int) {
    for command in runOutputs.commands { commands.append((channel, command)) }
    if !runOutputs.records.isEmpty {
      batch.records.append(contentsOf: runOutputs.records)
      slots[channel].hasNews = true
    }
    if !runOutputs.entries.isEmpty {
      batch.entries.append(contentsOf: runOutputs.entries)
      slots[channel].hasNews = true
    }
    if runOutputs.wantsCommit { slots[channel].commitAwaited = .max }
    if let fault = runOutputs.resetLink { resetRequested = fault }
    slots[channel].pilotWakeAt = runOutputs.wakeAt
    runOutputs.removeAll()
  }

  /// From the moment at which an instrument is told to close a circuit it is not known to be open, until it says what it
  /// did. Where a rest holds zero current it closes the circuit too.
  private mutating func tellsToClose(_ channel: Int, _ command: ChannelCommand) {
    guard case .begin(let setpoint) = command, slots.indices.contains(channel),
      slots[channel].sighting.circuit == .openConfirmed,
      setpoint.mode != .openCircuit || identity?.capabilities.openCircuit == .zeroCurrentHeld
    else { return }
    see(channel, .unknown)
    slots[channel].wasOpen = true
  }

  /// What is known of a circuit, from now on.
  private mutating func see(_ channel: Int, _ circuit: CircuitState) {
    see(channel) { $0.circuit = circuit }
    slots[channel].wasOpen = false
  }

  mutating func see(_ channel: Int, _ change: (inout ChannelSighting) -> Void) {
    while slots.count <= channel { slots.append(Slot()) }
    let before = slots[channel].sighting
    change(&slots[channel].sighting)
    if before != slots[channel].sighting { hasSightings = true }
  }

  /// Looks at how the channel's run stands; after the instrument was told.
  mutating func seeRun(_ channel: Int) {
    let (run, state) = (slots[channel].pilot?.identity.run, slots[channel].pilot?.state)
    see(channel) {
      $0.run = run
      $0.state = state
    }
  }

  /// Says what is known of the channels to whoever asks. At the end of a turn, after the instrument was told, and before
  /// anybody is told of something that has happened on them.
  mutating func publishSightings() {
    hasSightings = false
    worker.publish(slots.map(\.sighting))
  }

  mutating func hold(_ orphan: DriverEvent, _ channel: Int) {
    while slots.count <= channel { slots.append(Slot()) }
    slots[channel].orphans.append(orphan)
  }

  mutating func identified(_ said: InstrumentIdentity) {
    var found = said
    // Such an instrument is known by its place, and another model is another instrument (ADR 18).
    if found.serial.isEmpty { found.serial = "\(found.model) at \(worker.place ?? worker.path)" }
    identity = found
    hasBeenIdentified = true
    while slots.count < found.capabilities.channels { slots.append(Slot()) }
    publishSightings()
    news(.identified(found))
  }
}
