// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Lines to messages. A line is one message, sent in parts where it is long; and whether an answer is due is seen by its
// question mark: an instrument that was asked nothing must not be asked for an answer.

/// What a driver writes, on its way to messages.
struct MessageOutbox {
  /// A part of a message is there.
  struct Part: Sendable, Hashable {
    /// Whether the message begins with it.
    let isFirst: Bool
    /// Whether the message ends with it.
    let isLast: Bool
    /// Whether the message asks for an answer; only known at its end.
    let isQuestion: Bool
  }

  /// So many bytes of a message go out at once.
  static let partLimit = 1_012

  /// What there is of the present part.
  private(set) var bytes: [UInt8] = []
  private var isFirst = true
  private var isQuestion = false
  private var quote: UInt8?

  /// An empty one.
  init() { bytes.reserveCapacity(Self.partLimit) }

  /// Takes bytes as far as the next part goes, and moves `offset` behind them.
  ///
  /// - Returns: A part, whose bytes are `bytes` until the next call; nil when everything was taken and none is complete.
  ///   Empty lines are none.
  mutating func next(of text: UnsafeRawBufferPointer, at offset: inout Int) -> Part? {
    while offset < text.count {
      let byte = text[offset]
      offset += 1
      bytes.append(byte)
      note(byte)
      let isLast = byte == UInt8(ascii: "\n")
      if isLast, isFirst, bytes.allSatisfy({ $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
        begin()
        continue
      }
      guard isLast || bytes.count == Self.partLimit else { continue }
      return Part(isFirst: isFirst, isLast: isLast, isQuestion: isLast && isQuestion)
    }
    return nil
  }

  /// The part was sent.
  mutating func sent(_ part: Part) {
    bytes.removeAll(keepingCapacity: true)
    isFirst = false
    if part.isLast { begin() }
  }

  /// Begins a message.
  private mutating func begin() {
    bytes.removeAll(keepingCapacity: true)
    isFirst = true
    isQuestion = false
    quote = nil
  }

  /// A question mark in quotes asks nothing.
  private mutating func note(_ byte: UInt8) {
    switch byte {
    case quote: quote = nil
    case UInt8(ascii: "\""), UInt8(ascii: "'"): if quote == nil { quote = byte }
    case UInt8(ascii: "?"): if quote == nil { isQuestion = true }
    default: break
    }
  }
}
