// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl snapshot FILE`
struct Snapshot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a consistent copy of the database while runs go on.")
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The new file.", completion: .file()) var file: String
  @Flag(help: "Replace the file when it exists.") var force = false

  func run() async throws {
    let download = try Download(path: file, replacing: force)
    try await daemon.client().snapshot { try download.append($0) }
    Terminal.out("\(file): \(Numbers.bytes(try download.finish()))\n")
  }
}
