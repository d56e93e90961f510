// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The digest under which a protocol's text is stored, so that two runs can be shown to have had the same one. It
// guards nothing secret; docs/adr/0005-dependencies.md says why no cryptography library is brought in for it.

/// SHA-256 of a byte sequence (FIPS 180-4, sections 5 and 6.2).
public enum SHA256 {
  /// The 32 bytes of the digest.
  public static func digest(_ message: [UInt8]) -> [UInt8] {
    var padded = message
    padded.append(0x80)
    while padded.count % 64 != 56 { padded.append(0) }
    withUnsafeBytes(of: (UInt64(message.count) * 8).bigEndian) { padded.append(contentsOf: $0) }
    var state = initial
    for start in stride(from: 0, to: padded.count, by: 64) { mix(padded[start..<start + 64], into: &state) }
    return state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
  }

  private static func mix(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
    var schedule: [UInt32] = []
    schedule.reserveCapacity(64)
    for start in stride(from: block.startIndex, to: block.endIndex, by: 4) {
      schedule.append(block[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) })
    }
    for index in 16..<64 {
      let early = schedule[index - 15]
      let late = schedule[index - 2]
      let small0 = rotate(early, 7) ^ rotate(early, 18) ^ early >> 3
      let small1 = rotate(late, 17) ^ rotate(late, 19) ^ late >> 10
      schedule.append(schedule[index - 16] &+ small0 &+ schedule[index - 7] &+ small1)
    }
    var h = state
    for index in 0..<64 {
      let sum1 = rotate(h[4], 6) ^ rotate(h[4], 11) ^ rotate(h[4], 25)
      let choice = h[4] & h[5] ^ ~h[4] & h[6]
      let first = h[7] &+ sum1 &+ choice &+ constants[index] &+ schedule[index]
      let sum0 = rotate(h[0], 2) ^ rotate(h[0], 13) ^ rotate(h[0], 22)
      let majority = h[0] & h[1] ^ h[0] & h[2] ^ h[1] & h[2]
      h = [first &+ sum0 &+ majority, h[0], h[1], h[2], h[3] &+ first, h[4], h[5], h[6]]
    }
    for index in 0..<8 { state[index] &+= h[index] }
  }

  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

  /// The first 32 bits of the fractional parts of the square roots of the first 8 primes.
  private static let initial: [UInt32] = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = primes.map { fraction(cubeRoot(Double($0))) }

  private static let primes: [Int] = (2...311).filter { candidate in
    !(2..<candidate).contains { candidate.isMultiple(of: $0) }
  }

  private static func fraction(_ root: Double) -> UInt32 {
    UInt32((root - root.rounded(.down)) * 4_294_967_296)
  }

  /// Newton's method; exact to the last bits that matter here.
  private static func cubeRoot(_ value: Double) -> Double {
    var root = value / 2 + 1
    for _ in 0..<64 { root -= (root * root * root - value) / (3 * root * root) }
    return root
  }
}
