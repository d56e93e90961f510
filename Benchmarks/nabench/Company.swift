// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a benchmark needs beside the programs that it measures, each in a process of its own so that it takes nothing
// from them but processor time: instruments, a busy disk, the C yardstick, clients. They are this program, started with
// `--as`, and end with the one that started them.

import CBench
import CNacycler
import Foundation

enum Company: String {
  /// DIR COUNT: instruments at 10 Hz under the links DIR/bench-N.
  case instruments
  /// DIR small|saturating: writes to a file in DIR.
  case disk
  /// PATH MICROVOLTS: the C loop on a line.
  case guardian
  /// SOCKET: a client that reads the live stream.
  case tail
  /// PATH ARGUMENTS…: another program, which ends when the one that started it does, however that ends.
  case program
  /// SOCKET COUNT: clients that asked for the live stream and do not read it.
  case stuck

  /// Starts one.
  static func start(_ role: Company, _ arguments: [String]) throws -> StartedProgram {
    try StartedProgram(as: role, arguments)
  }

  /// Plays a role when the arguments ask for one; says whether.
  static func serve(_ arguments: [String]) throws -> Bool {
    guard arguments.first == "--as", arguments.count >= 3, let role = Company(rawValue: arguments[1]) else {
      return false
    }
    _ = nacycler_signal_on_parent_death(SIGKILL)
    let rest = Array(arguments.dropFirst(2))
    switch role {
    case .instruments:
      var board = try InstrumentBoard(directory: rest[0], count: Int(rest[1]) ?? 1)
      try board.serve()
    case .disk: try DiskLoad.run(in: rest[0], rest[1])
    case .guardian: _ = cbench_guard_line(rest[0], Int64(rest[1]) ?? .max)
    case .tail:
      let caller = try ControlCaller(socket: rest[0])
      try caller.send("GET", "/v1/stream")
      caller.discardAll()
    case .program:
      // The wish to end with the parent outlives execv.
      _ = nacycler_signal_on_parent_death(SIGTERM)
      var arguments = rest.map { strdup($0) }
      arguments.append(nil)
      execv(rest[0], arguments)
      throw BenchmarkFailure("\(rest[0]) cannot be started: errno \(errno)")
    case .stuck:
      let callers = try (0..<(Int(rest[1]) ?? 1)).map { _ in try ControlCaller(socket: rest[0]) }
      for caller in callers { try caller.send("GET", "/v1/stream") }
      say("stuck")
      withExtendedLifetime(callers) { while true { pause() } }
    }
    return true
  }

  /// Says a line to the process that started this one.
  static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// Another process's writing.
enum DiskLoad {
  private static let block = 4_096
  private static let file = 64 << 20

  static func run(in directory: String, _ kind: String) throws {
    let isSmall = kind == "small"
    let path = directory + "/load"
    let descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC | (isSmall ? O_DSYNC : 0), 0o600)
    guard descriptor >= 0 else { throw BenchmarkFailure("\(path) cannot be written: errno \(errno)") }
    let bytes = [UInt8](repeating: 0x5A, count: isSmall ? block : 1 << 20)
    var offset = 0
    Company.say("writing")
    while true {
      guard pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count else {
        throw BenchmarkFailure("\(path): errno \(errno)")
      }
      offset += bytes.count
      if offset >= file {
        fsync(descriptor)
        offset = 0
      }
    }
  }
}
