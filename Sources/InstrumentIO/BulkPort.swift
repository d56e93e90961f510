// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument that is a USB device of its maker's own class: no driver of the system's makes a line of it, and its packets
// are exchanged through usbfs. One command is one packet to it, and one packet comes back.
//
// A command that the device does not take is kept here, because nobody else knows where it ends: together with the next one
// it would be another command.
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
  /// Commands that the device has not taken yet, each a packet of its own.
  private var untaken: [[UInt8]] = []
  /// Tries in a row that brought none.
  private var fruitless = 0
  private var hasHungUp = false

  /// How long a transfer may keep the port's thread, in milliseconds: an answer that is not there yet is asked for again.
  private static let patienceInMilliseconds: UInt32 = 20
  private static let patienceOutMilliseconds: UInt32 = 250
  /// A device that leaves so many commands untaken takes none any more.
  private static let mostUntaken = 16
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

  /// Sends one command, as one packet. One that the device does not take now is kept and tried again, with every read and
  /// before the next command.
  public func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite {
    if bytes.isEmpty { return .written(0) }
    guard device >= 0, !hasHungUp else { return .hangUp }
    guard sendUntaken(Self.patienceOutMilliseconds) else { return .hangUp }
    if untaken.isEmpty {
      switch send(bytes, Self.patienceOutMilliseconds) {
      case .taken: return .written(bytes.count)
      case .gone: return .hangUp
      case .untaken: break
      }
    }
    guard untaken.count < Self.mostUntaken else {
      hangUp()
      return .hangUp
    }
    untaken.append(Array(bytes))
    _ = nacycler_event_signal(descriptor)
    return .written(bytes.count)
  }

  /// What became of a command.
  private enum Sending {
    case taken
    case untaken
    case gone
  }

  private func send(_ bytes: UnsafeRawBufferPointer, _ patience: UInt32) -> Sending {
    let sent = nacycler_usb_bulk(
      device, pipes.outEndpoint, UnsafeMutableRawPointer(mutating: bytes.baseAddress), UInt32(bytes.count), patience)
    if sent == -ETIMEDOUT { return .untaken }
    guard Int(sent) == bytes.count else {
      hangUp()
      return .gone
    }
    awaited += 1
    fruitless = 0
    _ = nacycler_event_signal(descriptor)
    return .taken
  }

  /// Sends what was left, in its order, as far as it is taken; false when the device is gone.
  private func sendUntaken(_ patience: UInt32) -> Bool {
    while let next = untaken.first {
      switch next.withUnsafeBytes({ send($0, patience) }) {
      case .taken: untaken.removeFirst()
      case .untaken: return true
      case .gone: return false
      }
    }
    return true
  }

  /// Takes the next answer, if it comes within a moment.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead {
    guard device >= 0, !hasHungUp, sendUntaken(Self.patienceInMilliseconds) else { return .hangUp }
    guard awaited > 0 else {
      settle()
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
    settle()
  }

  /// Nothing is to come and nothing to go: poll need not look.
  private func settle() {
    if awaited == 0, untaken.isEmpty { _ = nacycler_event_drain(descriptor) }
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
