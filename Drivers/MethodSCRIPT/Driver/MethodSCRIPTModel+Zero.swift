// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How near to nothing a measured current must be to count as none. The numbers by which instruments name their ranges of
// current are those of the maker's published C example (`mscript_metadata_range_to_string`).

import InstrumentKit
import Quantities

extension MethodSCRIPTModel {
  /// Below this a current counts as none in whatever range: the stated errors of ranges of nanoamperes would ask for more than
  /// leads and relays keep, and 10 nA are 0.24 µAh a day. Ours, not the maker's.
  private static let leastZero = Current(picoamperes: 10_000)

  /// What a current of zero may be read as in the range with that number: the stated offset error; nil for a number that this
  /// model does not have.
  func zero(ofRange index: UInt16) -> Current? {
    guard let fullScale = fullScale(ofRange: index) else { return nil }
    return max(Current(picoamperes: fullScale.picoamperes * currentOffsetError / 1_000_000), Self.leastZero)
  }

  private func fullScale(ofRange index: UInt16) -> Current? {
    let picoamperes: Int64?
    switch self {
    case .emStat4HR, .emStat4LR:
      // From 3 for 1 nA in threes to 27 for 100 mA.
      let isOne = (3...27).contains(index) && index.isMultiple(of: 3)
      picoamperes = isOne ? powerOfTen(2 + Int(index) / 3) : nil
    case .nexus:
      picoamperes = Self.nexusRange(index)
    case .emStatPico:
      picoamperes = Self.picoRange(index)
    }
    return picoamperes.map { Current(picoamperes: $0) }
  }

  /// 1 nA to 100 µA, then 1 and 10 mA by a transimpedance amplifier, then 1 mA to 1 A; a galvanostat's count from 32.
  private static func nexusRange(_ index: UInt16) -> Int64? {
    switch index {
    case 16: 100
    case 0...7: powerOfTen(3 + Int(index))
    case 8...11: powerOfTen(1 + Int(index))
    case 32...39: powerOfTen(3 + Int(index) - 32)
    case 40...43: powerOfTen(1 + Int(index) - 32)
    default: nil
    }
  }

  /// The low-speed ranges, and from 128 on those of the high-speed mode.
  private static func picoRange(_ index: UInt16) -> Int64? {
    let low: [Int64] = [
      100, 2_000, 4_000, 8_000, 16_000, 32_000, 63_000, 125_000, 250_000, 500_000, 1_000_000, 5_000_000,
    ]
    let high: [Int64] = [100, 1_000, 6_000, 13_000, 25_000, 50_000, 100_000, 200_000, 1_000_000, 5_000_000]
    let (ranges, place) = index < 128 ? (low, Int(index)) : (high, Int(index) - 128)
    return ranges.indices.contains(place) ? ranges[place] * 1_000 : nil
  }
}
