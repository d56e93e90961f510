// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Two bytes with digits to the base of 240, so that no number contains a byte that marks a frame (0xF0 and above).

/// A number as frames hold it.
struct FrameNumber: Sendable, Hashable {
  /// The largest number of two bytes.
  static let largest = 57_599

  /// From 0 to `largest`.
  let value: Int

  /// A number; `value` lies between 0 and `largest`.
  init(_ value: Int) {
    precondition((0...Self.largest).contains(value), "\(value) does not fit into two bytes")
    self.value = value
  }

  /// The number that two bytes of a frame say. Some clients write times as plain 16-bit numbers; below 240 both are the
  /// same.
  init(high: UInt8, low: UInt8) { value = Int(high) * 240 + Int(low) }

  /// The first byte.
  var high: UInt8 { UInt8(value / 240) }
  /// The second byte.
  var low: UInt8 { UInt8(value % 240) }
}
