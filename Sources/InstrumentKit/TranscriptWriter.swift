// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
internal import Quantities

/// Writes a transcript, turn by turn, as the driver lives through it; docs/transcripts.md describes the format.
public struct TranscriptWriter: Sendable {
  /// What was written and nobody has taken away yet. Always whole lines.
  public var text: [UInt8] = []
  /// When the port was first opened; all times count from there.
  private var origin: HostInstant?
  private var wakeAt: HostInstant?

  /// A writer whose text begins with a header.
  public init(_ header: InstrumentTranscript.Header) {
    say("# \(InstrumentTranscript.title)")
    say("# family: \(TranscriptBytes.line(header.family))")
    say("# instrument: \(TranscriptBytes.line(header.instrument))")
    say("# version: \(TranscriptBytes.line(header.version))")
    say("# recorded: \(TranscriptBytes.line(header.recorded))")
    if let note = header.note { say("# note: \(TranscriptBytes.line(note))") }
  }

  /// A writer without header, for outputs alone.
  init(from origin: HostInstant) { self.origin = origin }

  private mutating func say(_ line: String) {
    text += line.utf8
    text.append(0x0A)
  }

  /// A moment in microseconds since the port was opened.
  private func counted(_ moment: HostInstant) -> Int64 { (moment - (origin ?? moment)).microseconds }

  /// Writes one input and everything that followed from it.
  public mutating func turn(_ input: DriverInput, at now: HostInstant, _ outputs: DriverOutputs) {
    if origin == nil { origin = now }
    let moment = "@ \(counted(now))"
    switch input {
    case .opened: say("\(moment) opened")
    case .tick: say("\(moment) tick")
    case .lost: say("\(moment) lost")
    case .command(let channel, let command): say("\(moment) channel \(channel) \(command.transcriptText)")
    case .bytes(let bytes):
      say(moment)
      append(bytes, after: "< ")
    }
    say(outputs)
  }

  /// Writes what a driver said and wrote.
  mutating func say(_ outputs: DriverOutputs) {
    append(outputs.writes, after: "> ")
    for event in outputs.events { say("= \(event.transcriptText)") }
    if outputs.wakeAt != wakeAt { say("~ \(outputs.wakeAt.map { "\(counted($0))" } ?? "-")") }
    wakeAt = outputs.wakeAt
  }

  /// One line of text for each line of the wire, so that people can read it; the reader joins them again.
  private mutating func append(_ bytes: some RandomAccessCollection<UInt8>, after sign: String) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0A).map { rest.index(after: $0) } ?? rest.endIndex
      text += sign.utf8
      TranscriptBytes.append(rest[..<end], to: &text)
      text.append(0x0A)
      rest = rest[end...]
    }
  }

  /// Writes that time passed.
  public mutating func mark(_ now: HostInstant) {
    if origin != nil { say("@ \(counted(now))") }
  }

  /// Writes something for people, which replays leave aside.
  public mutating func remark(_ words: String) { say("# \(TranscriptBytes.line(words))") }

  /// Writes the last line: why nothing follows.
  public mutating func end(_ reason: String) { text += Self.lastLine(reason) }

  /// The last line, for whoever ends a transcript that somebody else writes.
  public static func lastLine(_ reason: String) -> [UInt8] {
    Array(". \(TranscriptBytes.line(reason.isEmpty ? "no reason was given" : reason))\n".utf8)
  }
}
