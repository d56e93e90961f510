// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How `nasim truth`, `nasim fault` and tests speak to a running bench: one line of words to `nasim.sock`, one line of
// JSON back, and the connection is over. Anyone who may open the folder may ask; a bench is not for production.

internal import FoundationEssentials
internal import Glibc

/// The socket in a folder of links.
public enum ControlSocket {
  /// The socket's path.
  public static func path(in links: String) -> String { links + "/nasim.sock" }

  /// Sends a line of words to the bench that serves a folder and returns its answer.
  public static func ask(_ request: String, links: String) throws(BenchError) -> [UInt8] {
    let path = path(in: links)
    guard let descriptor = try connect(path) else {
      throw BenchError("no bench serves \(links); start one with nasim run --links \(links)")
    }
    defer { close(descriptor) }
    send(Array((request + "\n").utf8), to: descriptor)
    let answer = receive(from: descriptor, until: nil, microseconds: 30_000_000)
    guard !answer.isEmpty else { throw BenchError("the bench at \(path) gave no answer") }
    if let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(answer)) { throw BenchError(refusal.error) }
    return answer
  }

  /// Asks for the truth of a cell of one instrument; its channels count from 1.
  public static func truth(of number: Int, channel: Int = 1, links: String) throws(BenchError) -> Truth {
    try decoded(Truth.self, from: ask("truth \(number) \(channel)", links: links))
  }

  /// Asks how all instruments are.
  public static func status(links: String) throws(BenchError) -> [SeatStatus] {
    try decoded([SeatStatus].self, from: ask("status", links: links))
  }

  private static func decoded<Answer: Decodable>(_ type: Answer.Type, from bytes: [UInt8]) throws(BenchError) -> Answer
  {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw BenchError("the bench answered something else than \(type): \(error)")
    }
  }

  /// What the bench answers to what it does not understand.
  struct Refusal: Codable {
    var error: String
  }

  // MARK: - Sockets

  /// A socket that listens at a path, whose stale predecessor is removed.
  static func listen(at path: String) throws(BenchError) -> Int32 {
    if let other = try connect(path) {
      close(other)
      throw BenchError("another nasim already serves \(path); choose another folder with --links or end that one")
    }
    unlink(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw BenchError("cannot make a socket", errno: errno) }
    var address = try address(of: path)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, Glibc.listen(descriptor, 16) == 0 else {
      let number = errno
      close(descriptor)
      throw BenchError("cannot listen at \(path)", errno: number)
    }
    return descriptor
  }

  /// A connection, or nil when nobody listens there.
  private static func connect(_ path: String) throws(BenchError) -> Int32? {
    var address = try address(of: path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw BenchError("cannot make a socket", errno: errno) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  private static func address(of path: String) throws(BenchError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity else {
      throw BenchError(
        "the path \(path) is longer than a socket's may be (\(capacity - 1) bytes); use a shorter folder")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
  }

  /// Sends all, or what the other side takes within a second.
  static func send(_ bytes: [UInt8], to descriptor: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Receives up to a byte or to the end, within the time.
  static func receive(from descriptor: Int32, until last: UInt8?, microseconds: Int64) -> [UInt8] {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while EventWait.readable(descriptor, microseconds: microseconds) {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      received.append(contentsOf: buffer[..<count])
      if let last, received.contains(last) || received.count > 65536 { break }
    }
    return received
  }
}
