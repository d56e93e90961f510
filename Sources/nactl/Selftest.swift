// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Glibc

/// `nactl selftest CHANNEL --resistor OHM`
struct Selftest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tries an instrument on a resistor in place of the cell, and says whether it measures what flows.",
    discussion: """
      Connect the resistor first, without any cell; a channel that holds a cell is refused. Nothing flows, then a current in \
      each direction, then half of its voltage is held, 8 s each; an instrument that keeps no current sweeps the voltage \
      both ways instead. Ctrl-C stops it. Ends with 1 when anything is wrong. docs/instruments.md says what to try besides, \
      and what to send to the project.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The channel.") var channel: String
  @Option(help: ArgumentHelp("The resistor.", valueName: "ohm")) var resistor: Double
  @Option(help: ArgumentHelp("Another current than the one that makes 0.5 V.", valueName: "ampere")) var current:
    Double?
  @Option(help: "By how much current and voltage may be wrong, the resistor's own tolerance included, in percent.")
  var tolerance = 2.0
  @Flag(help: "Agrees to an instrument that cannot hold limits when the host dies.") var acceptNoHardwareLimits = false
  @Option(help: "table or json.") var format = SelfTestFormat.table

  /// How a report is written.
  enum SelfTestFormat: String, ExpressibleByArgument, CaseIterable { case table, json }

  func validate() throws {
    guard resistor > 0, resistor.isFinite else { throw ValidationError("--resistor is a number of ohms above 0.") }
    guard (0.01...50).contains(tolerance) else { throw ValidationError("--tolerance is 0.01 to 50 percent.") }
    if let current, !(current > 0 && current.isFinite) {
      throw ValidationError("--current is a number of amperes above 0.")
    }
  }

  func run() async throws {
    let client = try daemon.client()
    let before = try await instrument(client)
    let plan = try SelfTestPlan(resistance_ohm: resistor, current_A: current, abilities: before.abilities)
    let started = try await client.start(
      StartRequest(
        protocols: [ProtocolSource(name: "self-test", text: plan.protocolText)], channels: [channel],
        cells: [try await standIn(client)], accept_no_hardware_limits: acceptNoHardwareLimits, on_resistor: true)
    ).value
    guard let run = started.runs.first?.run else { return }
    for warning in started.warnings { Terminal.error("warning: \(warning)\n") }
    let interrupt = await Self.stopAtInterrupt(client, run)
    defer { interrupt.end() }
    Terminal.error("run \(run) goes on for about a minute\n")
    let (records, reasons) = try await records(of: run, client)
    try await report(client, plan, run, records, before, reasons)
  }

  /// What the register of cells has in the resistor's place, the same for each test of a channel. It is never mounted.
  private func standIn(_ client: ControlClient) async throws -> String {
    let name = "resistor-\(channel)"
    do {
      return try await client.cell(named: name).value.cell
    } catch let refusal as RequestRefused where refusal.body.code == "cell.not_found" {
      _ = try await client.add(CellRequest(cell: name, role: "no-cycles", notes: "stands for resistors of self-tests"))
      return name
    }
  }

  /// All that is recorded until the run is over. One that is held is ended, for the reason that it was held: nobody has to look
  /// after a resistor.
  private func records(of run: Int64, _ client: ControlClient) async throws -> ([RecordFrame], [String]) {
    struct Held: Error {}
    var records: [RecordFrame] = []
    let all = StreamRequest(run: .number(run), kinds: [.records])
    do {
      try await client.stream(all) { news in
        guard case .frame(let received) = news else { return }
        if case .record(let record) = received.frame.body { records.append(record) }
        if case .run(let status) = received.frame.body, status.state == "held" { throw Held() }
      }
    } catch is Held {
      let reasons = Self.reasons(try await client.run(.number(run)).value)
      _ = try await client.command("stop", CommandRequest(reason: "the self-test was held"), on: .number(run))
      try await client.stream(all) { _ in }
      return (records, reasons)
    }
    return (records, Self.reasons(try await client.run(.number(run)).value))
  }

  /// Why a run is over or held, and what went wrong before.
  private static func reasons(_ detail: RunDetail) -> [String] {
    // A latch repeats what set it.
    let told = detail.events.filter {
      $0.severity != "info" && !["preflight.allowed_by_person", "latch.set"].contains($0.code)
    }
    var reasons = told.map { "\($0.code): \($0.detail)" }
    if let reason = detail.run.end_reason, !told.contains(where: { $0.code == reason }) { reasons.append(reason) }
    if let latch = detail.latch, latch.run == detail.run.run {
      reasons.append(
        "the channel is latched: look at the resistor, then `nactl clear \(detail.run.channel) --reason TEXT`")
    }
    return reasons
  }

  /// From now on Ctrl-C stops the run, whose end then comes as any other; a second one leaves it to itself.
  private static func stopAtInterrupt(_ client: ControlClient, _ run: Int64) async -> SignalWatch {
    await SignalWatch.hear([SIGINT]) {
      signal(SIGINT, SIG_DFL)
      Task {
        do {
          _ = try await client.command(
            "stop", CommandRequest(reason: "the self-test was interrupted"), on: .number(run))
        } catch { Terminal.error("run \(run) could not be stopped, and ends by itself within a minute\n") }
      }
    }
  }

  /// The instrument that drives the channel; a thermometer beside it drives nothing.
  private func instrument(_ client: ControlClient) async throws -> InstrumentStatus {
    let all = try await client.instruments().value.instruments.filter { !$0.abilities.step_kinds.isEmpty }
    guard let found = all.first(where: { $0.channels.contains(channel) }) else {
      let known = all.flatMap(\.channels).sorted().joined(separator: ", ")
      throw UsageFailure(
        code: "channel.not_found", message: "there is no channel \(channel)", hint: "channels are: \(known)")
    }
    return found
  }

  private func report(
    _ client: ControlClient, _ plan: SelfTestPlan, _ run: Int64, _ records: [RecordFrame], _ before: InstrumentStatus,
    _ reasons: [String]
  ) async throws {
    let after = try await instrument(client)
    let status = try await client.run(.number(run)).value.run
    var report = SelfTestReport(
      instrument_family: after.instrument_family, instrument_model: after.instrument_model,
      instrument_serial: after.instrument_serial, instrument_firmware: after.instrument_firmware,
      driver_maturity: after.driver_maturity, channel: channel, run: run, run_state: status.state,
      resistance_ohm: resistor, tolerance_percent: tolerance)
    if let first = before.link, let last = after.link {
      report.damaged_messages = last.damaged_messages - first.damaged_messages
      report.losses = last.losses - first.losses
    }
    report.judge(plan, records, endedBy: reasons)
    switch format {
    case .json: Terminal.out(bytes: try WireCoding.encode(report))
    case .table: Terminal.out(report.text)
    }
    if !report.passed { throw ExitCode(1) }
  }
}
