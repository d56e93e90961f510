// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The line between a virtual instrument and whoever opens its link. The bench keeps the host's side open as well:
// without that the kernel hangs the line up whenever a host closes it, and the next host finds it dead.

internal import CNacycler
internal import Glibc

/// A raw pseudo-terminal under a link of a lasting name. Owned by one thread.
struct PseudoTerminal: ~Copyable {
  private let bench: Int32
  private let host: Int32
  private let path: String
  private let link: String

  private init(bench: Int32, host: Int32, path: String, link: String) {
    self.bench = bench
    self.host = host
    self.path = path
    self.link = link
  }

  /// Opens a pseudo-terminal and makes `link` point to it, replacing a link that is there.
  static func open(link: String) throws(BenchError) -> PseudoTerminal {
    var ends: (bench: Int32, host: Int32) = (-1, -1)
    var name = [CChar](repeating: 0, count: 128)
    let result = nacycler_pty_open(&ends.bench, &ends.host, &name, Int32(name.count))
    guard result == 0 else { throw BenchError("cannot open a pseudo-terminal", errno: result) }
    let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // From here on the value closes both ends, also when the link cannot be made.
    let terminal = PseudoTerminal(bench: ends.bench, host: ends.host, path: path, link: link)
    // Renamed into place, so that there is no moment at which the name leads nowhere.
    let fresh = link + ".new"
    unlink(fresh)
    guard symlink(path, fresh) == 0, rename(fresh, link) == 0 else {
      throw BenchError("cannot make the link \(link)", errno: errno)
    }
    return terminal
  }

  deinit {
    var target = [CChar](repeating: 0, count: 256)
    let length = readlink(link, &target, target.count)
    // Somebody else's link stays.
    if length > 0, target.prefix(length).elementsEqual(path.utf8.map { CChar(bitPattern: $0) }) { unlink(link) }
    close(bench)
    close(host)
  }

  /// Bytes that the host has not read yet, as far as they have reached its side.
  var unreadBytes: Int {
    var count: Int32 = 0
    return ioctl(host, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
  }

  /// Reads what the host sent; 0 when there is nothing.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    max(0, Glibc.read(bench, buffer.baseAddress, buffer.count))
  }

  /// Writes as much as fits; says how much that was.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    bytes.isEmpty ? 0 : max(0, Glibc.write(bench, bytes.baseAddress, bytes.count))
  }

  /// Waits until the host sent something, until there is room (when `forRoom`), until `event` is signalled, or until
  /// the time in microseconds is over (negative: for ever).
  /// Input counts only when `forInput`: what a stalled instrument leaves unread wakes nobody.
  func wait(forRoom: Bool, forInput: Bool = true, event: Int32, microseconds: Int64) {
    let wanted = Int16((forInput ? POLLIN : 0) | (forRoom ? POLLOUT : 0))
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { waited in
      waited[0] = pollfd(fd: bench, events: wanted, revents: 0)
      waited[1] = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
      _ = nacycler_poll(waited.baseAddress, 2, microseconds)
    }
    _ = nacycler_event_drain(event)
  }
}
