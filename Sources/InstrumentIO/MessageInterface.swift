// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where in a USB device the class for tests and measurements is, as the device describes itself. What a device says of its own
// sizes is believed only where a packet can have it.

/// The interface of a USB device that carries messages.
struct MessageInterface: Sendable, Hashable {
  /// Its number.
  let number: UInt8
  /// The address of the pipe to the instrument.
  let outEndpoint: UInt8
  /// The address of the pipe from it.
  let inEndpoint: UInt8
  /// The size of a full packet from the instrument, in bytes.
  let packetSize: Int

  /// What an interface descriptor says of its class and subclass: application specific, test and measurement (USBTMC 1.0,
  /// section 5.5, table 43).
  private static let applicationSpecific: UInt8 = 0xFE
  private static let testAndMeasurement: UInt8 = 0x03

  /// Types of descriptors (USB 2.0, table 9-5).
  private enum Kind {
    static let configuration: UInt8 = 2
    static let interface: UInt8 = 4
    static let endpoint: UInt8 = 5
  }

  /// Finds it in the descriptors of a device: its own, and those of its first configuration, one after the other, each with
  /// its length in front (USB 2.0, sections 9.6.1 to 9.6.6).
  ///
  /// - Returns: nil when there is none with a bulk endpoint in each direction.
  init?(descriptors: [UInt8]) {
    var rest = descriptors[...]
    var configurations = 0
    var number: UInt8?
    var outEndpoint: UInt8?
    var inward: (address: UInt8, packetSize: Int)?
    while let one = Self.next(&rest) {
      switch one[one.startIndex + 1] {
      case Kind.configuration: configurations += 1
      case Kind.interface:
        (number, outEndpoint, inward) = (Self.number(of: one), nil, nil)
      case Kind.endpoint where number != nil:
        guard let (address, packetSize) = Self.bulkEndpoint(one) else { continue }
        if address & 0x80 == 0 {
          outEndpoint = outEndpoint ?? address
        } else {
          inward = inward ?? (address, packetSize)
        }
      default: continue
      }
      guard configurations < 2 else { return nil }
      if let number, let outEndpoint, let inward {
        self.number = number
        self.outEndpoint = outEndpoint
        inEndpoint = inward.address
        packetSize = inward.packetSize
        return
      }
    }
    return nil
  }

  /// Takes one descriptor off; nil at the end, and at what cannot be one.
  private static func next(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let length = rest.first, length >= 2, rest.count >= length else { return nil }
    let one = rest.prefix(Int(length))
    rest = rest.dropFirst(Int(length))
    return one
  }

  /// The number of an interface of our class, in its first setting.
  private static func number(of interface: ArraySlice<UInt8>) -> UInt8? {
    let bytes = Array(interface)
    guard bytes.count >= 9, bytes[3] == 0, bytes[5] == applicationSpecific, bytes[6] == testAndMeasurement else {
      return nil
    }
    return bytes[2]
  }

  private static func bulkEndpoint(_ endpoint: ArraySlice<UInt8>) -> (address: UInt8, packetSize: Int)? {
    let bytes = Array(endpoint)
    guard bytes.count >= 7, bytes[3] & 0x03 == 0x02, bytes[2] & 0x70 == 0, bytes[2] & 0x0F != 0 else { return nil }
    let size = Int(bytes[4]) | Int(bytes[5] & 0x07) << 8
    // Of bulk endpoints: 8 to 64 bytes at full speed, 512 at high speed, 1024 at super speed.
    guard [8, 16, 32, 64, 512, 1_024].contains(size) else { return nil }
    return (bytes[2], size)
  }
}
