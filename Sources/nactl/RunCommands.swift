// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The four commands that need nothing but a run.

import ArgumentParser
import ControlAPI

/// What the four have in common.
struct RunCommandOptions: ParsableArguments {
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: RunArgument
  @Option(help: "Why; kept in the event.") var reason: String?

  /// Sends the command and says what the daemon answered.
  func send(_ command: String, step: Int32? = nil, allowVoltage: String? = nil) async throws {
    let request = CommandRequest(reason: reason, step: step, allow_voltage: allowVoltage)
    let client = try daemon.client()
    let answer = try await client.command(command, request, on: try await argument.reference(client)).value
    Terminal.out(answer.message + "\n")
  }
}

/// `nactl stop RUN`
struct Stop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Ends a run and opens the circuit.")
  @OptionGroup var options: RunCommandOptions
  func run() async throws { try await options.send("stop") }
}

/// `nactl pause RUN`
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Opens the circuit; the run waits for resume.")
  @OptionGroup var options: RunCommandOptions
  func run() async throws { try await options.send("pause") }
}

/// `nactl resume RUN`
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Goes on with a paused or held run.",
    discussion: "A channel with a latch is cleared first: nactl clear CHANNEL --reason TEXT.")
  @OptionGroup var options: RunCommandOptions
  @Option(
    help: ArgumentHelp(
      "Go on although the open circuit is outside the limits, for this reason; kept in the event.", valueName: "reason")
  )
  var allowVoltage: String?
  func run() async throws { try await options.send("resume", allowVoltage: allowVoltage) }
}

/// `nactl skip RUN`
struct Skip: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Ends the present step and goes on with the next.")
  @OptionGroup var options: RunCommandOptions
  @Option(help: "The number of the step that is meant, as `show` prints it; when it is over, nothing is skipped.")
  var step: Int32?
  func run() async throws { try await options.send("skip", step: step) }
}
