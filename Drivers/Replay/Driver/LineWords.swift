// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel

/// The words of a line, one after the other; one space lies between two.
struct LineWords {
  private let line: UnsafeRawBufferPointer
  private let end: Int
  private var place = 0

  init(_ line: UnsafeRawBufferPointer, end: Int) {
    self.line = line
    self.end = end
  }

  /// Whether nothing is left.
  var isAtEnd: Bool { place > end }

  /// The next word, which may be empty; nil behind the last.
  @inline(__always)
  mutating func next() -> Range<Int>? {
    guard place <= end else { return nil }
    let start = place
    while place < end, line[place] != UInt8(ascii: " ") { place += 1 }
    defer { place += 1 }
    return start..<place
  }

  /// All that is left.
  mutating func rest() -> Range<Int>? {
    guard place <= end else { return nil }
    defer { place = end + 1 }
    return place..<end
  }

  /// The next word as text; for words that are short and rare.
  mutating func text() -> String? { next().map { String(decoding: line[$0], as: UTF8.self) } }

  /// The next word as a whole number from 0 to 10^17, written with digits only.
  @inline(__always)
  mutating func whole() -> Int64? {
    guard let word = next(), (1...17).contains(word.count) else { return nil }
    return Self.digits(line, word)
  }

  private static func digits(_ line: UnsafeRawBufferPointer, _ word: Range<Int>) -> Int64? {
    var value: Int64 = 0
    for index in word {
      guard case let digit = line[index] &- UInt8(ascii: "0"), digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    return value
  }

  /// The next word as a decimal number in units of 10^-`places`; see `RecordedNumber`.
  @inline(__always)
  mutating func decimal(places: Int) -> Int64? {
    guard let word = next() else { return nil }
    return RecordedNumber.count(line, word, places: places)
  }

  /// The next word as a set-point's name, `RUN.STEPCOUNT`.
  mutating func token() -> SetpointToken? {
    guard let word = next(), let point = word.first(where: { line[$0] == UInt8(ascii: ".") }),
      case let (run, step) = (word.lowerBound..<point, point + 1..<word.upperBound), (1...18).contains(run.count),
      (1...10).contains(step.count), let runNumber = Self.digits(line, run), let stepNumber = Self.digits(line, step),
      let stepCount = Int32(exactly: stepNumber)
    else { return nil }
    return SetpointToken(run: runNumber, stepCount: stepCount)
  }
}
