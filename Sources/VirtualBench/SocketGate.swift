// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An emulated instrument on the network: what a connection brings goes to its line, and what the line says goes to the
// connection. One host at a time is heard, as at an instrument; the next one waits until the first has gone.

internal import CNacycler
internal import Glibc
internal import Synchronization

/// A socket of this machine that leads to one seat's line.
final class SocketGate: Sendable {
  /// The address, as `nacyclerd --port` takes it.
  let address: String
  private let listener: Int32
  private let link: String
  private let event: Int32
  private let stopping = Atomic<Bool>(false)

  /// Listens at a port that the system chooses.
  init(to link: String) throws(BenchError) {
    self.link = link
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw BenchError("no socket for \(link)", errno: errno) }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let listens = withUnsafeMutablePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard listens else { throw BenchError("no socket for \(link) listens", errno: errno) }
    address = "tcp://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    event = nacycler_event_open()
    guard event >= 0 else { throw BenchError("cannot make an event counter", errno: event) }
  }

  /// Leaves the address in a file, for those who do not read what the bench says.
  func announce(in path: String) throws(BenchError) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw BenchError("cannot write \(path)", errno: errno) }
    defer { close(file) }
    let bytes = Array((address + "\n").utf8)
    guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count else {
      throw BenchError("cannot write \(path)", errno: errno)
    }
  }

  /// Ends `run`.
  func stop() {
    stopping.store(true, ordering: .releasing)
    _ = nacycler_event_signal(event)
  }

  /// Serves one host after the other until it is stopped.
  func run() {
    while !stopping.load(ordering: .acquiring) {
      guard ready([listener])[0] else { continue }
      let host = accept(listener, nil, nil)
      guard host >= 0 else { continue }
      let line = open(link, O_RDWR | O_NOCTTY | O_CLOEXEC)
      if line >= 0 { join(host, line) }
      close(line)
      close(host)
    }
    close(listener)
  }

  /// Carries bytes both ways until either end is over.
  private func join(_ host: Int32, _ line: Int32) {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !stopping.load(ordering: .acquiring) {
      let seen = ready([host, line])
      if seen[0], !carry(from: host, to: line, &buffer) { return }
      if seen[1], !carry(from: line, to: host, &buffer) { return }
    }
  }

  private func carry(from source: Int32, to target: Int32, _ buffer: inout [UInt8]) -> Bool {
    let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
    guard count > 0 else { return false }
    var rest = buffer[..<count]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
      guard written > 0 else { return false }
      rest = rest.dropFirst(written)
    }
    return true
  }

  /// Waits until one of them has something, or the gate is stopped.
  private func ready(_ descriptors: [Int32]) -> [Bool] {
    var waited = (descriptors + [event]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    _ = waited.withUnsafeMutableBufferPointer { nacycler_poll($0.baseAddress, Int32($0.count), -1) }
    return waited.dropLast().map { $0.revents != 0 }
  }
}
