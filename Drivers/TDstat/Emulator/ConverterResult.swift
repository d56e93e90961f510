// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The three bytes of an MCP3550: 22 bits in two's complement, and above them two flags for an input beyond either end. It goes
// on counting for about an eighth of full scale there (from memory of its data sheet; unverified).

/// A converter's result.
enum ConverterResult {
  /// Counts at full scale.
  static let fullScale = 1 << 21
  private static let most = fullScale + fullScale / 8 - 1

  /// The bytes of an input, given as a share of full scale, that is so many counts off.
  static func bytes(share: Double, offset: Int) -> [UInt8] {
    let counts = (share * Double(fullScale)).rounded() + Double(offset)
    let kept = Int(min(max(counts.isFinite ? counts : 0, -Double(most)), Double(most)))
    let flags = kept >= fullScale ? 0x40 : kept < -fullScale ? 0x80 : 0
    let bits = kept & 0x3F_FFFF
    return [
      UInt8(flags | bits >> 16), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits),
    ]
  }
}
