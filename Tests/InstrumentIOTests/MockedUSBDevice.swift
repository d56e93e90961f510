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

/// The functions of umockdev and GLib that it takes. Only pointers to code, which never change.
private struct MockLibrary: @unchecked Sendable {
  let makeBase: @convention(c) () -> OpaquePointer?
  let connect:
    @convention(c) (
      UnsafeMutableRawPointer, UnsafePointer<CChar>, UnsafeMutableRawPointer, UnsafeMutableRawPointer?,
      UnsafeMutableRawPointer?, CInt
    ) -> UInt
  let attach: @convention(c) (OpaquePointer, UnsafePointer<CChar>, OpaquePointer, UnsafeMutableRawPointer?) -> CInt
  let request: @convention(c) (OpaquePointer) -> UInt
  let argument: @convention(c) (OpaquePointer) -> OpaquePointer?
  let resolve: @convention(c) (OpaquePointer, UInt, UInt, UnsafeMutableRawPointer?) -> OpaquePointer?
  let complete: @convention(c) (OpaquePointer, Int, CInt) -> Void
  private let retrieve:
    @convention(c) (OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<CInt>) ->
      Void
  private let update: @convention(c) (OpaquePointer, UInt, UnsafePointer<UInt8>, CInt) -> Void
  private let makeLoop: @convention(c) (OpaquePointer?, CInt) -> OpaquePointer?
  private let runLoop: @convention(c) (OpaquePointer) -> Void

  init() throws {
    let mock = try #require(dlopen("libumockdev.so.0", RTLD_NOW), "libumockdev.so.0 does not load")
    let objects = try #require(dlopen("libgobject-2.0.so.0", RTLD_NOW), "libgobject-2.0.so.0 does not load")
    let glib = try #require(dlopen("libglib-2.0.so.0", RTLD_NOW), "libglib-2.0.so.0 does not load")
    func find<Function>(_ name: String, in library: UnsafeMutableRawPointer, _ type: Function.Type) throws -> Function {
      unsafeBitCast(try #require(dlsym(library, name), "there is no \(name)"), to: type)
    }
    makeBase = try find("umockdev_ioctl_base_new", in: mock, (@convention(c) () -> OpaquePointer?).self)
    connect = try find(
      "g_signal_connect_data", in: objects,
      (@convention(c) (
        UnsafeMutableRawPointer, UnsafePointer<CChar>, UnsafeMutableRawPointer, UnsafeMutableRawPointer?,
        UnsafeMutableRawPointer?, CInt
      ) -> UInt).self)
    attach = try find(
      "umockdev_testbed_attach_ioctl", in: mock,
      (@convention(c) (OpaquePointer, UnsafePointer<CChar>, OpaquePointer, UnsafeMutableRawPointer?) -> CInt).self)
    request = try find("umockdev_ioctl_client_get_request", in: mock, (@convention(c) (OpaquePointer) -> UInt).self)
    argument = try find(
      "umockdev_ioctl_client_get_arg", in: mock, (@convention(c) (OpaquePointer) -> OpaquePointer?).self)
    resolve = try find(
      "umockdev_ioctl_data_resolve", in: mock,
      (@convention(c) (OpaquePointer, UInt, UInt, UnsafeMutableRawPointer?) -> OpaquePointer?).self)
    complete = try find(
      "umockdev_ioctl_client_complete", in: mock, (@convention(c) (OpaquePointer, Int, CInt) -> Void).self)
    retrieve = try find(
      "umockdev_ioctl_data_retrieve", in: mock,
      (@convention(c) (
        OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<CInt>
      ) -> Void).self)
    update = try find(
      "umockdev_ioctl_data_update", in: mock,
      (@convention(c) (OpaquePointer, UInt, UnsafePointer<UInt8>, CInt) -> Void).self)
    makeLoop = try find("g_main_loop_new", in: glib, (@convention(c) (OpaquePointer?, CInt) -> OpaquePointer?).self)
    runLoop = try find("g_main_loop_run", in: glib, (@convention(c) (OpaquePointer) -> Void).self)
  }

  /// Works off requests on a thread of its own, for as long as the process lives.
  func serve() {
    var thread = pthread_t()
    let own = UnsafeMutablePointer<MockLibrary>.allocate(capacity: 1)
    own.initialize(to: self)
    pthread_create(
      &thread, nil,
      { pointer in
        guard let library = pointer?.assumingMemoryBound(to: MockLibrary.self).pointee,
          let loop = library.makeLoop(nil, 0)
        else { return nil }
        library.runLoop(loop)
        return nil
      }, own)
  }

  func bytes(of data: OpaquePointer) -> [UInt8] {
    var start: UnsafeMutablePointer<UInt8>?
    var count: CInt = 0
    retrieve(data, &start, &count)
    return start.map { Array(UnsafeBufferPointer(start: $0, count: Int(count))) } ?? []
  }

  func put(_ bytes: [UInt8], into data: OpaquePointer) {
    bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { update(data, 0, start, CInt($0.count)) } }
  }
}
