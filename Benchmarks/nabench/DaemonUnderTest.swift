// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The real programs in a temporary directory: a release build of nacyclerd, with whatever instruments a benchmark
// gives it. Ended by process number.

import Foundation

/// A program that was started; killed when it is forgotten.
final class StartedProgram {
  let process = Process()
  private let name: String
  private let output = Pipe()
  private var pending = Data()

  /// Starts a program whose standard output can be read line by line.
  convenience init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], log: String? = nil
  ) throws {
    try self.init(as: .program, [path] + arguments, environment: environment, log: log)
  }

  /// Starts this program in another role.
  init(as role: Company, _ arguments: [String], environment: [String: String] = [:], log: String? = nil) throws {
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
    process.arguments = ["--as", role.rawValue] + arguments
    name = arguments.first ?? ""
    var all = ProcessInfo.processInfo.environment
    all["LD_PRELOAD"] = nil
    all.merge(environment) { $1 }
    process.environment = all
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    if let log {
      _ = FileManager.default.createFile(atPath: log, contents: nil)
      process.standardError = FileHandle(forWritingAtPath: log)
    }
    try process.run()
  }

  deinit { end(SIGKILL) }

  var number: Int32 { process.processIdentifier }

  /// The next line of its output; nil at the end.
  func line() -> String? {
    while true {
      if let end = pending.firstIndex(of: 0x0A) {
        let line = String(decoding: pending[pending.startIndex..<end], as: UTF8.self)
        pending = Data(pending[pending.index(after: end)...])
        return line
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      pending.append(more)
    }
  }

  /// Reads lines up to the one that begins so; throws when the output ends before.
  @discardableResult
  func awaitLine(_ prefix: String) throws -> String {
    while let line = line() { if line.hasPrefix(prefix) { return line } }
    throw BenchmarkFailure("\(name) ended before it said “\(prefix)”")
  }

  /// Signals it and waits for its end.
  func end(_ signal: Int32 = SIGTERM) {
    if process.isRunning { kill(number, signal) }
    process.waitUntilExit()
  }
}

/// A daemon on a state directory of its own.
final class DaemonUnderTest {
  let directory = try? ScratchDirectory()
  let program: StartedProgram
  let control: ControlCaller
  let socket: String
  let state: String

  /// The release programs.
  static func path(of program: String) throws -> String {
    guard let folder = ProcessInfo.processInfo.environment["NACYCLER_BIN_DIR"] else {
      throw BenchmarkFailure("NACYCLER_BIN_DIR does not say where the programs are: run `make bench`")
    }
    let path = "\(folder)/\(program)"
    guard access(path, X_OK) == 0 else { throw BenchmarkFailure("\(path) is not there: run `make build`") }
    return path
  }

  /// Starts a daemon at one port or pattern of ports.
  convenience init(
    ports: String, lease: Int = 60, environment: [String: String] = [:], prepare: (String) throws -> Void = { _ in }
  ) throws {
    try self.init(ports: [ports], lease: lease, environment: environment, prepare: prepare)
  }

  /// Starts a daemon and waits until it listens.
  /// - Parameter prepare: Fills the state directory of that path beforehand.
  init(
    ports: [String], lease: Int = 60, environment: [String: String] = [:], prepare: (String) throws -> Void = { _ in }
  ) throws {
    guard let base = directory?.path else { throw BenchmarkFailure("no temporary directory") }
    let socket = base + "/s"
    self.socket = socket
    state = base + "/state"
    try prepare(base + "/state")
    program = try StartedProgram(
      try Self.path(of: "nacyclerd"),
      [
        "--state-directory", state, "--socket", socket, "--no-discovery", "--lease", "\(lease)", "--log-level",
        "warning",
      ] + ports.flatMap { ["--port", $0] }, environment: environment, log: base + "/log")
    let process = program.process
    control = try Self.wait(for: "the daemon's socket", seconds: 30) {
      guard process.isRunning else {
        throw BenchmarkFailure(
          "nacyclerd ended: \((try? String(contentsOfFile: base + "/log", encoding: .utf8)) ?? "")")
      }
      return try? ControlCaller(socket: socket)
    }
  }

  /// Names of the channels, once so many are idle.
  func idleChannels(_ count: Int) throws -> [String] {
    try Self.wait(for: "\(count) idle channels", seconds: 60) {
      let channels = try control.need("GET", "/v1/channels")["channels"] as? [[String: Any]] ?? []
      let idle = channels.filter { $0["state"] as? String == "idle" }.compactMap { $0["channel"] as? String }
      return idle.count >= count ? idle.sorted() : nil
    }
  }

  /// All channels that are there, with their ports.
  func channelsByPort() throws -> [(channel: String, port: String, state: String, circuit: String)] {
    let list = try control.need("GET", "/v1/channels")["channels"] as? [[String: Any]] ?? []
    return list.compactMap { entry in
      guard let channel = entry["channel"] as? String, let port = entry["port"] as? String else { return nil }
      return (channel, port, entry["state"] as? String ?? "", entry["circuit"] as? String ?? "")
    }
  }

  /// What an instrument has given since its port appeared.
  struct ReadingCount {
    var model: String
    var channels: Int
    var readings: Int
  }

  /// What each instrument has given, by its first channel.
  func readingCounts() throws -> [String: ReadingCount] {
    let list = try control.need("GET", "/v1/instruments")["instruments"] as? [[String: Any]] ?? []
    var counts: [String: ReadingCount] = [:]
    for entry in list {
      guard let channels = entry["channels"] as? [String], let first = channels.first,
        let model = entry["instrument_model"] as? String, let link = entry["link"] as? [String: Any],
        let readings = link["readings"] as? Int
      else { continue }
      counts[first] = ReadingCount(model: model, channels: channels.count, readings: readings)
    }
    return counts
  }

  /// Starts a protocol on channels; returns the numbers of the runs.
  func start(_ text: String, on channels: [String], acceptsNoHardwareLimits: Bool = false) throws -> [Int] {
    let started = try control.need(
      "POST", "/v1/runs",
      [
        "protocols": [["name": "benchmark.json", "text": text]], "channels": channels, "cells": [String](),
        "accept_no_hardware_limits": acceptsNoHardwareLimits,
      ])
    return (started["runs"] as? [[String: Any]] ?? []).compactMap { $0["run"] as? Int }
  }

  /// The state of a run.
  func state(of run: Int) throws -> String {
    let detail = try control.need("GET", "/v1/runs/\(run)")
    guard let state = (detail["run"] as? [String: Any])?["state"] as? String else {
      throw BenchmarkFailure("run \(run) has no state: \(detail)")
    }
    return state
  }

  /// Processor time of all its threads so far, of those that have ended too.
  func processorSeconds() throws -> Double {
    var clock = clockid_t()
    var used = timespec()
    guard clock_getcpuclockid(program.number, &clock) == 0, clock_gettime(clock, &used) == 0 else {
      throw BenchmarkFailure("no processor time of process \(program.number)")
    }
    return Double(used.tv_sec) + Double(used.tv_nsec) * 1e-9
  }

  /// Memory that the daemon holds, in MiB.
  func residentMebibytes() throws -> Double { try mebibytes("VmRSS:") }

  /// The most memory that it has held.
  func peakMebibytes() throws -> Double { try mebibytes("VmHWM:") }

  private func mebibytes(_ name: String) throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(program.number)/status", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
      throw BenchmarkFailure("unreadable /proc/\(program.number)/status")
    }
    return kibibytes / 1_024
  }

  /// Asks until there is an answer; fails with what was waited for.
  static func wait<Value>(for what: String, seconds: Double, until answer: () throws -> Value?) throws -> Value {
    let deadline = Figures.now() + Int64(seconds * 1e9)
    while Figures.now() < deadline {
      if let value = try answer() { return value }
      // Asking costs the daemon time, which is what is measured.
      poll(nil, 0, 25)
    }
    throw BenchmarkFailure("waited \(Int(seconds)) s in vain for \(what)")
  }
}
