// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Takes the bytes of a Server-Sent Event stream as they come, split anywhere, and gives whole events (WHATWG HTML,
// "Server-sent events"). It does not decode what they carry.

/// Cuts a stream of bytes into Server-Sent Events.
public struct ServerSentEventParser: Sendable {
  /// One event.
  public struct Event: Sendable, Hashable {
    /// The `id:` line; empty when there was none.
    public var id: String
    /// The `event:` line; `message` when there was none.
    public var kind: String
    /// The `data:` lines, joined with line feeds.
    public var data: [UInt8]

    /// An event.
    public init(id: String, kind: String, data: [UInt8]) {
      self.id = id
      self.kind = kind
      self.data = data
    }
  }

  /// A longer line is not one of ours; more bytes without a line end would only fill the memory.
  public static let longestLine = 1 << 20

  private var line: [UInt8] = []
  private var id = ""
  private var kind = ""
  private var data: [UInt8] = []
  private var hasData = false

  /// A parser at the beginning of a stream.
  public init() {}

  /// Takes bytes and appends the events that they complete. Throws when a line is longer than `longestLine`.
  public mutating func feed(_ bytes: some Sequence<UInt8>, into events: inout [Event]) throws {
    for byte in bytes {
      if byte == 0x0A {
        if line.last == 0x0D { line.removeLast() }
        finishLine(into: &events)
        line.removeAll(keepingCapacity: true)
      } else {
        guard line.count < Self.longestLine else {
          throw RequestRefused(
            .failed, code: "stream.line_too_long",
            message: "the stream holds a line of more than \(Self.longestLine) bytes")
        }
        line.append(byte)
      }
    }
  }

  private mutating func finishLine(into events: inout [Event]) {
    if line.isEmpty {
      if hasData { events.append(Event(id: id, kind: kind.isEmpty ? "message" : kind, data: data)) }
      id = ""
      kind = ""
      data.removeAll(keepingCapacity: true)
      hasData = false
      return
    }
    let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
    if colon == line.startIndex { return }  // a comment
    var value = line[colon...].dropFirst()
    if value.first == 0x20 { value = value.dropFirst() }
    switch String(decoding: line[..<colon], as: UTF8.self) {
    case "id": id = String(decoding: value, as: UTF8.self)
    case "event": kind = String(decoding: value, as: UTF8.self)
    case "data":
      if hasData { data.append(0x0A) }
      data.append(contentsOf: value)
      hasData = true
    default: return  // the standard says: unknown fields are ignored
    }
  }
}
