// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The control socket as a service: HTTP/1.1 and JSON over a Unix socket, so that curl is a client too.
//
// It does not guard against a second daemon: whatever socket lies at its path is removed and replaced, also a live
// one. The lock file of the state directory comes first. It does not make cells safe either: that happens on the
// signal itself, and a client here can delay the end of this service by `patience` at most.

public import Logging
public import ServiceLifecycle
import ControlAPI
import Glibc
import Hummingbird
import NIOCore

/// What can be chosen about the control socket.
public struct ControlConfiguration: Sendable, Hashable {
  /// Where the socket lies; at most 107 bytes.
  public var socketPath: String
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
    self.socketMode = socketMode
    self.operatorGroup = operatorGroup
    self.mostConnections = mostConnections
    self.mostStreams = mostStreams
    self.streamComment = streamComment
    self.patience = patience
  }
}

/// Makes the control service of a daemon. Throws `RequestRefused` when the socket's path cannot be used; so does the
/// service's `run()` when the socket cannot be made. `onListening` is called once clients can connect.
public func makeControlService(
  operations: some CyclerOperations, configuration: ControlConfiguration, logger: Logger,
  onListening: @escaping @Sendable () async -> Void = {}
) throws -> some Service {
  try ControlSocket.check(configuration.socketPath)
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

/// The service behind `makeControlService`.
private struct ControlService<Operations: CyclerOperations>: Service {
  /// A connection that has no request under way, or that dribbles one, is closed after so long.
  static var idle: TimeAmount { .seconds(30) }

  let operations: Operations
  let configuration: ControlConfiguration
  let logger: Logger
  let onListening: @Sendable () async -> Void

  func run() async throws {
    let path = configuration.socketPath
    let timing = StreamResponder.Timing(comment: configuration.streamComment, patience: configuration.patience)
    let routes = ControlRoutes(
      operations: operations, roles: PeerRoles(operatorGroup: configuration.operatorGroup),
      streams: StreamResponder(most: configuration.mostStreams, timing: timing))
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
      onServerRunning: { [self] _ in await listening() },
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw RequestRefused(
        .failed, code: "socket.unusable", message: "the control socket \(path) cannot be made: \(error)",
        hint: "does its directory exist, may the daemon write there, and is nothing else in its place?")
    }
  }

  private func listening() async {
    // With any usual umask nobody but the owner could connect until now, since that needs the right to write.
    if chmod(configuration.socketPath, mode_t(configuration.socketMode)) != 0 {
      logger.warning(
        "the permissions of the control socket cannot be set", metadata: ["errno": "\(errno)"])
    }
    logger.info("the control socket is open", metadata: ["path": "\(configuration.socketPath)"])
    await onListening()
  }
}
