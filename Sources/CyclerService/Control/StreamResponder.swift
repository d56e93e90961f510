// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Sends live streams and long bodies. A reader that does not read must cost nothing but its own connection: writes
// wait for the reader (no queue grows), a write that waits too long ends the connection, and a daemon that stops
// says so and does not wait for anybody.

import ControlAPI
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// Sends streams, at most so many at once.
final class StreamResponder: Sendable {
  /// How streams are timed.
  struct Timing: Sendable {
    /// A comment is sent after so long without a frame, so that both ends notice a dead peer.
    var comment: Duration = .seconds(15)
    /// A write that waits so long for its reader ends the connection.
    var patience: Duration = .seconds(10)
    /// How long a reader may take for the last words once the daemon stops; then its connection is ended.
    var farewell: Duration = .milliseconds(500)
  }

  /// More streams at once are refused, so that connections remain for people who operate.
  private let most: Int
  private let timing: Timing
  private let open = OpenStreams()

  /// A responder for at most `most` streams.
  init(most: Int, timing: Timing) {
    self.most = most
    self.timing = timing
  }

  /// One thing to be written.
  private enum Item: Sendable {
    case frames([StreamFrame])
    case comment
    case end(StreamFrame.Farewell)
  }

  /// Answers with Server-Sent Events.
  func respond(
    to request: Request, context: PeerContext,
    _ source: @Sendable () async throws -> AsyncThrowingStream<[StreamFrame], any Error>
  ) async throws -> Response {
    guard let seat = open.seat(most: most) else {
      throw RequestRefused(
        .unavailable, code: "stream.too_many", message: "\(most) live streams are open already",
        hint: "close a tail that nobody needs")
    }
    let frames = try await source()
    let headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"]
    let body = ResponseBody { [self] writer in
      var writer = writer
      defer { withExtendedLifetime(seat) {} }
      // A reader that went away ends this by cancellation; there is nobody left to tell.
      try? await request.body.consumeWithCancellationOnInboundClose { _ in
        try await self.pump(frames, into: &writer, context: context)
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: headers, body: body)
  }

  /// Answers with a body of unknown length.
  func respond(
    chunks: AsyncThrowingStream<[UInt8], any Error>, contentType: String, context: PeerContext
  ) -> Response {
    let timing = timing
    let body = ResponseBody { writer in
      var writer = writer
      let patience = WritePatience(timing.patience, channel: context.channel)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await patience.watch() }
        group.addTask { try await patience.endSoonAfterShutdown(timing.farewell) }
        // A source that fails leaves the body unfinished, so the reader sees a broken transfer, not a short file.
        for try await chunk in chunks {
          // So does a daemon that is told to stop.
          if Task.isShuttingDownGracefully { throw CancellationError() }
          patience.begin()
          try await writer.write(ByteBuffer(bytes: chunk))
          patience.end()
        }
        group.cancelAll()
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: contentType], body: body)
  }

  private func pump(
    _ frames: AsyncThrowingStream<[StreamFrame], any Error>, into writer: inout any ResponseBodyWriter,
    context: PeerContext
  ) async throws {
    // The source runs beside the writer, one batch ahead at most: it waits for a turn before it takes the next batch.
    let (items, sink) = AsyncStream<Item>.makeStream()
    let (turns, turn) = AsyncStream<Void>.makeStream()
    let timing = timing
    let patience = WritePatience(timing.patience, channel: context.channel)
    var bytes: [UInt8] = []
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { sink.yield(.end(await Self.forward(frames, to: sink, turns: turns))) }
      group.addTask {
        while true {
          try await Task.sleep(for: timing.comment)
          sink.yield(.comment)
        }
      }
      group.addTask { try await patience.watch() }
      group.addTask { try await patience.endSoonAfterShutdown(timing.farewell) }
      defer { group.cancelAll() }
      for await item in items {
        bytes.removeAll(keepingCapacity: true)
        var isLast = false
        switch item {
        case .frames(let batch):
          for frame in batch { try frame.write(to: &bytes) }
        case .comment: bytes.append(contentsOf: ": still here\n\n".utf8)
        case .end(let farewell):
          try StreamFrame(cursor: nil, body: .bye(farewell)).write(to: &bytes)
          isLast = true
        }
        if !bytes.isEmpty {
          patience.begin()
          try await writer.write(ByteBuffer(bytes: bytes))
          patience.end()
        }
        if isLast { return }
        if case .frames = item { turn.yield() }
      }
    }
  }

  /// Passes batches on until the source ends; says why it ended.
  private static func forward(
    _ frames: AsyncThrowingStream<[StreamFrame], any Error>, to sink: AsyncStream<Item>.Continuation,
    turns: AsyncStream<Void>
  ) async -> StreamFrame.Farewell {
    var turns = turns.makeAsyncIterator()
    do {
      for try await batch in frames.cancelOnGracefulShutdown() {
        sink.yield(.frames(batch))
        guard await turns.next() != nil else { return .stopping }
      }
    } catch is CancellationError {
      return .stopping
    } catch {
      return .failed
    }
    return Task.isShuttingDownGracefully ? .stopping : .complete
  }
}

/// Counts the streams that are open.
final class OpenStreams: Sendable {
  /// One open stream. It counts for as long as somebody holds it, so a response that is never sent gives it back too.
  final class Seat: Sendable {
    private let streams: OpenStreams
    fileprivate init(_ streams: OpenStreams) { self.streams = streams }
    deinit { streams.count.subtract(1, ordering: .relaxed) }
  }

  private let count = Atomic<Int>(0)

  /// A seat, or nil when `most` are taken.
  func seat(most: Int) -> Seat? {
    let seat = Seat(self)
    return count.add(1, ordering: .relaxed).newValue <= most ? seat : nil
  }
}

/// Ends a connection whose reader lets a write wait too long.
final class WritePatience: Sendable {
  private let longest: Duration
  private let channel: any Channel
  private let since = Mutex<ContinuousClock.Instant?>(nil)

  /// Watches writes to a connection.
  init(_ longest: Duration, channel: any Channel) {
    self.longest = longest
    self.channel = channel
  }

  /// A write begins.
  func begin() { since.withLock { $0 = .now } }

  /// The write is done.
  func end() { since.withLock { $0 = nil } }

  /// Waits until the daemon is told to stop, and then so much longer, before it ends the connection: whoever reads has had
  /// the last words by then, and whoever does not read shall not hold the daemon up.
  func endSoonAfterShutdown(_ farewell: Duration) async throws {
    try await gracefulShutdown()
    try await Task.sleep(for: farewell)
    channel.close(mode: .all, promise: nil)
  }

  /// Looks again and again until it is cancelled or had to close the connection.
  func watch() async throws {
    while true {
      try await Task.sleep(for: longest / 4)
      if let start = since.withLock({ $0 }), ContinuousClock.now - start >= longest {
        channel.close(mode: .all, promise: nil)
        return
      }
    }
  }
}
