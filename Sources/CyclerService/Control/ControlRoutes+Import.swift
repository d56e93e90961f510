// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The one request whose body may be large. It is written to a file as it comes, and looked at when it is whole.

import ControlAPI
import CycleStore
import HTTPTypes
import Hummingbird
import NIOCore

extension ControlRoutes {
  func addImport(to router: Router<PeerContext>) {
    router.post("v1/import") { request, context in
      let query = try QueryParameters(request, known: ["as_cell"])
      let cell = try query.value("as_cell", expected: "the name that the cell gets here") { $0 }
      let requester: Requester
      do {
        requester = try await self.requester(of: request, context: context)
      } catch {
        await Self.readAway(request.body)
        throw error
      }
      return try await request.body.consumeWithCancellationOnInboundClose { body in
        var response: Response
        do {
          // Before the file comes: several would take the disk's room from each other and from the database.
          let seat = importSeat.take()
          defer { withExtendedLifetime(seat) {} }
          let refusal =
            seat == nil
            ? RequestRefused(
              .unavailable, code: "archive.busy", message: "another archive is being taken in",
              hint: "wait until it is done")
            : nil
          let file = try await receive(body, expecting: request.headers[.contentLength].flatMap(Int64.init), refusal)
          let taken: ImportResponse
          do {
            taken = try await operations.importArchive(at: file.path, asCell: cell, by: requester)
          } catch {
            await file.remove()
            throw error
          }
          await file.remove()
          response = try JSONResponse.make(taken, status: .created)
        } catch let refusal as RequestRefused {
          response = RefusalMiddleware.response(refusal)
        }
        response.headers[.requestID] = requester.requestID
        return response
      }
    }
  }

  /// The body in a file. It can be gone through once only, so what is refused on the way is read away here: the sender
  /// comes to the end of its writing and sees the refusal. Not for ever.
  private func receive(
    _ body: RequestBody, expecting count: Int64?, _ busy: RequestRefused?
  ) async throws -> UploadedFile {
    var refusal = busy
    var file: UploadedFile?
    if refusal == nil {
      do {
        let opened = UploadedFile(in: TransferFolder(stateDirectory: stateDirectory), expecting: count)
        file = opened
        try await opened.open()
      } catch let found as RequestRefused {
        refusal = found
      }
    }
    var wasted = 0
    do {
      for try await buffer in body {
        if refusal == nil {
          do { try await file?.append(Array(buffer: buffer)) } catch let found as RequestRefused { refusal = found }
        } else {
          wasted += buffer.readableBytes
          if wasted > WireCoding.largestBody * 16 { break }
        }
      }
    } catch let error as CancellationError {
      throw error
    } catch {
      throw RequestRefused(
        .malformed, code: "request.broken_off", message: "the request ended before its body was whole",
        hint: "send as many bytes as Content-Length says")
    }
    if let refusal {
      await file?.remove()
      throw refusal
    }
    guard let file else { throw CancellationError() }
    return file
  }

  /// Lets the sender come to the end of its writing, so that it sees the refusal; not for ever.
  private static func readAway(_ body: RequestBody) async {
    var count = 0
    do {
      for try await buffer in body {
        count += buffer.readableBytes
        if count > WireCoding.largestBody * 16 { return }
      }
    } catch {
      // Who has hung up needs no answer.
    }
  }
}
