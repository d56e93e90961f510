// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Thermometers, as people ask for them.

internal import ControlAPI
internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Quantities

extension LaboratoryOperations {
  func thermometers() async throws -> ThermometerList {
    ThermometerList(thermometers: await laboratory.thermometers())
  }

  func observe(channel: String, _ request: ObserveRequest, by requester: Requester) async throws -> Acknowledgement {
    let before = try await laboratory.observe(channel, by: request.thermometer, requester)
    var message = request.thermometer.map { "\($0) observes \(channel)" } ?? "nothing observes \(channel)"
    if let before, before.serial != request.thermometer { message += "; \(before.serial) does not any more" }
    return Acknowledgement(request_id: requester.requestID, message: message, channel: channel)
  }

  /// A protocol that names a temperature needs a thermometer that measures; without a channel that is only told.
  func judgeThermometer(_ program: Program, _ channel: ChannelEntry?, _ answer: inout CheckedProtocol) async {
    if let channel {
      guard var lack = await laboratory.lackOfThermometer(for: program, on: channel) else { return }
      lack.protocol_name = answer.name
      answer.problems.append(lack)
    } else if let place = program.placeOfTemperature {
      answer.warnings.append(
        Problem(
          protocol_name: answer.name, path: place,
          message: "a temperature is named, so the channel needs a thermometer",
          hint: "`nactl observe CHANNEL THERMOMETER` binds one; `nactl check --channel` looks for it"))
    }
  }
}

extension ChannelStatus {
  /// With what the thermometer says that is bound to it.
  mutating func take(_ observed: Laboratory.ObservedChannel) {
    thermometer = observed.thermometer
    temperature_degC = observed.observation?.temperature.degreesCelsius
    temperature_age_s = observed.age?.seconds
  }
}

extension Laboratory {
  /// What is known of the temperature of a channel.
  struct ObservedChannel: Sendable {
    var thermometer: String
    var observation: ObservedTemperature?
    var age: TimeSpan?
  }

  /// Of the channels that have thermometers.
  func observedTemperatures() -> [Int64: ObservedChannel] {
    let moment = now().host
    return bindings.mapValues { key in
      let observation = observers[key]?.cell?.observation
      return ObservedChannel(
        thermometer: key.serial, observation: observation,
        age: observation.map { max(.zero, moment - $0.arrivedAt) })
    }
  }

  /// All thermometers, by name.
  func thermometers() -> [ThermometerStatus] {
    observers.sorted { ($0.key.serial, $0.key.family) < ($1.key.serial, $1.key.family) }.map { key, entry in
      let observation = entry.cell?.observation
      let age = observation.map { max(.zero, now().host - $0.arrivedAt) }
      let isMeasuring = age.map { $0 <= configuration.observerPatience } ?? false
      let trouble = entry.trouble.flatMap { $0.at > observation?.arrivedAt ?? HostInstant(microseconds: 0) ? $0 : nil }
      return ThermometerStatus(
        thermometer: key.serial, instrument_family: key.family, instrument_model: entry.identity.model,
        instrument_firmware: entry.identity.firmware.isEmpty ? nil : entry.identity.firmware,
        driver_maturity: InstrumentFamilies.named(key.family)?.descriptor.maturity.rawValue ?? "emulated_only",
        port: entry.worker?.path, state: entry.worker == nil ? "away" : isMeasuring ? "measuring" : "silent",
        temperature_degC: observation?.temperature.degreesCelsius, temperature_age_s: age?.seconds,
        trouble: trouble?.detail,
        channels: bindings.filter { $0.value == key }.compactMap { channels[$0.key]?.name }.sorted())
    }
  }
}
