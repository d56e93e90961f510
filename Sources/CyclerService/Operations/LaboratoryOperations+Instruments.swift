// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Instruments, as people ask for them.

internal import ControlAPI
internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Quantities

extension LaboratoryOperations {
  func instruments() async throws -> InstrumentList {
    InstrumentList(
      instruments: await laboratory.instruments(), unusable_ports: await laboratory.portTroubles(),
      unmatched_ports: await laboratory.unmatchedPatterns.sorted(), families: InstrumentFamilies.names.sorted())
  }

  func identify(_ request: IdentifyRequest, by requester: Requester) async throws -> IdentifiedPort {
    let finding = try await laboratory.identify(port: request.port, by: requester)
    switch finding {
    case .instrument(let identity, let asked):
      return IdentifiedPort(
        request_id: requester.requestID, port: request.port, instrument_family: identity.family,
        instrument_model: identity.model, instrument_serial: identity.serial, instrument_firmware: identity.firmware,
        port_option: "\(identity.family):\(request.port)", asked: asked)
    case .nobody(let asked, let refusals):
      return IdentifiedPort(
        request_id: requester.requestID, port: request.port, asked: asked,
        refusals: refusals.map {
          FamilyRefusal(instrument_family: $0.family, code: $0.fault.code.rawValue, message: $0.fault.detail)
        })
    case .unusable(let fault):
      throw RequestRefused(.impossible, code: fault.code.rawValue, message: fault.detail)
    case .stopped:
      throw RequestRefused(.unavailable, code: "daemon.stopping", message: "the daemon stops", hint: "ask again later")
    }
  }
}

extension Laboratory {
  /// What tells one instrument from another.
  private struct InstrumentKey: Hashable {
    var family, serial: String
    init(_ identity: InstrumentIdentity) { (family, serial) = (identity.family, identity.serial) }
  }

  /// All instruments that have channels or observe some, by model and serial number.
  func instruments() -> [InstrumentStatus] {
    let driving = Dictionary(grouping: channels.values) { InstrumentKey($0.instrument) }.values.compactMap { entries in
      entries.first.map { entry in
        status(
          entry.instrument, at: entry.worker, isStalled: entry.isStalled,
          channels: entries.sorted { $0.number < $1.number }.map(\.name))
      }
    }
    let observing = observers.map { key, entry in
      status(
        entry.identity, at: entry.worker, isStalled: entry.worker?.isStalled(at: now().host) ?? false,
        channels: bindings.filter { $0.value == key }.compactMap { channels[$0.key]?.name }.sorted())
    }
    return (driving + observing).sorted {
      ($0.instrument_model, $0.instrument_serial) < ($1.instrument_model, $1.instrument_serial)
    }
  }

  private func status(
    _ identity: InstrumentIdentity, at worker: PortWorker?, isStalled: Bool, channels: [String]
  ) -> InstrumentStatus {
    InstrumentStatus(
      instrument_model: identity.model, instrument_serial: identity.serial,
      instrument_firmware: identity.firmware.isEmpty ? nil : identity.firmware, instrument_family: identity.family,
      driver_maturity: InstrumentFamilies.named(identity.family)?.descriptor.maturity.rawValue ?? "emulated_only",
      port: worker?.path, state: worker == nil ? "away" : isStalled ? "silent" : "ready", channels: channels,
      abilities: InstrumentAbilities(identity.capabilities),
      link: worker.map { LinkStatistics($0.counters.counts, at: now().host) })
  }
}

extension LinkStatistics {
  init(_ counts: LinkCounts, at now: HostInstant) {
    self.init(
      received_bytes: counts.receivedBytes, sent_bytes: counts.sentBytes, readings: counts.readings,
      damaged_messages: counts.damagedMessages, losses: counts.losses,
      last_byte_age_s: counts.lastByteAt.map { max(.zero, now - $0).seconds })
  }
}

extension InstrumentAbilities {
  init(_ capabilities: InstrumentCapabilities) {
    self.init(
      step_kinds: capabilities.kinds.map(\.rawValue).sorted(), voltage_from_V: capabilities.voltage.from.volts,
      voltage_to_V: capabilities.voltage.to.volts, maximum_current_A: capabilities.maximumCurrent.amperes,
      current_ranges_A: capabilities.currentRanges.map(\.amperes),
      shortest_reading_interval_s: capabilities.shortestReadingInterval.seconds,
      highest_frequency_Hz: capabilities.highestFrequency?.hertz, holds_limits_itself: capabilities.holdsBounds,
      goes_safe_alone: capabilities.hasLease, stays_on_when: capabilities.leaseHole,
      open_circuit: capabilities.openCircuit.rawValue, observes: capabilities.observes.map(\.rawValue).sorted())
  }
}
