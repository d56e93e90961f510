// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl identify PORT`
struct Identify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks who is at a port that the daemon does not use yet, and says how it is named to the daemon.",
    discussion: """
      Each family in turn stops what runs there and asks who it is; none drives a cell. It may take two minutes where nobody \
      answers. Ends with 1 when nobody does.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The port, such as /dev/ttyUSB3 or tcp://192.168.1.20:5025.", completion: .file()) var port: String
  @Option(help: "table or json.") var format = Format.table

  /// How an answer is written.
  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  func run() async throws {
    let answer = try await daemon.client().identify(IdentifyRequest(port: port))
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .table: Terminal.out(Self.text(answer.value))
    }
    if answer.value.instrument_family == nil { throw ExitCode(1) }
  }

  private static func text(_ found: IdentifiedPort) -> String {
    guard let model = found.instrument_model, let option = found.port_option else {
      return "nobody answered at \(found.port); asked for \(found.asked.joined(separator: ", "))\n"
    }
    var lines = ["\(model) \(found.instrument_serial ?? "")"]
    if let firmware = found.instrument_firmware, !firmware.isEmpty { lines[0] += ", firmware \(firmware)" }
    lines.append("the daemon takes it with: nacyclerd --port '\(option)'")
    return lines.joined(separator: "\n") + "\n"
  }
}
