// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument of the USB class for tests and measurements (USBTMC 1.0). Its messages are lines here: a line goes out as one
// message, and after a line that asks something its answer is requested, once, and waits with the kernel until it comes.
//
// Nothing here waits for an answer: transfers are the kernel's (usbfs), and poll hears of those that are over. How long an
// answer may take is the driver's matter. What it writes while one is due gives that answer up: the instrument is cleared
// first (INITIATE_CLEAR), which empties both of its buffers and ends what it was about to say, so that a stop does not stand
// behind a measurement and an old answer is never taken for a new one. The same brings an instrument back that halted a pipe,
// or sent what was not asked for.

internal import CNacycler
public import CyclerModel
internal import Glibc

/// An open USB device that carries messages.
///
/// Belongs to the thread that opened it. Closes itself when the last reference goes away.
public final class MessagePort: InstrumentPort {
  /// The node under which it was opened.
  public let path: String
  /// Readable while transfers are over, answers wait or the instrument is gone; -1 once closed.
  public private(set) var descriptor: CInt = -1
  private var device: CInt = -1
  /// Signalled while whole answers wait here, and once the instrument is gone.
  private var event: CInt = -1
  private let interface: MessageInterface
  private let inward: USBTransfer
  private let outward: [USBTransfer]
  private var inbox = MessageInbox()
  private var outbox = MessageOutbox()
  private var tag: UInt8 = 0
  /// Whether an answer was requested and is not there.
  private var isAnswerDue = false
  /// Whether something went wrong with a transfer, or with clearing, and the instrument was not cleared since.
  private var isTroubled = false
  /// Whether the instrument halted the pipe from it.
  private var isInwardHalted = false
  private var hasHungUp = false

  /// The driver of the system's that takes such instruments, and has to give them up.
  private static let systemDriver = "usbtmc"
  /// Transfers to the instrument that may be under way at once: a driver's longest burst is a handful of lines.
  private static let outwardCount = 16
  /// Descriptors of a device, at most. An instrument has some dozens of bytes.
  private static let descriptorLimit = 4_096
  /// So many transfers are taken from the kernel before the caller has his turn again.
  private static let turnLimit = 256

  /// Opens a device and takes its interface, also from the system's own driver.
  ///
  /// - Throws: `link.busy` when another program has the interface, `port.unusable` when the device cannot be opened or carries
  ///   no messages.
  public init(path: String) throws(Fault) {
    self.path = path
    let opened = open(path, O_RDWR | O_CLOEXEC)
    guard opened >= 0 else { throw Self.refusal(to: path, SystemError.last) }
    let found = MessageInterface(descriptors: Self.descriptors(of: opened))
    let inward = found.flatMap { USBTransfer(endpoint: $0.inEndpoint, capacity: $0.packetSize) }
    guard let found, let inward else {
      Glibc.close(opened)
      throw Fault(
        .portUnusable, "\(path): is no USB device of the class for tests and measurements (USBTMC); see lsusb -v")
    }
    let capacity = MessageHeader.transferSize(of: MessageOutbox.partLimit)
    device = opened
    interface = found
    self.inward = inward
    outward = (0..<Self.outwardCount).compactMap { _ in
      USBTransfer(endpoint: found.outEndpoint, capacity: capacity)
    }
    do { try claim() } catch {
      close()
      throw error
    }
    // Whoever was here before may have left a question, half a message or an answer.
    clear()
  }

  deinit { close() }

  private static func refusal(to path: String, _ error: SystemError) -> Fault {
    switch error.number {
    case EACCES, EPERM:
      return Fault(
        .portUnusable, "\(path): \(error); the daemon's user needs the group that owns it (nacycler, by the udev rules)"
      )
    default: return Fault(.portUnusable, "\(path): \(error); is the instrument plugged in?")
    }
  }

  /// What the device says of itself; usbfs gives it by reading.
  private static func descriptors(of device: CInt) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: descriptorLimit) { buffer, count in
      count = max(0, Glibc.read(device, buffer.baseAddress, buffer.count))
    }
  }

  private func claim() throws(Fault) {
    let claimed = nacycler_usb_claim_from(device, UInt32(interface.number), Self.systemDriver)
    guard claimed == 0 else {
      throw claimed == -EBUSY
        ? Fault(.linkBusy, "\(path): another program has the instrument; end it, or leave this instrument to it")
        : Fault(.portUnusable, "\(path): interface \(interface.number): \(SystemError(number: -claimed))")
    }
    event = nacycler_event_open()
    descriptor = event >= 0 ? nacycler_usb_watch(device, event) : event
    guard descriptor >= 0, outward.count == Self.outwardCount else {
      throw Fault(.portUnusable, "\(path): no descriptor or memory to wait for it: \(SystemError(number: -descriptor))")
    }
  }

  // MARK: - Lines

  /// Sends the lines that end in these bytes and keeps what begins one; after a question its answer is requested. Less than all
  /// is taken while the instrument takes nothing. Only where an answer is given up, the instrument may keep the caller for a
  /// quarter of a second.
  public func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite {
    if bytes.isEmpty { return .written(0) }
    guard device >= 0 else { return .hangUp }
    settle()
    // Clearing drops what was sent before, and takes its time where it fails: once for all of these lines.
    var isTroubled = isTroubled
    var taken = 0
    while taken < bytes.count, !hasHungUp {
      // A line that asks needs two.
      guard isAnswerDue || outward.count(where: { !$0.isUnderWay }) >= 2 else { break }
      guard let part = outbox.next(of: bytes, at: &taken) else { break }
      if part.isFirst, isAnswerDue || isTroubled {
        clear()
        isTroubled = false
      }
      send(part)
    }
    return hasHungUp ? .hangUp : .written(taken)
  }

  /// Hands over whole answers, each a line with its end.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead {
    guard device >= 0 else { return .hangUp }
    settle()
    let count = inbox.read(into: buffer)
    if inbox.readable == 0, !hasHungUp { _ = nacycler_event_drain(event) }
    if count > 0 { return .bytes(count) }
    return hasHungUp ? .hangUp : .wouldBlock
  }

  private func send(_ part: MessageOutbox.Part) {
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

  // MARK: - Transfers

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
  private func settle() {
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

  private func endAnswer() {
    isAnswerDue = false
    inbox.giveUp()
  }

  private func hangUp() {
    hasHungUp = true
    endAnswer()
    _ = nacycler_event_signal(event)
  }

  // MARK: - Clearing

  /// Requests of the class, to an interface (USBTMC 1.0, section 4.2.1, table 15), and what answers them begin with (table 16).
  private enum Request {
    static let toInterface: UInt8 = 0xA1
    static let initiateClear: UInt8 = 5
    static let checkClearStatus: UInt8 = 6
    static let success: UInt8 = 0x01
    static let pending: UInt8 = 0x02
  }

  /// How long one request may take, in milliseconds.
  private static let requestPatience: UInt32 = 50
  /// How long a packet that the instrument says it has may take, in milliseconds.
  private static let packetPatience: UInt32 = 20
  /// How long the whole of it may take, in microseconds. An instrument that does not answer gets its message all the same.
  private static let clearPatience: Int64 = 200_000
  /// Between two looks whether it is done, in microseconds.
  private static let clearPause: Int64 = 1_000

  /// Takes everything back that is under way, and empties the instrument's buffers.
  private func clear() {
    takeBack()
    isTroubled = true
    let deadline = nacycler_boottime_us() + Self.clearPatience
    guard ask(Request.initiateClear, 1, until: deadline)?.status == Request.success else { return }
    while let answer = ask(Request.checkClearStatus, 2, until: deadline) {
      switch answer.status {
      case Request.success: return endClearing()
      case Request.pending where nacycler_boottime_us() < deadline:
        // The lowest bit says that packets wait to be thrown away.
        if answer.detail & 1 != 0 {
          throwPacketsAway(until: deadline)
        } else {
          _ = nacycler_poll(nil, 0, Self.clearPause)
        }
      default: return
      }
    }
  }

  /// The instrument halted the pipe to it while it cleared itself.
  private func endClearing() {
    isTroubled = nacycler_usb_clear_halt(device, interface.outEndpoint) != 0
    if isInwardHalted { isInwardHalted = nacycler_usb_clear_halt(device, interface.inEndpoint) != 0 }
  }

  private func takeBack() {
    endAnswer()
    for transfer in outward + [inward] where transfer.isUnderWay { _ = nacycler_usb_cancel(device, transfer.handle) }
    settle()
  }

  /// A request, again while it is not answered and there is time; nil when it never was, or was refused.
  private func ask(_ request: UInt8, _ count: UInt16, until deadline: Int64) -> (status: UInt8, detail: UInt8)? {
    var answer: (status: UInt8, detail: UInt8) = (0, 0)
    while !hasHungUp {
      let answered = withUnsafeMutableBytes(of: &answer) {
        nacycler_usb_control(
          device, Request.toInterface, request, 0, UInt16(interface.number), $0.baseAddress, count,
          Self.requestPatience)
      }
      switch answered {
      case CInt(count): return answer
      case -ENODEV, -ESHUTDOWN: hangUp()
      case -ETIMEDOUT where nacycler_boottime_us() < deadline: continue
      default: return nil
      }
    }
    return nil
  }

  private func throwPacketsAway(until deadline: Int64) {
    let size = UInt32(interface.packetSize)
    repeat {
      let count = nacycler_usb_bulk(
        device, interface.inEndpoint, inward.bytes.baseAddress, size, Self.packetPatience)
      if count < CInt(size) { return }
    } while nacycler_boottime_us() < deadline
  }

  /// Gives interface and device back. The kernel takes back what is under way; the system's own driver has the instrument
  /// again when it is plugged in anew.
  public func close() {
    if device >= 0 {
      _ = nacycler_usb_release(device, UInt32(interface.number))
      Glibc.close(device)
      device = -1
    }
    for open in [event, descriptor] where open >= 0 { Glibc.close(open) }
    event = -1
    descriptor = -1
  }
}
