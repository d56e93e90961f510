// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A small HTTP/1.1 client over the control socket: one connection a request, which on a Unix socket costs some tens
// of microseconds and spares a pool. It knows bytes, answers and refusals; ControlClient+Calls.swift has the calls
// with their types, ControlClient+Stream.swift the live stream.

public import NIOCore
import NIOHTTP1
import NIOPosix

/// Speaks with a daemon.
public struct ControlClient: Sendable {
  /// A whole answer.
  struct Answer: Sendable {
    /// HTTP status.
    var status: Int
    /// Body.
    var body: [UInt8]
  }

  /// A connection whose two directions carry parts of HTTP messages.
  typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

  /// Where the daemon listens.
  public let socketPath: String
  /// An answer that takes longer is not waited for. Streams and exports have no such bound.
  public var timeout: TimeAmount
  private let group: any EventLoopGroup

  /// A client of the daemon at a path. Throws `RequestRefused` when the path cannot be a socket's.
  public init(socketPath: String, timeout: TimeAmount = .seconds(30)) throws {
    try ControlSocket.check(socketPath)
    self.socketPath = socketPath
    self.timeout = timeout
    group = MultiThreadedEventLoopGroup.singleton
  }

  /// Sends a request and waits for the whole answer. Throws `RequestRefused` for a refusal, and without asking for a
  /// body that is too large; `ControlFailure` when there is no answer.
  func send(_ method: HTTPMethod, _ target: String, body: [UInt8]? = nil) async throws -> Answer {
    try WireCoding.checkSize(ofBody: body?.count ?? 0)
    let connection = try await connect()
    let seconds = timeout.nanoseconds / 1_000_000_000
    let path = socketPath
    let silence = connection.channel.eventLoop.scheduleTask(in: timeout) {
      connection.channel.pipeline.fireErrorCaught(ControlFailure.silent(path: path, seconds: seconds))
      connection.channel.close(promise: nil)
    }
    defer { silence.cancel() }
    var bytes: [UInt8] = []
    let status = try await exchange(connection, method, target, body: body) { _, buffer in
      bytes.append(contentsOf: buffer.readableBytesView)
    }
    return try accept(status: status, bytes)
  }

  /// Sends a request and hands the body over as it comes. `take` is not called for a refusal, which is thrown.
  func receive(
    _ method: HTTPMethod, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil,
    _ take: (ByteBuffer) async throws -> Void
  ) async throws {
    try WireCoding.checkSize(ofBody: body?.count ?? 0)
    var refusal: [UInt8] = []
    let status = try await exchange(try await connect(), method, target, headers: headers, body: body) {
      status, buffer in
      if status == 200 {
        try await take(buffer)
      } else {
        refusal.append(contentsOf: buffer.readableBytesView)
      }
    }
    _ = try accept(status: status, refusal)
  }

  func connect() async throws -> Connection {
    do {
      return try await ClientBootstrap(group: group).connectTimeout(.seconds(5)).connect(
        unixDomainSocketPath: socketPath
      ) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          return try Connection(wrappingChannelSynchronously: channel)
        }
      }
    } catch {
      throw ControlFailure.connecting(to: socketPath, error)
    }
  }

  /// One request and its answer on a connection, which is closed afterwards. Returns the status.
  private func exchange(
    _ connection: Connection, _ method: HTTPMethod, _ target: String, headers: [(String, String)] = [],
    body: [UInt8]? = nil, _ take: (_ status: Int, ByteBuffer) async throws -> Void
  ) async throws -> Int {
    let head = Self.head(method, target, headers: headers, body: body)
    do {
      return try await connection.executeThenClose { inbound, outbound in
        // All at once: a request without a body is whole with its head, and a quick daemon answers and hangs up before
        // the end, which is nothing on the wire, could be written.
        let content = body.map { [HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []
        try await outbound.write(contentsOf: [.head(head)] + content + [.end(nil)])
        var status = 0
        for try await part in inbound {
          switch part {
          case .head(let answer): status = Int(answer.status.code)
          case .body(let buffer): try await take(status, buffer)
          case .end: return status
          }
        }
        throw ControlFailure.connectionLost(path: socketPath)
      }
    } catch {
      throw Self.told(error, of: socketPath)
    }
  }

  /// What ended a connection, in words of ours.
  static func told(_ error: any Error, of path: String) -> any Error {
    switch error {
    case is RequestRefused, is ControlFailure: error
    case HTTPParserError.invalidEOFState: ControlFailure.connectionLost(path: path)
    case let error as HTTPParserError: ControlFailure.badAnswer(path: path, detail: "\(error)")
    case is ChannelError, is IOError: ControlFailure.connectionLost(path: path)
    default: error
    }
  }

  static func head(
    _ method: HTTPMethod, _ target: String, headers: [(String, String)], body: [UInt8]?
  ) -> HTTPRequestHead {
    var fields = HTTPHeaders(headers)
    fields.add(name: "Host", value: "nacyclerd")
    fields.add(name: "Connection", value: "close")
    if method != .GET {
      fields.add(name: "X-Request-ID", value: RequestIDs.make())
      fields.add(name: "Content-Type", value: "application/json")
      fields.add(name: "Content-Length", value: String(body?.count ?? 0))
    }
    return HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: fields)
  }

  /// An answer with a good status; throws what a bad one says.
  func accept(status: Int, _ bytes: [UInt8]) throws -> Answer {
    guard !(200..<300).contains(status) else { return Answer(status: status, body: bytes) }
    guard let kind = RequestRefused.Kind(rawValue: status),
      let body = try? WireCoding.decode(ErrorBody.self, from: bytes)
    else { throw ControlFailure.badAnswer(path: socketPath, detail: "status \(status) without code and message") }
    throw RequestRefused(kind: kind, body: body)
  }
}
