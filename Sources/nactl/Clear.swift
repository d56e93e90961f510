// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl clear CHANNEL --reason TEXT`
struct Clear: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes a channel's latch, in your name. Does not resume a run.")
  @OptionGroup var daemon: DaemonOption
  @Argument(
    help: "The channel, as in nactl channels.",
    completion: .shellCommand("nactl channels --format csv 2>/dev/null | tail -n +2 | cut -d, -f1"))
  var channel: String
  @Option(help: "Why the channel is fit to be used again.") var reason: String

  func run() async throws {
    let answer = try await daemon.client().clear(channel: channel, ClearRequest(reason: reason)).value
    Terminal.out(answer.message + "\n")
  }
}
