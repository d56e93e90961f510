// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import HTTPTypes
import Hummingbird
import Logging

/// Turns everything that is thrown on the way of a request into `{code, message, hint}`.
struct RefusalMiddleware: RouterMiddleware {
  typealias Context = PeerContext

  func handle(
    _ request: Request, context: PeerContext, next: @concurrent (Request, PeerContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let refusal as RequestRefused {
      return Self.response(refusal)
    } catch let error as any HTTPResponseError {
      return Self.response(Self.refusal(status: error.status, request: request))
    } catch is CancellationError {
      return Self.response(
        RequestRefused(
          .unavailable, code: "daemon.stopping", message: "the daemon stops", hint: "ask again when it runs again"))
    } catch {
      context.logger.error(
        "a request failed",
        metadata: ["path": "\(request.uri.path)", "method": "\(request.method)", "error": "\(error)"])
      return Self.response(
        RequestRefused(
          .failed, code: "daemon.failed", message: "the daemon could not carry out the request: \(error)",
          hint: "its log has more: journalctl -u nacyclerd"))
    }
  }

  /// A refusal as a response.
  static func response(_ refusal: RequestRefused) -> Response {
    let body = (try? WireCoding.encode(refusal.body)) ?? Array(#"{"code":"daemon.failed"}"#.utf8)
    return JSONResponse.make(body, status: HTTPResponse.Status(code: refusal.kind.rawValue))
  }

  private static func refusal(status: HTTPResponse.Status, request: Request) -> RequestRefused {
    switch status.code {
    case 404, 405:
      RequestRefused(
        .notFound, code: "request.unknown_path",
        message: "there is no \(request.method.rawValue) \(request.uri.path)",
        hint: "docs/control-api.md lists the paths; all begin with /v1/")
    case 413:
      RequestRefused(
        .tooLarge, code: "request.too_large", message: "the body has more than \(WireCoding.largestBody) bytes",
        hint: "send fewer protocols or cells at a time")
    default:
      RequestRefused(
        RequestRefused.Kind(rawValue: status.code) ?? .malformed, code: "request.refused",
        message: "the request was refused: \(status.reasonPhrase)")
    }
  }
}

/// JSON answers.
enum JSONResponse {
  /// A response with a JSON body and a line feed, so that `curl` leaves the prompt on its own line.
  static func make(_ body: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
    var buffer = ByteBuffer(bytes: body)
    buffer.writeInteger(UInt8(ascii: "\n"))
    return Response(
      status: status, headers: [.contentType: "application/json; charset=utf-8"],
      body: ResponseBody(byteBuffer: buffer))
  }

  /// A response with a value.
  static func make(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    make(try WireCoding.encode(value), status: status)
  }
}
