// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl note RUN TEXT`
struct Note: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Adds a note to a run's events.")
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: RunArgument
  @Argument(help: "The note, in quotes.") var text: String

  func run() async throws {
    let client = try daemon.client()
    let answer = try await client.note(NoteRequest(text: text), on: try await argument.reference(client)).value
    Terminal.out(answer.message + "\n")
  }
}
