// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A code of the output's converter: twenty bits, straight binary around 2^19, in the upper bits of three bytes. The offsets
// of the input converters are stored in the same form. Source: decimal_to_dac_bytes and dac_bytes_to_decimal of the makers'
// clients.

/// What the output's converter is set to.
struct OutputCode: Sendable, Hashable {
  /// Half of the converter's codes: nothing comes out.
  static let middle: Int64 = 1 << 19

  /// 0 to 2^20 - 1.
  let code: Int64

  /// A code so far from the middle, kept within the converter.
  init(aroundMiddle distance: Int64) { code = min(max(Self.middle + distance, 0), 2 * Self.middle - 1) }

  /// Appends its three bytes.
  func write(into bytes: inout [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: code >> 12))
    bytes.append(UInt8(truncatingIfNeeded: code >> 4))
    bytes.append(UInt8(truncatingIfNeeded: code << 4))
  }

  /// The distance from the middle that three bytes stand for.
  static func distance(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Int64 {
    (Int64(first) << 12 | Int64(second) << 4 | Int64(third) >> 4) - middle
  }
}
