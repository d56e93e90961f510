// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The real programs, joined as a user joins them: nasim's instruments on pseudo-terminals, nacyclerd on those, nactl on
// its socket, all in a temporary directory and ended by process number. Nothing here reaches inside them.

import Foundation
import Synchronization

/// What a finished command left.
struct CommandResult: Sendable {
  var status: Int32
  var output: String
  var errors: String

  /// The output as JSON.
  func json() throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] else {
      throw RigError("not a JSON object: \(output.prefix(200))")
    }
    return object
  }
}

/// Why the rig could not be put together.
struct RigError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// A laboratory in a temporary directory.
final class LaboratoryRig {
  let directory: URL
  private(set) var bench: Process?
  /// Others beside it.
  private var furtherBenches: [Process] = []
  private(set) var daemon: Process?
  private var daemonArguments: [String] = []
  private var daemonEnvironment: [String: String] = [:]

  /// Where the release programs lie; `make test` says it.
  static var programs: URL {
    get throws {
      if let given = ProcessInfo.processInfo.environment["NACYCLER_BIN_DIR"] { return URL(fileURLWithPath: given) }
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      for folder in ["release", "debug"] {
        let candidate = root.appendingPathComponent(".build/\(folder)")
        if FileManager.default.isExecutableFile(atPath: candidate.appendingPathComponent("nacyclerd").path) {
          return candidate
        }
      }
      throw RigError("no programs found: run `make build`, or set NACYCLER_BIN_DIR")
    }
  }

  /// The repository, for the protocols that it ships.
  static var repository: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("nacycler-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      at: directory.appendingPathComponent("state"), withIntermediateDirectories: true)
  }

  deinit {
    for process in [daemon, bench] + furtherBenches {
      guard let process, process.isRunning else { continue }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(at: directory)
  }

  var links: String { directory.appendingPathComponent("lab").path }
  var state: String { directory.appendingPathComponent("state").path }
  var socket: String { directory.appendingPathComponent("s.sock").path }
  var database: String { state + "/nacycler.sqlite" }

  // MARK: Programs

  /// Starts nasim and waits until it says that its instruments are there; a player of recordings has no cell.
  func startBench(
    cell: String?, count: Int = 1, speed: String = "max", seed: Int? = 1, instrument: String = "emstat4-hr",
    links: String? = nil, extra: [String] = []
  ) throws {
    let process = Process()
    process.executableURL = try Self.programs.appendingPathComponent("nasim")
    process.arguments =
      [
        "run", "--instrument", instrument, "--count", "\(count)", "--speed", speed, "--links", links ?? self.links,
        "--presets", Self.repository.appendingPathComponent("VirtualCells").path,
      ] + (cell.map { ["--cell", $0] } ?? []) + (seed.map { ["--seed", "\($0)"] } ?? []) + extra
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = try log("nasim.log")
    try process.runAsFromAShell()
    if links == nil { bench = process } else { furtherBenches.append(process) }
    try Self.waitForLine("ready", in: pipe, of: "nasim")
  }

  /// Starts the daemon and waits until its socket answers.
  ///
  /// `ports` are the bench's when none are named.
  func startDaemon(ports: [String] = [], extra: [String] = [], environment: [String: String] = [:]) throws {
    daemonEnvironment = environment
    let named = (ports.isEmpty ? [links + "/*-[0-9]*"] : ports).flatMap { ["--port", $0] }
    daemonArguments = ["--state-directory", state, "--socket", socket, "--no-discovery"] + named + extra
    try launchDaemon()
  }

  /// Starts the daemon again with what it was started with.
  func launchDaemon() throws {
    let process = Process()
    process.executableURL = try Self.programs.appendingPathComponent("nacyclerd")
    process.arguments = daemonArguments
    process.environment = ProcessInfo.processInfo.environment.merging(daemonEnvironment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try log("nacyclerd.log")
    try process.runAsFromAShell()
    daemon = process
    try wait(for: "the daemon's socket", seconds: 30) {
      if !process.isRunning { throw RigError("nacyclerd ended: \(self.readLog("nacyclerd.log").suffix(2000))") }
      return try self.nactl("channels", "--format", "json").status == 0
    }
  }

  /// Waits until so many channels are usable.
  func waitForChannels(_ count: Int, seconds: Double = 30) throws {
    try wait(for: "\(count) channels", seconds: seconds) {
      let list = try self.nactl("channels", "--format", "json")
      guard list.status == 0, let channels = try list.json()["channels"] as? [[String: Any]] else { return false }
      return channels.filter { $0["port"] is String && $0["state"] as? String != "away" }.count >= count
    }
  }

  func killDaemon() {
    guard let daemon else { return }
    kill(daemon.processIdentifier, SIGKILL)
    daemon.waitUntilExit()
  }

  /// SIGTERM and the exit status.
  func stopDaemon() -> Int32 {
    guard let daemon else { return -1 }
    kill(daemon.processIdentifier, SIGTERM)
    daemon.waitUntilExit()
    return daemon.terminationStatus
  }

  func stopBench() {
    guard let bench else { return }
    kill(bench.processIdentifier, SIGTERM)
    bench.waitUntilExit()
  }

  @discardableResult
  func nactl(_ arguments: String...) throws -> CommandResult { try nactl(arguments) }

  @discardableResult
  func nactl(_ arguments: [String]) throws -> CommandResult {
    try Self.run("nactl", arguments + ["--socket", socket])
  }

  /// What `nactl channels` says of the first channel.
  func channel() throws -> [String: Any] {
    let list = try nactl("channels", "--format", "json").json()["channels"] as? [[String: Any]]
    guard let first = list?.first else { throw RigError("there is no channel") }
    return first
  }

  @discardableResult
  func nasim(_ arguments: String...) throws -> CommandResult { try Self.run("nasim", arguments) }

  static func run(_ program: String, _ arguments: [String]) throws -> CommandResult {
    try run(at: try programs.appendingPathComponent(program), arguments)
  }

  /// Runs a program of the system, found as a shell finds it.
  @discardableResult
  static func system(_ arguments: String...) throws -> CommandResult { try system(arguments) }

  @discardableResult
  static func system(_ arguments: [String]) throws -> CommandResult {
    try run(at: URL(fileURLWithPath: "/usr/bin/env"), arguments)
  }

  private static func run(at program: URL, _ arguments: [String]) throws -> CommandResult {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("out-\(UUID().uuidString)")
    let errors = FileManager.default.temporaryDirectory.appendingPathComponent("err-\(UUID().uuidString)")
    // Files, not pipes: a full pipe would stop a talkative command.
    for file in [output, errors] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    defer { for file in [output, errors] { try? FileManager.default.removeItem(at: file) } }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.runAsFromAShell()
    process.waitUntilExit()
    return CommandResult(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }

  /// Runs a statement on the live database as a scientist would.
  func sqlite(_ statement: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-readonly", database, statement]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.runAsFromAShell()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  // MARK: Waiting

  /// Asks until it is so; fails with what was waited for.
  func wait(for what: String, seconds: Double, until isSo: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !(try isSo()) {
      guard ContinuousClock.now < deadline else {
        throw RigError("waited \(seconds) s in vain for \(what)\n\(readLog("nacyclerd.log").suffix(800))")
      }
      // Asking again at once would only take the processor from what is waited for.
      poll(nil, 0, 10)
    }
  }

  /// Waits until a run is in one of the states; returns it.
  @discardableResult
  func waitForRun(_ run: String = "last", states: Set<String>, seconds: Double) throws -> String {
    var state = ""
    try wait(for: "run \(run) to be \(states.sorted())", seconds: seconds) {
      let shown = try self.nactl("runs", "--format", "json")
      guard shown.status == 0, let runs = try shown.json()["runs"] as? [[String: Any]] else { return false }
      let found = run == "last" ? runs.first : runs.first { "\($0["run"] ?? "")" == run }
      state = found?["state"] as? String ?? ""
      return states.contains(state)
    }
    return state
  }

  private func log(_ name: String) throws -> FileHandle {
    let file = directory.appendingPathComponent(name)
    if !FileManager.default.fileExists(atPath: file.path) {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    let handle = try FileHandle(forWritingTo: file)
    try handle.seekToEnd()
    return handle
  }

  func readLog(_ name: String) -> String {
    (try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)) ?? ""
  }

  private static func waitForLine(_ line: String, in pipe: Pipe, of program: String) throws {
    var seen = ""
    while true {
      let data = pipe.fileHandleForReading.availableData
      guard !data.isEmpty else { throw RigError("\(program) ended before it said “\(line)”: \(seen)") }
      seen += String(decoding: data, as: UTF8.self)
      if seen.split(separator: "\n").contains(where: { $0 == line }) { return }
    }
  }
}
