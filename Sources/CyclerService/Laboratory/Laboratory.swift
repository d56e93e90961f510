// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which instruments there are, which channels they have, which run is on which channel. The laboratory brings runs and
// instruments together, by identity and never by a port's name, and it takes people's requests. It decides nothing
// about a cell: that happens on the port's thread.

internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import Dispatch
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import MethodSCRIPTDriver
public import Quantities
internal import Synchronization

/// What a person says at the daemon's start.
public struct LaboratoryConfiguration: Sendable {
  /// Named ports, with the shell's wildcards.
  public var portPatterns: [String] = []
  /// Whether plugged ports are looked for.
  public var watchesUSB = true
  /// How long an instrument may go on without the host.
  public var lease = TimeSpan(seconds: 60)
  /// How long readings may wait in memory for a store that refuses them; then circuits are opened and runs held.
  public var storePatience = TimeSpan(seconds: 600)
  /// The usual configuration.
  public init() {}
}

/// A channel of a known instrument, there or away.
struct ChannelEntry: Sendable {
  var id: Int64
  var name: String
  var number: Int
  var instrument: InstrumentIdentity
  /// The port's thread, while the instrument is there.
  var worker: PortWorker?
  /// The run that has the channel, and whether it has one or is about to.
  var run: Int64?
  var isReserved = false
  /// When the link went, or when this daemon started, if it went before: the earlier daemon may have renewed a lease until
  /// then.
  var lostAt: RunMoment?
  /// The instrument's port is there and its thread does not turn.
  var isStalled: Bool { worker?.isStalled(at: HostClock.now()) ?? false }
}

/// The instruments, channels and runs of one daemon.
actor Laboratory {
  let store: CycleStore
  let configuration: LaboratoryConfiguration
  let logger: Logger
  /// The threads of all ports, for the signal that stops them at once.
  let roster: PortRoster
  var channels: [Int64: ChannelEntry] = [:]
  var waiting: [Int64: WaitingRun] = [:]
  /// Ports that carry no usable instrument now, and why.
  var unusablePorts: [String: Fault] = [:]
  /// Ports that appeared again before the thread of their earlier life had ended.
  private var reappeared: Set<String> = []
  /// Instruments that answered at a second port while the first was still taken for theirs.
  private var refused: [(identity: InstrumentIdentity, worker: PortWorker)] = []
  /// Instruments at their ports of which the store would not hear; each pulse tells it again.
  private var unregistered: [(identity: InstrumentIdentity, worker: PortWorker)] = []
  /// What runs without an instrument have to say goes through here.
  let inlet: StoreInlet
  private let news: AsyncStream<Happening>
  private let newsContinuation: AsyncStream<Happening>.Continuation
  /// Ports must be identified after what was stored is known.
  private var discovery: PortDiscovery?

  /// What reaches the laboratory from its threads.
  enum Happening: Sendable {
    case port(PortWorker, PortNews)
    case discovery(PortDiscovery.News)
    /// The watchdog asks for a sign of life; what waits for the store is tried again.
    case pulse
  }
  /// How many pulses have come through: the sign that what happens is still being worked off.
  private(set) var pulses: Int64 = 0

  init(store: CycleStore, configuration: LaboratoryConfiguration, roster: PortRoster, logger: Logger) {
    self.store = store
    self.configuration = configuration
    self.roster = roster
    self.logger = logger
    inlet = store.makeInlet(
      name: "laboratory",
      onFailure: { logger.critical("\($0.code.rawValue): events of runs without an instrument wait: \($0.detail)") })
    (news, newsContinuation) = AsyncStream.makeStream()
  }

  /// Takes up what was stored, then watches ports until it is cancelled.
  func run() async throws {
    try await recover()
    let continuation = newsContinuation
    discovery = try PortDiscovery(patterns: configuration.portPatterns, watchesUSB: configuration.watchesUSB) {
      continuation.yield(.discovery($0))
    }
    for await happening in news {
      switch happening {
      case .port(let worker, let said): await take(said, from: worker)
      case .discovery(let said): take(said)
      case .pulse:
        pulses += 1
        handOverAll()
        await registerAll()
      }
    }
  }

  /// Ends the watch; the news that were said are still taken.
  func stop() {
    newsContinuation.finish()
    discovery = nil
  }

  /// Tells the laboratory something from a thread.
  nonisolated func tell(_ worker: PortWorker, _ said: PortNews) { newsContinuation.yield(.port(worker, said)) }

  /// Asks for a sign of life, see `pulses`.
  nonisolated func pulse() { newsContinuation.yield(.pulse) }

  nonisolated func now() -> RunMoment { RunMoment(host: HostClock.now(), unix: UnixClock.now()) }

  // MARK: - Ports

  private func take(_ said: PortDiscovery.News) {
    switch said {
    case .settled: logger.info("ports settled")
    case .impaired(let fault): logger.warning("\(fault.code.rawValue): \(fault.detail)")
    case .passedOver(let path, let fault): cannotUse(path, fault)
    case .noLongerPassedOver(let path): unusablePorts[path] = nil
    case .changed(.appeared(let candidate)):
      guard candidate.origin == .named || MethodSCRIPTDriver.descriptor.mayBe(at: candidate) else { return }
      open(candidate.path)
    case .changed(.vanished(let candidate)):
      unusablePorts[candidate.path] = nil
      reappeared.remove(candidate.path)
      roster.worker(at: candidate.path)?.send(.end)
    }
  }

  private func open(_ path: String) {
    guard roster.worker(at: path) == nil else {
      reappeared.insert(path)
      return
    }
    do {
      let worker = try PortWorker(path: path)
      let inlet = store.makeInlet(
        name: path, onCommit: { [weak worker] _ in worker?.committed() },
        onFailure: { [logger] failure in
          logger.critical("\(failure.code.rawValue): readings of \(path) wait in memory: \(failure.detail)")
        })
      guard roster.add(worker) else {
        inlet.close()
        return
      }
      try worker.start(
        inlet: inlet, storePatience: configuration.storePatience, makeDriver: { MethodSCRIPTDriver() },
        news: { [self] in tell($0, $1) })
    } catch {
      if let worker = roster.worker(at: path), worker.isFinished {
        worker.inlet?.close()
        roster.remove(worker)
      }
      cannotUse(path, error)
    }
  }

  private func take(_ said: PortNews, from worker: PortWorker) async {
    switch said {
    case .identified(let identity):
      unusablePorts[worker.path] = nil
      await identified(identity, worker)
    case .unusable(let fault): cannotUse(worker.path, fault)
    case .lost(let identity, let fault, let pilots):
      if identity == nil {
        cannotUse(worker.path, fault)
      } else {
        logger.warning("\(fault.code.rawValue): \(fault.detail)")
      }
      await lost(worker, pilots)
    case .finished(let run, let channel): await finished(run, channel, worker)
    case .ended(let pilots):
      refused.removeAll { $0.worker === worker }
      await lost(worker, pilots)
      // The thread has said its last word; what it said is still committed.
      worker.inlet?.close()
      unusablePorts[worker.path] = nil
      roster.remove(worker)
      if reappeared.remove(worker.path) != nil { open(worker.path) }
    }
  }

  /// A port of no use is tried again and again; it is told once for each reason.
  private func cannotUse(_ path: String, _ fault: Fault) {
    if unusablePorts[path]?.code != fault.code { logger.warning("\(fault.code.rawValue): \(path): \(fault.detail)") }
    unusablePorts[path] = fault
  }

  private func identified(_ identity: InstrumentIdentity, _ worker: PortWorker) async {
    let holder =
      channels.values.first { $0.instrument.isSame(as: identity) && $0.worker != nil }?.worker
      ?? unregistered.first { $0.identity.isSame(as: identity) }?.worker
    if let other = holder, other !== worker {
      let detail = "\(worker.path) and \(other.path) both say that they are \(identity.model) \(identity.serial)"
      unusablePorts[worker.path] = Fault(.linkIdentity, detail)
      refused.append((identity, worker))
      logger.error("link.identity: \(detail)")
      return
    }
    unusablePorts[worker.path] = nil
    logger.info("\(worker.path): \(identity.model) \(identity.serial), firmware \(identity.firmware)")
    // A store that refuses keeps no run from an instrument that is known.
    for known in channels.values
    where known.instrument.isSame(as: identity) && known.number < identity.capabilities.channels {
      var entry = known
      entry.instrument = identity
      adopt(entry, worker)
    }
    await register(identity, worker, isFirst: true)
  }

  /// Tells the store of an instrument, and takes the channels that are new by it.
  private func register(_ identity: InstrumentIdentity, _ worker: PortWorker, isFirst: Bool) async {
    do {
      for number in 0..<identity.capabilities.channels {
        let entry = try await register(identity, number)
        if entry.worker !== worker { adopt(entry, worker) }
      }
    } catch {
      unregistered.append((identity, worker))
      if isFirst { logger.error("store.failed: \(identity.serial) cannot be registered yet: \(error)") }
    }
  }

  /// Tells the store again of the instruments that it refused, unless it is known to refuse still.
  private func registerAll() async {
    guard !unregistered.isEmpty, store.health.failure == nil else { return }
    let again = unregistered
    unregistered.removeAll()
    for (identity, worker) in again { await register(identity, worker, isFirst: false) }
  }

  private func register(_ identity: InstrumentIdentity, _ number: Int) async throws -> ChannelEntry {
    let at = UnixClock.now()
    let (id, name) = try await store.write { edit in
      let instrument = try edit.upsertInstrument(
        family: identity.family, model: identity.model, serial: identity.serial, firmware: identity.firmware, at: at)
      let known = try edit.view.channels().first { $0.instrumentId == instrument && $0.number == Int64(number) }
      if let known { return (known.channelId, known.name) }
      let name = "ch\(try edit.view.channels().count + 1)"
      return (try edit.upsertChannel(instrument: instrument, number: Int64(number), name: name), name)
    }
    var entry = channels[id] ?? ChannelEntry(id: id, name: name, number: number, instrument: identity)
    entry.instrument = identity
    return entry
  }

  /// The instrument is at that port: its runs go on there.
  private func adopt(_ found: ChannelEntry, _ worker: PortWorker) {
    var entry = found
    entry.worker = worker
    entry.lostAt = nil
    if let waitingRun = waiting[entry.id] { entry.run = waitingRun.pilot.identity.run }
    channels[entry.id] = entry
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
      channel: entry.number, of: entry.instrument, waitingRun.pilot, begins: waitingRun.begins)
    if worker.send(command) {
      waiting[channel] = nil
    }
  }

  /// Gives every run to its instrument that had to wait for the store.
  func handOverAll() { for channel in waiting.keys { handOver(channel) } }

  private func lost(_ worker: PortWorker, _ pilots: [Int: RunPilot]) async {
    unregistered.removeAll { $0.worker === worker }
    let said = worker.inlet.map(InletPlace.init)
    for pilot in pilots.values where !pilot.isOver {
      waiting[pilot.identity.channel] = WaitingRun(pilot: pilot, begins: pilot.state == .queued, said: said)
    }
    for (id, entry) in channels where entry.worker === worker {
      channels[id]?.worker = nil
      channels[id]?.lostAt = now()
    }
    for pilot in pilots.values where pilot.isOver {
      await settleStore()
      await release(pilot.identity.channel, after: pilot.identity.run)
    }
    // An instrument that came back under another name before its old port was given up is taken now.
    let waitingElsewhere = refused.filter { $0.worker !== worker && !$0.worker.isFinished }
    refused.removeAll()
    for other in waitingElsewhere { await identified(other.identity, other.worker) }
  }

  /// Hands a run to its channel's thread, or keeps it until the instrument is there.
  func place(_ pilot: RunPilot, begins: Bool) {
    let channel = pilot.identity.channel
    channels[channel]?.run = pilot.identity.run
    channels[channel]?.isReserved = false
    waiting[channel] = WaitingRun(pilot: pilot, begins: begins, said: nil)
    handOver(channel)
  }

  private func finished(_ run: Int64, _ number: Int, _ worker: PortWorker) async {
    guard let entry = channels.values.first(where: { $0.run == run }) else { return }
    await release(entry.id, after: run)
  }

  /// The channel is free: the next protocol in the cell's queue follows by itself when the run was completed.
  func release(_ channel: Int64, after run: Int64) async {
    channels[channel]?.run = nil
    do {
      try await startNext(on: channel, after: run)
    } catch {
      logger.error("the run after run \(run) cannot be started: \(error)")
    }
  }
}

extension InstrumentIdentity {
  /// Two sightings of one instrument: firmware and port may differ.
  func isSame(as other: InstrumentIdentity) -> Bool { family == other.family && serial == other.serial }
}
