// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The twelve bytes in front of each transfer of the USB class for tests and measurements (USBTMC 1.0, section 3.2, tables 1 to 4,
// and 3.3, tables 8 and 9): kind, tag, the tag's complement, zero, four bytes of size with the lowest first, attributes, and
// three more that are zero here.

/// What stands in front of a transfer.
enum MessageHeader {
  /// Its size in bytes.
  static let size = 12

  /// What a transfer is; the answer has the number of its request.
  private enum Kind {
    /// A message to the instrument, or a part of one.
    static let message: UInt8 = 1
    /// A request for a message from it; the message has the same number.
    static let request: UInt8 = 2
  }

  /// The lowest bit of the attributes: the message ends with this transfer.
  private static let endsMessage: UInt8 = 0x01

  /// The tag behind another: 1 to 255, and 1 again.
  static func tag(after tag: UInt8) -> UInt8 { tag == .max ? 1 : tag + 1 }

  /// How many bytes a transfer with so many bytes of a message has: header, message, and zeros up to a multiple of four.
  static func transferSize(of count: Int) -> Int { (size + count + 3) & ~3 }

  /// Writes what goes in front of a part of a message to the instrument.
  static func writeMessage(_ tag: UInt8, count: Int, isLast: Bool, into bytes: UnsafeMutableRawBufferPointer) {
    write(Kind.message, tag, count, attributes: isLast ? endsMessage : 0, into: bytes)
  }

  /// Writes a request for at most so many bytes of a message from the instrument. It is the whole transfer.
  static func writeRequest(_ tag: UInt8, atMost count: Int, into bytes: UnsafeMutableRawBufferPointer) {
    write(Kind.request, tag, count, attributes: 0, into: bytes)
  }

  private static func write(
    _ kind: UInt8, _ tag: UInt8, _ count: Int, attributes: UInt8, into bytes: UnsafeMutableRawBufferPointer
  ) {
    bytes[0] = kind
    bytes[1] = tag
    bytes[2] = ~tag
    bytes[3] = 0
    bytes.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 4, as: UInt32.self)
    bytes[8] = attributes
    bytes[9] = 0
    bytes[10] = 0
    bytes[11] = 0
  }

  /// What an instrument announces.
  struct Announcement: Sendable, Hashable {
    /// How many bytes of the message follow; at least one and no more than asked for.
    let count: Int
    /// Whether the message ends with them.
    let isLast: Bool
  }

  /// Reads what stands in front of an answer to the request with that tag; nil when it is no such thing, or larger than asked
  /// for.
  static func announcement(_ packet: UnsafeRawBufferPointer, tag: UInt8, atMost limit: Int) -> Announcement? {
    guard packet.count >= size, packet[0] == Kind.request, packet[1] == tag, packet[2] == ~tag else { return nil }
    let count = UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    guard count > 0, Int(count) <= limit else { return nil }
    return Announcement(count: Int(count), isLast: packet[8] & endsMessage != 0)
  }
}
