// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A request whose body is a file: written piece by piece while the answer is listened for, because a daemon that refuses
// says so before it has read everything.

import NIOCore
import NIOHTTP1
import Synchronization

extension ControlClient {
  /// Takes an archive in.
  ///
  /// - Parameters:
  ///   - count: How many bytes there are.
  ///   - cell: The name that its cell gets; nil: its own.
  ///   - next: The next piece; nil after the last. What it throws is thrown here.
  public func importArchive(
    count: Int64, asCell cell: String?, next: @escaping @Sendable () throws -> [UInt8]?
  ) async throws -> Received<ImportResponse> {
    let query = cell.map { "?as_cell=\(PercentEncoding.encode($0))" } ?? ""
    let answer = try await upload("/v1/import\(query)", count: count, next: next)
    do {
      return Received(value: try WireCoding.decode(ImportResponse.self, from: answer.body), json: answer.body)
    } catch {
      throw ControlFailure.badAnswer(path: socketPath, detail: "\(error)")
    }
  }

  private func upload(
    _ target: String, count: Int64, next: @escaping @Sendable () throws -> [UInt8]?
  ) async throws -> Answer {
    var head = Self.head(.POST, target, headers: [], body: nil)
    head.headers.replaceOrAdd(name: "Content-Type", value: "application/vnd.sqlite3")
    head.headers.replaceOrAdd(name: "Content-Length", value: "\(count)")
    let whole = head
    let failure = ReadFailure()
    do {
      let connection = try await connect()
      let channel = connection.channel
      return try await connection.executeThenClose { inbound, outbound in
        try await withThrowingTaskGroup(of: Void.self) { group in
          let send: @Sendable () async -> Void = {
            do {
              try await outbound.write(.head(whole))
              while let piece = try failure.noting(next) {
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: piece))))
              }
              try await outbound.write(.end(nil))
            } catch {
              // A connection that is closed has been answered; a file that cannot be read never will be.
              if failure.error != nil { channel.close(promise: nil) }
            }
          }
          group.addTask { await send() }
          defer { group.cancelAll() }
          return try await answer(from: inbound)
        }
      }
    } catch {
      throw failure.error ?? Self.told(error, of: socketPath)
    }
  }

  private func answer(from inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Answer {
    var status = 0
    var bytes: [UInt8] = []
    for try await part in inbound {
      switch part {
      case .head(let answer): status = Int(answer.status.code)
      case .body(let buffer): bytes.append(contentsOf: buffer.readableBytesView)
      case .end: return try accept(status: status, bytes)
      }
    }
    throw ControlFailure.connectionLost(path: socketPath)
  }
}

/// Why what is sent could not be read.
private final class ReadFailure: Sendable {
  private let first = Mutex<(any Error)?>(nil)

  /// Nil while all could be read.
  var error: (any Error)? { first.withLock { $0 } }

  /// Reads, and remembers why that failed.
  func noting(_ read: () throws -> [UInt8]?) throws -> [UInt8]? {
    do {
      return try read()
    } catch {
      first.withLock { $0 = error }
      throw error
    }
  }
}
