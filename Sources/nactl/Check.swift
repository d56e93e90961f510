// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl check PROTOCOL...`
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compiles protocols and prints their steps; starts nothing.")
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var values: CellValueOptions
  @OptionGroup var variables: VariableOptions
  @Argument(help: "Protocol files.", completion: .file(extensions: ["json"])) var protocols: [String]
  @Option(help: "A registered cell whose values are used.") var cell: String?
  @Option(help: "A channel whose instrument is considered.") var channel: String?
  @Option(help: "table for people, or json as the daemon sends it.") var format: Show.Form = .table

  func run() async throws {
    let request = CheckRequest(
      protocols: try ProtocolFiles.read(protocols), cell: cell, channel: channel,
      active_mass_ug: values.mass?.micrograms, area_mm2: values.area?.squareMillimetres,
      nominal_capacity_mAh: values.nominalCapacity?.milliampereHours, set: variables.set)
    let answer = try await daemon.client().check(request)
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .table: answer.value.protocols.forEach(Self.show)
    }
    if !answer.value.valid { Exit.end(.problems) }
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

/// Reads protocol files.
enum ProtocolFiles {
  /// The texts with their names.
  static func read(_ paths: [String]) throws -> [ProtocolSource] {
    try paths.map { ProtocolSource(name: $0, text: try FileDescriptors.readFile($0)) }
  }
}
