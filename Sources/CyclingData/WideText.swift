// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Text in UTF-16, as programs under Windows export it when asked for "Unicode", becomes UTF-8 piece by piece.

/// Reads UTF-16 in either order of bytes.
struct WideText: Sendable {
  private let isBigEndian: Bool
  // Bytes of a character that the last piece ended in.
  private var kept: [UInt8] = []

  /// Looks at the beginning of a file.
  /// - Returns: nil when it is no UTF-16: without a mark, a letter has a zero beside it.
  init?(_ beginning: [UInt8]) {
    guard beginning.count >= 4 else { return nil }
    switch (beginning[0], beginning[1], beginning[2], beginning[3]) {
    case (0xFF, 0xFE, _, _): isBigEndian = false
    case (0xFE, 0xFF, _, _): isBigEndian = true
    case (0x09...0x7E, 0, 0x09...0x7E, 0): isBigEndian = false
    case (0, 0x09...0x7E, 0, 0x09...0x7E): isBigEndian = true
    default: return nil
    }
  }

  /// The next piece as UTF-8; what is no character becomes a replacement character.
  mutating func text(_ bytes: [UInt8]) -> [UInt8] {
    let all = kept + bytes
    var count = all.count / 2
    func unit(_ index: Int) -> UInt16 {
      let (first, second) = (UInt16(all[2 * index]), UInt16(all[2 * index + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    // The second half of a pair may be in the next piece.
    if count > 0, unit(count - 1) & 0xFC00 == 0xD800 { count -= 1 }
    kept = Array(all[(2 * count)...])
    return Array(String(decoding: (0..<count).map(unit), as: UTF16.self).utf8)
  }
}
