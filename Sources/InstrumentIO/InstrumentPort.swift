// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a port's thread needs of a way to an instrument, and which way a name leads: a serial line, a socket on the network, or a
// USB device that is spoken to without a driver of the system's.

public import CyclerModel
internal import Glibc
public import InstrumentKit

/// What a read found.
public enum PortRead: Sendable, Hashable {
  /// So many bytes, at least one.
  case bytes(Int)
  /// Nothing for now.
  case wouldBlock
  /// The instrument is gone for good: close the port and open it anew when it comes back.
  case hangUp
}

/// What became of a write.
public enum PortWrite: Sendable, Hashable {
  /// The kernel took so many bytes of the beginning; 0 while its buffer is full.
  case written(Int)
  /// The instrument is gone for good.
  case hangUp
}

/// An open way to an instrument. Belongs to the thread that opened it; closes itself when the last reference goes away.
public protocol InstrumentPort: AnyObject {
  /// The name under which it was opened.
  var path: String { get }
  /// Readable, for poll, when `read` has something to say; -1 once closed.
  var descriptor: CInt { get }
  /// Reads what there is, up to the size of `buffer`. A closed port reads as hung up.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead
  /// Hands bytes to the kernel as far as it takes them; the caller keeps the rest and its patience.
  func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite
  /// Gives the way back, without waiting for bytes that the other end does not take. May be repeated.
  func close()
}

/// Opens ports.
public enum InstrumentPorts {
  /// Opens the way that a name leads.
  ///
  /// - Parameters:
  ///   - path: `tcp://ADDRESS:PORT`, a node below `/dev/bus/usb`, or a serial line.
  ///   - descriptor: Of the family that is expected there.
  ///   - parity: Of a serial line.
  /// - Throws: `link.busy` when another program has it, `port.unusable` when it cannot be used; each says why.
  public static func open(
    _ path: String, for descriptor: InstrumentDescriptor, parity: LineParity
  ) throws(Fault) -> any InstrumentPort {
    if path.hasPrefix(SocketAddress.scheme) { return try SocketPort(path: path) }
    if isUSBDevice(path) {
      if let bulk = descriptor.bulk { return try BulkPort(path: path, pipes: bulk) }
      if descriptor.carriesMessages { return try MessagePort(path: path) }
      throw Fault(.portUnusable, "\(path): is a USB device, and instruments of \(descriptor.family) are no such thing")
    }
    if descriptor.carriesMessages, leads(path, below: "/dev/usbtmc") {
      throw Fault(
        .portUnusable,
        "\(path): is the system's own way to the instrument and is not used; a plugged instrument is found without any "
          + "name, and otherwise its name is /dev/bus/usb/BUS/DEVICE, with the numbers that lsusb shows")
    }
    return try SerialPort(path: path, baudRate: descriptor.baudRate, parity: parity)
  }

  /// The node that a name leads to, through links; the name itself where it leads nowhere or is an address.
  public static func node(at path: String) -> String { PortHolder.resolved(path) ?? path }

  /// Whether something is there under that name, or where it links to; an address is always there.
  public static func isThere(_ path: String) -> Bool {
    SocketAddress(path) != nil || PortHolder.resolved(path) != nil
  }

  /// Whether a name, or what it links to, is the node of a USB device.
  private static func isUSBDevice(_ path: String) -> Bool { leads(path, below: "/dev/bus/usb/") }

  /// Whether a name, or what it links to, begins so.
  private static func leads(_ path: String, below beginning: String) -> Bool {
    node(at: path).hasPrefix(beginning)
  }
}
