// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a port's thread does: wait for bytes, commands and time; feed the driver; feed the runs with what the driver
// says; write what they answer; hand the records to the store. No actor hop and, for a reading, no allocation lies
// between the bytes of a reading and the bytes of the stop that it may cause.

internal import CNacycler
internal import CycleStore
internal import CyclerModel
internal import CyclingEngine
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

/// The state of a port's thread; lives on that thread only.
struct PortLoop {
  /// One channel of the instrument.
  struct Slot {
    var pilot: RunPilot?
    /// What earlier connections left on the channel, until the run that it belongs to is attached.
    var orphans: [DriverEvent] = []
    /// The run waits until the store has committed up to here.
    var commitAwaited: Int64?
    var pilotWakeAt: HostInstant?
    var hasNews = false
    var sighting = ChannelSighting()
    /// The instrument's clock against ours, while this run goes on.
    var clocks = ClockComparison()
  }

  /// How long a port that cannot be opened is left alone.
  static let reopenInterval = TimeSpan(milliseconds: 500)
  /// How long an orderly end waits for instruments to confirm; then the port is closed as it is.
  static let endPatience = TimeSpan(seconds: 8)
  /// How long the bytes that make an instrument safe may take to leave before a port is closed.
  static let farewellMicroseconds: Int64 = 20_000
  /// Bytes that the instrument has not taken; more means that it does not read.
  static let writeLimit = 1 << 20

  let worker: PortWorker
  let inlet: StoreInlet
  let makeDriver: @Sendable () -> any InstrumentDriver
  let news: (PortNews) -> Void

  var driver: any InstrumentDriver
  var driverOutputs = DriverOutputs()
  var events: [DriverEvent] = []
  var runOutputs = RunOutputs()
  var commands: [(channel: Int, command: ChannelCommand)] = []
  var batch = JournalBatch()
  var port: SerialPort?
  var reopenAt: HostInstant?
  var driverWakeAt: HostInstant?
  var identity: InstrumentIdentity?
  var slots: [Slot] = []
  var unwritten: [UInt8] = []
  var checkpoint = ByteWriter()
  var resetRequested: Fault?
  /// Set once the daemon stops: the thread ends when every circuit is open, or at that moment.
  var endsAt: HostInstant?
  var hasEnded = false
  var saidUnusable = false
  var storeVigil: StoreVigil

  init(
    worker: PortWorker, inlet: StoreInlet, storePatience: TimeSpan,
    makeDriver: @escaping @Sendable () -> any InstrumentDriver, news: @escaping (PortNews) -> Void
  ) {
    self.worker = worker
    self.inlet = inlet
    storeVigil = StoreVigil(patience: storePatience)
    self.makeDriver = makeDriver
    self.news = news
    driver = makeDriver()
  }

  mutating func run() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer { buffer.deallocate() }
    while !hasEnded {
      openIfDue()
      let now = moment()
      let ready = PortPoll.wait(
        port: port, wake: worker.wake, timeout: timeout(now), untilWritable: !unwritten.isEmpty)
      let awake = HostClock.now()
      worker.beat(awake)
      storeVigil.turn(committed: inlet.committedSequence, waiting: inlet.waitingCount, at: awake)
      if ready.contains(.woken) { takeMail() }
      if ready.contains(.readable) { readPort(buffer) }
      tick()
      settleTurn()
    }
    port?.close()
    refuseLateMail()
    news(.ended(pilots: takePilots()))
  }

  /// What was left in the mailbox after the last turn goes back to whoever left it.
  private func refuseLateMail() {
    for command in worker.closeMailbox() {
      switch command {
      case .attach(let channel, _, let pilot, _):
        let fault = Fault(.linkLost, "the port was given up before the run was taken")
        news(.lost(identity, fault, pilots: [channel: pilot]))
      case .person(_, let ask): ask.reply(.changing)
      case .release, .suspendAndEnd, .end: break
      }
    }
  }

  private func moment() -> RunMoment { RunMoment(host: HostClock.now(), unix: UnixClock.now()) }

  private func timeout(_ now: RunMoment) -> TimeSpan? {
    var due: HostInstant?
    func consider(_ instant: HostInstant?) {
      guard let instant else { return }
      due = due.map { min($0, instant) } ?? instant
    }
    consider(driverWakeAt)
    consider(reopenAt)
    consider(endsAt)
    for slot in slots { consider(slot.pilotWakeAt) }
    // The heartbeat is seen at least twice a second even on a silent port.
    let longest = TimeSpan(milliseconds: 500)
    guard let due else { return longest }
    return min(longest, max(.zero, due - now.host))
  }

  // MARK: - The port

  private mutating func openIfDue() {
    guard port == nil, endsAt == nil else { return }
    let now = HostClock.now()
    if let reopenAt, now < reopenAt { return }
    do {
      port = try SerialPort(path: worker.path, baudRate: type(of: driver).descriptor.baudRate)
      reopenAt = nil
      saidUnusable = false
      driver = makeDriver()
      unwritten.removeAll(keepingCapacity: true)
      drive(.opened)
      flush()
    } catch {
      reopenAt = now + Self.reopenInterval
      if !saidUnusable {
        saidUnusable = true
        news(.unusable(error))
      }
    }
  }

  private mutating func readPort(_ buffer: UnsafeMutableRawBufferPointer) {
    guard let port else { return }
    switch port.read(into: buffer) {
    case .bytes(let count):
      drive(.bytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
      flush()
    case .wouldBlock: break
    case .hangUp: loseLink(Fault(.linkLost, "\(worker.path) hung up"))
    }
  }

  /// Writes what the kernel takes; the rest waits until the port is writable.
  mutating func flush() {
    guard !unwritten.isEmpty, let port else { return }
    let result = unwritten.withUnsafeBytes { port.write($0) }
    switch result {
    case .written(let count):
      if count == unwritten.count {
        unwritten.removeAll(keepingCapacity: true)
      } else {
        unwritten.removeFirst(count)
      }
      if unwritten.count > Self.writeLimit {
        loseLink(Fault(.linkTimeout, "\(worker.path) takes no bytes: the instrument does not read"))
      }
    case .hangUp: loseLink(Fault(.linkLost, "\(worker.path) hung up"))
    }
  }

  mutating func loseLink(_ fault: Fault) {
    guard let lost = port else { return }
    // Whatever else is wrong, an instrument that still listens shall open its circuits.
    _ = type(of: driver).safeStopBytes.withUnsafeBytes { lost.write($0) }
    // Closing throws away what has not left yet; a serial line needs these milliseconds to carry it.
    _ = nacycler_poll(nil, 0, Self.farewellMicroseconds)
    lost.close()
    port = nil
    unwritten.removeAll(keepingCapacity: true)
    drive(.lost)
    let now = moment()
    for channel in slots.indices {
      slots[channel].sighting.circuit = .unknown
      feed(.instrumentLost(fault), channel, now)
    }
    commands.removeAll(keepingCapacity: true)
    settleTurn()
    news(.lost(identity, fault, pilots: takePilots()))
    identity = nil
    slots.removeAll()
    driverWakeAt = nil
    reopenAt = now.host + TimeSpan(milliseconds: 50)
    worker.publish([])
  }

  private mutating func takePilots() -> [Int: RunPilot] {
    var pilots: [Int: RunPilot] = [:]
    for channel in slots.indices {
      if let pilot = slots[channel].pilot { pilots[channel] = pilot }
      slots[channel].pilot = nil
    }
    return pilots
  }

  // MARK: - Driver and runs

  /// Gives the driver one input and works off everything that follows from it.
  mutating func drive(_ input: DriverInput) {
    let now = moment()
    driverOutputs.removeAll()
    driver.handle(input, at: now.host, into: &driverOutputs)
    workOff(now)
  }

  private mutating func workOff(_ now: RunMoment) {
    while true {
      driverWakeAt = driverOutputs.wakeAt
      unwritten.append(contentsOf: driverOutputs.writes)
      swap(&events, &driverOutputs.events)
      driverOutputs.removeAll()
      for index in events.indices { dispatch(events[index], now) }
      events.removeAll(keepingCapacity: true)
      guard !commands.isEmpty else { return }
      let (channel, command) = commands.removeFirst()
      driver.handle(.command(channel: channel, command), at: now.host, into: &driverOutputs)
    }
  }

  private mutating func dispatch(_ event: DriverEvent, _ now: RunMoment) {
    switch event {
    case .identified(let found): identified(found)
    case .reading(let channel, let reading):
      guard slots.indices.contains(channel), slots[channel].pilot != nil else { return }
      slots[channel].pilot?.handle(reading, at: now, into: &runOutputs)
      takeOutputs(channel)
      compareClocks(channel, reading, now)
    case .began(let channel, _), .holdBegan(let channel, _), .ended(let channel, _, _), .refused(let channel, _, _):
      if case .began = event, slots.indices.contains(channel) { slots[channel].clocks.setpointBegan() }
      feed(.driver(event), channel, now)
      if case .ended = event { see(channel) { $0.circuit = .openConfirmed } }
    case .circuitClosed(let channel, _):
      see(channel) { $0.circuit = .closed }
      feed(.driver(event), channel, now)
    case .circuitOpened(let channel, _):
      feed(.driver(event), channel, now)
    case .orphanEnded(let channel, _, _, _, _): hold(event, channel)
    case .circuit(let channel, let state): see(channel) { $0.circuit = state }
    case .fault(let channel, let fault):
      if fault.code == .linkTimeout || fault.code == .linkLost {
        resetRequested = fault
      } else if let channel {
        feed(.driver(event), channel, now)
      } else {
        // An instrument that cannot be driven has no channel to say it on.
        if identity == nil { news(.unusable(fault)) }
        for channel in slots.indices { feed(.driver(event), channel, now) }
      }
    }
  }

  private mutating func compareClocks(_ channel: Int, _ reading: Reading, _ now: RunMoment) {
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
    guard slots.indices.contains(channel), slots[channel].pilot != nil else { return }
    slots[channel].pilot?.handle(input, at: now, into: &runOutputs)
    takeOutputs(channel)
  }

  private mutating func takeOutputs(_ channel: Int) {
    for command in runOutputs.commands { commands.append((channel, command)) }
    if !runOutputs.records.isEmpty {
      batch.records.append(contentsOf: runOutputs.records)
      slots[channel].hasNews = true
    }
    if !runOutputs.entries.isEmpty {
      batch.entries.append(contentsOf: runOutputs.entries)
      slots[channel].hasNews = true
      let pilot = slots[channel].pilot
      see(channel) {
        $0.run = pilot?.identity.run
        $0.state = pilot?.state
      }
    }
    if runOutputs.wantsCommit { slots[channel].commitAwaited = .max }
    if let fault = runOutputs.resetLink { resetRequested = fault }
    slots[channel].pilotWakeAt = runOutputs.wakeAt
    runOutputs.removeAll()
  }

  private mutating func see(_ channel: Int, _ change: (inout ChannelSighting) -> Void) {
    while slots.count <= channel { slots.append(Slot()) }
    let before = slots[channel].sighting
    change(&slots[channel].sighting)
    if before != slots[channel].sighting { worker.publish(slots.map(\.sighting)) }
  }

  private mutating func hold(_ orphan: DriverEvent, _ channel: Int) {
    while slots.count <= channel { slots.append(Slot()) }
    slots[channel].orphans.append(orphan)
  }

  private mutating func identified(_ found: InstrumentIdentity) {
    identity = found
    while slots.count < found.capabilities.channels { slots.append(Slot()) }
    worker.publish(slots.map(\.sighting))
    news(.identified(found))
  }

  // MARK: - Commands

  private mutating func takeMail() {
    let now = moment()
    // Commits first: a run that is over must have left its channel before another is attached to it.
    for channel in slots.indices { takeCommit(channel, now) }
    for command in worker.takeCommands() {
      switch command {
      case .attach(let channel, let instrument, let pilot, let begins):
        attach(pilot, channel, of: instrument, begins: begins, now)
      case .person(let channel, let ask): put(ask, channel, now)
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

  private mutating func put(_ ask: PersonAsk, _ channel: Int, _ now: RunMoment) {
    guard slots.indices.contains(channel), var pilot = slots[channel].pilot else { return ask.reply(.changing) }
    // Taken out meanwhile, so that nothing of it is copied.
    slots[channel].pilot = nil
    let isTaken = ask.put(to: &pilot, at: now, into: &runOutputs)
    slots[channel].pilot = pilot
    if isTaken { takeOutputs(channel) }
  }

  /// Takes a run over, unless the port ends or another instrument than the run's stands at it by now.
  private mutating func attach(
    _ pilot: RunPilot, _ channel: Int, of instrument: InstrumentIdentity, begins: Bool, _ now: RunMoment
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
    if begins {
      feed(.begin, channel, now)
    } else {
      for orphan in orphans { feed(.driver(orphan), channel, now) }
      feed(.instrumentReady, channel, now)
    }
  }

  private mutating func takeCommit(_ channel: Int, _ now: RunMoment) {
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

  private mutating func retire(_ channel: Int) {
    guard let run = slots[channel].pilot?.identity.run else { return }
    slots[channel].pilot = nil
    slots[channel].pilotWakeAt = nil
    see(channel) {
      $0.run = nil
      $0.state = nil
    }
    news(.finished(run: run, channel: channel))
  }

  // MARK: - Time and the store

  private mutating func tick() {
    let now = moment()
    if let due = driverWakeAt, due <= now.host {
      drive(.tick)
      flush()
    }
    for channel in slots.indices {
      guard slots.indices.contains(channel), let due = slots[channel].pilotWakeAt, due <= now.host else { continue }
      feed(.tick, channel, now)
    }
    guard let endsAt else { return }
    // A port that is still being opened may lead to a script of an earlier connection that drives its cell.
    let isKnown = port == nil || identity != nil
    if isKnown, slots.allSatisfy({ $0.pilot?.isCircuitOpen ?? true }) {
      hasEnded = true
    } else if endsAt <= now.host {
      // Nobody confirmed anything: the bytes that make it safe go out once more, and the runs hear that nothing is known.
      loseLink(Fault(.linkTimeout, "\(worker.path) has not confirmed that its circuits are open"))
      hasEnded = true
    }
  }

  /// At the end of every turn: checkpoints, the store, and a link that is of no use.
  private mutating func settleTurn() {
    for channel in slots.indices where slots[channel].hasNews {
      slots[channel].hasNews = false
      checkpoint.reset()
      guard slots[channel].pilot?.checkpoint(into: &checkpoint) == true, let run = slots[channel].pilot?.identity.run
      else { continue }
      batch.entries.append(.checkpoint(run: run, at: UnixClock.now(), state: checkpoint.bytes))
    }
    if !batch.records.isEmpty || !batch.entries.isEmpty {
      worker.awaitCommit(slots.contains { $0.commitAwaited != nil })
      let sequence = inlet.push(&batch)
      var wantsCommit = false
      for channel in slots.indices where slots[channel].commitAwaited == .max {
        slots[channel].commitAwaited = sequence
        wantsCommit = true
      }
      if wantsCommit { inlet.requestCommit() }
      let now = moment()
      if inlet.isFull || storeVigil.isStuck {
        for channel in slots.indices { feed(.storeFull, channel, now) }
        driverOutputs.removeAll()
        driverOutputs.wakeAt = driverWakeAt
        workOff(now)
        flush()
      }
    }
    if let fault = resetRequested {
      resetRequested = nil
      loseLink(fault)
    }
  }
}
