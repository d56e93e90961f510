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

/// The state of a port's thread; lives on that thread only, and is never copied.
struct PortLoop: ~Copyable {
  /// One channel of the instrument. It never leaves the thread; a class, because it holds a whole run, which must not be
  /// copied to look at one of its fields.
  final class Slot {
    var pilot: RunPilot?
    /// What earlier connections left on the channel, until the run that it belongs to is attached.
    var orphans: [DriverEvent] = []
    /// The run waits until the store has committed up to here.
    var commitAwaited: Int64?
    var pilotWakeAt: HostInstant?
    var hasNews = false
    var sighting = ChannelSighting()
    /// The circuit was open when the instrument was told to close it, and it has not said anything since.
    var wasOpen = false
    /// The instrument's clock against ours, while this run goes on.
    var clocks = ClockComparison()
    /// The thermometer that is bound to the channel.
    var observed: ObservationCell?
    /// What it had said when the run was last told, and when the run is told again in any case.
    var observedWord: UInt64 = 0
    var observeAt = HostInstant(microseconds: 0)
  }

  /// How long a port that cannot be opened is left alone.
  static let reopenInterval = TimeSpan(milliseconds: 500)
  /// How long an orderly end waits for instruments to confirm; then the port is closed as it is.
  static let endPatience = TimeSpan(seconds: 8)
  /// How long the bytes that make an instrument safe may take to leave before a port is closed.
  static let farewellMicroseconds: Int64 = 20_000
  /// How long an instrument may be deaf after bytes that it answered with an error; see `safeStopBytes`.
  static let deafMicroseconds: Int64 = 120_000
  /// How long a thread waits for bytes without turning.
  static let longestWait = TimeSpan(milliseconds: 500)
  /// Bytes that the instrument has not taken; more means that it does not read.
  static let writeLimit = 1 << 20

  let worker: PortWorker
  let inlet: StoreInlet
  let makeDriver: @Sendable () -> any InstrumentDriver
  let news: (PortNews) -> Void

  var driver: any InstrumentDriver
  var damage = DamageTally()
  var driverOutputs = DriverOutputs()
  var events: [DriverEvent] = []
  var runOutputs = RunOutputs()
  var commands: [(channel: Int, command: ChannelCommand)] = []
  var batch = JournalBatch()
  var port: (any InstrumentPort)?
  var reopenAt: HostInstant?
  var driverWakeAt: HostInstant?
  var identity: InstrumentIdentity?
  var slots: [Slot] = []
  var unwritten: [UInt8] = []
  var checkpoint = ByteWriter()
  var resetRequested: Fault?
  /// Who writes down what passes; nil while nobody records.
  var recorder: PortRecorder?
  /// What is known of a channel has changed since it was published.
  var hasSightings = false
  /// Set once the daemon stops: the thread ends when every circuit is open, or at that moment.
  var endsAt: HostInstant?
  var hasEnded = false
  var saidUnusable = false
  /// How often the link was given up before anybody had ever said who he is.
  var strangers = 0
  var hasBeenIdentified = false
  /// The link was lost while a circuit was not known to be open, and nobody has made it safe since.
  var isLeftDriven = false
  /// What was counted since the port appeared.
  var counts = LinkCounts()
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
      let ready = PortPoll.wait(
        port: port, wake: worker.wake, timeout: timeout(HostClock.now()), untilWritable: !unwritten.isEmpty)
      let awake = moment()
      worker.beat(awake.host)
      storeVigil.turn(committed: inlet.committedSequence, waiting: inlet.waitingCount, at: awake.host)
      if ready.contains(.woken) { takeMail(awake) }
      observe(awake)
      if ready.contains(.readable) { readPort(buffer, awake) }
      // A device that tells of readiness by one descriptor for all never says that it is writable alone.
      if !ready.isDisjoint(with: [.readable, .writable]) { flush() }
      tick(awake)
      settleTurn(awake)
      if recorder != nil { keepRecording(awake) }
    }
    port?.close()
    recorder?.end("the port is closed for good: it is gone, or the daemon stops")
    refuseLateMail()
    news(.ended(pilots: takePilots()))
  }

  func moment() -> RunMoment { RunMoment(host: HostClock.now(), unix: UnixClock.now()) }

  /// How long to wait at most. Changes nothing; `mutating` spares a copy of everything that the thread has.
  private mutating func timeout(_ now: HostInstant) -> TimeSpan {
    // The heartbeat is seen at least twice a second even on a silent port.
    var due = now + Self.longestWait
    if let driverWakeAt { due = min(due, driverWakeAt) }
    if let reopenAt { due = min(due, reopenAt) }
    if let endsAt { due = min(due, endsAt) }
    for slot in slots { if let wakeAt = slot.pilotWakeAt { due = min(due, wakeAt) } }
    return max(.zero, due - now)
  }

  // MARK: - Time and the store

  /// What has come due by then.
  mutating func tick(_ now: RunMoment) {
    if let due = driverWakeAt, due <= now.host {
      drive(.tick, now)
      flush()
    }
    for channel in slots.indices {
      guard slots.indices.contains(channel), let due = slots[channel].pilotWakeAt, due <= now.host else { continue }
      feed(.tick, channel, now)
    }
    endIfSafe(now)
  }

  /// Once the daemon stops: ends when every circuit is open, or when patience is over.
  private mutating func endIfSafe(_ now: RunMoment) {
    guard let endsAt else { return }
    if isSafe {
      hasEnded = true
    } else if endsAt <= now.host {
      let fault = Fault(.linkTimeout, "\(worker.path) has not confirmed that its circuits are open")
      // Nobody confirmed anything: the bytes that make it safe go out once more, and again for an instrument that answers
      // the first with an error and is deaf for a while. The runs hear that nothing is known.
      sendSafeStop()
      _ = nacycler_poll(nil, 0, Self.deafMicroseconds)
      if port == nil { news(.unusable(fault)) }
      loseLink(fault)
      hasEnded = true
    }
  }

  /// Whether nothing is driven any more, as far as can be known here.
  private var isSafe: Bool {
    // A port that is still being opened may lead to a script of an earlier connection that drives its cell.
    guard identity != nil else { return port == nil && !isLeftDriven }
    return slots.allSatisfy {
      ($0.pilot?.isCircuitOpen ?? true) && (!isLeftDriven || $0.sighting.circuit == .openConfirmed)
    }
  }

  /// At the end of every turn: checkpoints, the store, and a link that is of no use.
  mutating func settleTurn(_ now: RunMoment) {
    for channel in slots.indices where slots[channel].hasNews { seeRun(channel) }
    if hasSightings { publishSightings() }
    worker.counters.post(counts)
    for channel in slots.indices where slots[channel].hasNews {
      slots[channel].hasNews = false
      checkpoint.reset()
      guard slots[channel].pilot?.checkpoint(into: &checkpoint) == true, let run = slots[channel].pilot?.identity.run
      else { continue }
      batch.entries.append(.checkpoint(run: run, at: now.unix, state: checkpoint.bytes))
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
    }
    if inlet.waitingCount > 0, inlet.isFull || storeVigil.isStuck { tellStoreIsFull() }
    if let fault = resetRequested {
      resetRequested = nil
      loseLink(fault)
    }
  }

  /// Asked at every turn, not only with new rows: an instrument that is silent meanwhile must not keep its cell driven.
  private mutating func tellStoreIsFull() {
    let now = moment()
    for channel in slots.indices { feed(.storeFull, channel, now) }
    driverOutputs.removeAll()
    driverOutputs.wakeAt = driverWakeAt
    workOff(now)
    flush()
  }
}
