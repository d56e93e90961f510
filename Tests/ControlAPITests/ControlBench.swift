// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import CyclerService
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Testing

/// A real control service on a socket in a directory of its own.
struct ControlBench {
  let socketPath: String
  let client: ControlClient

  /// Runs a test against a service; both are gone afterwards.
  static func run(
    _ operations: OperationsDouble = OperationsDouble(), _ change: (inout ControlConfiguration) -> Void = { _ in },
    _ test: @escaping @Sendable (ControlBench) async throws -> Void
  ) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "nacycler-control-\(UInt32.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "nacyclerd.sock").path
    try await run(operations, at: path, change, test)
  }

  /// Runs a test against a service at a path.
  static func run(
    _ operations: OperationsDouble, at path: String, _ change: (inout ControlConfiguration) -> Void = { _ in },
    _ test: @escaping @Sendable (ControlBench) async throws -> Void
  ) async throws {
    var configuration = ControlConfiguration(socketPath: path)
    change(&configuration)
    var logger = Logger(label: "control-test")
    logger.logLevel = .critical
    let (listening, nowListening) = AsyncStream<Void>.makeStream()
    let service = try makeControlService(operations: operations, configuration: configuration, logger: logger) {
      nowListening.yield()
    }
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: service)], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      for await _ in listening { break }
      do {
        try await test(ControlBench(socketPath: path, client: try ControlClient(socketPath: path)))
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  /// A raw connection that says what it is told, for peers that misbehave.
  func rawConnection(_ text: String) throws -> Int32 {
    let descriptor = try rawConnection()
    let bytes = Array(text.utf8)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    return descriptor
  }

  /// A connection to which more was sent than the socket's buffer holds, by a thread of its own.
  func sentConnection(_ text: String) async throws -> Int32 {
    let descriptor = try rawConnection()
    let bytes = Array(text.utf8)
    let sent = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(returning: send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
      }
    }
    try #require(sent == bytes.count)
    return descriptor
  }

  private func rawConnection() throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(connected == 0)
    return descriptor
  }

  /// Reads a raw connection until a text has come so many times or the connection ends; gives up after 20 s of
  /// silence. Blocks a thread of its own, never one of the few that run the server's tasks.
  func read(_ descriptor: Int32, until text: String = "\u{0}", times: Int = 1) async -> String {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var wait = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var received = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while received.components(separatedBy: text).count <= times {
          let count = Glibc.read(descriptor, &buffer, buffer.count)
          guard count > 0 else { break }
          received += String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        continuation.resume(returning: received)
      }
    }
  }

  /// Waits, at most 300 s, until the server has hung up on a connection that nobody reads.
  func hasHungUp(_ descriptor: Int32) async -> Bool {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        // POLLHUP comes with nothing taken out of the socket.
        var poller = pollfd(fd: descriptor, events: 0, revents: 0)
        let count = poll(&poller, 1, 300_000)
        continuation.resume(returning: count == 1 && poller.revents & Int16(POLLHUP) != 0)
      }
    }
  }
}
