// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which board an emulated instrument is, how its parts differ from what is printed on them, and what its memory keeps of that.

/// A board and its errors. What the memory says is up to whoever calibrated it, and need not be true.
public struct TDstatBoard: Sendable, Hashable {
  /// The two that have been built.
  public enum Kind: Sendable, Hashable {
    /// Three shunts, ±8 V, 25 mA.
    case tdstatv3
    /// Four shunts, ±13.4 V, 250 mA.
    case mystat
  }

  /// Which one.
  public var kind: Kind
  /// How long its converters take, in seconds: 80 ms of an MCP3550-50, 66.7 of a -60.
  public var conversionSeconds = 0.08
  /// Counts, of 2^21 at full scale, that the voltage's and the current's amplifier are off, at the input and the output alike.
  public var voltageOffset = 0
  /// The same of the current.
  public var currentOffset = 0
  /// Each shunt as a multiple of what it should be, the largest range first; 1 where none is given.
  public var shunts: [Double] = []
  /// Six bytes of `OFFSETSAVE`; ones where nothing was ever stored.
  public var storedOffsets = [UInt8](repeating: 0xFF, count: 6)
  /// Six bytes of the output's own calibration; ones where nothing was ever stored.
  public var storedOutput: [UInt8] = [0, 0, 0, 0x80, 0, 0]
  /// Two bytes for each shunt; ones where nothing was ever stored.
  public var storedShunts: [UInt8]

  /// A board without errors, whose output was calibrated and nothing else.
  public init(_ kind: Kind = .tdstatv3) {
    self.kind = kind
    storedShunts = [UInt8](repeating: 0xFF, count: kind == .mystat ? 8 : 6)
  }

  /// Stores its own errors, as somebody does who calibrates it well.
  public mutating func calibrate() {
    storedOffsets = [voltageOffset, currentOffset].flatMap { offset -> [UInt8] in
      let code = min(max(offset + (1 << 19), 0), (1 << 20) - 1)
      return [code >> 12, code >> 4, code << 4].map { UInt8(truncatingIfNeeded: $0) }
    }
    storedShunts = (0..<rangeCount).flatMap { place -> [UInt8] in
      let millionths = ((shunts.indices.contains(place) ? shunts[place] : 1) - 1) * 1e6
      let code = Int(min(max(millionths.rounded() + 32_768, 0), 65_535))
      return [code >> 8, code].map { UInt8(truncatingIfNeeded: $0) }
    }
  }

  /// Volts at the converters' full scale.
  public var fullScaleVolts: Double { kind == .mystat ? 13.4 : 8 }

  var rangeCount: Int { kind == .mystat ? 4 : 3 }

  /// Amperes at the converters' full scale in a range, counted from 1.
  public func fullScaleAmperes(range: Int) -> Double {
    var amperes = kind == .mystat ? 0.25 : 0.025
    // MYSTAT has one range more, ten times as large.
    if kind == .mystat, range > 1 { amperes /= 10 }
    for _ in 0..<max(range - (kind == .mystat ? 2 : 1), 0) { amperes /= 100 }
    return amperes / (shunts.indices.contains(range - 1) ? shunts[range - 1] : 1)
  }

  /// Multiple and offset, in shares of full scale, that the output's calibration registers make of a code: unsigned around
  /// 0x800000, and signed. From memory of the converter's data sheet; unverified.
  var outputCorrection: (gain: Double, offset: Double) {
    let offset = Int32(storedOutput[0]) << 16 | Int32(storedOutput[1]) << 8 | Int32(storedOutput[2])
    let gain = Int32(storedOutput[3]) << 16 | Int32(storedOutput[4]) << 8 | Int32(storedOutput[5])
    return (Double(gain) / 0x80_0000, Double(offset >= 0x80_0000 ? offset - 0x100_0000 : offset) / 0x80_0000)
  }
}
