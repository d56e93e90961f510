// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Glibc

/// Where an instrument listens on the network, as a person writes it: `tcp://192.168.1.20:5025`, `tcp://[fe80::1]:5025`.
///
/// Numbers only: looking up a name can take half a minute, and meanwhile nobody could make a cell safe.
public struct SocketAddress: Sendable, Hashable {
  /// What such a name begins with.
  public static let scheme = "tcp://"
  /// The numeric address, without brackets.
  public let host: String
  /// The port.
  public let port: UInt16

  /// Reads one; nil when it is none.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.scheme) else { return nil }
    let rest = text.dropFirst(Self.scheme.count)
    guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]), port > 0 else {
      return nil
    }
    var host = rest[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    guard isBracketed == host.contains(":"), Self.isNumeric(String(host)) else { return nil }
    self.host = String(host)
    self.port = port
  }

  /// What is wrong with a name that should be one, and what would be right; nil when nothing is.
  public static func problem(with text: String) -> String? {
    guard text.hasPrefix(scheme), SocketAddress(text) == nil else { return nil }
    return
      "\(text): an instrument on the network is named by its numeric address and port, like tcp://192.168.1.20:5025"
  }

  private static func isNumeric(_ host: String) -> Bool {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &found) == 0 else { return false }
    freeaddrinfo(found)
    return true
  }

  /// Calls `body` with the address as the kernel wants it; nil when it is not to be had.
  func withKernelAddress<Result>(
    _ body: (_ family: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Result
  ) -> Result? {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0, let first = found else { return nil }
    defer { freeaddrinfo(found) }
    guard let address = first.pointee.ai_addr else { return nil }
    return body(first.pointee.ai_family, address, first.pointee.ai_addrlen)
  }
}
