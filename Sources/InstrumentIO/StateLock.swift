// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One daemon a state directory. Two would drive the same cells by two minds and steal each other's socket, so the lock
// is taken before anything else is touched and kept until the process ends, however it ends: the kernel gives it back.

internal import Glibc

/// Why a state directory cannot be used.
public enum StateLockRefusal: Error, Sendable, Hashable {
  /// Another daemon has it; its process number where it could be read.
  case held(path: String, process: Int32?)
  /// The lock file cannot be made or written.
  case unusable(path: String, reason: String)

  /// A stable name, like those of refused requests.
  public var code: String {
    switch self {
    case .held: "daemon.already_running"
    case .unusable: "daemon.state_directory_unusable"
    }
  }
  /// What is wrong, and where.
  public var message: String {
    switch self {
    case .held(let path, let process):
      "another nacyclerd\(process.map { " (process \($0))" } ?? "") uses this state directory: \(path) is locked"
    case .unusable(let path, let reason): "\(path): \(reason)"
    }
  }
  /// What a person can do.
  public var hint: String {
    switch self {
    case .held: "use the daemon that runs, stop it first, or give this one another --state-directory"
    case .unusable: "the state directory must exist and belong to the daemon's user; give one with --state-directory"
    }
  }
  /// The exit status: 75 (sysexits EX_TEMPFAIL) while another daemon runs, 73 (EX_CANTCREAT) otherwise.
  public var exitStatus: Int32 {
    switch self {
    case .held: 75
    case .unusable: 73
    }
  }
}

/// The right to use a state directory; given up when the last reference goes away.
///
/// The file stays where it is: to remove it would let a third daemon lock a new file beside a second one that waits on
/// the old.
public final class StateLock: Sendable {
  /// The lock file.
  public let path: String
  private let descriptor: CInt

  /// Takes the lock at once or throws; the directory must exist.
  public init(stateDirectory: String) throws(StateLockRefusal) {
    path = stateDirectory + "/nacyclerd.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: "\(SystemError.last)") }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let error = SystemError.last
      if error.number == EINTR { continue }
      let holder = Self.process(in: descriptor)
      close(descriptor)
      throw error.number == EWOULDBLOCK
        ? .held(path: path, process: holder) : .unusable(path: path, reason: "cannot be locked: \(error)")
    }
    let text = Array("\(getpid())\n".utf8)
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
      let error = SystemError.last
      close(descriptor)
      throw .unusable(path: path, reason: "cannot be written: \(error)")
    }
    self.descriptor = descriptor
  }

  deinit {
    // A child that was forked and has not yet become its program holds the file open too.
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private static func process(in descriptor: CInt) -> Int32? {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
      let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return nil }
      return Int32(String(decoding: buffer.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
  }
}
