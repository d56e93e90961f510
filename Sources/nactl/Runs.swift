// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl runs`
struct Runs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists runs, newest first.")
  @OptionGroup var list: ListOptions
  @Flag(help: "Only runs that are not over.") var active = false

  func run() async throws {
    let answer = try await list.daemon.client().runs(active: active)
    list.write(
      answer.value.runs, Self.columns, json: answer.json,
      empty: active ? "no run is under way" : "no runs: nactl start PROTOCOL begins one")
    if list.format == .table { StoreWatch.warn(of: answer.value.store_failure) }
  }

  private static var columns: [Table<RunStatus>.Column] {
    [
      .init("RUN", "run", number: true) { "\($0.run)" },
      .init("CELL", "cell") { $0.cell },
      .init("CHANNEL", "channel") { $0.channel },
      .init("STATE", "state") { $0.state },
      .init("CYCLE", "cycle_number", number: true, text: { progress($0) }) { $0.cycle_number.map { "\($0)" } },
      .init("STARTED", "started_unix_us", text: { $0.started_unix_us.map(Numbers.instant) }) {
        $0.started_unix_us.map { "\($0)" }
      },
      .init("BY", "started_by") { $0.started_by },
      .init("TITLE", "title") { $0.title },
      .init("REASON", "end_reason") { $0.end_reason },
      .hidden("cycle_count") { $0.cycle_count.map { "\($0)" } },
      .hidden("ended_unix_us") { $0.ended_unix_us.map { "\($0)" } },
      .hidden("queue_position") { $0.queue_position.map { "\($0)" } },
      .hidden("uuid") { $0.uuid },
    ]
  }

  private static func progress(_ run: RunStatus) -> String? {
    run.cycle_number.map { number in run.cycle_count.map { "\(number)/\($0)" } ?? "\(number)" }
  }
}
