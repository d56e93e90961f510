// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import CyclerService
import Foundation
import Logging
import Quantities

/// The daemon's command line.
@main
struct Nacyclerd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacyclerd", abstract: "Owns this machine's potentiostats and cycles the cells on them.",
    discussion: """
      Stops on SIGTERM or Ctrl-C after opening and confirming every circuit; runs go on at the next start as their \
      protocols say.
      """, version: NaCyclerVersion.text)

  @Option(help: ArgumentHelp("Where the database lies; made when missing.", valueName: "directory"))
  var stateDirectory = ProcessInfo.processInfo.environment["STATE_DIRECTORY"] ?? "/var/lib/nacycler"

  @Option(help: ArgumentHelp("The control socket.", valueName: "path"))
  var socket = "/run/nacycler/nacyclerd.sock"

  @Option(
    name: .customLong("port"), parsing: .singleValue,
    help: ArgumentHelp(
      "A serial port, or a pattern of several, with a family before it where it is another: line_thermometer:/dev/ttyUSB0.",
      valueName: "glob"))
  var ports: [String] = []

  @Flag(
    name: .customLong("no-discovery"), help: "Use the ports given with --port only; do not look for USB instruments.")
  var noDiscovery = false

  @Flag(help: "Lets every user of this machine connect and look; to operate still takes the group nacycler.")
  var everyoneMayLook = false

  @Option(
    help: ArgumentHelp(
      "How long an instrument may drive a cell without hearing from this daemon.", valueName: "seconds"))
  var lease: Int64 = 60

  @Option(
    help: ArgumentHelp(
      "How long readings may wait in memory for a disk that refuses them, before circuits are opened.",
      valueName: "seconds"))
  var storePatience: Int64 = 600

  @Option(
    help: ArgumentHelp(
      "How old what a thermometer said may be while a run needs it, before its circuit is opened.",
      valueName: "seconds"))
  var observerPatience: Int64 = 30

  @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
  var logLevel = "info"

  func validate() throws {
    guard lease >= 5, lease <= 3_600 else { throw ValidationError("--lease is 5 to 3600 seconds") }
    guard storePatience >= 1, storePatience <= 3_600 else {
      throw ValidationError("--store-patience is 1 to 3600 seconds")
    }
    guard observerPatience >= 2, observerPatience <= 600 else {
      throw ValidationError("--observer-patience is 2 to 600 seconds")
    }
    for port in ports {
      if let problem = LaboratoryConfiguration.problem(withPort: port) { throw ValidationError(problem) }
    }
    guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("--log-level \(logLevel) is no level") }
  }

  func run() async throws {
    // Nobody but the daemon and its group may reach what it makes.
    umask(0o007)
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow any more is an error of the store, which is handled, and not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    let level = Logger.Level(rawValue: logLevel) ?? .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    var configuration = DaemonConfiguration(stateDirectory: stateDirectory, socketPath: socket)
    configuration.everyoneMayLook = everyoneMayLook
    configuration.laboratory.portPatterns = ports
    configuration.laboratory.watchesUSB = !noDiscovery
    configuration.laboratory.lease = TimeSpan(seconds: lease)
    configuration.laboratory.storePatience = TimeSpan(seconds: storePatience)
    configuration.laboratory.observerPatience = TimeSpan(seconds: observerPatience)
    do {
      try makeStateDirectory()
      try await CyclerDaemon(configuration: configuration, logger: Logger(label: "nacyclerd")).run()
    } catch let refusal as DaemonRefusal {
      FileHandle.standardError.write(Data("\(refusal.code): \(refusal.message)\nhint: \(refusal.hint)\n".utf8))
      throw ExitCode(refusal.exitStatus)
    }
  }

  private func makeStateDirectory() throws {
    do {
      try FileManager.default.createDirectory(
        atPath: stateDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    } catch {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
      throw DaemonRefusal(
        code: "daemon.state_directory_unusable",
        message: "\(stateDirectory) cannot be made: \(cause.localizedDescription)",
        hint: "give a directory that the daemon's user can make or write, with --state-directory", exitStatus: 73)
    }
  }
}
