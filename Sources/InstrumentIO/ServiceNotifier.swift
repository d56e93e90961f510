// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Tells the service manager how the daemon is doing, by the datagrams that sd_notify(3) describes; without libsystemd.

internal import CNacycler
internal import Glibc
public import Quantities

/// The line to the service manager; says nothing when the daemon was started by hand.
public struct ServiceNotifier: Sendable {
  private let socketPath: String?
  /// How often the manager wants a sign of life; nil when it does not. Give one at half of it.
  public let watchdogInterval: TimeSpan?

  /// Something worth telling.
  public enum Message: Sendable, Hashable {
    /// Start-up is over; the daemon can be used.
    case ready
    /// Everything that must be alive is.
    case watchdog
    /// The daemon is going down in order.
    case stopping
    /// One line for `systemctl status`; a line break would begin another message and is replaced by a space.
    case status(String)

    var text: String {
      switch self {
      case .ready: "READY=1"
      case .watchdog: "WATCHDOG=1"
      case .stopping: "STOPPING=1"
      case .status(let line): "STATUS=" + String(line.map { $0.isNewline ? " " : $0 })
      }
    }
  }

  /// A notifier that sends to a socket: a path, or `@` and an abstract name; nil sends nowhere.
  public init(socketPath: String?, watchdogInterval: TimeSpan? = nil) {
    self.socketPath = socketPath
    self.watchdogInterval = watchdogInterval
  }

  /// What the environment says: NOTIFY_SOCKET, and WATCHDOG_USEC if WATCHDOG_PID is this process or absent.
  public static func fromEnvironment() -> ServiceNotifier {
    let isForUs = variable("WATCHDOG_PID").map { pid_t($0) == getpid() } ?? true
    let microseconds = isForUs ? variable("WATCHDOG_USEC").flatMap { Int64($0) } : nil
    return ServiceNotifier(
      socketPath: variable("NOTIFY_SOCKET"),
      watchdogInterval: microseconds.flatMap { $0 > 0 ? TimeSpan(microseconds: $0) : nil })
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Sends messages in one datagram, without waiting.
  ///
  /// - Returns: Whether the manager has them. False is worth one log line and no more: the manager judges silence.
  @discardableResult public func send(_ messages: Message...) -> Bool {
    guard let socketPath, socketPath.hasPrefix("/") || socketPath.hasPrefix("@") else { return false }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(socketPath.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
      guard path.count < place.count else { return false }
      place.copyBytes(from: path)
      // An abstract name begins with a zero byte and is as long as it is said to be.
      if path.first == UInt8(ascii: "@") { place[0] = 0 }
      return true
    }
    guard fits else { return false }
    let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let text = Array(messages.map(\.text).joined(separator: "\n").utf8)
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    return withUnsafeBytes(of: &address) { bytes in
      guard let target = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
      return sendto(descriptor, text, text.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT), target, length)
        == text.count
    }
  }
}
