// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The one request whose body may be large. It is written to a file as it comes, and looked at when it is whole.

import ControlAPI
import Foundation
import Hummingbird
import NIOCore

extension ControlRoutes {
  func addImport(to router: Router<PeerContext>) {
    router.post("v1/import") { request, context in
      let query = try QueryParameters(request, known: ["as_cell"])
      let cell = try query.value("as_cell", expected: "the name that the cell gets here") { PercentEncoding.decode($0) }
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
          let file = try await Self.receive(body)
          // With its last holder the file is gone.
          defer { withExtendedLifetime(file) {} }
          let taken = try await operations.importArchive(at: file.path, asCell: cell, by: requester)
          response = try JSONResponse.make(taken, status: .created)
        } catch let refusal as RequestRefused {
          await Self.readAway(body)
          response = RefusalMiddleware.response(refusal)
        }
        response.headers[.requestID] = requester.requestID
        return response
      }
    }
  }

  private static func receive(_ body: RequestBody) async throws -> UploadedFile {
    let file = try UploadedFile()
    do {
      for try await buffer in body { try await file.append(Array(buffer: buffer)) }
    } catch let error as CancellationError {
      throw error
    } catch let refusal as RequestRefused {
      throw refusal
    } catch {
      throw RequestRefused(
        .malformed, code: "request.broken_off", message: "the request ended before its body was whole",
        hint: "send as many bytes as Content-Length says")
    }
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

/// A file that was sent, removed when nobody needs it any more.
actor UploadedFile {
  nonisolated let path: String
  private let handle: FileHandle
  private var count: Int64 = 0

  /// An empty file that nobody else can read.
  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("nacycler-\(UUID().uuidString).upload").path
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw Self.noRoom("no temporary file can be made") }
    self.handle = handle
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a piece.
  func append(_ bytes: [UInt8]) throws {
    count += Int64(bytes.count)
    guard count <= ArchiveLimits.mostBytes else {
      throw RequestRefused(
        .tooLarge, code: "archive.too_large", message: "the archive has more than \(ArchiveLimits.mostBytes) bytes",
        hint: "no run is that long")
    }
    do { try handle.write(contentsOf: bytes) } catch { throw Self.noRoom("\(error.localizedDescription)") }
  }

  private static func noRoom(_ why: String) -> RequestRefused {
    RequestRefused(
      .unavailable, code: "archive.no_room", message: "the archive cannot be kept while it is looked at: \(why)",
      hint: "make room in the daemon's temporary directory")
  }
}
