// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Finds the answer to the one question that is open, in whatever else is on the line. It looks for the three bytes that
// only this answer begins with and takes the two behind them; all else is noise. It holds five bytes at most.

/// Looks for one answer, byte by byte.
struct AnswerScanner: Sendable, Hashable {
  private var found = 0
  private var low: UInt8 = 0

  /// Before the answer to another question.
  mutating func reset() { found = 0 }

  /// Takes a byte; the answer's value when it was the last of it.
  mutating func take(_ byte: UInt8, answering question: RegisterPacket) -> UInt16? {
    switch found {
    case 0: found = byte == RegisterPacket.start ? 1 : 0
    // No place and no number is the start byte, so that a start byte always begins anew.
    case 1: found = byte == question.register.place ? 2 : restart(byte)
    case 2: found = byte == question.key ? 3 : restart(byte)
    case 3:
      low = byte
      found = 4
    default:
      found = 0
      return UInt16(byte) << 8 | UInt16(low)
    }
    return nil
  }

  private func restart(_ byte: UInt8) -> Int { byte == RegisterPacket.start ? 1 : 0 }
}
