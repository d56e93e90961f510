// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import NIOCore
import NIOHTTP1

/// A frame as it came, with its JSON for callers that pass it on.
public struct ReceivedFrame: Sendable {
  /// The frame.
  public var frame: StreamFrame
  /// The place after it; nil as long as the daemon has not named one.
  public var cursor: StreamCursor?
  /// The JSON of its body as it came.
  public var json: [UInt8]
}

/// What a stream tells its reader besides frames.
public enum StreamNews: Sendable {
  /// A frame.
  case frame(ReceivedFrame)
  /// The connection is gone; the client tries again from the last cursor.
  case lost(ErrorBody)
  /// The connection is back.
  case back
}

extension ControlClient {
  /// How long and how often a lost stream is tried again.
  public struct Persistence: Sendable, Hashable {
    /// Give up when the daemon was away for so long; nil: never.
    public var giveUpAfter: Duration?
    /// The first pause between two tries; each is twice the one before.
    public var firstPause: Duration
    /// The longest pause.
    public var longestPause: Duration
    /// Patience with a daemon that restarts.
    public init(
      giveUpAfter: Duration? = .seconds(60), firstPause: Duration = .milliseconds(100),
      longestPause: Duration = .seconds(2)
    ) {
      self.giveUpAfter = giveUpAfter
      self.firstPause = firstPause
      self.longestPause = longestPause
    }
  }

  /// Reads the live stream until it is complete. When the connection is lost or the daemon restarts, goes on after the
  /// last frame that was taken, so no frame is missed or taken twice.
  ///
  /// Throws `RequestRefused`, and `ControlFailure` when the daemon is absent at the first try or for too long.
  public func stream(
    _ request: StreamRequest, persistence: Persistence = Persistence(), _ take: (StreamNews) async throws -> Void
  ) async throws {
    var cursor: StreamCursor?
    var pause = persistence.firstPause
    var lostSince: ContinuousClock.Instant?
    while true {
      do {
        let farewell = try await streamOnce(request, from: cursor) { received in
          if lostSince != nil {
            lostSince = nil
            pause = persistence.firstPause
            try await take(.back)
          }
          cursor = received.cursor
          try await take(.frame(received))
        }
        if farewell == .complete { return }
        try await take(.lost(Self.interruption(farewell)))
      } catch let failure as ControlFailure {
        // At the first try there is nothing to come back to.
        guard cursor != nil || lostSince != nil else { throw failure }
        if let since = lostSince, let limit = persistence.giveUpAfter, ContinuousClock.now - since > limit {
          throw failure
        }
        if lostSince == nil { try await take(.lost(failure.body)) }
      }
      lostSince = lostSince ?? .now
      try await Task.sleep(for: pause)
      pause = min(pause * 2, persistence.longestPause)
    }
  }

  /// Reads one connection's frames; returns what the daemon said at the end.
  private func streamOnce(
    _ request: StreamRequest, from cursor: StreamCursor?, _ take: (ReceivedFrame) async throws -> Void
  ) async throws -> StreamFrame.Farewell {
    var parser = ServerSentEventParser()
    var events: [ServerSentEventParser.Event] = []
    var farewell: StreamFrame.Farewell?
    var place = cursor ?? request.after
    let headers = cursor.map { [("Last-Event-ID", "\($0)")] } ?? []
    try await receive(.GET, "/v1/stream?\(request.query)", headers: headers) { buffer in
      events.removeAll(keepingCapacity: true)
      try parser.feed(buffer.readableBytesView, into: &events)
      for event in events {
        guard let frame = try StreamFrame(id: event.id, kind: event.kind, data: event.data) else { continue }
        if case .bye(let reason) = frame.body { farewell = reason }
        if let cursor = frame.cursor { place = cursor } else { place?.pass(frame.body) }
        try await take(ReceivedFrame(frame: frame, cursor: place, json: event.data))
      }
    }
    guard let farewell else { throw ControlFailure.connectionLost(path: socketPath) }
    return farewell
  }

  private static func interruption(_ farewell: StreamFrame.Farewell) -> ErrorBody {
    switch farewell {
    case .complete, .failed:
      ErrorBody(code: "stream.failed", message: "the daemon could not go on reading", hint: "its log says why")
    case .stopping: ErrorBody(code: "daemon.stopping", message: "the daemon stops; waiting for it to come back")
    }
  }
}
