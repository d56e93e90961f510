// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Requests that take as long as a run is long. Their work ends with the connection: a person who gives up must not leave
// the daemon busy.

import ControlAPI
import Hummingbird

extension ControlRoutes {
  func addRecounts(to router: Router<PeerContext>) {
    look(router, "v1/runs/:run/parameter-sets") { call in
      try JSONResponse.make(try await operations.parameterSets(of: try call.run()))
    }
    operateAtLength(router, "v1/runs/:run/recompute") { call in
      let request = call.body.isEmpty ? RecomputeRequest() : try call.decode(RecomputeRequest.self)
      return try JSONResponse.make(try await operations.recompute(request, on: try call.run(), by: call.requester))
    }
  }

  /// Adds a path whose work is cancelled when whoever asked hangs up.
  func operateAtLength(
    _ router: Router<PeerContext>, _ path: RouterPath,
    _ answer: @escaping @Sendable (OperateCall) async throws -> Response
  ) {
    router.post(path) { request, context in
      _ = try QueryParameters(request, known: [])
      let requester = try await requester(of: request, context: context)
      return try await request.body.consumeWithCancellationOnInboundClose { body in
        let bytes = try await Self.bytes(of: body)
        var response: Response
        do {
          response = try await answer(OperateCall(context: context, requester: requester, body: bytes))
        } catch let refusal as RequestRefused {
          response = RefusalMiddleware.response(refusal)
        }
        response.headers[.requestID] = requester.requestID
        return response
      }
    }
  }
}
