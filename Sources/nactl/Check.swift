// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl check PROTOCOL...`
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compiles protocols and prints their steps; starts nothing.",
    discussion: """
      --simulate carries the protocol out on a virtual cell, with the daemon's own run logic, and shows the cycles that \
      it would make, the curve of the voltage, and every warning. `nasim presets` lists the cells.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var values: CellValueOptions
  @OptionGroup var variables: VariableOptions
  @Argument(help: "Protocol files; those of aurora-unicycler, tomato 0.1 and 0.2 and PyBaMM too.", completion: .file())
  var protocols: [String]
  @OptionGroup var foreign: ForeignOptions
  @Option(
    help: "A registered cell whose values are used.",
    completion: .shellCommand("nactl cell list --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var cell: String?
  @Option(help: "A channel whose instrument is considered.") var channel: String?
  @OptionGroup var simulation: SimulationOptions
  @Option(help: "table for people, or json as the daemon sends it.") var format: Show.Form = .table

  func validate() throws {
    guard simulation.simulate == nil || protocols.count == 1 else {
      throw ValidationError("--simulate takes one protocol at a time, not \(protocols.count).")
    }
    if simulation.simulate == nil, simulation.simulateCycles != nil {
      throw ValidationError("--simulate-cycles needs --simulate PRESET.")
    }
    if simulation.simulate == nil, simulation.simulateTemperature != nil {
      throw ValidationError("--simulate-temperature needs --simulate PRESET.")
    }
    if let cycles = simulation.simulateCycles, cycles < 1 {
      throw ValidationError("--simulate-cycles is at least 1, not \(cycles).")
    }
    guard SimulationOptions.instruments.contains(simulation.simulateOn) else {
      throw ValidationError(
        "--simulate-on is \(SimulationOptions.instruments.joined(separator: " or ")), not \(simulation.simulateOn).")
    }
  }

  func run() async throws {
    let sources = try ProtocolFiles.read(protocols, foreign, nominal: values.nominalCapacity)
    let request = CheckRequest(
      protocols: sources, cell: cell, channel: channel,
      active_mass_ug: values.mass?.micrograms, area_mm2: values.area?.squareMillimetres,
      nominal_capacity_mAh: values.nominalCapacity?.milliampereHours, set: variables.set)
    let answer = try await check(request)
    if format == .table { answer.value.protocols.forEach(Self.show) }
    let simulated = answer.value.valid ? try await simulate(sources) : nil
    switch format {
    case .json: Terminal.out(bytes: simulated.map { Self.joined(answer.json, $0.json) } ?? answer.json)
    case .table: simulated?.value.show(width: Terminal.width)
    }
    if !answer.value.valid { Exit.end(.problems) }
  }

  /// The daemon's answer. A simulation needs no cell: what the protocol lacks of one is the preset's then.
  private func check(_ request: CheckRequest) async throws -> Received<CheckResponse> {
    let client = try daemon.client()
    let answer = try await client.check(request)
    guard !answer.value.valid, let name = simulation.simulate, cell == nil, let preset = try PresetValues.named(name)
    else { return answer }
    let completed = try await client.check(preset.completing(request))
    guard completed.value.valid else { return answer }
    Terminal.error("what the protocol lacks of the cell is taken from the preset \(name)\n")
    return completed
  }

  /// What comes of the protocol on a virtual cell; nil when nobody asks. Values of a registered cell go before the
  /// preset's.
  private func simulate(_ sources: [ProtocolSource]) async throws -> (value: Simulation, json: [UInt8])? {
    guard let preset = simulation.simulate, let source = sources.first else { return nil }
    var registered: CellStatus?
    if let cell { registered = try await daemon.client().cell(named: cell).value }
    let request = Simulation.Request(
      preset: preset, instrument: simulation.simulateOn, cycles: simulation.simulateCycles, settings: variables.set,
      massMicrograms: values.mass?.micrograms ?? registered?.active_mass_ug,
      areaSquareMillimetres: values.area?.squareMillimetres ?? registered?.area_mm2,
      nominalMilliampereHours: values.nominalCapacity?.milliampereHours ?? registered?.nominal_capacity_mAh,
      degreesCelsius: simulation.simulateTemperature)
    return try Simulation.run(request, text: Array(source.text.utf8))
  }

  private static func joined(_ check: [UInt8], _ simulation: [UInt8]) -> [UInt8] {
    Array("{\"check\":".utf8) + check + Array(",\"simulation\":".utf8) + simulation + Array("}\n".utf8)
  }

  private static func show(_ result: CheckedProtocol) {
    let count = result.problems.count
    let problems = count == 1 ? "one problem" : "\(count) problems"
    var text = "\(result.name): \(result.title ?? (count > 0 ? problems : "without a title"))"
    if let role = result.role { text += ", \(role)" }
    if let cycles = result.cycle_count { text += ", \(cycles) cycles" }
    text += "\n" + result.listing.map { "  \($0)\n" }.joined()
    Terminal.out(text)
    for warning in result.warnings { Terminal.error("warning: " + Problems.lines(warning)) }
    for problem in result.problems { Terminal.error(Problems.lines(problem)) }
  }
}

/// How a protocol is tried on a virtual cell.
struct SimulationOptions: ParsableArguments {
  /// What `nasim` emulates.
  static let instruments = ["emstat4-hr", "nexus"]

  @Option(
    help: ArgumentHelp("Try it on this virtual cell.", valueName: "preset"),
    completion: .shellCommand(
      "nasim presets --format json 2>/dev/null | tr ',{' '\\n' | sed -n 's/^\"name\":\"\\(.*\\)\"$/\\1/p'"))
  var simulate: String?
  @Option(
    help: ArgumentHelp("The instrument that is emulated: emstat4-hr or nexus.", valueName: "instrument"),
    completion: .list(instruments))
  var simulateOn = "emstat4-hr"
  @Option(help: ArgumentHelp("Simulate so many cycles only.", valueName: "number")) var simulateCycles: Int?
  @Option(
    help: ArgumentHelp("What the thermometer beside the simulated cell says, in degrees Celsius.", valueName: "degrees")
  )
  var simulateTemperature: Double?
}
