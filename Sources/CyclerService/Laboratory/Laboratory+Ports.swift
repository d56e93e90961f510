// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What threads say of their ports: which instrument stands at one, that it is gone, that it cannot be used. An instrument
// is known by its identity, so it may come back at any port.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingRun
internal import Foundation
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import MethodSCRIPTDriver
internal import Quantities

extension Laboratory {
  func take(_ said: PortDiscovery.News) async {
    switch said {
    case .settled:
      logger.info("ports settled")
      portsAreSettled = true
      await registerNewcomers()
    case .impaired(let fault): logger.warning("\(fault.code.rawValue): \(fault.detail)")
    case .passedOver(let path, let fault): cannotUse(path, fault)
    case .noLongerPassedOver(let path): unusablePorts[path] = nil
    case .leadsNowhere(let pattern):
      logger.notice("--port \(pattern) matches no port now; one that appears is taken")
      unmatchedPatterns.insert(pattern)
    case .leadsSomewhere(let pattern): unmatchedPatterns.remove(pattern)
    case .changed(.appeared(let candidate)):
      guard let driver = InstrumentFamilies.driver(at: candidate) else { return }
      drivers[candidate.path] = driver
      places[candidate.path] = candidate.origin == .plugged ? candidate.portPath : nil
      open(candidate.path)
    case .changed(.vanished(let candidate)):
      unusablePorts[candidate.path] = nil
      reappeared.remove(candidate.path)
      roster.worker(at: candidate.path)?.send(.end)
    }
  }

  /// Refuses what needs an instrument that is not there. While ports are still being looked for and asked who is at them, as
  /// in the first seconds of a daemon, it may only be not there yet.
  func away(_ code: String, _ message: String, hint: String) -> RequestRefused {
    guard !portsAreSettled || !unheard.isEmpty else {
      return RequestRefused(.conflict, code: code, message: message, hint: hint)
    }
    return RequestRefused(
      .conflict, code: code,
      message: "\(message) yet: the daemon is still asking at the ports which instruments are there",
      hint: "wait some seconds and try again; `nactl channels` shows when it is there")
  }

  func open(_ path: String) {
    guard roster.worker(at: path) == nil, !isAsked(path) else {
      reappeared.insert(path)
      return
    }
    let driver = drivers[path] ?? MethodSCRIPTDriver.self
    do {
      let worker = try PortWorker(path: path, place: places[path])
      let inlet = store.makeInlet(
        name: path, onCommit: { [weak worker] _ in worker?.committed() },
        onFailure: { [logger] failure in
          logger.critical("\(failure.code.rawValue): readings of \(path) wait in memory: \(failure.detail)")
        })
      guard roster.add(worker) else {
        inlet.close()
        return
      }
      unheard.insert(path)
      try worker.start(
        inlet: inlet, storePatience: configuration.storePatience, makeDriver: { driver.init() },
        news: { [self] in tell($0, $1) })
    } catch {
      if let worker = roster.worker(at: path), worker.isFinished {
        worker.inlet?.close()
        roster.remove(worker)
      }
      cannotUse(path, error)
    }
  }

  func take(_ said: PortNews, from worker: PortWorker) async {
    switch said {
    case .identified(let identity):
      unusablePorts[worker.path] = nil
      await identified(identity, worker)
    case .unusable(let fault):
      cannotUse(worker.path, fault)
      await registerNewcomers()
    case .observer(let fault): await observerTold(fault, at: worker)
    case .lost(let identity, let fault, let pilots):
      if identity == nil {
        // A port that was taken from its thread, so that others may be asked for there, is not lost.
        if !isAsked(worker.path) { cannotUse(worker.path, fault) }
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
      unheard.remove(worker.path)
      introduced.remove(worker.path)
      await registerNewcomers()
      if !isAsked(worker.path), reappeared.remove(worker.path) != nil { open(worker.path) }
    }
  }

  /// A port of no use is tried again and again; it is told once for each reason.
  private func cannotUse(_ path: String, _ fault: Fault) {
    unheard.remove(path)
    if unusablePorts[path]?.code != fault.code { logger.warning("\(fault.code.rawValue): \(path): \(fault.detail)") }
    unusablePorts[path] = fault
  }

  private func identified(_ identity: InstrumentIdentity, _ worker: PortWorker) async {
    unheard.remove(worker.path)
    introduced.insert(worker.path)
    if identity.capabilities.isObserver {
      await observerIdentified(identity, worker)
      await registerNewcomers()
      return
    }
    let holder =
      channels.values.first { $0.instrument.isSame(as: identity) && $0.worker != nil }?.worker
      ?? (unregistered + newcomers).first { $0.identity.isSame(as: identity) }?.worker
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
    let isKnown = (0..<identity.capabilities.channels).allSatisfy { number in
      channels.values.contains { $0.instrument.isSame(as: identity) && $0.number == number }
    }
    if isKnown {
      await register(identity, worker, isFirst: true)
    } else {
      newcomers.append((identity, worker))
      newcomersSince = newcomersSince ?? .now
    }
    await registerNewcomers()
  }

  /// So long instruments that have answered wait for ports that have not.
  private static let newcomersPatience = Duration.seconds(5)

  /// Numbers new channels by their ports, once it is known who stands at which.
  func registerNewcomers() async {
    guard let since = newcomersSince, portsAreSettled && unheard.isEmpty || .now - since > Self.newcomersPatience
    else { return }
    newcomersSince = nil
    let all = newcomers.filter { !$0.worker.isFinished }
      .sorted { $0.worker.path.compare($1.worker.path, options: [.numeric]) == .orderedAscending }
    newcomers.removeAll()
    for (identity, worker) in all { await register(identity, worker, isFirst: true) }
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
  func registerAll() async {
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
      return (try edit.upsertChannel(instrument: instrument, number: Int64(number), name: name, at: at), name)
    }
    var entry = channels[id] ?? ChannelEntry(id: id, name: name, number: number, instrument: identity)
    entry.instrument = identity
    return entry
  }

  /// So long the watch over all ports waits for the last words of a run that is over.
  private static let lastWordsPatience = Duration.seconds(1)

  private func lost(_ worker: PortWorker, _ pilots: [Int: RunPilot]) async {
    unregistered.removeAll { $0.worker === worker }
    newcomers.removeAll { $0.worker === worker }
    observerLost(worker)
    let said = worker.inlet.map(InletPlace.init)
    for pilot in pilots.values where !pilot.isOver {
      waiting[pilot.identity.channel] = WaitingRun(pilot: pilot, said: said)
    }
    for (id, entry) in channels where entry.worker === worker {
      channels[id]?.worker = nil
      channels[id]?.lostAt = now()
      beginAlone(id, since: now())
    }
    for pilot in pilots.values where pilot.isOver {
      let (channel, run) = (pilot.identity.channel, pilot.identity.run)
      if await waitForCommit(of: said, patience: Self.lastWordsPatience) {
        await release(channel, after: run)
      } else {
        unfinishedQueues[channel] = UnfinishedQueue(run: run, said: said)
      }
    }
    // An instrument that came back under another name before its old port was given up is taken now.
    let waitingElsewhere = refused.filter { $0.worker !== worker && !$0.worker.isFinished }
    refused.removeAll()
    for other in waitingElsewhere { await identified(other.identity, other.worker) }
  }
}
