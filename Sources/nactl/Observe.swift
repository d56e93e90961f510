// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl observe [CHANNEL [THERMOMETER]]`
struct Observe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says which thermometer stands beside a channel's cell; without arguments, lists the thermometers.",
    discussion: """
      A protocol that names a temperature starts only on a channel with a thermometer that measures. One thermometer may \
      observe several channels.
      """)
  @OptionGroup var list: ListOptions
  @Argument(help: "The channel.") var channel: String?
  @Argument(help: "The thermometer, by its serial number.") var thermometer: String?
  @Flag(help: "Nothing observes the channel any more.") var none = false

  func validate() throws {
    guard channel != nil || !none else { throw ValidationError("--none needs a channel.") }
    if channel != nil, (thermometer == nil) != none {
      throw ValidationError("Name a channel and either a thermometer or --none.")
    }
  }

  func run() async throws {
    let client = try list.daemon.client()
    guard let channel else {
      let answer = try await client.thermometers()
      list.write(
        answer.value.thermometers, Self.columns, json: answer.json,
        empty: "no thermometers: is one named, like nacyclerd --port line_thermometer:/dev/ttyUSB0?")
      return
    }
    let answer = try await client.observe(channel: channel, ObserveRequest(thermometer: thermometer))
    switch list.format {
    case .json: Terminal.out(bytes: answer.json)
    case .table, .csv: Terminal.out(answer.value.message + "\n")
    }
  }

  private static var columns: [Table<ThermometerStatus>.Column] {
    [
      .init("THERMOMETER", "thermometer") { $0.thermometer },
      .init("MODEL", "instrument_model") { $0.instrument_model },
      .hidden("instrument_family") { $0.instrument_family },
      .hidden("instrument_firmware") { $0.instrument_firmware },
      .hidden("driver_maturity") { $0.driver_maturity },
      .init("PORT", "port") { $0.port },
      .init("STATE", "state") { $0.state },
      .init(
        "TEMPERATURE", "temperature_degC", number: true,
        text: { $0.temperature_degC.map { Numbers.fixed($0, 2) + " °C" } },
        value: { $0.temperature_degC.map { "\($0)" } }),
      .init(
        "AGE", "temperature_age_s", number: true, text: { $0.temperature_age_s.map(Numbers.duration) },
        value: { $0.temperature_age_s.map { "\($0)" } }),
      .init("CHANNELS", "channels") { $0.channels.joined(separator: " ") },
      .init("TROUBLE", "trouble") { $0.trouble },
    ]
  }
}
