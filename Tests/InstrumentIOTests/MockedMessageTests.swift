// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The port for USBTMC against a strict device behind a mocked usbfs: what may go wrong between a question and its answer.

import CyclerModel
import Glibc
import InstrumentIO
import InstrumentKit
import Quantities
import Testing

@Suite("Instruments of the USB class for tests and measurements") struct MockedMessageTests {
  @Test(
    "lines are messages, and whatever happens to one, the next is understood",
    .enabled(
      if: MockedWorld.wrapper != nil && !MockedWorld.isInner, "no umockdev-wrapper on this machine (package umockdev)"),
    .timeLimit(.minutes(15)))
  func outer() throws { try MockedWorld.run("MockedMessageTests", endingWith: "mocked messages: all seen") }

  @Test("inside the mocked world", .enabled(if: MockedWorld.isInner, "runs inside the test above")) func inner() throws
  {
    let bench = try MessageBench()
    try bench.isFoundAndOpened()
    try bench.answersQuestions()
    try bench.answersInPieces()
    try bench.neverAnswers()
    try bench.staleAnswer()
    try bench.strangeAnswers()
    try bench.longLines()
    try bench.takesNothing()
    try bench.answersNoRequest()
    try bench.unplugged()
    try bench.refusals()
    print("mocked messages: all seen")
  }
}

/// Devices on a mocked bus, each with a port to it.
private final class MessageBench {
  let bus: MockedBus
  private let wake: WakeUp
  private var count = 0

  static let family = InstrumentDescriptor(
    family: "messages", baudRate: 9_600, carriesMessages: true,
    matches: [MatchRule(vendorID: "05e6", productID: "2450", isWholeDevice: true)], maturity: .emulatedOnly)

  /// At full speed, so that packets are small.
  static let descriptors: [UInt8] = {
    var bytes = MessageFramingTests.descriptors
    // Both pipes of the interface that counts: 64 bytes instead of 512.
    for index in bytes.indices.dropLast(6) where Array(bytes[index..<index + 2]) == [7, 5] && bytes[index + 3] == 2 {
      (bytes[index + 4], bytes[index + 5]) = (64, 0)
    }
    return bytes
  }()

  init() throws {
    bus = try MockedBus()
    wake = try WakeUp()
  }

  /// Plugs one in; it answers `?` with `got` and what was said, and `silence` with nothing.
  func plug(
    descriptors: [UInt8] = MessageBench.descriptors, answer: (@Sendable (String) -> String?)? = nil
  ) throws -> (node: String, socket: String, device: MockedMessageDevice) {
    count += 1
    let (name, socket) = ("bus/usb/001/0\(10 + count)", "1-\(count)")
    try bus.plugDevice(
      node: name, socket: socket, vendorID: "05e6", productID: "2450", serial: "0412345\(count)")
    let device = try MockedMessageDevice(
      node: "/dev/\(name)", bed: bus.bed, descriptors: descriptors, packetSize: 64,
      answer: answer ?? { $0.contains("silence") || !$0.contains("?") ? nil : "got \($0)" })
    return ("/dev/\(name)", socket, device)
  }

  private func plugAndOpen() throws -> (MockedMessageDevice, any InstrumentPort) {
    let (node, _, device) = try plug()
    return (device, try InstrumentPorts.open(node, for: Self.family, parity: .none))
  }

  private func say(_ text: String, to port: any InstrumentPort) -> PortWrite {
    Array(text.utf8).withUnsafeBytes { port.write($0) }
  }

  private func look(_ port: any InstrumentPort) -> PortRead {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    return buffer.withUnsafeMutableBytes { port.read(into: $0) }
  }

  /// Works off what the kernel has to say, until poll finds nothing any more.
  private func settle(_ port: any InstrumentPort) throws {
    var turns = 0
    while PortPoll.wait(port: port, wake: wake, timeout: .zero).contains(.readable) {
      #expect(look(port) == .wouldBlock)
      turns += 1
      try #require(turns < 1_000, "poll finds something again and again")
    }
  }

  private func ask(_ text: String, _ port: any InstrumentPort) throws {
    #expect(say(text, to: port) == .written(text.utf8.count))
    #expect(try port.receivePacket(wake) == Array("got \(text)".utf8))
    try settle(port)
  }

  // MARK: -

  func isFoundAndOpened() throws {
    let news = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: [], watchesUSB: true) { news.put($0) }
    #expect(news.first { $0 == .settled } != nil)
    let (node, socket, device) = try plug()
    bus.announceDevice(socket: socket, action: "add")
    var candidate: PortCandidate?
    _ = news.first {
      if case .changed(.appeared(let one)) = $0 { candidate = one }
      return candidate != nil
    }
    let found = try #require(candidate)
    #expect(found.path == node && found.isWholeDevice && found.serial == "04123451")
    #expect(Self.family.mayBe(at: found))

    var port: (any InstrumentPort)? = try InstrumentPorts.open(node, for: Self.family, parity: .none)
    #expect(device.seen.takenFrom == ["usbtmc"] && device.seen.clears == 1 && device.seen.claims == 1)
    #expect(port is MessagePort && port?.path == node)
    bus.announceDevice(socket: socket, action: "remove")
    #expect(news.first { $0 == .changed(.vanished(found)) } != nil)
    discovery.stop()
    port?.close()
    #expect(device.seen.claims == 0 && port?.descriptor == -1)
    if let port { #expect(look(port) == .hangUp && say("*CLS\n", to: port) == .hangUp) }
    port = nil
    #expect(device.seen.offences.isEmpty)
  }

  func answersQuestions() throws {
    let (device, port) = try plugAndOpen()
    try settle(port)
    try ask("*ESE 100;*ESE?;*IDN?\n", port)
    // Lines that ask nothing are not asked for an answer, and come in their order before one that does.
    let lines = "\n:OUTP:SMOD HIMP;:OUTP OFF\n:OUTP OFF\n*ESE 101;*ESE?\n"
    #expect(say(lines, to: port) == .written(lines.utf8.count))
    #expect(try port.receivePacket(wake) == Array("got *ESE 101;*ESE?\n".utf8))
    #expect(device.seen.messages.suffix(3) == [":OUTP:SMOD HIMP;:OUTP OFF\n", ":OUTP OFF\n", "*ESE 101;*ESE?\n"])
    // Half a line waits for its other half.
    #expect(say("*ID", to: port) == .written(3))
    #expect(device.seen.messages.count == 4)
    #expect(say("N?\n", to: port) == .written(3))
    #expect(try port.receivePacket(wake) == Array("got *IDN?\n".utf8))
    // An answer that nobody has read yet is still there behind the next question, and a small buffer loses nothing of it.
    #expect(say("1?\n", to: port) == .written(3))
    try waitForMessage("1?\n", device)
    #expect(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable))
    #expect(say("2?\n", to: port) == .written(3))
    var small = [UInt8](repeating: 0, count: 5)
    var text: [UInt8] = []
    while text.count < 14 {
      try #require(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable))
      if case .bytes(let count) = small.withUnsafeMutableBytes({ port.read(into: $0) }) { text += small.prefix(count) }
    }
    #expect(String(decoding: text, as: UTF8.self) == "got 1?\ngot 2?\n")
    try settle(port)
    // More questions than tags.
    for number in 0..<300 { try ask("\(number)?\n", port) }
    #expect(device.seen.offences.isEmpty && device.seen.clears == 1)
  }

  private func waitForMessage(_ text: String, _ device: MockedMessageDevice) throws {
    let deadline = HostClock.now() + TimeSpan(seconds: 10)
    while device.seen.messages.last != text {
      try #require(HostClock.now() < deadline, "\(text) did not arrive: \(device.seen)")
      _ = PortPoll.wait(port: nil, wake: wake, timeout: TimeSpan(milliseconds: 1))
    }
  }

  func answersInPieces() throws {
    for (length, sendsEmpty) in [
      (300, true), (52 - 4 + 64, true), (52 - 4 + 64, false), (52 - 4, true), (52 - 4, false),
    ] {
      let (device, port) = try plugAndOpen()
      device.behave { ($0.holdsPackets, $0.sendsEmptyPackets) = (true, sendsEmpty) }
      let question = String(repeating: "q", count: length - 2) + "?\n"
      let packets = (12 + length + 4 + 63) / 64
      #expect(say(question, to: port) == .written(length))
      for number in 1...packets {
        try settle(port)
        device.release(1)
        #expect(
          PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable), "packet \(number)")
        if number < packets { #expect(look(port) == .wouldBlock) }
      }
      #expect(try port.receivePacket(wake) == Array("got \(question)".utf8))
      device.behave { $0.holdsPackets = false }
      try ask("next?\n", port)
      // In parts of a few bytes, each with a request of its own.
      device.behave { $0.mostAtOnce = 7 }
      try ask("a long question, which is answered in parts?\n", port)
      #expect(device.seen.offences.isEmpty && device.seen.clears == 1, "\(device.seen)")
    }
  }

  /// How long the caller was kept, and what came of it.
  private func timed<Result>(_ body: () throws -> Result) rethrows -> (Result, TimeSpan) {
    let began = HostClock.now()
    let result = try body()
    return (result, HostClock.now() - began)
  }

  func neverAnswers() throws {
    let (device, port) = try plugAndOpen()
    #expect(say("silence?\n", to: port) == .written(9))
    try settle(port)
    #expect(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(milliseconds: 50)).isEmpty)
    let (found, time) = timed { look(port) }
    #expect(found == .wouldBlock && time < TimeSpan(milliseconds: 500))
    // A stop does not wait: the question is given up, and the instrument hears it, and nothing else comes.
    #expect(say(":OUTP OFF\n", to: port) == .written(10))
    #expect(device.seen.messages == ["silence?\n", ":OUTP OFF\n"] && device.seen.clears == 2)
    try settle(port)
    // Once cleared, it is not cleared again.
    #expect(say(":OUTP OFF\n", to: port) == .written(10))
    try ask("are you there?\n", port)
    #expect(device.seen.clears == 2 && device.seen.offences.isEmpty)
  }

  func staleAnswer() throws {
    let (device, port) = try plugAndOpen()
    device.behave { $0.holdsPackets = true }
    let old = "the old question, whose answer is longer than one packet of this instrument?\n"
    #expect(say(old, to: port) == .written(old.utf8.count))
    try waitForMessage(old, device)
    // One packet of it is here, one is in the instrument.
    device.release(1)
    let text = ":OUTP OFF\nnew?\n"
    #expect(say(text, to: port) == .written(text.utf8.count))
    device.behave { $0.holdsPackets = false }
    #expect(try port.receivePacket(wake) == Array("got new?\n".utf8))
    try settle(port)
    #expect(device.seen.messages == [old, ":OUTP OFF\n", "new?\n"] && device.seen.clears == 2)
    #expect(device.seen.offences.isEmpty)
  }

  func strangeAnswers() throws {
    let (device, port) = try plugAndOpen()
    let strange: [@Sendable ([UInt8]) -> [UInt8]] = [
      // Another's tag, with its complement; no tag; no answer; too much announced; nothing announced.
      { Array($0.prefix(1)) + [77, ~77] + Array($0.dropFirst(3)) }, { [2, 0, 0] + Array($0.dropFirst(3)) },
      { [1] + Array($0.dropFirst()) }, { Array($0.prefix(4)) + [255, 255, 255, 255] + Array($0.dropFirst(8)) },
      { Array($0.prefix(4)) + [0, 0, 0, 0] + Array($0.dropFirst(8)) }, { Array($0.prefix(11)) },
      { Array($0.dropLast(5)) }, { $0 + $0 + $0 }, { _ in [0xFF] },
    ]
    for (number, spoil) in strange.enumerated() {
      device.behave { $0.spoil = spoil }
      #expect(say("first \(number)?\n", to: port) == .written(9))
      try waitForMessage("first \(number)?\n", device)
      try settle(port)
      try ask("second \(number)?\n", port)
      #expect(device.seen.clears == 2 + number && device.seen.offences.isEmpty, "\(number): \(device.seen)")
    }
    // A pipe that the instrument halts.
    device.behave { $0.haltsNext = true }
    #expect(say("first?\n", to: port) == .written(7))
    try settle(port)
    try ask("second?\n", port)
    #expect(device.seen.offences.isEmpty)
  }

  func longLines() throws {
    let (device, port) = try plugAndOpen()
    let line = String(repeating: "0123456789", count: 400) + "\n"
    #expect(say(line, to: port) == .written(line.utf8.count))
    try ask("and?\n", port)
    #expect(device.seen.messages == [line, "and?\n"])
    #expect(device.seen.largest == 1_024 && device.seen.offences.isEmpty)
    // An answer as long as several requests for one.
    let question = String(repeating: "long ", count: 1_500) + "?\n"
    #expect(say(question, to: port) == .written(question.utf8.count))
    var answer: [UInt8] = []
    while answer.last != UInt8(ascii: "\n") { answer += try port.receivePacket(wake) }
    #expect(String(decoding: answer, as: UTF8.self) == "got \(question)")
    try settle(port)
    #expect(device.seen.offences.isEmpty && device.seen.clears == 1)
  }

  func takesNothing() throws {
    let (device, port) = try plugAndOpen()
    device.behave { $0.takesNothing = true }
    let (said, time) = timed { say("hello?\n", to: port) }
    #expect(said == .written(7) && time < TimeSpan(milliseconds: 500))
    try settle(port)
    // What was not taken is taken back for what comes behind it.
    #expect(say(":OUTP OFF\n", to: port) == .written(10))
    device.behave { $0.takesNothing = false }
    try ask("now?\n", port)
    #expect(device.seen.messages == [":OUTP OFF\n", "now?\n"] && device.seen.clears == 2)
    // So much may wait, and the rest stays with the caller.
    device.behave { $0.takesNothing = true }
    let many = String(repeating: ":A\n", count: 40)
    guard case .written(let taken) = say(many, to: port) else {
      Issue.record("hung up")
      return
    }
    #expect(taken > 0 && taken < many.utf8.count && taken % 3 == 0)
    #expect(say(":A\n", to: port) == .written(0))
    device.behave { $0.takesNothing = false }
    try settle(port)
    let rest = String(many.dropFirst(taken))
    var left = rest[...]
    while !left.isEmpty, case .written(let count) = say(String(left), to: port) { left = left.dropFirst(count) }
    try ask("all?\n", port)
    #expect(device.seen.messages.count { $0 == ":A\n" } == 40 && device.seen.offences.isEmpty)
  }

  func answersNoRequest() throws {
    let (device, port) = try plugAndOpen()
    // One request that gets lost is made again, and the stop is heard.
    #expect(say("silence?\n", to: port) == .written(9))
    device.behave { $0.unansweredRequests = 1 }
    #expect(say(":OUTP OFF\n", to: port) == .written(10))
    #expect(device.seen.messages.last == ":OUTP OFF\n" && device.seen.clears == 2 && device.seen.offences.isEmpty)
    try settle(port)
    // One that answers none keeps the caller for a while only, and is told all the same.
    #expect(say("silence?\n", to: port) == .written(9))
    device.behave { $0.unansweredRequests = 1_000 }
    let lines = ":OUTP OFF\n*CLS\n*CLS\n*CLS\n*CLS\n*CLS\n"
    let (said, time) = timed { say(lines, to: port) }
    #expect(said == .written(lines.utf8.count) && time < TimeSpan(seconds: 1), "\(time)")
    // This device takes that for an offence and halts its pipe; once it answers again, it is brought back.
    #expect(device.seen.offences == ["spoken to while an answer was requested"])
    try settle(port)
    device.behave { $0.unansweredRequests = 0 }
    try ask("and now?\n", port)
  }

  func unplugged() throws {
    let (device, port) = try plugAndOpen()
    #expect(say("silence?\n", to: port) == .written(9))
    try settle(port)
    device.pull()
    #expect(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable))
    #expect(look(port) == .hangUp && look(port) == .hangUp)
    #expect(say(":OUTP OFF\n", to: port) == .hangUp)
    #expect(PortPoll.wait(port: port, wake: wake, timeout: .zero).contains(.readable))
    // And one that goes while nothing is under way.
    let (other, idle) = try plugAndOpen()
    try ask("are you there?\n", idle)
    other.pull()
    #expect(PortPoll.wait(port: idle, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable))
    #expect(look(idle) == .hangUp)
  }

  func refusals() throws {
    let (node, _, device) = try plug()
    device.behave { $0.isTaken = true }
    let busy = #expect(throws: Fault.self) { _ = try MessagePort(path: node) }
    #expect(busy?.code == .linkBusy)
    // A storage device.
    let other = try plug(descriptors: Array(Self.descriptors.prefix(50)))
    let stranger = #expect(throws: Fault.self) { _ = try MessagePort(path: other.node) }
    #expect(stranger?.code == .portUnusable && stranger?.detail.contains("USBTMC") == true)
    let gone = #expect(throws: Fault.self) { _ = try MessagePort(path: "/dev/bus/usb/001/099") }
    #expect(gone?.code == .portUnusable && gone?.detail.contains("plugged in") == true)
    let named = #expect(throws: Fault.self) {
      _ = try InstrumentPorts.open("/dev/usbtmc0", for: Self.family, parity: .none)
    }
    #expect(named?.code == .portUnusable && named?.detail.contains("/dev/bus/usb/BUS/DEVICE") == true)
  }
}
