// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Turns something that hands out chunks by calling a closure into a stream that is read on demand: the producer waits
// until its last chunk was taken, so an export of a month's records never lies in memory.

/// One chunk at a time from a producer to a reader.
actor ChunkRelay {
  private var chunk: [UInt8]?
  private var isFinished = false
  private var failure: (any Error)?
  private var reader: CheckedContinuation<Void, Never>?
  private var producer: CheckedContinuation<Void, Never>?

  /// Waits until the chunk before was taken, then offers this one. Throws once the reader has gone away.
  func offer(_ bytes: [UInt8]) async throws {
    guard !bytes.isEmpty else { return }
    while chunk != nil, !Task.isCancelled { await withCheckedContinuation { producer = $0 } }
    try Task.checkCancellation()
    chunk = bytes
    reader?.resume()
    reader = nil
  }

  /// There is nothing more to come.
  func finish(_ error: (any Error)?) {
    isFinished = true
    failure = error
    reader?.resume()
    reader = nil
  }

  /// Lets a producer that waits find out that it was cancelled.
  func abandon() {
    producer?.resume()
    producer = nil
  }

  private func take() async throws -> [UInt8]? {
    while chunk == nil, !isFinished { await withCheckedContinuation { reader = $0 } }
    if let taken = chunk {
      chunk = nil
      producer?.resume()
      producer = nil
      return taken
    }
    if let failure { throw failure }
    return nil
  }

  /// A stream of what `produce` offers. The producer is cancelled when the stream is dropped.
  static func stream(
    _ produce: @escaping @Sendable (ChunkRelay) async throws -> Void
  ) -> AsyncThrowingStream<[UInt8], any Error> {
    let source = Source(produce)
    return AsyncThrowingStream { try await source.relay.take() }
  }

  /// Owns the producer for as long as the stream lives.
  private final class Source: Sendable {
    let relay = ChunkRelay()
    private let task: Task<Void, Never>

    init(_ produce: @escaping @Sendable (ChunkRelay) async throws -> Void) {
      let relay = relay
      task = Task {
        do {
          try await produce(relay)
          await relay.finish(nil)
        } catch {
          await relay.finish(error)
        }
      }
    }

    deinit {
      task.cancel()
      // A producer that waits for its reader would wait for ever.
      let relay = relay
      Task { await relay.abandon() }
    }
  }
}
