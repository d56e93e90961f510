// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Glibc

/// Where the bytes of a recording are: read block by block, so that a file may be larger than the memory.
enum RecordingSource: Sendable {
  /// A file that is kept open.
  case file(RecordingFile)
  /// A text in memory.
  case text([UInt8])

  /// Reads at most `buffer.count` bytes from `offset` on; 0 at the end, negative where the file cannot be read.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    switch self {
    case .file(let file): return file.read(at: offset, into: buffer)
    case .text(let bytes):
      let count = min(buffer.count, max(0, bytes.count - offset))
      guard count > 0 else { return 0 }
      bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
      return count
    }
  }
}

/// An open file. Several players may read it at once: each asks for places, and none moves anything.
final class RecordingFile: Sendable {
  private let descriptor: Int32

  /// Opens a file for reading.
  /// - Throws: What the system says, with the file's name.
  init(path: String) throws(RecordingError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RecordingError(path, "cannot be opened: \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
      if count < 0, errno == EINTR { continue }
      return count
    }
  }
}
