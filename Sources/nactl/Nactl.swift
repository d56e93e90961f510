// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a person uses the daemon. One file a subcommand; each asks, formats and says what went wrong. It computes
// nothing: every number shown is the daemon's, or that of a room that the daemon uses too.

import ArgumentParser
import ControlAPI

/// The program.
@main struct Nactl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nactl",
    abstract: "Cycles sodium cells: starts runs on nacyclerd's channels and watches them.",
    discussion: """
      Exit codes: 0 done; 1 refused by the daemon; 2 a file cannot be read or written; 3 no daemon answers; \
      4 a protocol has problems; 64 wrong usage.
      """, version: NaCyclerVersion.text,
    subcommands: [
      Channels.self, Instruments.self, Identify.self, RecordTranscript.self, Selftest.self, Observe.self, Cell.self,
      Check.self, Convert.self,
      Start.self,
      Runs.self,
      Show.self, Note.self,
      Tail.self,
      Cycles.self, Recompute.self, Plot.self, Compare.self, Impedance.self,
      Predict.self, Analyze.self,
      Stop.self, Pause.self, Resume.self, Skip.self, Amend.self, Clear.self, Snapshot.self, Export.self,
      Import.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      Exit.report(error)
    }
  }
}
