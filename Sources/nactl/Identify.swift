// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Glibc

/// `nactl identify PORT`
struct Identify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks who is at a port at which the daemon knows nobody, and says how it is named to the daemon.",
    discussion: """
      A port that the daemon has open, and at which nobody answers it, is asked too. Each family in turn stops what runs there and asks who it is; none drives a cell. It may take two minutes where nobody \
      answers; Ctrl-C ends it. Ends with 1 when nobody is there who can be driven.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The port, such as /dev/ttyUSB3 or tcp://192.168.1.20:5025.", completion: .file()) var port: String
  @Option(help: "table or json.") var format = Format.table

  /// How an answer is written.
  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  func run() async throws {
    let answer = try await daemon.client().identify(IdentifyRequest(port: Self.whole(port)))
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .table: Terminal.out(Self.text(answer.value))
    }
    if answer.value.instrument_family == nil { throw ExitCode(1) }
  }

  /// The name as the daemon, which works in another folder, understands it. What names no file here is its to judge.
  static func whole(_ port: String) -> String {
    guard !port.hasPrefix("/"), access(port, F_OK) == 0, let folder = getcwd(nil, 0) else { return port }
    defer { free(folder) }
    return "\(String(cString: folder))/\(port)"
  }

  /// An answer in a few lines.
  static func text(_ found: IdentifiedPort) -> String {
    guard let model = found.instrument_model, let option = found.port_option else { return nobody(found) }
    var lines = ["\(model) \(found.instrument_serial ?? "")"]
    if let firmware = found.instrument_firmware, !firmware.isEmpty { lines[0] += ", firmware \(firmware)" }
    lines.append("the daemon takes it with: nacyclerd --port '\(option)'")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func nobody(_ found: IdentifiedPort) -> String {
    let asked = "asked for \(found.asked.joined(separator: ", "))\n"
    guard !found.refusals.isEmpty else {
      return "nobody answered at \(found.port); \(asked)"
        + "    hint: is it switched on, and the line the right one? docs/instruments.md lists what is driven\n"
    }
    let words = found.refusals.map { "\($0.instrument_family) does not drive it: \($0.code): \($0.message)\n" }
    return "somebody answered at \(found.port) who cannot be driven; \(asked)" + words.joined()
      + "    hint: docs/instruments.md lists what is driven, and from which firmware on\n"
  }
}
