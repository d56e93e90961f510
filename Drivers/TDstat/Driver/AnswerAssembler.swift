// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An answer is one packet and has no end of its own. Over USB each comes whole; a line of bytes may cut it anywhere. So pieces
// are put together while they can still become an answer, a piece that is one by itself is one whatever came before it, and
// what has not become one within a moment is noise. It holds eight bytes.

import CyclerModel
import Quantities

/// Puts the answer to the one open question together.
struct AnswerAssembler: Sendable, Hashable {
  /// Pieces of one answer come closer together than this. It also tells `?` from a conversion that begins with the same byte,
  /// and six bytes from the first six of eight.
  static let quiet = TimeSpan(milliseconds: 30)

  /// Pieces that became no answer.
  private(set) var damaged = 0
  private var bytes = AnswerBytes.empty
  private var lastAt = HostInstant(microseconds: 0)

  /// When what is there will be all there is; nil when nothing is there.
  var quietAt: HostInstant? { bytes.count == 0 ? nil : lastAt + Self.quiet }

  /// Forgets what is there: it became no answer.
  mutating func reset() {
    if bytes.count > 0 { damaged += 1 }
    bytes = .empty
  }

  /// Takes a piece.
  mutating func take(_ piece: UnsafeRawBufferPointer, _ expected: Question.Expected, at now: HostInstant) -> Answer? {
    if let quietAt, now >= quietAt, let answer = settle(expected) { return answer }
    let whole = AnswerBytes(piece, behind: bytes)
    let alone = AnswerBytes(piece)
    if let answer = whole?.answer(expected) {
      bytes = .empty
      return answer
    }
    if let answer = alone?.answer(expected) {
      reset()
      return answer
    }
    lastAt = now
    if let alone, alone.finalAnswer(expected) != nil, !alone.isQuestionMark {
      reset()
      bytes = alone
    } else if let whole, whole.canGoOn(expected) {
      bytes = whole
    } else {
      reset()
      if let alone, alone.canGoOn(expected) { bytes = alone } else { damaged += 1 }
    }
    return nil
  }

  /// Nothing more came.
  mutating func settle(_ expected: Question.Expected) -> Answer? {
    guard let answer = bytes.finalAnswer(expected) else {
      reset()
      return nil
    }
    bytes = .empty
    return answer
  }
}
