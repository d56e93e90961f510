// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument that is a USB device of its maker's own class: no driver of the system's makes a line of it, and its packets
// are exchanged through usbfs. One command is one packet to it, and one packet comes back.
//
// usbfs tells poll nothing of synchronous transfers. So an answer is fetched right after its question, for a moment at a time,
// and an event counter stands for what is not fetched yet.

internal import CNacycler
public import CyclerModel
internal import Glibc
public import InstrumentKit

/// An open USB device with one pipe in each direction.
public final class BulkPort: InstrumentPort {
  /// The node under which it was opened.
  public let path: String
  /// An event counter that is signalled while an answer is awaited or waits; -1 once closed.
  public private(set) var descriptor: CInt = -1
  private var device: CInt = -1
  private let pipes: BulkPipes
  /// Packets that are still to come.
  private var awaited = 0
  /// Tries in a row that brought none.
  private var fruitless = 0
  private var hasHungUp = false

  /// How long a transfer may keep the port's thread, in milliseconds: an answer that is not there yet is asked for again.
  private static let patienceInMilliseconds: UInt32 = 20
  private static let patienceOutMilliseconds: UInt32 = 250
  /// After so many tries in a row nobody waits for an answer any more: the driver's own patience is shorter.
  private static let mostFruitless = 200

  /// Opens a device and takes its interface.
  ///
  /// - Throws: `link.busy` when another program has the interface, `port.unusable` when the device cannot be opened.
  public init(path: String, pipes: BulkPipes) throws(Fault) {
    self.path = path
    self.pipes = pipes
    device = open(path, O_RDWR | O_CLOEXEC)
    guard device >= 0 else { throw Self.refusal(to: path, SystemError.last) }
    let claimed = nacycler_usb_claim(device, pipes.interface)
    guard claimed == 0 else {
      close()
      throw claimed == -EBUSY
        ? Fault(.linkBusy, "\(path): another program has the instrument; end it, or leave this instrument to it")
        : Fault(.portUnusable, "\(path): interface \(pipes.interface): \(SystemError(number: -claimed))")
    }
    descriptor = nacycler_event_open()
    guard descriptor >= 0 else {
      close()
      throw Fault(.portUnusable, "\(path): no event counter")
    }
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

  /// Sends one packet and looks for its answer.
  public func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite {
    if bytes.isEmpty { return .written(0) }
    guard device >= 0, !hasHungUp else { return .hangUp }
    let sent = nacycler_usb_bulk(
      device, pipes.outEndpoint, UnsafeMutableRawPointer(mutating: bytes.baseAddress), UInt32(bytes.count),
      Self.patienceOutMilliseconds)
    if sent == -ETIMEDOUT { return .written(0) }
    guard sent >= 0 else {
      hangUp()
      return .hangUp
    }
    awaited += 1
    fruitless = 0
    _ = nacycler_event_signal(descriptor)
    return .written(Int(sent))
  }

  /// Takes the next answer, if it comes within a moment.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead {
    guard device >= 0, !hasHungUp else { return .hangUp }
    guard awaited > 0 else {
      _ = nacycler_event_drain(descriptor)
      return .wouldBlock
    }
    let count = nacycler_usb_bulk(
      device, pipes.inEndpoint, buffer.baseAddress, UInt32(min(buffer.count, 4_096)), Self.patienceInMilliseconds)
    switch count {
    case 1...:
      answered()
      return .bytes(Int(count))
    case 0:
      // A packet of nothing is an answer too.
      answered()
      return .wouldBlock
    case -ETIMEDOUT, -EINTR, -EAGAIN:
      fruitless += 1
      if fruitless > Self.mostFruitless { answered() }
      return .wouldBlock
    default:
      hangUp()
      return .hangUp
    }
  }

  private func answered() {
    awaited -= 1
    fruitless = 0
    if awaited == 0 { _ = nacycler_event_drain(descriptor) }
  }

  private func hangUp() {
    hasHungUp = true
    _ = nacycler_event_signal(descriptor)
  }

  /// Gives interface and device back.
  public func close() {
    if device >= 0 {
      _ = nacycler_usb_release(device, pipes.interface)
      Glibc.close(device)
      device = -1
    }
    if descriptor >= 0 {
      Glibc.close(descriptor)
      descriptor = -1
    }
  }
}
