// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One request after the other over the daemon's Unix socket, as `curl --unix-socket` would. It blocks and knows only
// answers that state their length, which is all that a benchmark asks for.

import Foundation

/// A connection to a daemon.
final class ControlCaller {
  private let descriptor: Int32
  private let path: String

  /// Connects; throws when nobody listens.
  init(socket path: String) throws {
    self.path = path
    descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw BenchmarkFailure("\(path) is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw BenchmarkFailure("nobody listens at \(path)") }
  }

  deinit { close(descriptor) }

  /// Asks and returns status and JSON.
  func call(_ method: String, _ target: String, _ body: [String: Any]? = nil) throws -> (status: Int, [String: Any]) {
    try send(method, target, try body.map { try JSONSerialization.data(withJSONObject: $0) })
    let (status, data) = try answer(to: target)
    let object = data.isEmpty ? [:] : try JSONSerialization.jsonObject(with: data)
    return (status, object as? [String: Any] ?? [:])
  }

  /// The same for what must succeed.
  @discardableResult
  func need(_ method: String, _ target: String, _ body: [String: Any]? = nil) throws -> [String: Any] {
    let (status, object) = try call(method, target, body)
    guard (200..<300).contains(status) else {
      throw BenchmarkFailure("\(method) \(target): \(status) \(object)")
    }
    return object
  }

  /// Sends a request without waiting for its answer.
  func send(_ method: String, _ target: String, _ body: Data? = nil) throws {
    var request = Data("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n".utf8)
    request.append(Data("Content-Type: application/json\r\nContent-Length: \(body?.count ?? 0)\r\n\r\n".utf8))
    if let body { request.append(body) }
    let sent = request.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard sent == request.count else { throw BenchmarkFailure("\(path) does not take a request: errno \(errno)") }
  }

  /// Reads and throws away whatever comes, until the daemon closes the connection.
  func discardAll() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while read(descriptor, &buffer, buffer.count) > 0 {}
  }

  private func answer(to target: String) throws -> (Int, Data) {
    var received = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      if let end = received.range(of: Data("\r\n\r\n".utf8)) {
        let head = String(decoding: received[..<end.lowerBound], as: UTF8.self).lowercased()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
          .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
        guard let length, let status = Int(head.dropFirst(9).prefix(3)) else {
          throw BenchmarkFailure("\(target) was answered without a length: \(head)")
        }
        let body = received[end.upperBound...]
        if body.count >= length { return (status, Data(body.prefix(length))) }
      }
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { throw BenchmarkFailure("the daemon closed the connection instead of answering \(target)") }
      received.append(contentsOf: buffer[..<count])
    }
  }
}
