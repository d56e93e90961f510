// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the tests of this folder share: a line whose other end the test holds, a folder of its own, and waiting for a
// condition with a deadline (a test that fails must end).

import CNacycler
import CyclerModel
import Glibc
import InstrumentIO
import Quantities
import Synchronization
import Testing

/// A pseudo-terminal; the test plays the instrument at `bench`.
final class TestLine {
  private(set) var bench: CInt = -1
  private(set) var path = ""

  init() throws {
    var host: CInt = -1
    var name = [CChar](repeating: 0, count: 64)
    let refused = nacycler_pty_open(&bench, &host, &name, CInt(name.count))
    try #require(refused == 0, "no pseudo-terminal: errno \(-refused)")
    close(host)
    path = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  deinit { hangUp() }

  func hangUp() {
    if bench >= 0 { close(bench) }
    bench = -1
  }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      try waitFor(bench, POLLOUT)
      let count = rest.withUnsafeBytes { write(bench, $0.baseAddress, $0.count) }
      try #require(count > 0, "errno \(errno)")
      rest = rest.dropFirst(count)
    }
  }

  func receive(_ count: Int) throws -> [UInt8] {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while received.count < count {
      try waitFor(bench, POLLIN)
      let got = buffer.withUnsafeMutableBytes { read(bench, $0.baseAddress, $0.count) }
      try #require(got > 0, "errno \(errno)")
      received += buffer.prefix(got)
    }
    return received
  }

  private func waitFor(_ descriptor: CInt, _ event: CInt) throws {
    var waited = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    try #require(poll(&waited, 1, 10_000) == 1, "the other end is silent")
  }
}

extension SerialPort {
  /// Reads until so many bytes came.
  func receive(_ count: Int, wake: WakeUp) throws -> [UInt8] {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while received.count < count {
      let ready = PortPoll.wait(port: self, wake: wake, timeout: TimeSpan(seconds: 10))
      try #require(ready.contains(.readable), "the other end is silent")
      let result = buffer.withUnsafeMutableBytes { read(into: $0) }
      guard case .bytes(let got) = result else {
        Issue.record("read \(result) after \(received.count) bytes")
        return received
      }
      received += buffer.prefix(got)
    }
    return received
  }
}

extension InstrumentPort {
  /// Waits for what comes next and reads it.
  func receivePacket(_ wake: WakeUp) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    for _ in 0..<500 {
      let ready = PortPoll.wait(port: self, wake: wake, timeout: TimeSpan(seconds: 10))
      try #require(ready.contains(.readable), "the other end is silent")
      switch buffer.withUnsafeMutableBytes({ read(into: $0) }) {
      case .bytes(let count): return Array(buffer.prefix(count))
      case .wouldBlock: continue
      case .hangUp: break
      }
      break
    }
    Issue.record("nothing came")
    return []
  }
}

/// A folder that goes away with the test.
final class TestFolder {
  let path: String

  init() throws {
    var name = Array("/tmp/nacycler-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&name) != nil, "errno \(errno)")
    path = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  deinit {
    for entry in entries { unlink("\(path)/\(entry)") }
    rmdir(path)
  }

  var entries: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }
  }
}

/// Collects what one thread says and lets another wait for it.
final class Mailbox<Item: Sendable>: Sendable {
  private let items = Mutex<[Item]>([])
  private let wake: WakeUp

  init() throws { wake = try WakeUp() }

  func put(_ item: Item) {
    items.withLock { $0.append(item) }
    wake.signal()
  }

  var all: [Item] { items.withLock { $0 } }

  /// The first item that fits; nil when ten seconds passed without one.
  func first(where fits: (Item) -> Bool) -> Item? {
    let deadline = HostClock.now() + TimeSpan(seconds: 10)
    while true {
      if let item = all.first(where: fits) { return item }
      let left = deadline - HostClock.now()
      if left <= .zero { return nil }
      _ = PortPoll.wait(port: nil, wake: wake, timeout: left)
    }
  }
}
