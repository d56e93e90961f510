// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Turns byte offsets into lines and columns, once something is to be said about them.

/// The lines of a text.
package struct LineIndex: Sendable {
  private let bytes: [UInt8]
  private let starts: [Int]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    starts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  /// The place of a byte; columns count Unicode scalars, which is what editors show for ordinary text.
  package func site(_ offset: Int, path: String) -> Site {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= offset { low = middle } else { high = middle }
    }
    let end = min(offset, bytes.count)
    let scalars = bytes[starts[low]..<end].count { $0 & 0xC0 != 0x80 }
    return Site(path: path, line: low + 1, column: scalars + 1)
  }
}
