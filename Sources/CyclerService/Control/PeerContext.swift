// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import Hummingbird
import NIOCore

/// Who is at the other end of a Unix socket, as the kernel noted it at connect(2). Laid out like `struct ucred`
/// (unix(7), SO_PEERCRED), which Swift's Glibc module lacks.
struct PeerCredentials: Sendable, Hashable {
  /// Process id.
  var processID: Int32
  /// Effective user id.
  var userID: UInt32
  /// Effective primary group id.
  var groupID: UInt32
}

/// A request's context with the connection that it came by.
struct PeerContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The connection.
  let channel: any Channel

  init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
  }

  /// The peer's credentials; nil when the connection is not a Unix socket.
  func peer() async throws -> PeerCredentials? {
    guard case .unixDomainSocket = channel.localAddress, let options = channel as? any SocketOptionProvider else {
      return nil
    }
    let name = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
    return try await options.unsafeGetSocketOption(level: .socket, name: name).get()
  }
}
