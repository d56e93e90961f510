// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The functions with which a test answers requests (ioctl) of a device that umockdev plays. The libraries are those that
// umockdev's wrapper has loaded.

import Glibc
import Synchronization
import Testing

/// The functions of umockdev and GLib that it takes. Only pointers to code, which never change.
struct MockLibrary: @unchecked Sendable {
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
  /// Whether a thread works off requests.
  private static let isServing = Atomic<Bool>(false)
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
    guard !Self.isServing.exchange(true, ordering: .sequentiallyConsistent) else { return }
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
