// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import ProtocolExchange

/// `nactl amend RUN PROTOCOL`
struct Amend: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gives a run another protocol from its next cycle on.",
    discussion: """
      The file is the whole protocol. What is done must stand in it unchanged; the block that is under way may have other \
      passes, steps and ends, and limits, records and what follows may be others. The present cycle ends by the present \
      protocol. The answer names each line of the listing that changes; values that were given with --set when the run \
      was started are given again.
      """)
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: RunArgument
  @OptionGroup var variables: VariableOptions
  @Argument(help: "The protocol file.", completion: .file(extensions: ["json"])) var file: String
  @Option(help: "Why; kept with the revision.") var reason: String?
  @Flag(help: "Only tell what would change, and when.") var dryRun = false

  func run() async throws {
    let text = try ProtocolFiles.source(file)
    guard ProtocolExchange.format(of: Array(text.utf8)) == nil else {
      throw UsageFailure(
        code: "usage.foreign", message: "a run is amended by a protocol of NaCycler",
        hint: "turn the file into one with `nactl convert`")
    }
    let request = AmendRequest(
      protocol: ProtocolSource(name: file, text: text), set: variables.set, reason: reason,
      dry_run: dryRun ? true : nil)
    let client = try daemon.client()
    let answer = try await client.amend(try await argument.reference(client), request).value
    for warning in answer.warnings { Terminal.error("warning: \(warning)\n") }
    for line in answer.changes { Terminal.out(line + "\n") }
    if answer.changes.isEmpty { Terminal.out("the listing stays as it is\n") }
    let what = answer.revision.map { "revision \($0) of the protocol holds" } ?? "not amended; it would hold"
    Terminal.out("run \(answer.run): \(what) \(Self.words(answer.holds_from))\n")
  }

  private static func words(_ moment: String) -> String {
    switch moment {
    case "beginning": "from its beginning"
    case "next_cycle": "from the next cycle on"
    case "next_pass": "from the next pass of the present block on"
    default: "once the present step or block is over"
    }
  }
}
