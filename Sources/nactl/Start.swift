// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl start PROTOCOL...`
struct Start: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Starts a protocol on a cell, or several one after the other.",
    discussion: """
      With one idle channel and a protocol that carries the cell's values, or a cell mounted on the channel, \
      the file is enough. Several protocols queue on the cell. Several cells start all or none.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var values: CellValueOptions
  @OptionGroup var variables: VariableOptions
  @Argument(
    help: "Protocol files, in order; those of aurora-unicycler, tomato 0.1 and 0.2 and PyBaMM too.", completion: .file()
  )
  var protocols: [String]
  @OptionGroup var foreign: ForeignOptions
  @Option(
    parsing: .upToNextOption, help: "Channels, with spaces or commas between.",
    completion: .shellCommand("nactl channels --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var channels: [String] = []
  @Option(
    parsing: .upToNextOption, help: "Cells by name or own id, one for each channel.",
    completion: .shellCommand("nactl cell list --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var cells: [String] = []
  @Option(
    help: ArgumentHelp("Starts although the cell's voltage is outside the protocol's window.", valueName: "reason"))
  var allowVoltage: String?
  @Flag(help: "Agrees to an instrument that cannot hold limits when the host dies.") var acceptNoHardwareLimits = false
  @Flag(help: "Shows the runs until they are over, like nactl tail.") var follow = false

  func run() async throws {
    let request = StartRequest(
      protocols: try ProtocolFiles.read(protocols, foreign, nominal: values.nominalCapacity),
      channels: Self.split(channels), cells: Self.split(cells),
      active_mass_ug: values.mass?.micrograms, area_mm2: values.area?.squareMillimetres,
      nominal_capacity_mAh: values.nominalCapacity?.milliampereHours, set: variables.set, allow_voltage: allowVoltage,
      accept_no_hardware_limits: acceptNoHardwareLimits)
    let client = try daemon.client()
    let started = try await client.start(request).value
    for warning in started.warnings { Terminal.error("warning: \(warning)\n") }
    started.runs.forEach { Terminal.out(Self.line($0)) }
    guard follow else {
      Terminal.error("the open circuit is measured first, for 10 s; `nactl tail` shows what comes of it\n")
      return
    }
    try await StoreWatch(client).during { try await Self.follow(started.runs, client) }
    try await Self.requireCompleted(started.runs, client)
  }

  /// Whoever waits for a run in a script must see that it did not do what it should.
  private static func requireCompleted(_ runs: [StartedRun], _ client: ControlClient) async throws {
    var areCompleted = true
    for run in runs {
      let status = try await client.run(.number(run.run)).value.run
      guard status.is_over, status.state != "completed" else { continue }
      areCompleted = false
      Terminal.error("run \(run.run) was not completed: \(status.end_reason ?? status.state)\n")
    }
    if !areCompleted { throw ExitCode(1) }
  }

  private static func split(_ names: [String]) -> [String] {
    names.flatMap { $0.split(separator: ",").map { $0.trimmingSpaces() } }
  }

  private static func line(_ run: StartedRun) -> String {
    let cell = run.cell_registered ? "\(run.cell) (new)" : run.cell
    let queue = run.queue_position.map { ", waits as number \($0) in the cell's queue" } ?? ""
    return "run \(run.run): \(run.title), cell \(cell), channel \(run.channel)\(queue)\n"
  }

  /// Runs of one cell are shown one after the other, each whole; runs of several cells side by side from now on.
  private static func follow(_ runs: [StartedRun], _ client: ControlClient) async throws {
    let view = TailView(client: client, form: .table, units: .milliampereHours)
    await view.endAtInterrupt()
    if Set(runs.map(\.cell)).count == 1 {
      for run in runs { try await view.show(StreamRequest(run: .number(run.run))) }
    } else {
      try await view.show(StreamRequest(run: nil, last: 0), only: Set(runs.map(\.run)))
    }
    view.printCursor()
  }
}
