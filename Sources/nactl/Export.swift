// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl export RUN`
struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a run in a form for other programs.",
    discussion: """
      bdf: Battery Data Format, CSV with its labels; csv: our own names; json: one document; archive: an SQLite file with \
      the whole run, which nactl import takes in elsewhere.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: RunArgument
  @Option(help: "bdf, csv, json or archive.") var format: ExportFormat
  @Option(name: .shortAndLong, help: "The new file; otherwise standard output.", completion: .file())
  var output: String?
  @Flag(help: "Replace the file when it exists.") var force = false

  func run() async throws {
    let client = try daemon.client()
    guard let output else {
      if format == .archive, Terminal.isInteractive {
        throw UsageFailure(
          code: "usage.binary", message: "an archive is nothing for a terminal", hint: "-o FILE.nacycler")
      }
      try await client.export(argument.run, as: format) { Terminal.out(bytes: $0) }
      return
    }
    let download = try Download(path: output, replacing: force)
    try await client.export(argument.run, as: format) { try download.append($0) }
    Terminal.error("\(output): \(Numbers.bytes(try download.finish()))\n")
  }
}
