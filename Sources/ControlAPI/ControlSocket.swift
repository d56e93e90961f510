// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the daemon's control socket lies.
public enum ControlSocket {
  /// The socket of the system's daemon.
  public static let system = "/run/nacycler/nacyclerd.sock"
  /// `sun_path` has 108 bytes with the closing zero (unix(7)).
  public static let longestPath = 107

  /// The socket to speak with: the given one, otherwise `NACYCLER_SOCKET`, otherwise the system's when it exists,
  /// otherwise the one in the user's runtime directory.
  public static func resolve(_ given: String?) -> String {
    if let given, !given.isEmpty { return given }
    if let path = environment("NACYCLER_SOCKET") { return path }
    if access(system, F_OK) == 0 { return system }
    return user ?? system
  }

  /// The socket in the user's runtime directory; nil without `XDG_RUNTIME_DIR`.
  public static var user: String? {
    environment("XDG_RUNTIME_DIR").map { "\($0)/nacycler/nacyclerd.sock" }
  }

  /// Throws `RequestRefused` when a path is empty or too long for a socket.
  public static func check(_ path: String) throws {
    guard !path.isEmpty, path.utf8.count <= longestPath else {
      throw RequestRefused(
        .malformed, code: "socket.path_too_long",
        message: "the socket path has \(path.utf8.count) bytes; a Unix socket's has 1 to \(longestPath): \(path)",
        hint: "choose a shorter path, for instance under /run or /tmp")
    }
  }

  /// Throws `RequestRefused` when no socket can be made at the path because its folder is not there or not writable.
  public static func checkDirectory(of path: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard access(folder.isEmpty ? "/" : folder, W_OK | X_OK) != 0 else { return }
    throw RequestRefused(
      .failed, code: "socket.unusable",
      message: "no socket can be made in \(folder): \(String(cString: strerror(errno)))",
      hint: "make the folder, or give another --socket")
  }

  /// Whether a file that is no socket lies at the path.
  public static func isSomethingElse(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFSOCK
  }

  /// Whether a process listens at the path now; a socket that a dead one left does not count.
  public static func isServed(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8.prefix(longestPath))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    // A listener whose queue is full has no room, but it is there.
    return result == 0 || errno == EAGAIN
  }

  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
