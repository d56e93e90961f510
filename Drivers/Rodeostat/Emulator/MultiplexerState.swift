// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The multiplexer that some boards can carry, as far as the line shows it. No cell is behind it.

/// What was told to a multiplexer.
struct MultiplexerState: Sendable, Hashable {
  static let channels: ClosedRange<Int64> = 1...7
  var isRunning = false
  var enabled: [Int64] = []
  var reference = false
  var counter = false
  /// 0 for none.
  var working: Int64 = 0
  private var turn = 0

  mutating func disconnect() {
    reference = false
    counter = false
    working = 0
  }

  /// The channel of the next sample; nil without a multiplexer.
  mutating func nextChannel() -> Int64? {
    guard isRunning, !enabled.isEmpty else { return nil }
    turn += 1
    return enabled[(turn - 1) % enabled.count]
  }
}
