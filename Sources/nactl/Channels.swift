// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl channels`
struct Channels: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists the channels and what is on them.")
  @OptionGroup var list: ListOptions

  func run() async throws {
    let answer = try await list.daemon.client().channels()
    list.write(
      answer.value.channels, Self.columns, json: answer.json,
      empty: "no channels: is an instrument plugged in, or given with nacyclerd --port?")
    if list.format == .table {
      for port in answer.value.unusable_ports { Terminal.out(Self.text(port)) }
      for pattern in answer.value.unmatched_ports { Terminal.out(Self.text(unmatched: pattern)) }
      StoreWatch.warn(of: answer.value.store_failure)
    }
  }

  /// A port of no use, in two lines.
  static func text(_ port: UnusablePort) -> String {
    "port \(port.port) cannot be used: \(port.code): \(port.message)\n    hint: \(port.hint)\n"
  }

  /// A name given with `--port` that leads nowhere, in two lines.
  static func text(unmatched pattern: String) -> String {
    // The family in front is none of the name's, a colon behind a slash is.
    let parts = pattern.split(separator: ":", maxSplits: 1)
    let path = parts.count == 2 && !parts[0].contains("/") ? parts[1] : pattern[...]
    return "--port \(pattern) matches no port now; one that appears is taken by itself\n"
      + "    hint: is the instrument plugged in and the name right? `ls -l \(path)`\n"
  }

  /// What is known of the circuit, with the moment when a lease ran out.
  static func circuit(_ state: CircuitState, leaseExpired: Int64?) -> String {
    switch state {
    case .closed, .openConfirmed, .unknown: state.rawValue
    case .openLeaseExpired:
      leaseExpired.map { "open (lease expired at \(Numbers.timeOfDay(unixMicroseconds: $0)))" } ?? state.rawValue
    }
  }

  private static var columns: [Table<ChannelStatus>.Column] {
    [
      .init("CHANNEL", "channel") { $0.channel },
      .init(
        "INSTRUMENT", "instrument_model", text: { "\($0.instrument_model) \($0.instrument_serial)" },
        value: { $0.instrument_model }),
      .hidden("instrument_serial") { $0.instrument_serial },
      .hidden("instrument_family") { $0.instrument_family },
      .hidden("instrument_firmware") { $0.instrument_firmware },
      .hidden("driver_maturity") { $0.driver_maturity },
      .init("PORT", "port") { $0.port },
      .init("STATE", "state") { $0.state },
      .init(
        "CIRCUIT", "circuit", text: { circuit($0.circuit, leaseExpired: $0.circuit_lease_expired_unix_us) },
        value: { $0.circuit.rawValue }),
      .hidden("circuit_lease_expired_unix_us") { $0.circuit_lease_expired_unix_us.map { "\($0)" } },
      .init("CELL", "cell") { $0.cell },
      .hidden("wiring") { $0.wiring },
      .init("RUN", "run", number: true) { $0.run.map { "\($0)" } },
      .init("VOLTAGE", "voltage_V", number: true, text: { $0.voltage_V.map { Numbers.fixed($0, 4) + " V" } }) {
        $0.voltage_V.map { "\($0)" }
      },
      .init("CURRENT", "current_A", number: true, text: { $0.current_A.map { Numbers.scaled($0, "A") } }) {
        $0.current_A.map { "\($0)" }
      },
      .init(
        "TEMPERATURE", "temperature_degC", number: true,
        text: { $0.temperature_degC.map { Numbers.fixed($0, 2) + " °C" } },
        value: { $0.temperature_degC.map { "\($0)" } }),
      .hidden("thermometer") { $0.thermometer },
      .hidden("temperature_age_s") { $0.temperature_age_s.map { "\($0)" } },
      .init("SAFE ALONE", "goes_safe_alone", text: { $0.goes_safe_alone ? "yes" : "no" }) { "\($0.goes_safe_alone)" },
      .hidden("holds_limits_itself") { "\($0.holds_limits_itself)" },
      .init("LATCH", "latch_fault", text: { $0.latch.map { "\($0.fault): \($0.detail)" } }) { $0.latch?.fault },
    ]
  }
}
