// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How a file is damaged: as disks and hands do it, byte by byte, and as somebody does who knows the language, with its
// own words in the wrong places, values that are too large, and nesting without measure.

/// Repeatable damage; numbers from SplitMix64.
struct Damage {
  private var state: UInt64
  /// Texts and numbers of JSON, from the files and of our own.
  private let words: [[UInt8]]

  init(seed: UInt64, words files: [[UInt8]]) {
    state = seed
    words = Set(files.flatMap(Self.tokens)).sorted { $0.lexicographicallyPrecedes($1) } + Self.extremes
  }

  private static let extremes: [[UInt8]] = [
    "\"0 V\"", "\"-0 V\"", "\"999999999999999999 h\"", "\"9223372037 V\"", "\"-9223372037 V\"",
    "\"0.000000000000000001 A\"",
    "\"1000000 A\"", "\"C/0\"", "\"0 C\"", "\"1e9 V\"", "0", "-1", "1e400", "9223372036854775807",
    "9223372036854775808",
    "null", "true", "[]", "{}", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"voltage <= \"", "\"voltage <= 10 mV and\"",
    "\"step_time >= 0 s\"", "\"step_time >= 2562047 h\"", "\"voltage_drift <= 0 mV/h\"", "\"$x\"", "1000000000",
  ].map { Array($0.utf8) }

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(max(bound, 1)))
  }

  mutating func one(of pool: [[UInt8]]) -> [UInt8] { pool[below(pool.count)] }

  /// A damaged copy, with pieces of others.
  mutating func damaged(_ original: [UInt8], with pool: [[UInt8]]) -> [UInt8] {
    var bytes = original
    // Mostly one wound: what is still a protocol goes through the whole compiler.
    for _ in 0...below(below(4) == 0 ? 6 : 1) {
      guard !bytes.isEmpty else { return original }
      switch below(9) {
      case 0: bytes[below(bytes.count)] = UInt8(below(256))
      case 1: bytes.insert(UInt8(below(128)), at: below(bytes.count))
      case 2: bytes.removeSubrange(piece(of: bytes, most: 60))
      case 3: bytes.insert(contentsOf: bytes[piece(of: bytes, most: 400)], at: below(bytes.count))
      case 4, 5, 6: replaceToken(in: &bytes)
      case 7: nest(&bytes)
      default:
        let other = one(of: pool)
        bytes = Array(bytes[..<below(bytes.count)] + other[below(other.count)...])
      }
    }
    return bytes
  }

  private mutating func piece(of bytes: [UInt8], most: Int) -> Range<Int> {
    let from = below(bytes.count)
    return from..<min(bytes.count, from + below(most))
  }

  /// A value or key becomes another one of the language's.
  private mutating func replaceToken(in bytes: inout [UInt8]) {
    let ranges = Self.ranges(of: bytes)
    guard !ranges.isEmpty else { return }
    bytes.replaceSubrange(ranges[below(ranges.count)], with: words[below(words.count)])
  }

  /// A part between braces or brackets is put into itself, over and over.
  private mutating func nest(_ bytes: inout [UInt8]) {
    let pairs: [(UInt8, UInt8)] = [(0x7B, 0x7D), (0x5B, 0x5D)]
    let (open, close) = pairs[below(2)]
    let from = below(bytes.count)
    guard let begin = bytes[from...].firstIndex(of: open) else { return }
    let depth = 1 + below(below(20) == 0 ? 2_000 : 20)
    let head = below(2) == 0 ? [open] : Array(#"{"repeat":2,"steps":["#.utf8)
    let tail = head.count == 1 ? [close] : Array("]}".utf8)
    bytes.insert(contentsOf: repeatElement(head, count: depth).joined(), at: begin)
    guard let end = bytes[(begin + depth * head.count)...].firstIndex(of: close) else { return }
    bytes.insert(contentsOf: repeatElement(tail, count: depth).joined(), at: end + 1)
  }

  /// The texts and numbers of something like JSON.
  private static func tokens(of bytes: [UInt8]) -> [[UInt8]] { ranges(of: bytes).map { Array(bytes[$0]) } }

  private static func ranges(of bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var at = 0
    while at < bytes.count {
      let begin = at
      at += 1
      if bytes[begin] == UInt8(ascii: "\"") {
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at = min(at + 1, bytes.count)
        ranges.append(begin..<at)
      } else if bytes[begin] &- 0x30 < 10 {
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        ranges.append(begin..<at)
      }
    }
    return ranges
  }
}
