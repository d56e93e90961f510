// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A value on the wire is seven hexadecimal digits (the count of a unit prefix plus 2^27) and the prefix, which leaves
// 134,217,727 counts either side of zero. The instrument takes the finest prefix that the value fits into.

/// The form of a value in a `P` line.
enum PackageText {
  /// The largest count that the seven digits hold.
  static let largestCount = 0x7FF_FFFF

  /// Appends type, digits, prefix and, for a measured value, its metadata.
  static func append(_ value: ScriptValue, to bytes: inout [UInt8]) {
    bytes.append(value.type.first)
    bytes.append(value.type.second)
    if value.isInteger {
      appendCount(Int(value.integer), prefix: UInt8(ascii: "i"), to: &bytes)
    } else if value.number.isNaN {
      for _ in 0..<5 { bytes.append(UInt8(ascii: " ")) }
      for letter in "nan".utf8 { bytes.append(letter) }
    } else {
      appendNumber(value.number, to: &bytes)
    }
    if value.isMeasured {
      bytes.append(UInt8(ascii: ","))
      bytes.append(UInt8(ascii: "1"))
      bytes.append(digit(Int(value.status)))
      bytes.append(UInt8(ascii: ","))
      bytes.append(UInt8(ascii: "2"))
      bytes.append(digit(Int(value.range) >> 4))
      bytes.append(digit(Int(value.range)))
    }
  }

  /// Appends a number with the finest prefix that leaves fewer than 134,217,727.5 counts, rounded half away from zero.
  private static func appendNumber(_ number: Double, to bytes: inout [UInt8]) {
    let magnitude = number.magnitude
    switch magnitude {
    case 0: appendCount(0, prefix: UInt8(ascii: " "), to: &bytes)
    case ..<1.342177275e-10: appendScaled(number * 1e18, prefix: UInt8(ascii: "a"), to: &bytes)
    case ..<1.342177275e-7: appendScaled(number * 1e15, prefix: UInt8(ascii: "f"), to: &bytes)
    case ..<1.342177275e-4: appendScaled(number * 1e12, prefix: UInt8(ascii: "p"), to: &bytes)
    case ..<1.342177275e-1: appendScaled(number * 1e9, prefix: UInt8(ascii: "n"), to: &bytes)
    case ..<1.342177275e2: appendScaled(number * 1e6, prefix: UInt8(ascii: "u"), to: &bytes)
    case ..<1.342177275e5: appendScaled(number * 1e3, prefix: UInt8(ascii: "m"), to: &bytes)
    case ..<1.342177275e8: appendScaled(number, prefix: UInt8(ascii: " "), to: &bytes)
    case ..<1.342177275e11: appendScaled(number / 1e3, prefix: UInt8(ascii: "k"), to: &bytes)
    case ..<1.342177275e14: appendScaled(number / 1e6, prefix: UInt8(ascii: "M"), to: &bytes)
    case ..<1.342177275e17: appendScaled(number / 1e9, prefix: UInt8(ascii: "G"), to: &bytes)
    case ..<1.342177275e20: appendScaled(number / 1e12, prefix: UInt8(ascii: "T"), to: &bytes)
    case ..<1.342177275e23: appendScaled(number / 1e15, prefix: UInt8(ascii: "P"), to: &bytes)
    default: appendScaled(number / 1e18, prefix: UInt8(ascii: "E"), to: &bytes)
    }
  }

  private static func appendScaled(_ scaled: Double, prefix: UInt8, to bytes: inout [UInt8]) {
    let limit = Double(largestCount)
    appendCount(Int(min(max(scaled.rounded(), -limit), limit)), prefix: prefix, to: &bytes)
  }

  private static func appendCount(_ count: Int, prefix: UInt8, to bytes: inout [UInt8]) {
    let offset = count + 0x800_0000
    bytes.append(digit(offset >> 24))
    bytes.append(digit(offset >> 20))
    bytes.append(digit(offset >> 16))
    bytes.append(digit(offset >> 12))
    bytes.append(digit(offset >> 8))
    bytes.append(digit(offset >> 4))
    bytes.append(digit(offset))
    bytes.append(prefix)
  }

  @inline(__always) private static func digit(_ value: Int) -> UInt8 {
    let nibble = UInt8(truncatingIfNeeded: value) & 0xF
    return nibble < 10 ? 0x30 + nibble : 0x37 + nibble
  }
}
