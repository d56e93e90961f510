// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import HTTPTypes
import Hummingbird

/// A request that only looks.
struct LookCall {
  let context: PeerContext
  let query: QueryParameters

  /// The run in the path.
  func run() throws -> RunReference { try context.run() }
  /// A name in the path.
  func name(_ parameter: String) throws -> String { try context.name(parameter) }
}

/// A request that changes something, by somebody who may.
struct OperateCall {
  let context: PeerContext
  let requester: Requester
  let body: [UInt8]

  /// The run in the path.
  func run() throws -> RunReference { try context.run() }
  /// A name in the path.
  func name(_ parameter: String) throws -> String { try context.name(parameter) }
  /// The body as a request, by the strict rules.
  func decode<Request: StrictRequest>(_ type: Request.Type) throws -> Request {
    try WireCoding.decodeRequest(type, from: body)
  }
}

extension PeerContext {
  fileprivate func run() throws -> RunReference {
    let text = try name("run")
    guard let run = RunReference(text) else {
      throw RequestRefused(
        .malformed, code: "run.bad_name", message: "\"\(text)\" does not name a run",
        hint: "use its number, as in nactl runs, or last")
    }
    return run
  }

  fileprivate func name(_ parameter: String) throws -> String {
    guard let raw = parameters.get(parameter), let text = PercentEncoding.decode(raw), !text.isEmpty else {
      throw RequestRefused(
        .malformed, code: "request.bad_path", message: "the path has no readable \(parameter)",
        hint: "write letters outside ASCII and slashes as %XX")
    }
    return text
  }
}

extension ControlRoutes {
  /// Adds a path that everybody who can connect may ask for.
  func look(
    _ router: Router<PeerContext>, _ path: RouterPath, parameters: [String] = [],
    _ answer: @escaping @Sendable (LookCall) async throws -> Response
  ) {
    router.get(path) { request, context in
      try await answer(LookCall(context: context, query: try QueryParameters(request, known: parameters)))
    }
  }

  /// Adds a path that changes something.
  func operate(
    _ router: Router<PeerContext>, _ path: RouterPath,
    _ answer: @escaping @Sendable (OperateCall) async throws -> Response
  ) {
    router.post(path) { request, context in
      _ = try QueryParameters(request, known: [])
      let requester = try await requester(of: request, context: context)
      let body = try await Self.body(of: request)
      var response: Response
      do {
        response = try await answer(OperateCall(context: context, requester: requester, body: body))
      } catch let refusal as RequestRefused {
        response = RefusalMiddleware.response(refusal)
      }
      response.headers[.requestID] = requester.requestID
      return response
    }
  }

  /// The body, at most `WireCoding.largestBody` bytes. What a longer one has beyond is read and thrown away, so that
  /// the sender comes to the end of its writing and sees the refusal instead of a closed connection; with sixteen
  /// times too much the connection is closed without more ado.
  static func body(of request: Request) async throws -> [UInt8] { try await bytes(of: request.body) }

  /// The same of a body that is consumed apart from its request.
  static func bytes(of body: RequestBody) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    var count = 0
    do {
      for try await buffer in body {
        count += buffer.readableBytes
        guard count <= WireCoding.largestBody * 16 else { break }
        if count <= WireCoding.largestBody { bytes.append(contentsOf: buffer.readableBytesView) }
      }
    } catch let error as CancellationError {
      throw error
    } catch {
      // Whoever asked has hung up; nothing of it is done.
      throw RequestRefused(
        .malformed, code: "request.broken_off", message: "the request ended before its body was whole",
        hint: "send as many bytes as Content-Length says")
    }
    try WireCoding.checkSize(ofBody: count)
    return bytes
  }

  func requester(of request: Request, context: PeerContext) async throws -> Requester {
    guard let peer = try await context.peer() else {
      throw RequestRefused(
        .forbidden, code: "request.forbidden", message: "the daemon cannot see who asks, so nothing may be changed",
        hint: "use the Unix socket")
    }
    let person = await roles.person(userID: peer.userID)
    guard person.mayOperate else {
      throw RequestRefused(
        .forbidden, code: "request.forbidden", message: "\(person.name) may look, but not operate",
        hint: "an administrator can change that: usermod -aG \(roles.operatorGroup) \(person.name)")
    }
    return Requester(
      name: person.name, userID: peer.userID, processID: peer.processID, requestID: try Self.requestID(of: request))
  }

  private static func requestID(of request: Request) throws -> String {
    guard let given = request.headers[.requestID] else { return RequestIDs.make() }
    guard RequestIDs.isValid(given) else {
      throw RequestRefused(
        .malformed, code: "request.bad_id", message: "X-Request-ID: \(given) cannot be used",
        hint: "1 to 64 letters, digits, '.', '_' or '-'")
    }
    return given
  }
}
