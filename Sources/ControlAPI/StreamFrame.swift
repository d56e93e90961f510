// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One frame of a live stream, with the place after it.
public struct StreamFrame: Sendable, Hashable {
  /// Why a stream ends, and whether it is worth coming back.
  public enum Farewell: String, Codable, Sendable, Hashable, CaseIterable {
    /// Everything was sent and nothing will follow: the run is over, or the reader did not want to follow.
    case complete
    /// The daemon stops; come back with the cursor.
    case stopping
    /// The daemon could not read on; come back with the cursor.
    case failed
  }

  /// What a frame carries.
  public enum Body: Sendable, Hashable {
    /// A stored measurement.
    case record(RecordFrame)
    /// A cycle that closed.
    case cycle(CycleFrame)
    /// Something that happened.
    case event(EventFrame)
    /// The state of a run, at the beginning of a stream and whenever it changes.
    case run(RunStatus)
    /// Everything that was stored when the stream began has been sent; what follows is live.
    case ready
    /// The last frame of a stream.
    case bye(Farewell)
  }

  /// The place after this frame. Nil where a later frame that was read with it names one: a place holds all runs that are
  /// followed, and naming it with each record would be more work than the record. `StreamCursor.pass` moves over it.
  public var cursor: StreamCursor?
  /// What it carries.
  public var body: Body

  /// A frame.
  public init(cursor: StreamCursor?, body: Body) {
    self.cursor = cursor
    self.body = body
  }

  /// The name of the kind, as in `event:` of a Server-Sent Event.
  public var kind: String {
    switch body {
    case .record: "record"
    case .cycle: "cycle"
    case .event: "event"
    case .run: "run"
    case .ready: "ready"
    case .bye: "bye"
    }
  }

  /// Writes the frame as one Server-Sent Event: id, where it has a cursor, event and data lines and the empty line.
  public func write(to bytes: inout [UInt8]) throws {
    if let cursor { bytes.append(contentsOf: "id: \(cursor)\n".utf8) }
    bytes.append(contentsOf: "event: \(kind)\ndata: ".utf8)
    switch body {
    case .record(let frame): try frame.write(to: &bytes)
    case .cycle(let frame): try bytes.append(contentsOf: WireCoding.encode(frame))
    case .event(let frame): try bytes.append(contentsOf: WireCoding.encode(frame))
    case .run(let status): try bytes.append(contentsOf: WireCoding.encode(status))
    case .ready: bytes.append(contentsOf: "{}".utf8)
    case .bye(let farewell): try bytes.append(contentsOf: WireCoding.encode(["reason": farewell.rawValue]))
    }
    bytes.append(contentsOf: "\n\n".utf8)
  }

  /// Reads a frame from the parts of a Server-Sent Event, of which the id may be empty; nil for a kind that this version
  /// does not know.
  public init?(id: String, kind: String, data: [UInt8]) throws {
    if !id.isEmpty {
      guard let cursor = StreamCursor(id) else {
        throw RequestRefused(.failed, code: "stream.bad_cursor", message: "the daemon sent \"\(id)\" as a cursor")
      }
      self.cursor = cursor
    }
    switch kind {
    case "record": body = .record(try WireCoding.decode(RecordFrame.self, from: data))
    case "cycle": body = .cycle(try WireCoding.decode(CycleFrame.self, from: data))
    case "event": body = .event(try WireCoding.decode(EventFrame.self, from: data))
    case "run": body = .run(try WireCoding.decode(RunStatus.self, from: data))
    case "ready": body = .ready
    case "bye":
      let reason = try WireCoding.decode([String: String].self, from: data)["reason"] ?? ""
      body = .bye(Farewell(rawValue: reason) ?? .complete)
    default: return nil
    }
  }
}

/// What a reader wants from the live stream: `GET /v1/stream`.
public struct StreamRequest: Sendable, Hashable {
  /// The kinds that can be chosen; states of runs, `ready` and `bye` always come.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Measurements.
    case records
    /// Closed cycles.
    case cycles
    /// Events.
    case events
  }

  /// The run; nil: all runs, those that begin later included.
  public var run: RunReference?
  /// The kinds.
  public var kinds: Set<Kind>
  /// Go on after this place.
  public var after: StreamCursor?
  /// Without `after`: begin with so many of the newest stored frames of each kind; nil: from the beginning.
  public var last: Int?
  /// Whether to go on with what happens from now on. Otherwise the stream ends after what is stored.
  public var follow: Bool

  /// A request.
  public init(
    run: RunReference?, kinds: Set<Kind> = Set(Kind.allCases), after: StreamCursor? = nil, last: Int? = nil,
    follow: Bool = true
  ) {
    self.run = run
    self.kinds = kinds
    self.after = after
    self.last = last
    self.follow = follow
  }

  /// The request as the query of a URL, without the question mark.
  public var query: String {
    var parts: [String] = []
    if let run { parts.append("run=\(run)") }
    parts.append("kinds=\(Kind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: ","))")
    if let after { parts.append("after=\(after)") }
    if let last { parts.append("last=\(last)") }
    if !follow { parts.append("follow=false") }
    return parts.joined(separator: "&")
  }
}

/// How a request names a run.
public enum RunReference: Sendable, Hashable, CustomStringConvertible {
  /// By its number.
  case number(Int64)
  /// The run that was started last.
  case last

  /// Reads `last` or a positive number without sign or leading zeros; nil for anything else.
  public init?(_ text: String) {
    if text == "last" {
      self = .last
    } else if let number = Int64(text), number > 0, text == String(number) {
      self = .number(number)
    } else {
      return nil
    }
  }

  /// As it stands in a path.
  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .last: "last"
    }
  }
}

/// The forms in which a run is exported.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Battery Data Format: CSV with its preferred labels.
  case bdf
  /// CSV with this project's own column names.
  case csv
  /// One JSON document.
  case json
  /// An SQLite file that holds the whole run and that another daemon takes in.
  case archive
}
