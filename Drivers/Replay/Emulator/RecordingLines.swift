// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A file becomes lines, through one buffer that is filled again and again: however long the file, the memory is that
// buffer.

/// The lines of a recording, one after the other, from any line's beginning on.
struct RecordingLines: Sendable {
  /// The longest line, in bytes without its end: a hundred columns of the widest numbers.
  static let longestLine = 4_096
  private static let blockSize = 64 * 1024

  let source: RecordingSource
  /// For messages.
  let file: String
  /// Holds the last line; valid until the next is asked for.
  private(set) var buffer = [UInt8](repeating: 0, count: blockSize)
  /// The number of the last line, from 1.
  private(set) var number = 0
  /// Where the last line begins in the file.
  private(set) var offset = 0
  /// Where the line behind the last one begins.
  var nextOffset: Int { fileOffset + place }
  /// Whether the last line ended with a line feed.
  private(set) var isEnded = true
  /// Exclusive-or and product over all bytes that were read from the beginning on (FNV-1a); meaningless after `seek`.
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
  private var fileOffset = 0
  private var place = 0
  private var filled = 0

  init(_ source: RecordingSource, file: String) {
    self.source = source
    self.file = file
  }

  /// Goes to a line that begins at `offset` and has that number.
  mutating func seek(offset: Int, number: Int) {
    fileOffset = offset
    place = 0
    filled = 0
    self.number = number - 1
  }

  /// The next line, as a range of `buffer` without its end; nil behind the last.
  /// - Throws: When the file cannot be read or a line is too long.
  mutating func next() throws(RecordingError) -> Range<Int>? {
    var scanned = place
    while true {
      if let end = buffer[scanned..<filled].firstIndex(of: UInt8(ascii: "\n")) {
        isEnded = true
        return take(end, next: end + 1)
      }
      if filled - place > Self.longestLine {
        throw RecordingError(file, line: number + 1, "is longer than \(Self.longestLine) bytes; is this a text file?")
      }
      scanned = filled
      guard try fill(&scanned) else { break }
    }
    guard place < filled else { return nil }
    isEnded = false
    return take(filled, next: filled)
  }

  private mutating func take(_ end: Int, next: Int) -> Range<Int> {
    let start = place
    number += 1
    offset = fileOffset + start
    place = next
    let isReturned = end > start && buffer[end - 1] == UInt8(ascii: "\r")
    return start..<(isReturned ? end - 1 : end)
  }

  /// Makes room and reads on; false at the end of the file.
  private mutating func fill(_ scanned: inout Int) throws(RecordingError) -> Bool {
    if place > 0 {
      buffer.replaceSubrange(0..<filled - place, with: buffer[place..<filled])
      fileOffset += place
      scanned -= place
      filled -= place
      place = 0
    }
    let (start, offset, source) = (filled, fileOffset + filled, source)
    let count = buffer.withUnsafeMutableBytes {
      source.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
    }
    guard count >= 0 else { throw RecordingError(file, line: number + 1, "cannot be read any further") }
    for byte in buffer[filled..<filled + count] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
    filled += count
    return count > 0
  }
}
