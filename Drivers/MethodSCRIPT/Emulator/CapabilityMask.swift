// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The answers to `CC` and `CM`: 256 bits as 64 hexadecimal digits, most significant first; bit n says that feature n
/// is there. The numbers are those of the family's public tables.
enum CapabilityMask {
  /// Communication commands: t, CC, CM, S, G, l, r, e, i, v, m, h, H, Z, Y.
  static func communication(_ profile: MethodSCRIPTProfile) -> String {
    digits([1, 32, 33, 34, 35, 36, 37, 38, 48, 49, 60, 96, 97, 98, 99])
  }

  /// Commands of the language that this emulator carries out.
  static func language(_ profile: MethodSCRIPTProfile) -> String {
    var bits = Array(1...9) + [12, 13, 14, 15, 16, 17, 18, 19, 21, 28, 30, 32, 33, 34, 35, 36]
    bits += [38, 39, 40, 41, 42, 52, 53, 54, 62, 63, 64, 65, 66, 71, 72, 73, 74, 75, 76, 77, 78, 91, 92, 96, 138]
    if profile.hasImpedance { bits += [31] }
    if profile.hasGalvanostat { bits += [67, 68] }
    return digits(bits)
  }

  private static func digits(_ bits: [Int]) -> String {
    var nibbles = [Int](repeating: 0, count: 64)
    for bit in bits { nibbles[63 - bit / 4] |= 1 << (bit % 4) }
    return nibbles.map { String($0, radix: 16, uppercase: true) }.joined()
  }
}
