// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The control socket as a service: HTTP/1.1 and JSON over a Unix socket, so that curl is a client too.
//
// A socket that somebody else listens at is not taken over: two daemons with two state directories may be given one path
// by mistake, and whoever wants to stop a run must reach the one that has it. What a dead one left is replaced.
//
// It does not make cells safe: that happens on the signal itself, and a client here can delay the end of this service
// by `patience` at most.
//
// A socket that somebody removed is made again within seconds, so that a person can always reach the daemon; whoever
// was connected stays connected. A file that stands in its place is left alone: it may be another daemon's.

public import Logging
public import ServiceLifecycle
import ControlAPI
import Foundation
import Glibc
import Hummingbird
import NIOCore
import Synchronization

/// What can be chosen about the control socket.
public struct ControlConfiguration: Sendable, Hashable {
  /// Where the socket lies; at most 107 bytes.
  public var socketPath: String
  /// In whose folder what is sent lies while it is looked at; without one, that of the socket.
  public var stateDirectory: String
  /// Permissions of the socket. Connecting needs the right to write.
  public var socketMode: UInt16
  /// Whose members may operate, besides root and the daemon's own user.
  public var operatorGroup: String
  /// More connections wait until one is closed.
  public var mostConnections: Int
  /// More live streams are refused; fewer than connections, so that a person can always stop a run.
  public var mostStreams: Int
  /// A comment is sent on a stream after so long without a frame.
  public var streamComment: Duration
  /// A write that waits so long for its reader ends the connection.
  public var patience: Duration

  /// A configuration for one socket; what is not given has the value that the documentation promises.
  public init(
    socketPath: String, socketMode: UInt16 = 0o660, operatorGroup: String = "nacycler", mostConnections: Int = 64,
    mostStreams: Int = 48, streamComment: Duration = .seconds(15), patience: Duration = .seconds(10)
  ) {
    self.socketPath = socketPath
    stateDirectory = URL(fileURLWithPath: socketPath).deletingLastPathComponent().path
    self.socketMode = socketMode
    self.operatorGroup = operatorGroup
    self.mostConnections = mostConnections
    self.mostStreams = mostStreams
    self.streamComment = streamComment
    self.patience = patience
  }
}

/// Makes the control service of a daemon. Throws `RequestRefused` when the socket's path cannot be used or another
/// process listens there; so does the service's `run()` when the socket cannot be made. `onListening` is called once
/// clients can connect.
public func makeControlService(
  operations: some CyclerOperations, configuration: ControlConfiguration, logger: Logger,
  onListening: @escaping @Sendable () async -> Void = {}
) throws -> some Service {
  try ControlSocket.check(configuration.socketPath)
  try ControlSocket.checkDirectory(of: configuration.socketPath)
  guard !ControlSocket.isSomethingElse(configuration.socketPath) else {
    throw RequestRefused(
      .conflict, code: "socket.in_use", message: "\(configuration.socketPath) is there and is not a socket",
      hint: "give another --socket, or move the file away")
  }
  guard !ControlSocket.isServed(configuration.socketPath) else {
    throw RequestRefused(
      .conflict, code: "socket.in_use", message: "another process listens at \(configuration.socketPath)",
      hint: "if that is another nacyclerd, give this one another --socket, or stop that one first")
  }
  return ControlService(
    operations: operations, configuration: configuration, logger: logger, onListening: onListening)
}

/// Makes the control service of a daemon with the documented configuration.
public func makeControlService(
  operations: some CyclerOperations, socketPath: String, logger: Logger
) throws -> some Service {
  try makeControlService(
    operations: operations, configuration: ControlConfiguration(socketPath: socketPath), logger: logger)
}

/// Whether the newest listener has begun to listen, or has failed to.
private final class Doors: Sendable {
  let isOpen = Atomic(false)
}

/// The service behind `makeControlService`.
private struct ControlService<Operations: CyclerOperations>: Service {
  /// A connection that has no request under way, or that dribbles one, is closed after so long.
  static var idle: TimeAmount { .seconds(30) }
  /// How often it is looked whether the socket is still there.
  static var lookInterval: Duration { .seconds(1) }

  let operations: Operations
  let configuration: ControlConfiguration
  let logger: Logger
  let onListening: @Sendable () async -> Void

  func run() async throws {
    let timing = StreamResponder.Timing(comment: configuration.streamComment, patience: configuration.patience)
    let routes = ControlRoutes(
      operations: operations, roles: PeerRoles(operatorGroup: configuration.operatorGroup),
      streams: StreamResponder(most: configuration.mostStreams, timing: timing),
      stateDirectory: configuration.stateDirectory)
    let doors = Doors()
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        try await serve(routes) {
          doors.isOpen.store(true, ordering: .relaxed)
          await onListening()
        }
      }
      tasks.addTask { await replaceLostSockets(routes, doors) }
      // An orderly end comes to both; a socket that cannot be made ends the service at once.
      for try await _ in tasks {}
    }
  }

  /// Listens at the path until the service ends.
  private func serve(
    _ routes: ControlRoutes<Operations>, onListening: @escaping @Sendable () async -> Void
  ) async throws {
    let path = configuration.socketPath
    let application = Application(
      router: routes.router(),
      server: .http1(
        configuration: .init(
          idleTimeout: Self.idle,
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 64))),
      configuration: .init(
        address: .unixDomainSocket(path: path), serverName: "nacyclerd", backlog: 64,
        availableConnectionsDelegate: .maximum(configuration.mostConnections, logger: logger)),
      onServerRunning: { [self] _ in
        listening()
        await onListening()
      },
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw RequestRefused(
        .failed, code: "socket.unusable", message: "the control socket \(path) cannot be made: \(error)",
        hint: "does its directory exist, may the daemon write there, and is nothing else in its place?")
    }
  }

  /// Listens anew whenever nothing lies at the path any more, until the service ends.
  private func replaceLostSockets(_ routes: ControlRoutes<Operations>, _ doors: Doors) async {
    await withDiscardingTaskGroup { tasks in
      while !Task.isCancelled, !Task.isShuttingDownGracefully {
        do {
          try await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.lookInterval) }
        } catch {
          return
        }
        guard isSocketGone, doors.isOpen.exchange(false, ordering: .relaxed) else { continue }
        logger.warning(
          "the control socket was removed and is made again", metadata: ["path": "\(configuration.socketPath)"])
        tasks.addTask {
          do {
            try await serve(routes) { doors.isOpen.store(true, ordering: .relaxed) }
          } catch {
            logger.error("\(error)")
            doors.isOpen.store(true, ordering: .relaxed)
          }
        }
      }
    }
  }

  /// Whether there is nothing at all at the path; what cannot be looked at counts as there.
  private var isSocketGone: Bool {
    var status = stat()
    return lstat(configuration.socketPath, &status) != 0 && errno == ENOENT
  }

  /// Opens the socket to its group.
  private func listening() {
    // With any usual umask nobody but the owner could connect until now, since that needs the right to write.
    if chmod(configuration.socketPath, mode_t(configuration.socketMode)) != 0 {
      logger.warning(
        "the permissions of the control socket cannot be set", metadata: ["errno": "\(errno)"])
    }
    logger.info("the control socket is open", metadata: ["path": "\(configuration.socketPath)"])
  }
}
