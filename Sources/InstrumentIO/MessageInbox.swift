// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Packets from an instrument to lines. A message is shown when all of it is there; of one that is damaged, cut short or given up
// nothing is. Bounded, whatever the instrument announces.

/// Messages from an instrument, packet by packet.
struct MessageInbox {
  /// What a packet brought.
  enum Progress: Sendable, Hashable {
    /// More packets of the same transfer follow.
    case more
    /// The transfer is over and the message is not: another request brings what follows.
    case partEnded
    /// A whole message is there.
    case messageEnded
    /// This is not what was asked for. The message is gone.
    case damaged
  }

  /// So many bytes of a message are asked for at once.
  static let partLimit = 4_096
  /// So many bytes, of all messages that wait.
  static let capacity = 65_536
  /// Zeros behind the last byte of a transfer, up to a multiple of four.
  private static let mostPadding = 3

  /// Whole messages, and behind them what there is of one that is not.
  private var bytes: [UInt8] = []
  /// How many bytes belong to whole messages.
  private(set) var readable = 0
  private var tag: UInt8 = 0
  private var announced: MessageHeader.Announcement?
  private var missing = 0
  private var hasSeenEmpty = false

  /// An empty one.
  init() { bytes.reserveCapacity(Self.capacity + 1) }

  /// The next packets are the answer to the request with that tag.
  mutating func expect(_ tag: UInt8) {
    self.tag = tag
    announced = nil
    hasSeenEmpty = false
  }

  /// Forgets what there is of a message that is not whole.
  mutating func giveUp() {
    bytes.removeSubrange(readable...)
    announced = nil
  }

  /// Takes a packet.
  ///
  /// - Parameter isShort: Whether it has less than a full packet's bytes, and so ends its transfer.
  mutating func take(_ packet: UnsafeRawBufferPointer, isShort: Bool) -> Progress {
    // Some end a transfer that fills its packets with an empty one, as the class demands, and some do not. It shows when the
    // next transfer is awaited.
    if packet.isEmpty, announced == nil, !hasSeenEmpty {
      hasSeenEmpty = true
      return .more
    }
    var payload = packet
    if announced == nil {
      guard let found = MessageHeader.announcement(packet, tag: tag, atMost: Self.partLimit),
        bytes.count + found.count <= Self.capacity
      else { return damage() }
      announced = found
      missing = found.count
      payload = UnsafeRawBufferPointer(rebasing: packet[MessageHeader.size...])
    }
    let count = min(missing, payload.count)
    bytes.append(contentsOf: payload[..<count])
    missing -= count
    if payload.count - count > Self.mostPadding { return damage() }
    if missing > 0 { return isShort ? damage() : .more }
    return endTransfer()
  }

  private mutating func endTransfer() -> Progress {
    let isLast = announced?.isLast == true
    announced = nil
    guard isLast else { return .partEnded }
    // The end of a message is the end of a line, also where the instrument leaves the line's own end out.
    if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
    readable = bytes.count
    return .messageEnded
  }

  private mutating func damage() -> Progress {
    giveUp()
    return .damaged
  }

  /// Moves bytes of whole messages to `buffer`; how many.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(readable, buffer.count)
    guard count > 0 else { return 0 }
    bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    bytes.removeSubrange(..<count)
    readable -= count
    return count
  }
}
