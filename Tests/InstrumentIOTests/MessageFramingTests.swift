// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Messages of the USB class for tests and measurements, byte for byte: against values, and against every damage.

import Testing

@testable import InstrumentIO

@Suite("Messages over USB, by value and by damage") struct MessageFramingTests {
  // MARK: What goes out

  /// The bytes of a transfer as the port makes it.
  private func transfer(_ text: String, tag: UInt8, isLast: Bool = true) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: MessageHeader.transferSize(of: text.utf8.count))
    bytes.withUnsafeMutableBytes {
      MessageHeader.writeMessage(tag, count: text.utf8.count, isLast: isLast, into: $0)
    }
    bytes.replaceSubrange(12..<12 + text.utf8.count, with: text.utf8)
    return bytes
  }

  @Test("a message has its header, and zeros up to a multiple of four") func outward() {
    let idn: [UInt8] = [0x2A, 0x49, 0x44, 0x4E, 0x3F, 0x0A]
    #expect(transfer("*IDN?\n", tag: 7) == [1, 7, 0xF8, 0, 6, 0, 0, 0, 1, 0, 0, 0] + idn + [0, 0])
    #expect(transfer("ab", tag: 255, isLast: false) == [1, 255, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62, 0, 0])
    #expect((0...8).map(MessageHeader.transferSize) == [12, 16, 16, 16, 16, 20, 20, 20, 20])
  }

  @Test("a request says how much is taken") func request() {
    var bytes = [UInt8](repeating: 0xAA, count: 12)
    bytes.withUnsafeMutableBytes { MessageHeader.writeRequest(0x80, atMost: 4_096, into: $0) }
    #expect(bytes == [2, 0x80, 0x7F, 0, 0, 0x10, 0, 0, 0, 0, 0, 0])
  }

  @Test("tags go from 1 to 255 and are never 0") func tags() {
    var tag: UInt8 = 0
    var seen: [UInt8] = []
    for _ in 0..<256 {
      tag = MessageHeader.tag(after: tag)
      seen.append(tag)
    }
    #expect(seen == Array(1...255) + [1])
  }

  // MARK: Lines to messages

  private func parts(_ pieces: [String]) -> [(String, MessageOutbox.Part)] {
    var outbox = MessageOutbox()
    var found: [(String, MessageOutbox.Part)] = []
    for piece in pieces {
      Array(piece.utf8).withUnsafeBytes { bytes in
        var offset = 0
        while let part = outbox.next(of: bytes, at: &offset) {
          found.append((String(decoding: outbox.bytes, as: UTF8.self), part))
          outbox.sent(part)
        }
        #expect(offset == bytes.count)
      }
    }
    return found
  }

  @Test("a line is a message, however its bytes come, and an empty one is none") func lines() {
    let text = "\n:OUTP OFF\n\r\n*ESE 101;*ESE?;:READ? \"a\"\n"
    for pieces in [[text], text.map { String($0) }] {
      let found = parts(pieces)
      #expect(found.map(\.0) == [":OUTP OFF\n", "*ESE 101;*ESE?;:READ? \"a\"\n"])
      #expect(found.map(\.1.isQuestion) == [false, true])
      #expect(found.allSatisfy { $0.1.isFirst && $0.1.isLast })
    }
  }

  @Test(
    "only what asks is a question",
    arguments: [
      (":DISP:TEXT \"why?\"\n", false), (":DISP:TEXT 'why?'\n", false), (":DISP:TEXT \"it's\";*OPC?\n", true),
      ("*IDN?\n", true), ("*CLS\n", false), ("?\n", true),
    ])
  func questions(line: String, isQuestion: Bool) { #expect(parts([line]).map(\.1.isQuestion) == [isQuestion]) }

  @Test("a long line goes in parts, and a quote does not outlive its line") func longLines() {
    let limit = MessageOutbox.partLimit
    let text = "?" + String(repeating: "x", count: 2 * limit) + "\"\n"
    let found = parts([text + "*IDN?\n"])
    #expect(found.map(\.0).joined() == text + "*IDN?\n")
    #expect(found.map(\.1.isFirst) == [true, false, false, true])
    #expect(found.map(\.1.isLast) == [false, false, true, true])
    #expect(found.map(\.1.isQuestion) == [false, false, true, true])
    // A line as long as a part is one part.
    let exact = String(repeating: "y", count: limit - 1) + "\n"
    #expect(parts([exact]).map(\.1) == [.init(isFirst: true, isLast: true, isQuestion: false)])
    // And its end alone may be left for the next.
    let over = String(repeating: "y", count: limit) + "\n"
    #expect(parts([over]).map(\.0.utf8.count) == [limit, 1])
  }

  // MARK: What comes in

  private static let size = 64

  /// An answer's transfer, as an instrument makes it.
  private func answer(_ text: String, tag: UInt8, isLast: Bool = true) -> [UInt8] {
    let count = text.utf8.count
    let header = [2, tag, ~tag, 0, UInt8(count & 255), UInt8(count >> 8), 0, 0, isLast ? 1 : 0, 0, 0, 0]
    return header + Array(text.utf8) + [UInt8](repeating: 0, count: (4 - count % 4) % 4)
  }

  /// Feeds a transfer in packets; what came of the last one.
  private func take(_ bytes: [UInt8], by inbox: inout MessageInbox) -> MessageInbox.Progress {
    var rest = bytes[...]
    while true {
      let packet = Array(rest.prefix(Self.size))
      rest = rest.dropFirst(Self.size)
      let progress = packet.withUnsafeBytes { inbox.take($0, isShort: packet.count < Self.size) }
      if progress != .more || rest.isEmpty { return progress }
    }
  }

  private func read(_ inbox: inout MessageInbox, _ room: Int = 65_536) -> String {
    var buffer = [UInt8](repeating: 0, count: room)
    let count = buffer.withUnsafeMutableBytes { inbox.read(into: $0) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  @Test("an answer is a line, of whatever length", arguments: [1, 2, 51, 52, 53, 63, 64, 115, 116, 117, 4_096])
  func inward(length: Int) {
    var inbox = MessageInbox()
    inbox.expect(9)
    let text = String(repeating: "r", count: length - 1) + "\n"
    #expect(take(answer(text, tag: 9), by: &inbox) == .messageEnded)
    #expect(read(&inbox) == text)
    #expect(inbox.readable == 0 && read(&inbox).isEmpty)
  }

  @Test("a message without the end of a line gets one; parts are joined; a small buffer takes it bit by bit")
  func endsAndParts() {
    var inbox = MessageInbox()
    inbox.expect(1)
    #expect(take(answer("100;1", tag: 1, isLast: false), by: &inbox) == .partEnded)
    #expect(inbox.readable == 0)
    inbox.expect(2)
    #expect(take(answer("23", tag: 2), by: &inbox) == .messageEnded)
    #expect(read(&inbox, 4) == "100;" && read(&inbox, 100) == "123\n")
  }

  @Test("one empty packet ends the transfer before; more are none of this class") func emptyPackets() {
    var inbox = MessageInbox()
    inbox.expect(1)
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(inbox.take(empty, isShort: true) == .more)
    #expect(take(answer("a\n", tag: 1), by: &inbox) == .messageEnded)
    inbox.expect(2)
    #expect(inbox.take(empty, isShort: true) == .more)
    #expect(inbox.take(empty, isShort: true) == .damaged)
    #expect(read(&inbox) == "a\n")
  }

  @Test("an answer that is cut anywhere is none, and harms neither the one before nor the one behind")
  func everyTruncation() {
    let text = String(repeating: "12345678", count: 16) + "\n"
    let whole = answer(text, tag: 5)
    for length in 0..<12 + text.utf8.count {
      var inbox = MessageInbox()
      inbox.expect(4)
      #expect(take(answer("before\n", tag: 4), by: &inbox) == .messageEnded)
      inbox.expect(5)
      var progress = take(Array(whole.prefix(length)), by: &inbox)
      // One that ends with a full packet, or with none at all, says nothing more than that it goes on.
      if progress == .more, length > 0 {
        progress = inbox.take(UnsafeRawBufferPointer(start: nil, count: 0), isShort: true)
      }
      #expect(progress == (length == 0 ? .more : .damaged), "\(length)")
      inbox.giveUp()
      inbox.expect(6)
      #expect(take(answer("behind\n", tag: 6), by: &inbox) == .messageEnded)
      #expect(read(&inbox) == "before\nbehind\n", "\(length)")
    }
  }

  @Test("no byte can be changed so that more is taken than came, or another's answer is") func everyByte() {
    let text = "100;+1.234567E-03;0;1\n"
    let whole = answer(text, tag: 5)
    for index in whole.indices {
      for value in UInt8.min...UInt8.max where value != whole[index] {
        var inbox = MessageInbox()
        inbox.expect(5)
        var bytes = whole
        bytes[index] = value
        let progress = take(bytes, by: &inbox)
        switch index {
        case 0...2: #expect(progress == .damaged, "byte \(index) is \(value)")
        case 4...7:
          // Up to three bytes less look like zeros behind; the line then ends early.
          let announced = Int(value) << (8 * (index - 4)) | (index == 4 ? 0 : text.utf8.count)
          let isShorter = announced > 0 && announced < text.utf8.count && bytes.count - 12 - announced <= 3
          let isLonger = announced > text.utf8.count && announced <= bytes.count - 12
          #expect(progress == (isShorter || isLonger ? .messageEnded : .damaged), "byte \(index) is \(value)")
        case 8: #expect(progress == (value & 1 != 0 ? .messageEnded : .partEnded))
        default: #expect(progress == .messageEnded)
        }
        #expect(read(&inbox).utf8.count <= bytes.count - 12 + 1)
      }
    }
  }

  @Test("what an instrument announces is bounded, and so is what it adds to it") func bounds() {
    var inbox = MessageInbox()
    let header: [UInt8] = [2, 1, 254, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]
    inbox.expect(1)
    #expect(take(header, by: &inbox) == .damaged)
    // Parts without an end.
    var tag: UInt8 = 0
    var parts = 0
    var progress = MessageInbox.Progress.partEnded
    while progress == .partEnded, parts < 1_000 {
      tag = MessageHeader.tag(after: tag)
      inbox.expect(tag)
      progress = take(answer(String(repeating: "x", count: 4_096), tag: tag, isLast: false), by: &inbox)
      parts += 1
    }
    #expect(progress == .damaged && parts == MessageInbox.capacity / 4_096 + 1)
    #expect(inbox.readable == 0)
    // More than zeros behind it.
    inbox.expect(1)
    #expect(take(answer("abcd", tag: 1) + [0, 0, 0], by: &inbox) == .messageEnded)
    inbox.expect(1)
    #expect(take(answer("abcd", tag: 1) + [0, 0, 0, 0], by: &inbox) == .damaged)
  }

  // MARK: Descriptors

  /// A high-speed instrument: a configuration with a storage interface, one of the class in a second setting, the one that is
  /// looked for, with its interrupt pipe in between, and another configuration behind.
  static let descriptors: [UInt8] =
    [18, 1, 0, 2, 0, 0, 0, 64, 0xE6, 0x05, 0x50, 0x24, 0, 1, 1, 2, 3, 2] + [9, 2, 78, 0, 2, 1, 0, 0xC0, 1]
    + [9, 4, 0, 0, 2, 8, 6, 80, 0] + [7, 5, 0x01, 2, 0, 2, 0] + [7, 5, 0x81, 2, 0, 2, 0]
    + [9, 4, 1, 0, 3, 0xFE, 3, 1, 0] + [7, 5, 0x83, 3, 2, 0, 1] + [7, 5, 0x02, 2, 0, 2, 1]
    + [7, 5, 0x82, 2, 0, 2, 0] + [9, 2, 9, 0, 0, 2, 0, 0xC0, 1]

  @Test("the interface is found by what the device says of itself") func interface() throws {
    let found = try #require(MessageInterface(descriptors: Self.descriptors))
    #expect(found.number == 1 && found.outEndpoint == 0x02 && found.inEndpoint == 0x82 && found.packetSize == 512)
    #expect(MessageInterface(descriptors: []) == nil)
    #expect(MessageInterface(descriptors: [0, 0, 0, 0]) == nil)
    // In a second setting, or a second configuration, it is not there.
    var other = Self.descriptors
    other[18 + 9 + 9 + 14 + 3] = 1
    #expect(MessageInterface(descriptors: other) == nil)
    let behind = Array(Self.descriptors[..<50]) + [9, 2, 32, 0, 1, 2, 0, 0xC0, 1] + Array(Self.descriptors[50...])
    #expect(MessageInterface(descriptors: behind) == nil)
  }

  @Test("descriptors that are cut or changed anywhere lead nowhere wrong") func damagedDescriptors() {
    let found = MessageInterface(descriptors: Self.descriptors)
    let end = Self.descriptors.count - 9
    for length in 0...Self.descriptors.count {
      #expect(MessageInterface(descriptors: Array(Self.descriptors.prefix(length))) == (length < end ? nil : found))
    }
    for index in Self.descriptors.indices {
      for value in UInt8.min...UInt8.max {
        var bytes = Self.descriptors
        bytes[index] = value
        guard let one = MessageInterface(descriptors: bytes) else { continue }
        #expect(one.outEndpoint & 0xF0 == 0 && one.inEndpoint & 0xF0 == 0x80 && (8...1_024).contains(one.packetSize))
      }
    }
  }
}
