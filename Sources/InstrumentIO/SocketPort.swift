// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A raw socket of an instrument on the network, as LXI instruments offer it on port 5025: the same bytes as on a serial line.

internal import CNacycler
public import CyclerModel
internal import Glibc
internal import Quantities

/// An open, non-blocking connection to an instrument.
public final class SocketPort: InstrumentPort {
  /// The name under which it was opened.
  public let path: String
  /// The socket; -1 once closed.
  public private(set) var descriptor: CInt

  /// How long an instrument may take to accept a connection. Its thread does nothing else meanwhile.
  private static let connectionPatience = TimeSpan(seconds: 1)
  /// So long bytes may stay unacknowledged before the connection counts as lost. A cable that was pulled says nothing.
  private static let silencePatienceMilliseconds: CInt = 5_000

  /// Connects.
  ///
  /// - Parameter path: `tcp://ADDRESS:PORT`.
  /// - Throws: `port.unusable` when nobody accepts.
  public init(path: String) throws(Fault) {
    self.path = path
    descriptor = -1
    guard let address = SocketAddress(path) else {
      throw Fault(.portUnusable, SocketAddress.problem(with: path) ?? "\(path): is no address of the network")
    }
    let begun = address.withKernelAddress { family, target, length -> (CInt, CInt) in
      let socket = Glibc.socket(
        family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      guard socket >= 0 else { return (socket, errno) }
      return (socket, connect(socket, target, length) == 0 ? 0 : errno)
    }
    guard let (socket, error) = begun, socket >= 0 else {
      throw Fault(.portUnusable, "\(path): no socket: \(SystemError.last)")
    }
    descriptor = socket
    do { try finish(error) } catch {
      close()
      throw error
    }
  }

  deinit { close() }

  /// Waits until the other end has accepted, and sets the connection up.
  private func finish(_ begun: CInt) throws(Fault) {
    var error = begun
    if error == EINPROGRESS {
      var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let count = withUnsafeMutablePointer(to: &waited) {
        PortPoll.poll(UnsafeMutableBufferPointer(start: $0, count: 1), for: Self.connectionPatience)
      }
      error = count > 0 ? option(SO_ERROR) : ETIMEDOUT
    }
    guard error == 0 else {
      let advice =
        "is the instrument on, and does it listen there? Its menu says its address; a raw socket is port 5025"
      throw Fault(.portUnusable, "\(path): \(SystemError(number: error)); \(advice)")
    }
    // A stop must not wait for company, and a cable that was pulled shows by bytes that nobody acknowledges: those of a
    // question, or of the kernel's own when nothing is asked.
    set(IPPROTO_TCP, TCP_NODELAY, 1)
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, Self.silencePatienceMilliseconds)
    set(CInt(SOL_SOCKET), SO_KEEPALIVE, 1)
    set(IPPROTO_TCP, TCP_KEEPIDLE, 5)
    set(IPPROTO_TCP, TCP_KEEPINTVL, 2)
    set(IPPROTO_TCP, TCP_KEEPCNT, 3)
  }

  private func option(_ name: CInt) -> CInt {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : errno
  }

  private func set<Level: BinaryInteger>(_ level: Level, _ name: CInt, _ value: CInt) {
    var value = value
    _ = setsockopt(descriptor, CInt(level), name, &value, socklen_t(MemoryLayout<CInt>.size))
  }

  /// Reads what there is. An instrument that closed the connection is gone.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count > 0 { return .bytes(count) }
      if count == 0 { return buffer.isEmpty ? .wouldBlock : .hangUp }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .hangUp
      }
    }
  }

  /// Hands bytes to the kernel as far as it takes them, without waiting.
  public func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite {
    if bytes.isEmpty { return .written(0) }
    while true {
      let count = send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
      if count >= 0 { return .written(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .written(0)
      default: return .hangUp
      }
    }
  }

  /// Closes the connection; what was sent still travels.
  public func close() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }
}
