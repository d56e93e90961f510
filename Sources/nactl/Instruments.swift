// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl instruments`
struct Instruments: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the instruments: who they are, where, and how their lines are.",
    discussion: "What is counted of a line is counted since its port appeared or the daemon started.")
  @OptionGroup var list: ListOptions
  @Flag(help: "Below, what each can do.") var abilities = false

  func run() async throws {
    let answer = try await list.daemon.client().instruments()
    let families = answer.value.families.joined(separator: ", ")
    list.write(
      answer.value.instruments, Self.columns, json: answer.json,
      empty: "no instruments: plug one in, or name its port like nacyclerd --port FAMILY:/dev/ttyUSB0 (\(families))")
    guard list.format == .table else { return }
    if abilities { for instrument in answer.value.instruments { Terminal.out(Self.text(instrument)) } }
    for port in answer.value.unusable_ports { Terminal.out(Channels.text(port)) }
    for pattern in answer.value.unmatched_ports { Terminal.out(Channels.text(unmatched: pattern)) }
  }

  /// What one can do, in a few lines.
  static func text(_ instrument: InstrumentStatus) -> String {
    let can = instrument.abilities
    var lines = ["", "\(instrument.instrument_model) \(instrument.instrument_serial)"]
    if !can.step_kinds.isEmpty {
      lines.append("  steps: \(can.step_kinds.joined(separator: ", "))")
      let ranges = can.current_ranges_A.map { Numbers.scaled($0, "A") }.joined(separator: ", ")
      lines.append(
        "  \(Numbers.fixed(can.voltage_from_V, 3)) V to \(Numbers.fixed(can.voltage_to_V, 3)) V, up to "
          + "\(Numbers.scaled(can.maximum_current_A, "A")); ranges \(ranges)")
      lines.append("  readings at least \(Numbers.fixed(can.shortest_reading_interval_s, 3)) s apart")
      lines.append("  limits judged by \(can.holds_limits_itself ? "itself and this machine" : "this machine only")")
      lines.append("  open circuit: \(can.open_circuit)")
      lines.append("  when this machine dies: \(can.goes_safe_alone ? "disconnects the cell" : "stays on")")
    }
    if let frequency = can.highest_frequency_Hz { lines.append("  impedance up to \(Numbers.scaled(frequency, "Hz"))") }
    if let hole = can.stays_on_when { lines.append("  stays on: \(hole)") }
    if !can.observes.isEmpty { lines.append("  measures: \(can.observes.joined(separator: ", "))") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static var columns: [Table<InstrumentStatus>.Column] {
    [
      .init("INSTRUMENT", "instrument_model") { $0.instrument_model },
      .init("SERIAL", "instrument_serial") { $0.instrument_serial },
      .init("FIRMWARE", "instrument_firmware") { $0.instrument_firmware },
      .init("FAMILY", "instrument_family") { $0.instrument_family },
      .init("MATURITY", "driver_maturity") { $0.driver_maturity },
      .init("PORT", "port") { $0.port },
      .init("STATE", "state") { $0.state },
      .init("CHANNELS", "channels") { $0.channels.joined(separator: " ") },
      count("READINGS", "readings") { $0.readings },
      count("DAMAGED", "damaged_messages") { $0.damaged_messages },
      count("LOSSES", "losses") { $0.losses },
      .hidden("received_bytes") { $0.link.map { "\($0.received_bytes)" } },
      .hidden("sent_bytes") { $0.link.map { "\($0.sent_bytes)" } },
      .init(
        "LAST BYTE", "last_byte_age_s", number: true,
        text: { $0.link?.last_byte_age_s.map { Numbers.duration($0) + " ago" } },
        value: { $0.link?.last_byte_age_s.map { "\($0)" } }),
      .hidden("step_kinds") { $0.abilities.step_kinds.joined(separator: " ") },
      .hidden("voltage_from_V") { "\($0.abilities.voltage_from_V)" },
      .hidden("voltage_to_V") { "\($0.abilities.voltage_to_V)" },
      .hidden("maximum_current_A") { "\($0.abilities.maximum_current_A)" },
      .hidden("shortest_reading_interval_s") { "\($0.abilities.shortest_reading_interval_s)" },
      .hidden("holds_limits_itself") { "\($0.abilities.holds_limits_itself)" },
      .hidden("goes_safe_alone") { "\($0.abilities.goes_safe_alone)" },
      .hidden("stays_on_when") { $0.abilities.stays_on_when },
      .hidden("open_circuit") { $0.abilities.open_circuit },
    ]
  }

  private static func count(
    _ title: String, _ key: String, _ value: @escaping (LinkStatistics) -> Int64
  ) -> Table<InstrumentStatus>.Column {
    .init(title, key, number: true) { $0.link.map { "\(value($0))" } }
  }
}
