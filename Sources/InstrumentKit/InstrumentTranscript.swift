// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The whole course of one instrument from the moment its port was opened, as text that a person can read, send and put beside a
// driver: every input with its moment, and every write, event and wake that followed. `TranscriptReplay` gives the inputs to a
// fresh driver and compares. docs/transcripts.md describes the format. The reader takes nothing that the writer does not
// write, and says of a file that was cut, changed or converted on which line and why.

public import Quantities

/// What happened between a host and an instrument.
public struct InstrumentTranscript: Sendable, Hashable {
  /// The first line without its `# `: the format and its number.
  static let title = "nacycler transcript 1"
  /// No transcript is longer, in bytes; a recording ends before.
  public static let mostBytes = 64 << 20

  /// What stands at the top.
  public struct Header: Sendable, Hashable {
    /// The driver's family, for instance `methodscript`.
    public var family: String
    /// Who the instrument said that it is, in words.
    public var instrument: String
    /// The program's version.
    public var version: String
    /// How it was recorded; begins with `emulated` where there was no instrument.
    public var recorded: String
    /// What whoever recorded it has to say; nil for nothing.
    public var note: String?
    /// A header.
    public init(family: String, instrument: String, version: String, recorded: String, note: String? = nil) {
      self.family = family
      self.instrument = instrument
      self.version = version
      self.recorded = recorded
      self.note = note
    }
    /// A header that tells of an instrument; nil for one that has not said who it is.
    public init(family: String, _ identity: InstrumentIdentity?, version: String, recorded: String, note: String? = nil)
    {
      self.init(
        family: family, instrument: identity?.transcriptTitle ?? "not identified yet", version: version,
        recorded: recorded, note: note)
    }
  }

  /// One input, and what followed from it.
  public struct Turn: Sendable, Hashable {
    /// When, since the port was opened.
    public var time: TimeSpan
    /// What was given to the driver; a tick is one after no time, as `time` says when it came.
    public var input: DriverTranscript.Entry
    /// The number of the line with the input.
    public var line: Int
    /// What the driver wrote and said and when it wanted to be woken, as lines.
    public var outputs: [String] = []
    /// The number of the line of the first of `outputs`.
    public var firstOutputLine: Int
  }

  /// Why a text is no transcript.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    /// Counted from 1.
    public var line: Int
    /// What is wrong there, and what would be right.
    public var reason: String
    /// Both.
    public var description: String { "line \(line): \(reason)" }
  }

  /// The top.
  public var header: Header
  /// In order; the first one is the opening.
  public var turns: [Turn]
  /// Why nothing follows.
  public var ending: String

  /// Reads a transcript.
  /// - Throws: The first line that is wrong, and why.
  public init(_ text: [UInt8]) throws(Problem) {
    var reader = TranscriptReader(text)
    self = try reader.read()
  }

  init(header: Header, turns: [Turn], ending: String) {
    self.header = header
    self.turns = turns
    self.ending = ending
  }
}
