// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// Reads a transcript line by line. Each line begins with a sign and a space.
struct TranscriptReader {
  /// No line is longer, in bytes: what a driver writes at once is far shorter.
  private static let longestLine = 1 << 20
  /// The latest moment, in microseconds: 30 years.
  private static let latest: Int64 = 1_000_000_000_000_000
  /// The channels that an instrument may have.
  private static let mostChannels = 256

  private let text: [UInt8]
  private var place = 0
  /// The number of the line that was read last, from 1.
  private var line = 0
  private var turns: [InstrumentTranscript.Turn] = []
  /// The moment that the last `@` named.
  private var time = TimeSpan.zero
  /// Whether a moment was named that may still get bytes.
  private var mayHear = false
  /// What of the present turn's outputs may still come: writes, then events, then a wake.
  private var rank = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func read() throws(InstrumentTranscript.Problem) -> InstrumentTranscript {
    if text.count > InstrumentTranscript.mostBytes {
      throw problem("the file has more than \(InstrumentTranscript.mostBytes) bytes")
    }
    let header = try readHeader()
    while let (sign, content) = try next() {
      if sign == UInt8(ascii: ".") {
        if try next() != nil { throw problem("the line that begins with `.` is the last one, and this follows it") }
        if turns.isEmpty { throw problem("nothing happened: there is no `@ 0 opened`") }
        return InstrumentTranscript(header: header, turns: turns, ending: try words(content))
      }
      do throws(TranscriptMistake) { try take(sign, content) } catch { throw problem(error.reason) }
    }
    line += 1
    throw problem("the transcript was cut: its last line, which begins with `.`, is missing")
  }

  private func problem(_ reason: String) -> InstrumentTranscript.Problem {
    InstrumentTranscript.Problem(line: max(line, 1), reason: reason)
  }

  // MARK: - Lines

  /// The next line's sign and what follows; nil at the end.
  private mutating func next() throws(InstrumentTranscript.Problem) -> (sign: UInt8, content: ArraySlice<UInt8>)? {
    guard place < text.count else { return nil }
    line += 1
    guard let end = text[place...].firstIndex(of: 0x0A) else {
      throw problem("the transcript was cut in the middle of this line")
    }
    let whole = text[place..<end]
    place = end + 1
    if whole.last == 0x0D {
      throw problem("it ends in CR LF: some program has converted the file; send it as it was written")
    }
    if whole.count > Self.longestLine { throw problem("it has more than \(Self.longestLine) bytes") }
    if let odd = whole.firstIndex(where: { !(0x20...0x7E).contains($0) }) {
      throw problem(
        "column \(odd - whole.startIndex + 1): byte \(whole[odd]) is no printable ASCII, of which all is made")
    }
    guard let sign = whole.first else { throw problem("it is empty") }
    guard whole.count > 2, whole[whole.startIndex + 1] == 0x20 else {
      throw problem("a line is a sign (one of # @ < > = ~ .), a space and what it says")
    }
    return (sign, whole.dropFirst(2))
  }

  private func words(_ content: ArraySlice<UInt8>) throws(InstrumentTranscript.Problem) -> String {
    do throws(TranscriptMistake) {
      return String(decoding: try TranscriptBytes.read(content), as: UTF8.self)
    } catch { throw problem(error.reason) }
  }

  // MARK: - The header

  private mutating func readHeader() throws(InstrumentTranscript.Problem) -> InstrumentTranscript.Header {
    let first = try next()
    guard first?.sign == UInt8(ascii: "#"), let content = first?.content,
      content.elementsEqual(InstrumentTranscript.title.utf8)
    else { throw problem("a transcript begins with `# \(InstrumentTranscript.title)`") }
    var header = InstrumentTranscript.Header(
      family: try field("family"), instrument: try field("instrument"), version: try field("version"),
      recorded: try field("recorded"))
    let beforeNote = (place, line)
    if let (sign, content) = try next(), sign == UInt8(ascii: "#"), content.starts(with: "note: ".utf8) {
      header.note = try words(content.dropFirst(6))
    } else {
      (place, line) = beforeNote
    }
    return header
  }

  private mutating func field(_ key: String) throws(InstrumentTranscript.Problem) -> String {
    guard let (sign, content) = try next(), sign == UInt8(ascii: "#"), content.starts(with: "\(key): ".utf8) else {
      throw problem("`# \(key): …` is expected here")
    }
    return try words(content.dropFirst(key.utf8.count + 2))
  }

  // MARK: - Turns

  private mutating func take(_ sign: UInt8, _ content: ArraySlice<UInt8>) throws(TranscriptMistake) {
    switch sign {
    case UInt8(ascii: "#"): return
    case UInt8(ascii: "@"): try takeMoment(String(decoding: content, as: UTF8.self))
    case UInt8(ascii: "<"): try hear(try TranscriptBytes.read(content))
    case UInt8(ascii: ">"):
      _ = try TranscriptBytes.read(content)
      try takeOutput(">", content, rank: 1)
    case UInt8(ascii: "="): try takeOutput("=", content, rank: 2)
    case UInt8(ascii: "~"): try takeOutput("~", content, rank: 3)
    default:
      throw TranscriptMistake("`\(String(UnicodeScalar(sign)))` is no sign; a line begins with one of # @ < > = ~ .")
    }
  }

  private mutating func takeMoment(_ content: String) throws(TranscriptMistake) {
    let words = content.split(separator: " ", omittingEmptySubsequences: false)
    let count: Int64 = try TranscriptFields.integer(words.first ?? "", "the moment", in: 0...Self.latest)
    if count < time.microseconds {
      throw TranscriptMistake("the moment \(count) us is before the one above it, \(time.microseconds) us")
    }
    time = TimeSpan(microseconds: count)
    mayHear = words.count == 1
    // Without a word it is the moment of bytes, which follow, or only says that time has passed.
    guard words.count > 1 else { return rank = 3 }
    if words.count == 2 {
      switch words[1] {
      case "opened": return begin(.opened)
      case "tick": return try add(.tick(after: .zero))
      case "lost": return try add(.lost)
      default: break
      }
    }
    guard words.count > 3, words[1] == "channel" else {
      throw TranscriptMistake("after the moment comes `opened`, `tick`, `lost`, `channel N COMMAND` or nothing")
    }
    let channel = try TranscriptFields.integer(words[2], "channel", in: 0...Self.mostChannels - 1)
    try add(.command(channel: channel, try ChannelCommand(transcriptWords: words[3...])))
  }

  private mutating func begin(_ input: DriverTranscript.Entry) {
    turns.append(InstrumentTranscript.Turn(time: time, input: input, line: line, firstOutputLine: line + 1))
    rank = 0
  }

  private mutating func add(_ input: DriverTranscript.Entry) throws(TranscriptMistake) {
    if turns.isEmpty { throw TranscriptMistake("the first thing that happens is `opened`") }
    begin(input)
  }

  private mutating func hear(_ bytes: [UInt8]) throws(TranscriptMistake) {
    if mayHear {
      mayHear = false
      return try add(.received(bytes))
    }
    guard rank == 0, let last = turns.indices.last, case .received(var heard) = turns[last].input else {
      throw TranscriptMistake("bytes from the instrument come after their moment, a line `@ MICROSECONDS`")
    }
    // Held by nobody else meanwhile, so that a row of short lines is not copied again with each.
    turns[last].input = .lost
    heard += bytes
    turns[last].input = .received(heard)
    turns[last].firstOutputLine = line + 1
  }

  private mutating func takeOutput(_ sign: String, _ content: ArraySlice<UInt8>, rank: Int) throws(TranscriptMistake) {
    guard !turns.isEmpty, !mayHear, self.rank <= rank, self.rank < 3 else {
      throw TranscriptMistake("what the driver does (>), says (=) and waits for (~) follows an input, in this order")
    }
    if self.rank == 0 { turns[turns.count - 1].firstOutputLine = line }
    self.rank = rank
    turns[turns.count - 1].outputs.append("\(sign) \(String(decoding: content, as: UTF8.self))")
  }
}
