// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What stands between the cell and the numbers on the wire. The cell always sees what is truly driven; only the
// instrument's idea of it is wrong.

/// The errors of the instrument's converters.
public enum ConverterModel: Sendable, Hashable {
  /// None; only the wire format rounds.
  case ideal
  /// Offset, gain, noise and resolution, the same for measuring and for setting (setting has no noise).
  ///
  /// Offsets are added after the gain. The voltage offset is in volts, the current offset a fraction of the current
  /// range's full scale; gains are factors near 1; noise is a standard deviation as a fraction of full scale; bits
  /// count the steps over both signs of full scale.
  case real(
    voltageOffset: Double = 0.5e-3, voltageGain: Double = 1.0005, currentOffsetFractionOfRange: Double = 1e-4,
    currentGain: Double = 1.0005, noise: Double = 5e-6, bits: Int = 18)
}

/// Converters with their noise.
struct Converters: Sendable {
  let model: ConverterModel
  private var state: UInt64

  /// Converters whose noise is a function of the seed.
  init(_ model: ConverterModel, seed: UInt64) {
    self.model = model
    state = seed
  }

  /// What is applied when `volts` are asked for.
  func appliedVoltage(_ volts: Double) -> Double {
    switch model {
    case .ideal: volts
    case .real(let offset, let gain, _, _, _, _): volts * gain + offset
    }
  }
  /// What is applied when `amperes` are asked for on a range of that full scale.
  func appliedCurrent(_ amperes: Double, fullScale: Double) -> Double {
    switch model {
    case .ideal: amperes
    case .real(_, _, let offset, let gain, _, _): amperes * gain + offset * fullScale
    }
  }
  /// What is read when `volts` are there.
  mutating func measuredVoltage(_ volts: Double, fullScale: Double) -> Double {
    switch model {
    case .ideal: volts
    case .real(let offset, let gain, _, _, let noise, let bits):
      stepped(volts * gain + offset + normal() * noise * fullScale, fullScale: fullScale, bits: bits)
    }
  }
  /// What is read when `amperes` flow.
  mutating func measuredCurrent(_ amperes: Double, fullScale: Double) -> Double {
    switch model {
    case .ideal: amperes
    case .real(_, _, let offset, let gain, let noise, let bits):
      stepped(amperes * gain + (offset + normal() * noise) * fullScale, fullScale: fullScale, bits: bits)
    }
  }

  private func stepped(_ value: Double, fullScale: Double, bits: Int) -> Double {
    let step = 2 * fullScale / Double(UInt64(1) << UInt64(min(max(bits, 1), 52)))
    return (value / step).rounded() * step
  }

  /// Nearly normal with variance 1: the sum of twelve even numbers less six, which needs no logarithm.
  private mutating func normal() -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += Double(next() >> 11) / 9_007_199_254_740_992 }
    return sum
  }

  /// SplitMix64 (Steele, Lea and Flood, 2014).
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
