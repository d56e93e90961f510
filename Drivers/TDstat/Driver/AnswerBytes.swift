// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The beginning of an answer, or all of it. The longest that is known has eight bytes, which fit into one word.

/// Up to eight bytes.
struct AnswerBytes: Sendable, Hashable {
  static let room = 8
  static let empty = AnswerBytes()

  private(set) var count = 0
  // The first byte in the highest place.
  private var packed: UInt64 = 0

  init() {}

  /// These bytes; nil where they are too many.
  init?(_ bytes: UnsafeRawBufferPointer, behind earlier: AnswerBytes = .empty) {
    self = earlier
    guard bytes.count <= Self.room - count else { return nil }
    for byte in bytes {
      packed |= UInt64(byte) << UInt64(56 - 8 * count)
      count += 1
    }
  }

  subscript(place: Int) -> UInt8 { UInt8(truncatingIfNeeded: packed >> UInt64(56 - 8 * place)) }

  /// Whether nothing was ever stored there: erased memory.
  var isErased: Bool { (0..<count).allSatisfy { self[$0] == 0xFF } }

  private func begins(_ word: StaticString) -> Bool {
    count <= word.utf8CodeUnitCount && (0..<count).allSatisfy { self[$0] == word.utf8Start[$0] }
  }

  private func equals(_ word: StaticString) -> Bool { count == word.utf8CodeUnitCount && begins(word) }

  /// Whether they are `?` and nothing else.
  var isQuestionMark: Bool { equals("?") }

  /// What they answer, if they are complete and nothing that may still come can change it. An acknowledgement and a conversion
  /// are told from each other, so that one is seen where the other should be.
  func answer(_ expected: Question.Expected) -> Answer? {
    switch expected {
    case .acknowledgement:
      if equals("OK") { return .acknowledged }
      return isQuestionMark ? .refused : answer(.conversion)
    case .conversion:
      if equals("WAIT") { return .waiting }
      if equals("OK") { return .acknowledged }
      guard count == 6, let voltage = ConverterWord(self[0], self[1], self[2]),
        let current = ConverterWord(self[3], self[4], self[5])
      else { return nil }
      return .conversion(Conversion(voltage: voltage, current: current))
    case .memory: return count == 6 ? .memory(self) : nil
    case .shunts: return count == 8 ? .memory(self) : nil
    }
  }

  /// What they answer when nothing more comes.
  func finalAnswer(_ expected: Question.Expected) -> Answer? {
    if isQuestionMark { return .refused }
    return expected == .shunts && count == 6 ? .memory(self) : answer(expected)
  }

  /// Whether the rest of an answer may still come.
  func canGoOn(_ expected: Question.Expected) -> Bool {
    switch expected {
    case .acknowledgement: begins("OK")
    case .conversion: begins("WAIT") || begins("OK") || (count < 6 && count > 0 && ConverterWord.begins(with: self[0]))
    case .memory: count < 6
    case .shunts: count < 8
    }
  }
}

/// What was answered.
enum Answer: Sendable, Hashable {
  /// `OK`.
  case acknowledged
  /// `?`: it does not know the command.
  case refused
  /// `WAIT`: no conversion has ended since the last one that was read.
  case waiting
  /// Both converters.
  case conversion(Conversion)
  /// What is stored.
  case memory(AnswerBytes)

  /// Whether it answers a question that expects this.
  func fits(_ expected: Question.Expected) -> Bool {
    switch self {
    case .refused: true
    case .acknowledged: expected == .acknowledgement
    case .waiting, .conversion: expected == .conversion
    case .memory: expected == .memory || expected == .shunts
    }
  }
}
