// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Thermometers beside channels. Which one stands beside which cell only a person knows, so a person binds them, and the
// store keeps it. A thermometer is known by its identity like any instrument: it may come back at any port.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Logging
internal import Quantities

extension Laboratory {
  // MARK: - Coming and going

  /// Takes up a binding of an earlier daemon.
  func takeUp(_ stored: StoredObserver) {
    let key = ObserverKey(family: stored.family, serial: stored.serial)
    bindings[stored.channelId] = key
    guard observers[key] == nil else { return }
    let capabilities = InstrumentFamilies.named(stored.family)?.capabilities(ofModel: stored.model)
    observers[key] = ObserverEntry(
      identity: InstrumentIdentity(
        family: stored.family, model: stored.model, serial: stored.serial, firmware: stored.firmware ?? "",
        capabilities: capabilities ?? .unknown))
  }

  /// A thermometer answered at a port.
  func observerIdentified(_ identity: InstrumentIdentity, _ worker: PortWorker) async {
    let key = ObserverKey(identity)
    if let other = observers[key]?.worker, other !== worker, !other.isFinished {
      let detail = "\(worker.path) and \(other.path) both say that they are \(identity.model) \(identity.serial)"
      unusablePorts[worker.path] = Fault(.linkIdentity, detail)
      refused.append((identity, worker))
      logger.error("link.identity: \(detail)")
      return
    }
    unusablePorts[worker.path] = nil
    logger.info("\(worker.path): thermometer \(identity.model) \(identity.serial), firmware \(identity.firmware)")
    observers[key] = ObserverEntry(identity: identity, worker: worker, cell: worker.observation)
    for channel in bindings.keys where bindings[channel] == key { tellBinding(of: channel) }
  }

  /// The port of a thermometer is gone. Its last word grows old; what needs it will notice.
  func observerLost(_ worker: PortWorker) {
    for (key, entry) in observers where entry.worker === worker { observers[key]?.worker = nil }
  }

  /// A thermometer has noticed something; it is an event of each channel that it is bound to.
  func observerTold(_ fault: Fault, at worker: PortWorker) async {
    guard let (key, entry) = observers.first(where: { $0.value.worker === worker }) else { return }
    logger.warning("\(fault.code.rawValue): \(entry.identity.serial): \(fault.detail)")
    if fault.code == .observerSensor { observers[key]?.trouble = .init(detail: fault.detail, at: now().host) }
    let at = now().unix
    let bound = bindings.filter { $0.value == key }.compactMap { channels[$0.key] }
    _ = try? await store.write { edit in
      for channel in bound {
        try edit.addEvent(
          EventRow(
            at: at, run: channel.run, channel: channel.id, stepID: nil, stepTime: nil, code: fault.code,
            severity: .warning, actor: "instrument", detail: "\(entry.identity.serial): \(fault.detail)"))
      }
    }
  }

  /// Tells a channel's thread which thermometer to look at.
  func tellBinding(of channel: Int64) {
    guard let entry = channels[channel], let worker = entry.worker else { return }
    worker.send(.bind(channel: entry.number, bindings[channel].flatMap { observers[$0]?.cell }))
  }

  // MARK: - Binding

  /// Binds a thermometer to a channel, or none; returns what was bound before.
  func observe(_ name: String, by serial: String?, _ requester: Requester) async throws -> ObserverKey? {
    let entry = try channel(named: name)
    let before = bindings[entry.id]
    let key = try serial.map(observer(named:))
    guard key != before else { return before }
    // A run that needs the thermometer must not be started between the question and the answer.
    guard channels[entry.id]?.isReserved == false else {
      throw RequestRefused(.conflict, code: "channel.busy", message: "\(name) is just being started")
    }
    channels[entry.id]?.isReserved = true
    defer { channels[entry.id]?.isReserved = false }
    if let (run, place) = try await runThatNeedsThermometer(on: entry) {
      throw RequestRefused(
        .conflict, code: "channel.in_use",
        message: "run \(run) on \(name) names a temperature in \(place), so its thermometer stays what it is",
        hint: "stop that run first")
    }
    let at = now().unix
    let found = key.flatMap { observers[$0]?.identity }
    try await store.write { edit in
      let was = before.map { ", instead of \($0.serial)" } ?? ""
      if let found {
        let instrument = try edit.upsertInstrument(
          family: found.family, model: found.model, serial: found.serial, firmware: found.firmware, at: at)
        try edit.bind(observer: instrument, of: "temperature", to: entry.id, by: requester.name, at: at)
      } else {
        try edit.unbind(observerOf: "temperature", from: entry.id)
      }
      try edit.addEvent(
        EventRow(
          at: at, run: entry.run, channel: entry.id, stepID: nil, stepTime: nil,
          code: found == nil ? .observerUnbound : .observerBound, severity: .info, actor: requester.name,
          detail: found.map { "\($0.model) \($0.serial) observes \(name)\(was)" }
            ?? "\(before?.serial ?? "") does not observe \(name) any more"))
    }
    bindings[entry.id] = key
    tellBinding(of: entry.id)
    return before
  }

  /// The first run of a channel, under way or in its queue, that names a temperature, and where it does.
  private func runThatNeedsThermometer(on entry: ChannelEntry) async throws -> (run: Int64, place: String)? {
    for run in try await store.read({ try $0.openRuns() }) where run.channelId == entry.id {
      if let place = await programs(of: run).values.compactMap(\.placeOfTemperature).first { return (run.runId, place) }
    }
    return nil
  }

  private func observer(named serial: String) throws -> ObserverKey {
    let found = observers.keys.filter { $0.serial == serial }
    if let only = found.first, found.count == 1 { return only }
    let known = observers.keys.map(\.serial).sorted()
    throw RequestRefused(
      .notFound, code: "observer.not_found",
      message: found.isEmpty
        ? "there is no thermometer “\(serial)”" : "several families have a thermometer “\(serial)”",
      hint: known.isEmpty
        ? "none has been seen: is its port named, like --port line_thermometer:/dev/ttyUSB0?"
        : "known are \(known.joined(separator: ", "))")
  }

  // MARK: - What a protocol needs

  /// Why a program that names a temperature cannot run on a channel now; nil when it can.
  func lackOfThermometer(for program: Program, on channel: ChannelEntry) -> Problem? {
    guard let place = program.placeOfTemperature else { return nil }
    guard let key = bindings[channel.id] else {
      return Problem(
        protocol_name: "", path: place,
        message: "a temperature is named, and no thermometer is bound to \(channel.name)",
        hint: "`nactl observe` lists the thermometers, `nactl observe \(channel.name) THERMOMETER` binds one")
    }
    let age = observers[key]?.cell?.observation.map { now().host - $0.arrivedAt }
    if let age, age <= configuration.observerPatience { return nil }
    let silence = age.map { "has said nothing for \($0.shown(digits: 3))" } ?? "has not said anything yet"
    return Problem(
      protocol_name: "", path: place,
      message: "a temperature is named, and the thermometer \(key.serial) of \(channel.name) \(silence)",
      hint: "`nactl observe` shows what it says: is it plugged in, and its sensor connected?")
  }

  /// Refuses programs that need a thermometer that is not there.
  func requireThermometers(_ prepared: [PreparedRun], _ targets: [Target]) throws {
    let lacks = prepared.compactMap { plan -> Problem? in
      var lack = lackOfThermometer(for: plan.program, on: targets[plan.target].channel)
      lack?.protocol_name = plan.name
      return lack
    }
    if let first = lacks.first {
      throw RequestRefused(
        .conflict, code: "observer.missing", message: first.message, hint: first.hint, problems: lacks)
    }
  }
}
