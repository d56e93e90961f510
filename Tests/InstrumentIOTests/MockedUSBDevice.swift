// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A USB device without a driver of the system's, played by umockdev: the requests that a program makes of its node through
// usbfs reach this process as signals of GLib, and what answers them here is a closure. The libraries are those that
// umockdev's wrapper has loaded.

import Glibc
import Synchronization
import Testing

/// The device at a node of umockdev's test bed. It lives until the process ends.
final class MockedUSBDevice: Sendable {
  private typealias Signal =
    @convention(c) (OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?) -> CInt

  /// What the device does with a packet: its answer, or nil for none.
  private let answer: @Sendable ([UInt8]) -> [UInt8]?
  private let answers = Mutex<[[UInt8]]>([])
  private let isPulled = Atomic<Bool>(false)
  /// Interfaces that were taken and not given back.
  let claims = Atomic<Int>(0)
  private let library: MockLibrary

  /// Answers for the node; `bed` is umockdev's test bed.
  init(node: String, bed: OpaquePointer, answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) throws {
    self.answer = answer
    library = try MockLibrary()
    let base = try #require(library.makeBase())
    let handle: Signal = { _, client, device in
      guard let client, let device else { return 0 }
      return Unmanaged<MockedUSBDevice>.fromOpaque(device).takeUnretainedValue().handle(client) ? 1 : 0
    }
    _ = library.connect(
      UnsafeMutableRawPointer(base), "handle-ioctl", unsafeBitCast(handle, to: UnsafeMutableRawPointer.self),
      Unmanaged.passRetained(self).toOpaque(), nil, 0)
    try #require(library.attach(bed, node, base, nil) != 0, "umockdev does not take \(node)")
    library.serve()
  }

  /// Whether it takes no packet: a transfer to it runs into its time-out.
  let takesNothing = Atomic<Bool>(false)
  /// From now on nobody is there.
  func pull() { isPulled.store(true, ordering: .sequentiallyConsistent) }

  // Requests as `linux/usbdevice_fs.h` numbers them, on machines of 64 bits.
  private static let claim: UInt = 0x8004_550F
  private static let release: UInt = 0x8004_5510
  private static let bulk: UInt = 0xC018_5502

  private func handle(_ client: OpaquePointer) -> Bool {
    guard !isPulled.load(ordering: .sequentiallyConsistent) else {
      library.complete(client, -1, ENODEV)
      return true
    }
    switch library.request(client) & 0xFFFF_FFFF {
    case Self.claim:
      claims.add(1, ordering: .relaxed)
      library.complete(client, 0, 0)
    case Self.release:
      claims.subtract(1, ordering: .relaxed)
      library.complete(client, 0, 0)
    case Self.bulk: transfer(client)
    default: return false
    }
    return true
  }

  /// `struct usbdevfs_bulktransfer`: endpoint, length and time-out of 32 bits each, and at 16 the pointer to the data.
  private func transfer(_ client: OpaquePointer) {
    guard let argument = library.argument(client), let header = library.resolve(argument, 0, 24, nil) else {
      return library.complete(client, -1, EFAULT)
    }
    let words = library.bytes(of: header)
    let length = UInt(words[4]) | UInt(words[5]) << 8 | UInt(words[6]) << 16
    guard let data = library.resolve(header, 16, length, nil) else { return library.complete(client, -1, EFAULT) }
    if words[0] & 0x80 == 0 {
      if takesNothing.load(ordering: .sequentiallyConsistent) { return library.complete(client, -1, ETIMEDOUT) }
      if let said = answer(library.bytes(of: data)) { answers.withLock { $0.append(said) } }
      return library.complete(client, Int(length), 0)
    }
    guard let next = answers.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
      return library.complete(client, -1, ETIMEDOUT)
    }
    library.put(next, into: data)
    library.complete(client, next.count, 0)
  }
}
