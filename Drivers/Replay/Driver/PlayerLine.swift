// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One line of a player (Drivers/Replay/README.md), told from everything that is none. Each has a checksum, so that a
// lost digit is a lost line, and a number that counts all lines, so that a lost line is seen.

internal import CyclerModel
internal import Quantities

/// A line and its number.
struct PlayerLine: Sendable, Hashable {
  /// What a line says. Ranges are places in the line.
  enum Content: Sendable, Hashable {
    /// Who the player is: the recording's name, the serial number, the protocol's version.
    case identity(name: Range<Int>, serial: Range<Int>, version: Range<Int>)
    /// The set-point began, in that stretch; so many rows were passed over for it.
    case begun(SetpointToken, stretch: Int64, isHold: Bool, passed: Int64)
    /// A recorded reading: microseconds since the set-point began, picoamperes, nanovolts.
    case reading(time: Int64, current: Int64, voltage: Int64)
    /// Where the recording stands: microseconds, nanovolts.
    case standing(time: Int64, voltage: Int64)
    /// The recorded instrument changed its step at that time; from there it holds a voltage or drives a current.
    case border(time: Int64, isHold: Bool)
    /// The set-point's stretch is over at that time; its number, the last line of the file, and why.
    case over(SetpointToken, time: Int64, stretch: Int64, fileLine: Int64, EndReason)
    /// The circuit is open: the last set-point and when it was stopped, or nil when there was none.
    case stopped(SetpointToken?, time: Int64)
    /// The set-point is refused, in words.
    case refused(SetpointToken, Range<Int>)
  }

  /// Why a set-point's stretch is over.
  enum EndReason: String, Sendable, Hashable, CaseIterable {
    /// Another follows.
    case stretch
    /// None follows.
    case last
    /// It was a look, and has lasted as long as was asked for.
    case look
    /// The player cannot read its file any further.
    case damaged
  }

  /// The longest, in bytes without its end.
  static let maximumLength = 400
  /// The longest name.
  private static let longestWord = 40

  var number: Int64
  var content: Content

  /// Reads a line without its end; nil for what is no line of the protocol or has lost something.
  init?(_ line: UnsafeRawBufferPointer) {
    guard let end = Self.bodyEnd(of: line) else { return nil }
    var words = LineWords(line, end: end)
    guard let number = words.whole(), let letter = words.next(), letter.count == 1,
      let content = Self.content(line[letter.lowerBound], &words)
    else { return nil }
    self.number = number
    self.content = content
  }

  @inline(__always)
  private static func content(_ letter: UInt8, _ words: inout LineWords) -> Content? {
    switch letter {
    case UInt8(ascii: "R"):
      guard let time = words.whole(), let current = words.decimal(places: 12), let voltage = words.decimal(places: 9),
        words.isAtEnd, isPossible(current, voltage)
      else { return nil }
      return .reading(time: time, current: current, voltage: voltage)
    case UInt8(ascii: "V"):
      guard let time = words.whole(), let voltage = words.decimal(places: 9), words.isAtEnd, isPossible(0, voltage)
      else { return nil }
      return .standing(time: time, voltage: voltage)
    case UInt8(ascii: "C"): return border(&words)
    case UInt8(ascii: "B"): return begun(&words)
    case UInt8(ascii: "X"): return over(&words)
    case UInt8(ascii: "S"): return stopped(&words)
    case UInt8(ascii: "I"): return identity(&words)
    case UInt8(ascii: "N"):
      guard let token = words.token(), let text = words.rest(), !text.isEmpty else { return nil }
      return .refused(token, text)
    default: return nil
    }
  }

  /// No player says more than its recordings may hold; a player that lies must not bring arithmetic to its limits.
  @inline(__always)
  private static func isPossible(_ picoamperes: Int64, _ nanovolts: Int64) -> Bool {
    picoamperes.magnitude <= ReplayDriver.largestCurrent.picoamperes.magnitude
      && nanovolts.magnitude <= ReplayDriver.largestVoltage.nanovolts.magnitude
  }

  private static func border(_ words: inout LineWords) -> Content? {
    guard let time = words.whole(), let kind = words.text(), words.isAtEnd else { return nil }
    switch kind {
    case "hold": return .border(time: time, isHold: true)
    case "current": return .border(time: time, isHold: false)
    default: return nil
    }
  }

  private static func begun(_ words: inout LineWords) -> Content? {
    guard let token = words.token(), let stretch = words.whole(), let kind = words.text(), words.whole() != nil,
      let passed = words.whole(), words.isAtEnd, ["rest", "look", "current", "hold"].contains(kind)
    else { return nil }
    return .begun(token, stretch: stretch, isHold: kind == "hold", passed: passed)
  }

  private static func over(_ words: inout LineWords) -> Content? {
    guard let time = words.whole(), let token = words.token(), let stretch = words.whole(), let line = words.whole(),
      let text = words.text(), let reason = EndReason(rawValue: text), words.isAtEnd
    else { return nil }
    return .over(token, time: time, stretch: stretch, fileLine: line, reason)
  }

  private static func stopped(_ words: inout LineWords) -> Content? {
    var atToken = words
    if let token = atToken.token() {
      guard let time = atToken.whole(), atToken.isAtEnd else { return nil }
      return .stopped(token, time: time)
    }
    guard words.text() == "-", words.whole() == 0, words.isAtEnd else { return nil }
    return .stopped(nil, time: 0)
  }

  private static func identity(_ words: inout LineWords) -> Content? {
    guard let name = words.next(), let serial = words.next(), let version = words.next(), words.whole() != nil,
      words.whole() != nil, words.isAtEnd, [name, serial, version].allSatisfy({ (1...longestWord).contains($0.count) })
    else { return nil }
    return .identity(name: name, serial: serial, version: version)
  }

  // MARK: Checksum

  /// Where the checksum begins, if it is right.
  @inline(__always)
  private static func bodyEnd(of line: UnsafeRawBufferPointer) -> Int? {
    let end = line.count - 3
    guard end > 0, line[end] == UInt8(ascii: "*"), let high = nibble(line[end + 1]), let low = nibble(line[end + 2])
    else { return nil }
    var sum: UInt8 = 0
    for index in 0..<end {
      let byte = line[index]
      // Two lines whose border was lost.
      guard byte >= UInt8(ascii: " "), byte < 0x7F, byte != UInt8(ascii: "*") else { return nil }
      sum ^= byte
    }
    return sum == high << 4 | low ? end : nil
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
