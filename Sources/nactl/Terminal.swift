// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import Synchronization

/// Standard output and standard error, written at once and whole.
enum Terminal {
  private static let lock = Mutex(())

  /// Whether standard output is a terminal.
  static var isInteractive: Bool { isatty(1) == 1 }
  /// Whether standard error is a terminal, where progress is worth showing.
  static var showsProgress: Bool { isatty(2) == 1 }

  /// Characters in a line, where standard output is a terminal that says so; 80 elsewhere.
  static var width: Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else { return 80 }
    return min(Int(size.ws_col), 200)
  }

  /// Writes to standard output.
  static func out(_ text: String) { out(bytes: Array(text.utf8)) }

  /// Writes to standard output. A reader that has gone away, like `head`, is no failure.
  static func out(bytes: [UInt8]) {
    lock.withLock { _ in
      if !FileDescriptors.writeAll(bytes, to: 1) { _exit(errno == EPIPE ? 0 : Exit.file.rawValue) }
    }
  }

  /// Writes to standard error.
  static func error(_ text: String) {
    lock.withLock { _ in _ = FileDescriptors.writeAll(Array(text.utf8), to: 2) }
  }

  /// Shows how much has been done, on the line that it showed before.
  static func progress(_ text: String) {
    if showsProgress { error("\r\(text)\u{1B}[K") }
  }

  /// Takes the line of progress away.
  static func endProgress() {
    if showsProgress { error("\r\u{1B}[K") }
  }
}

/// System calls on descriptors, repeated until they are done.
enum FileDescriptors {
  /// Writes everything; false with errno set when that is not possible.
  static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done) }
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      done += count
    }
    return true
  }

  /// Reads until the end; nil when that is not possible.
  static func readAll(_ descriptor: Int32) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer.prefix(count)
    }
  }

  /// Reads a whole file of at most `most` bytes.
  /// - Parameter isPlain: Only a plain file will do: whoever opens a pipe that nobody writes to waits for ever.
  static func readFile(_ path: String, most: Int = 1 << 20, isPlain: Bool = false) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | (isPlain ? O_NONBLOCK : 0))
    guard descriptor >= 0 else { throw FileFailure("unreadable", path: path) }
    defer { close(descriptor) }
    var status = stat()
    if isPlain, fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG {
      throw FileFailure(code: "file.not_plain", message: "\(path) is no plain file", hint: "name a file on the disk")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileFailure("unreadable", path: path) }
      if count == 0 { break }
      bytes += buffer.prefix(count)
      guard bytes.count <= most else {
        throw FileFailure(
          code: "file.too_large", message: "\(path) has more than \(most) bytes", hint: "is it the right file?")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileFailure(code: "file.not_text", message: "\(path) is not UTF-8 text", hint: "save it as UTF-8")
    }
    return text
  }
}
