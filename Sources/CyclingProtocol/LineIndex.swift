// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Turns byte offsets into lines and columns, once something is to be said about them.

/// The lines of a text.
package struct LineIndex: Sendable {
  /// One line.
  private struct Line: Sendable {
    var start: Int
    /// Whether its bytes are its columns; a line may be long, and is asked for each place in it.
    var isASCII: Bool
  }
  private let bytes: [UInt8]
  private let lines: [Line]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var lines = [Line(start: 0, isASCII: true)]
    for (offset, byte) in bytes.enumerated() {
      if byte & 0x80 != 0 { lines[lines.count - 1].isASCII = false }
      if byte == UInt8(ascii: "\n") { lines.append(Line(start: offset + 1, isASCII: true)) }
    }
    self.lines = lines
  }

  /// The place of a byte; columns count Unicode scalars, which is what editors show for ordinary text.
  package func site(_ offset: Int, path: String) -> Site {
    var low = 0
    var high = lines.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lines[middle].start <= offset { low = middle } else { high = middle }
    }
    let end = max(min(offset, bytes.count), lines[low].start)
    let before = bytes[lines[low].start..<end]
    let scalars = lines[low].isASCII ? before.count : before.count { $0 & 0xC0 != 0x80 }
    return Site(path: path, line: low + 1, column: scalars + 1)
  }
}
