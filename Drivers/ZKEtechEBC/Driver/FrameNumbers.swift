// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The three numbers of a command, which reports repeat.

/// Three numbers; what they mean depends on the command.
struct FrameNumbers: Sendable, Hashable {
  var first = FrameNumber(0)
  var second = FrameNumber(0)
  var third = FrameNumber(0)

  /// Three zeros.
  init() {}

  /// Numbers from 0 to the largest.
  init(_ first: Int, _ second: Int, _ third: Int) {
    self.first = FrameNumber(first)
    self.second = FrameNumber(second)
    self.third = FrameNumber(third)
  }

  /// From the bytes of a report that begin at `start`.
  init(_ frame: [UInt8], at start: Int) {
    first = FrameNumber(high: frame[start], low: frame[start + 1])
    second = FrameNumber(high: frame[start + 2], low: frame[start + 3])
    third = FrameNumber(high: frame[start + 4], low: frame[start + 5])
  }
}
