// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Follows the packets of a line by their lengths alone, to find bytes that are in none: an answer, to whichever question, or what
/// a cell's stream sends unasked.
struct PacketForm: Sendable, Hashable {
  private static let streamStart: UInt8 = 0xAF
  /// Bytes behind the first one.
  private static let (answer, stream) = (4, 12)
  private var left = 0

  /// Takes a piece; whether bytes of it are in no packet.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var hasStrays = false
    for byte in bytes {
      if left > 0 {
        left -= 1
      } else if byte == RegisterPacket.start {
        left = Self.answer
      } else if byte == Self.streamStart {
        left = Self.stream
      } else {
        hasStrays = true
      }
    }
    return hasStrays
  }
}
