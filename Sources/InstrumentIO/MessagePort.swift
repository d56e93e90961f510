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
  var device: CInt = -1
  /// Signalled while whole answers wait here, and once the instrument is gone.
  var event: CInt = -1
  let interface: MessageInterface
  let inward: USBTransfer
  let outward: [USBTransfer]
  var inbox = MessageInbox()
  var outbox = MessageOutbox()
  var tag: UInt8 = 0
  /// Whether an answer was requested and is not there.
  var isAnswerDue = false
  /// Whether something went wrong with a transfer, or with clearing, and the instrument was not cleared since.
  var isTroubled = false
  /// Whether the instrument halted the pipe from it.
  var isInwardHalted = false
  var hasHungUp = false

  /// The driver of the system's that takes such instruments, and has to give them up.
  private static let systemDriver = "usbtmc"
  /// Transfers to the instrument that may be under way at once: a driver's longest burst is a handful of lines.
  private static let outwardCount = 16
  /// Descriptors of a device, at most. An instrument has some dozens of bytes.
  private static let descriptorLimit = 4_096

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
