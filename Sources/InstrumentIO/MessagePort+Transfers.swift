// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Transfers of a USB instrument on their way: handed to the kernel, taken back from it, and what each of them means.

internal import CNacycler
internal import Glibc

extension MessagePort {
  /// So many transfers are taken from the kernel before the caller has his turn again.
  private static let turnLimit = 256

  func send(_ part: MessageOutbox.Part) {
    submit(outbox.bytes.count) { tag, bytes in
      let count = outbox.bytes.count
      MessageHeader.writeMessage(tag, count: count, isLast: part.isLast, into: bytes)
      outbox.bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: bytes[MessageHeader.size...]).copyMemory(from: $0)
      }
      for index in MessageHeader.size + count..<MessageHeader.transferSize(of: count) { bytes[index] = 0 }
    }
    outbox.sent(part)
    if part.isQuestion { request() }
  }

  /// Asks for an answer, or for more of one.
  private func request() {
    submit(0) { tag, bytes in MessageHeader.writeRequest(tag, atMost: MessageInbox.partLimit, into: bytes) }
    inbox.expect(tag)
    isAnswerDue = true
    awaitPacket()
  }

  /// Hands a transfer with a header and so many bytes to the kernel.
  private func submit(_ count: Int, _ fill: (UInt8, UnsafeMutableRawBufferPointer) -> Void) {
    guard !hasHungUp else { return }
    tag = MessageHeader.tag(after: tag)
    guard let transfer = outward.first(where: { !$0.isUnderWay }) else {
      isTroubled = true
      return
    }
    fill(tag, transfer.bytes)
    if !transfer.submit(to: device, count: MessageHeader.transferSize(of: count)) { hangUp() }
  }

  /// One packet at a time: some instruments leave out the empty packet that ends a transfer of full ones, and a transfer of
  /// more would wait for it.
  private func awaitPacket() {
    guard !hasHungUp, !inward.isUnderWay else { return }
    if !inward.submit(to: device, count: interface.packetSize) { hangUp() }
  }

  /// Takes from the kernel what is over.
  func settle() {
    for _ in 0..<Self.turnLimit {
      var handle: OpaquePointer?
      let error = nacycler_usb_reap(device, &handle)
      guard error == 0, let handle else {
        if error != -EAGAIN, error != -EINTR { hangUp() }
        return
      }
      if handle == inward.handle {
        takePacket(inward.reaped())
      } else if let transfer = outward.first(where: { $0.handle == handle }) {
        note(transfer.reaped())
      }
    }
  }

  /// What became of a transfer; false when it did not go as it should.
  @discardableResult private func note(_ outcome: CInt) -> Bool {
    switch outcome {
    case 0...: return true
    case -ENODEV, -ESHUTDOWN: hangUp()
    // Taken back by us.
    case -ENOENT: break
    default: isTroubled = true
    }
    return false
  }

  private func takePacket(_ outcome: CInt) {
    if outcome == -EPIPE { isInwardHalted = true }
    let count = Int(outcome)
    guard note(outcome), isAnswerDue, count <= inward.bytes.count else {
      endAnswer()
      return
    }
    let packet = UnsafeRawBufferPointer(rebasing: inward.bytes[..<count])
    switch inbox.take(packet, isShort: count < interface.packetSize) {
    case .more: awaitPacket()
    case .partEnded: request()
    case .messageEnded:
      isAnswerDue = false
      _ = nacycler_event_signal(event)
    case .damaged:
      isTroubled = true
      endAnswer()
    }
  }

  func endAnswer() {
    isAnswerDue = false
    inbox.giveUp()
  }

  func hangUp() {
    hasHungUp = true
    endAnswer()
    _ = nacycler_event_signal(event)
  }
}
