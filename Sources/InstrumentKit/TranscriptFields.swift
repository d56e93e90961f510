// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// Reads `key=value key=value …`, in exactly that order: what is missing, unknown or out of its place is told by name.
struct TranscriptFields {
  private var rest: ArraySlice<Substring>

  init(_ words: ArraySlice<Substring>) { rest = words }

  /// Whether the next field has that key.
  func isNext(_ key: String) -> Bool { rest.first?.hasPrefix("\(key)=") ?? false }

  /// The value of the next field, which must have that key.
  mutating func word(_ key: String) throws(TranscriptMistake) -> Substring {
    guard let field = rest.first else { throw TranscriptMistake("\(key)= is missing at the end of the line") }
    guard isNext(key) else { throw TranscriptMistake("\(key)= is expected in the place of `\(field)`") }
    rest.removeFirst()
    return field.dropFirst(key.utf8.count + 1)
  }

  /// A whole number in its bounds.
  mutating func integer<Value: FixedWidthInteger>(
    _ key: String, in bounds: ClosedRange<Value>
  ) throws(TranscriptMistake) -> Value {
    try Self.integer(try word(key), key, in: bounds)
  }

  /// A quantity in its smallest unit.
  mutating func quantity<Value: FixedPointQuantity>(
    _ key: String, in bounds: ClosedRange<Int64>
  ) throws(TranscriptMistake) -> Value { Value(count: try integer(key, in: bounds)) }

  /// A whole number.
  static func integer<Value: FixedWidthInteger>(
    _ word: Substring, _ key: String, in bounds: ClosedRange<Value>
  ) throws(TranscriptMistake) -> Value {
    guard let value = Value(word), "\(value)" == word, bounds.contains(value) else {
      throw TranscriptMistake(
        "\(key)= takes a whole number from \(bounds.lowerBound) to \(bounds.upperBound), not `\(word)`")
    }
    return value
  }

  /// The end of the line.
  func end() throws(TranscriptMistake) {
    if let more = rest.first { throw TranscriptMistake("`\(more)` is more than is expected here") }
  }
}
